"""Photos into classes by features of pretrained networks (docs/style.md).

classifier = ImageClassifier().fit("photos")     # one folder for each class
print(classifier.cross_validation_)
classifier.save("model")
"""

from andiron.apps.images.classifier import ImageClassifier, Prediction
from andiron.apps.images.evaluation import Evaluation
from andiron.apps.images.photos import Photos

__all__ = ["Evaluation", "ImageClassifier", "Photos", "Prediction"]
