"""Files of every kind as this version writes them, for later versions to load.

    PYTHONPATH=python .venv/bin/python tools/make_fixtures.py

Writes tests/fixtures/VERSION/ with expected.json: inputs and what the things that are saved there
make of them. Run it once for a release; folders of older releases stay as they are.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import andiron
from andiron import Input, Model, Sequential, data, layers, losses, ops, optimizers
from andiron.linear import LinearClassifier

ROOT = Path(__file__).resolve().parents[1] / "tests" / "fixtures"
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(24, 4)).astype("f")
Y = (X @ np.float32([[1.0], [-2.0], [0.5], [0.0]])).astype("f")
IDS = RANDOM.integers(0, 9, (24, 3)).astype("i")


def sequential(folder: Path) -> dict:
    """Dense, batch normalization, dropout; trained with Adam, which a loaded one goes on with."""
    net = Sequential(
        [
            Input((4,)),
            layers.Dense(6, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.BatchNormalization(),
            layers.Dropout(0.25),
            layers.Dense(1),
        ]
    )
    rate = optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    net.compile(optimizers.Adam(rate, clipnorm=1.0), "mse", metrics=["mae"])
    net.fit(X, Y, batch_size=8, epochs=2, verbose=0, seed=1)
    net.save(folder / "sequential.safetensors")
    before = net.predict(X[:4], verbose=0)
    steps = [net.train_on_batch(X[:8], Y[:8])[0] for _ in range(2)]
    return {"x": X[:4], "y": before, "train": {"x": X[:8], "y": Y[:8], "losses": steps}}


class Gate(layers.Layer):
    """A layer of one's own, which files keep as what it does."""

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

    def call(self, x):
        return x * ops.sigmoid(x * self.scale)


def functional(folder: Path) -> dict:
    """Embeddings, merging, two outputs, a layer and a loss of one's own."""
    ids, numbers = Input((3,), dtype="int32", name="ids"), Input((4,), name="numbers")
    words = layers.Flatten()(layers.Embedding(9, 2, name="words")(ids))
    both = Gate(name="gate")(layers.Concatenate()([words, numbers]))
    chance = layers.Dense(1, "sigmoid", name="chance")(both)
    amount = layers.Dense(2, name="amount")(both)
    net = Model({"ids": ids, "numbers": numbers}, {"chance": chance, "amount": amount})

    def quartic(y_true, y_pred):
        return ops.mean(ops.square(ops.square(y_true - y_pred)), axes=(-1,))

    net.compile("adagrad", {"chance": "binary_crossentropy", "amount": quartic})
    labels = {"chance": (Y > 0).astype("f"), "amount": X[:, :2]}
    net.fit({"ids": IDS, "numbers": X}, labels, epochs=1, verbose=0, seed=1)
    net.save(folder / "functional.safetensors")
    found = net.predict({"ids": IDS[:4], "numbers": X[:4]}, verbose=0)
    return {"x": {"ids": IDS[:4], "numbers": X[:4]}, "y": found}


def convolution(folder: Path) -> dict:
    """A network of images, as it is and in 8 bits."""
    x = Input((2, 8, 8))
    y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.MaxPooling2D()(layers.Add()([y, layers.Conv2D(8, 1)(x)]))
    net = Model(x, layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(y)))
    photos = np.random.default_rng(1).normal(size=(16, 2, 8, 8)).astype("f")
    net.save(folder / "convolution.safetensors")
    small = net.quantized(photos, verbose=0)
    small.save(folder / "quantized.safetensors")
    found = {"x": photos[:2], "y": net.predict(photos[:2], verbose=0)}
    return {**found, "quantized": small.predict(photos[:2])}


def weights(folder: Path) -> dict:
    net = Sequential([Input((4,)), layers.Dense(2)])
    net.save_weights(folder / "weights.safetensors")
    return {"x": X[:4], "y": net.predict(X[:4], verbose=0)}


def dropped_out() -> Sequential:
    return Sequential(
        [
            Input((4,)),
            layers.Dense(3, "tanh"),
            layers.Dropout(0.5, seed=7),
            layers.Dense(1),
        ]
    )


def checkpoints(folder: Path) -> dict:
    """Of a training that was stopped after its second epoch, and what it comes to in the third."""
    net = Sequential(
        [Input((4,)), layers.Dense(3, "tanh"), layers.Dropout(0.5, seed=7), layers.Dense(1)]
    )
    net.set_weights([RANDOM.normal(size=v.shape).astype("f") for v in net.variables])
    start = [w.tolist() for w in net.get_weights()]
    net.compile(optimizers.Adam(0.02), losses.MeanSquaredError())
    run = {"batch_size": 8, "verbose": 0, "seed": 3}
    net.fit(X, Y, epochs=2, checkpoint_dir=folder / "checkpoints", **run)
    for path in sorted((folder / "checkpoints").iterdir())[:-1]:
        path.unlink()
    again = Sequential(
        [Input((4,)), layers.Dense(3, "tanh"), layers.Dropout(0.5, seed=7), layers.Dense(1)]
    )
    again.set_weights([np.float32(w) for w in start])
    again.compile(optimizers.Adam(0.02), losses.MeanSquaredError())
    losses_ = again.fit(X, Y, epochs=3, **run).history["loss"]
    return {"x": X, "y": Y, "losses": losses_}


def linear(folder: Path) -> dict:
    classes = np.array(["low", "high"])[(Y[:, 0] > 0).astype(int)]
    made = LinearClassifier(C=3.0, class_weight={"low": 2.0}).fit(X, classes)
    made.save(folder / "linear.safetensors")
    return {"x": X[:4], "y": made.predict_proba(X[:4]), "classes": made.classes_}


def vocabulary(folder: Path) -> dict:
    data.Vocabulary(["tea", "rum"]).save(folder / "vocabulary.json")
    return {"ids": data.Vocabulary(["tea", "rum"]).ids(["rum", "gin", "tea"])}


def recommender(folder: Path) -> dict:
    from andiron.apps.recommend.data import Interactions
    from andiron.apps.recommend.models import NeuralCF

    rows = [(f"u{u}", f"i{(u + t) % 7}", t) for u in range(6) for t in range(4)]
    met = Interactions.from_pandas(
        pd.DataFrame(rows, columns=["user", "item", "time"]), time="time"
    )
    made = NeuralCF(gmf=4, mlp_user=4, mlp_item=4, hidden=(4,), epochs=1, batch_size=8)
    made.fit(met, verbose=0).save(folder / "recommender")
    found = made.recommend("u1", k=3)
    return {"items": [item for item, _ in found], "scores": [score for _, score in found]}


def main() -> None:
    folder = ROOT / ".".join(andiron.__version__.split(".")[:2])
    if folder.exists() and "--again" not in sys.argv:
        raise SystemExit(f"{folder} is there; --again makes it anew")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    andiron.set_random_seed(0)
    expected = {"andiron": andiron.__version__}
    kinds = (sequential, functional, convolution, weights, checkpoints, linear, vocabulary,
             recommender)  # fmt: skip
    for make in kinds:
        expected[make.__name__] = make(folder)
    text = json.dumps(expected, default=lambda a: np.asarray(a).tolist())
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    print(f"{folder}: {size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
