"""Writes tests/python/keras_goldens.json: what Keras makes of arguments that Andiron has too.

.venv-peers/bin/python tools/make_keras_goldens.py
"""

import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

RNG = np.random.default_rng(11)


def numbers(*shape, low=-1.0, high=1.0):
    return RNG.uniform(low, high, shape).round(3).astype("float32")


def plain(x):
    """As JSON takes it."""
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(item) for item in x]
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


CONSTRAINTS = [
    ("MaxNorm", {"max_value": 0.7}),
    ("MaxNorm", {"max_value": 0.7, "axis": 1}),
    ("MaxNorm", {}),
    ("NonNeg", {}),
    ("UnitNorm", {"axis": [0, 1]}),
    ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.1, "rate": 0.6, "axis": 0}),
]


def constraints() -> dict:
    w = numbers(4, 3)
    cases = [[n, c, getattr(keras.constraints, n)(**c)(w).numpy()] for n, c in CONSTRAINTS]
    return {"w": w, "cases": cases}


def dense(optimizer: str) -> dict:
    x, y, weights = numbers(12, 4), numbers(12, 3), [numbers(4, 3), numbers(3)]
    layer = keras.layers.Dense(
        3,
        kernel_constraint=keras.constraints.MaxNorm(0.6),
        bias_constraint=keras.constraints.NonNeg(),
    )
    model = keras.Sequential([keras.Input((4,)), layer])
    model.set_weights(weights)
    model.compile(keras.optimizers.get({"class_name": optimizer, "config": RATE}), "mse")
    model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0)
    return {"x": x, "y": y, "before": weights, "after": model.get_weights()}


RATE = {"learning_rate": 0.1}


def embedding(optimizer: str) -> dict:
    # No id twice in a batch: Keras squares the parts of a row's gradient one by one.
    ids = np.concatenate([RNG.permutation(6)[:3] for _ in range(4)])[:, None]
    y, table = numbers(12, 1, 4), numbers(9, 4)
    layer = keras.layers.Embedding(
        9, 4, embeddings_constraint=keras.constraints.UnitNorm(axis=1), weights=table
    )
    model = keras.Sequential([keras.Input((1,), dtype="int32"), layer])
    model.compile(keras.optimizers.get({"class_name": optimizer, "config": RATE}), "mse")
    model.fit(ids, y, batch_size=3, epochs=3, shuffle=False, verbose=0)
    return {"ids": ids, "y": y, "before": table, "after": model.get_weights()[0]}


def steps() -> dict:
    x, y, weights = numbers(10, 2), numbers(10, 1), [numbers(2, 1), numbers(1)]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights(weights)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    # Three batches: 4, 4, 2. Epochs of two steps end within the data.
    history = model.fit(
        x, y, batch_size=4, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0,
    ).history  # fmt: skip
    first = float(model.evaluate(x, y, batch_size=4, steps=1, verbose=0))
    after = model.get_weights()
    return {"x": x, "y": y, "before": weights, "after": after, "loss": history["loss"],
            "first_batch": first}  # fmt: skip


def metrics() -> dict:
    classes = np.eye(3, dtype="float32")[RNG.integers(0, 3, 20)]
    scores = numbers(20, 3, low=0.05, high=1.0)
    scores /= scores.sum(axis=1, keepdims=True)
    yes = (scores[:, :1] > 0.3).astype("float32")
    weight = numbers(20, low=0.1, high=2.0)
    m = keras.metrics
    made = [
        ("Precision", {"class_id": 1, "thresholds": 0.4}, classes, scores),
        ("Recall", {"class_id": 2, "thresholds": 0.4}, classes, scores),
        ("BinaryCrossentropy", {"label_smoothing": 0.2}, yes, scores[:, 1:2]),
        ("BinaryCrossentropy", {"label_smoothing": 0.2, "from_logits": True}, yes, scores[:, 1:2]),
        ("CategoricalCrossentropy", {"label_smoothing": 0.3}, classes, scores),
        ("CategoricalCrossentropy", {"label_smoothing": 0.3, "from_logits": True}, classes, scores),
    ]
    cases = []
    for name, config, y, p in made:
        plain, weighted = getattr(m, name)(**config), getattr(m, name)(**config)
        plain.update_state(y, p)
        weighted.update_state(y, p, sample_weight=weight)
        cases.append([name, config, y, p, float(plain.result()), float(weighted.result())])
    return {"weight": weight, "cases": cases}


def main() -> None:
    x = numbers(2, 3, 2, 2)
    flat = keras.layers.Flatten(data_format="channels_first")(x).numpy()
    found = {
        "keras": keras.__version__,
        "constraints": constraints(),
        "dense": {name: dense(name) for name in ("SGD", "Adam")},
        "embedding": {name: embedding(name) for name in ("SGD", "Adam", "Ftrl")},
        "steps": steps(),
        "metrics": metrics(),
        "flatten": {"x": x, "y": flat},
    }
    path = Path(__file__).parents[1] / "tests/python/keras_goldens.json"
    path.write_text(json.dumps(plain(found)) + "\n")


if __name__ == "__main__":
    main()
