# %% [markdown]
# # From nearest neighbours to convolutional networks
#
# Ten classes, 32 x 32 pixels: CIFAR-10. The folder that `ANDIRON_CIFAR10` names has the binary
# version (`data_batch_1.bin`, ...) or images in `train/<class>/` and `test/<class>/`, packed or
# not. `ANDIRON_QUICK=1` takes a tenth of it, for a few epochs.
#
# The same lessons as a program: `python -m andiron.apps.course --data FOLDER --out FOLDER`.

# %%
import os

from andiron.apps.course import data, pictures, report
from andiron.apps.course.data import NAMES
from andiron.apps.course.lessons import FULL, QUICK, Course

sizes = QUICK if os.environ.get("ANDIRON_QUICK") else FULL
course = Course(data.read(os.environ.get("ANDIRON_CIFAR10", "cifar10")), sizes)
found = {}
print(len(course.train.x), len(course.validation.x), len(course.test.x), course.data.source)

# %%
few = [course.data.x_train[course.data.y_train == c][:10].transpose(0, 2, 3, 1) for c in range(10)]
print("\n".join(NAMES))
pictures.png(pictures.sheet([image for row in few for image in row], 10))

# %% [markdown]
# ## Nearest neighbours
# No learning at all: keep the images, and give a new one the class of those that look most like it.
# "Like" is the sum of absolute differences of pixels (L1) or of their squares (L2). How many
# neighbours have a vote, and which distance: what is best on images that were held out. The test
# images are looked at once, at the end.

# %%
found["nearest"] = course.nearest()
report.images({"nearest": found["nearest"]})["k"]

# %% [markdown]
# ## Templates, and how to find them
# A score for each class is a weighted sum of all pixels; the loss says how wrong the scores are.
# First by trying: a random move, kept when the loss went down. Then by following the slope.

# %%
found["search_or_slope"] = course.search_or_slope()
report.images({"search_or_slope": found["search_or_slope"]})["search"]

# %% [markdown]
# The gradient knows in each of 30,730 directions whether it goes down; a random move finds out for
# one. Now on all images, by the softmax's loss and by the SVM's:

# %%
found["softmax"] = course.linear(hinge=False)
found["svm"] = course.linear(hinge=True)
report.images({"softmax": found["softmax"]})["templates_softmax"]

# %% [markdown]
# Each template is what the classifier looks for: the mean colours and shapes of a class. One
# template for each class is the limit of it: a horse that looks left and one that looks right share
# theirs.
#
# ## Ways to use the gradient
# Five optimizers on a network with one hidden layer, each at the best of three learning rates.

# %%
found["optimizers"] = course.optimizers()
report.images({"optimizers": found["optimizers"]})["optimizers"]

# %% [markdown]
# The learning rate matters more than the optimizer: too small and nothing happens, too large and
# the loss grows.

# %%
found["learning_rates"] = course.learning_rates()
report.images({"learning_rates": found["learning_rates"]})["rates"]

# %% [markdown]
# ## Networks
# Hidden layers bring more than one template for a class. Convolutions look for the same small
# pattern everywhere; layers of them see parts of objects. Residual networks are deeper, and each
# block adds to what came before.

# %%
found["fully connected"] = course.fully_connected()
found["VGG-small"] = course.convolutional("VGG-small")
found["ResNet-20"] = course.convolutional("ResNet-20")
report.images(found)["networks"]

# %% [markdown]
# The first filters of VGG-small: edges, and pairs of colours.

# %%
report.images({"VGG-small": found["VGG-small"]})["filters_vgg_small"]

# %% [markdown]
# ## All together

# %%
for name, value, how in report.table(found):
    print(f"{name:<34} {value:6.1%}  {how}")
