"""The lessons, one after the other. Each returns plain values for the report and the notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import andiron
from andiron import optimizers
from andiron.apps.course import neighbours, networks
from andiron.apps.course.data import Cifar10, Split, normalised, subset
from andiron.apps.course.training import TOO_LARGE, Trained, accuracy, cosine, momentum, train


class Sizes(NamedTuple):
    """How much of the data, and for how long."""

    train: int
    validation: int
    test: int
    rows: int
    """Training images that neighbours are looked for among."""
    queries: int
    """Images whose neighbours are looked for, of validation and of test."""
    linear_epochs: int
    dense_epochs: int
    optimizer_epochs: int
    vgg_epochs: int
    resnet_epochs: int
    search_steps: int


FULL = Sizes(50_000, 2_500, 10_000, 20_000, 500, 5, 8, 3, 10, 10, 1_000)
QUICK = Sizes(2_500, 500, 1_000, 2_000, 200, 3, 3, 2, 2, 1, 200)


class Course:
    """The data, prepared; and the lessons.

    Args:
        data: CIFAR-10.
        sizes: FULL or QUICK.
        seed: of everything.
        say: is given a line for each step.
    """

    def __init__(
        self, data: Cifar10, sizes: Sizes = FULL, seed: int = 0, say: Callable[[str], Any] = print
    ):
        train_images = min(sizes.train, len(data.x_train))
        if train_images < len(data.x_train) or sizes.test < len(data.x_test):
            data = subset(data, train_images, min(sizes.test, len(data.x_test)), seed)
        else:
            # Files of images come class by class, and some lessons look at the first images alone.
            rng = np.random.default_rng(seed)
            a, b = rng.permutation(len(data.x_train)), rng.permutation(len(data.x_test))
            data = Cifar10(
                data.x_train[a], data.y_train[a], data.x_test[b], data.y_test[b], data.source
            )
        self.data, self.sizes, self.seed, self.say = data, sizes, seed, say
        self.train, self.validation, self.test = normalised(data, sizes.validation)

    def _start(self) -> None:
        andiron.set_random_seed(self.seed)

    def nearest(self) -> dict:
        """k-NN on raw pixels: the distance and k by validation, then once on the test images.

        Returns:
            {"validation": {"L1": {k: accuracy}, "L2": ...}, "distance", "k", "test",
            "test nearest"}
        """
        n, q = len(self.train.x), self.sizes.queries

        def flat(x: np.ndarray, stop: int) -> np.ndarray:
            return np.ascontiguousarray(x[:stop].reshape(len(x[:stop]), -1), np.float32)

        rows = flat(self.data.x_train[:n], self.sizes.rows)
        labels = self.train.y[: len(rows)]
        held, test = flat(self.data.x_train[n:], q), flat(self.data.x_test, q)
        found = {
            name: neighbours.accuracies(name, rows, labels, held, self.validation.y[:q])
            for name in neighbours.DISTANCES
        }
        accuracy_, name, k = max((a, m, k) for m, by_k in found.items() for k, a in by_k.items())
        self.say(f"k-NN: {name}, k={k} has {accuracy_:.1%} on the validation images")
        ks = tuple(sorted({1, k}))
        at = neighbours.accuracies(name, rows, labels, test, self.test.y[:q], ks)
        return {"validation": found, "distance": name, "k": k, "test": at[k], "test nearest": at[1]}

    def linear(self, hinge: bool) -> dict:
        """Ten templates by the softmax's loss or the SVM's: rate and L2 by validation.

        Returns:
            {"test", "rate", "l2", "tried": [(rate, l2, validation accuracy)], "templates":
            float32 [10, 3, 32, 32], "model"}
        """
        tried, best = [], None
        for rate in (0.0003, 0.001, 0.003):
            for l2 in (0.0, 0.003, 0.03):
                self._start()
                run = self._run(
                    networks.linear(l2),
                    optimizers.SGD(
                        cosine(rate, len(self.train.x), self.sizes.linear_epochs), momentum=0.9
                    ),
                    self.sizes.linear_epochs,
                    hinge=hinge,
                )
                tried.append((rate, l2, run.validation[-1]))
                if best is None or run.validation[-1] > best[1].validation[-1]:
                    best = (tried[-1], run)
        (rate, l2, at), run = best
        self.say(f"{'SVM' if hinge else 'softmax'}: rate {rate}, L2 {l2}: {at:.1%} on validation")
        kernel = run.model.get_layer("templates").get_weights()[0]
        return {
            "test": accuracy(run.model, self.test),
            "rate": rate,
            "l2": l2,
            "tried": tried,
            "templates": kernel.T.reshape(10, *networks.SHAPE),
            "model": run.model,
        }

    def search_or_slope(self) -> dict[str, dict]:
        """The same templates by random moves that are kept when they are good, and by the slope:
        accuracy on the test images, and the loss of steps on a fixed batch.

        Returns:
            {name: {"test", "loss": [of each step]}}
        """
        batch = Split(self.train.x[:500], self.train.y[:500])
        out = {}
        for name, optimizer in (
            ("random search", optimizers.RandomSearch(0.0005, seed=self.seed)),
            ("following the slope", optimizers.SGD(0.002)),
        ):
            self._start()
            run = train_on(batch, networks.linear(), optimizer, self.sizes.search_steps)
            out[name] = {"test": accuracy(run[0], self.test), "loss": run[1]}
            self.say(f"{name}: loss {run[1][0]:.2f} -> {run[1][-1]:.2f}, "
                     f"{out[name]['test']:.1%} on test")  # fmt: skip
        return out

    def _run(self, model: Any, optimizer: Any, epochs: int, **more: Any) -> Trained:
        return train(model, optimizer, self.train, self.validation, epochs, self.seed, **more)

    def fully_connected(self) -> dict:
        """Two hidden layers. Returns {"test", "loss", "validation", "seconds", "model"}."""
        self._start()
        epochs = self.sizes.dense_epochs
        rate = cosine(0.001, len(self.train.x), epochs)
        run = self._run(networks.fully_connected(), optimizers.Adam(rate), epochs, flip=True)
        return self._judged("fully connected", run)

    def convolutional(self, name: str) -> dict:
        """ "VGG-small" or "ResNet-20", by SGD with momentum and a cosine; images are turned."""
        self._start()
        epochs = {"VGG-small": self.sizes.vgg_epochs, "ResNet-20": self.sizes.resnet_epochs}[name]
        optimizer = momentum()(len(self.train.x), epochs)
        return self._judged(
            name, self._run(networks.NETWORKS[name](), optimizer, epochs, flip=True)
        )

    def _judged(self, name: str, run: Trained) -> dict:
        test = accuracy(run.model, self.test)
        self.say(f"{name}: {test:.1%} on test, {run.seconds:.0f} s of training")
        return {
            "test": test,
            "loss": run.loss,
            "validation": run.validation,
            "seconds": run.seconds,
            "model": run.model,
        }

    def optimizers(self) -> dict[str, dict]:
        """Five ways to use the gradient, on the fully connected network: for each the best of three
        rates by validation.

        Returns:
            {name: {"rate", "loss", "validation", "tried": [(rate, validation accuracy)]}}
        """
        kinds = {
            "SGD": (lambda r: optimizers.SGD(r), (0.01, 0.03, 0.1)),
            "momentum": (lambda r: optimizers.SGD(r, momentum=0.9), (0.003, 0.01, 0.03)),
            "Adagrad": (lambda r: optimizers.Adagrad(r), (0.003, 0.01, 0.03)),
            "RMSProp": (lambda r: optimizers.RMSprop(r), (0.0001, 0.0003, 0.001)),
            "Adam": (lambda r: optimizers.Adam(r), (0.0001, 0.0003, 0.001)),
        }
        out = {}
        for name, (make, rates) in kinds.items():
            tried, best = [], None
            for rate in rates:
                self._start()
                run = self._run(
                    networks.fully_connected(256), make(rate), self.sizes.optimizer_epochs
                )
                tried.append((rate, run.validation[-1]))
                if best is None or run.validation[-1] > best[1].validation[-1]:
                    best = (rate, run)
            rate, run = best
            out[name] = {"rate": rate, "loss": run.loss, "validation": run.validation,
                         "tried": tried}  # fmt: skip
            self.say(f"{name}: rate {rate}: loss {run.loss[-1]:.2f}, "
                     f"{run.validation[-1]:.1%} on validation")  # fmt: skip
        return out

    def learning_rates(self) -> dict[float, list[float]]:
        """The loss by epoch at rates from too small to too large, SGD with momentum."""
        out = {}
        for rate in (0.0001, 0.001, 0.01, 0.1, 1.0):
            self._start()
            run = self._run(
                networks.fully_connected(256),
                optimizers.SGD(rate, momentum=0.9),
                self.sizes.optimizer_epochs,
                stop=lambda loss: not np.isfinite(loss) or loss > TOO_LARGE,
            )
            out[rate] = run.loss
        return out


def train_on(batch: Split, model: Any, optimizer: Any, steps: int) -> tuple[Any, list[float]]:
    """The loss at each of many steps on one batch."""
    from andiron import losses

    model.compile(optimizer, losses.SparseCategoricalCrossentropy(from_logits=True))
    curve = [float(model.train_on_batch(batch.x, batch.y)) for _ in range(steps)]
    return model, curve
