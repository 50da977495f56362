"""Writes tests/python/keras_row_goldens.json: what Keras's activations, and its layers that work on
each row by itself, compute.

.venv-peers/bin/python tools/make_keras_row_goldens.py

Without sparsemax, whose results do not add up to 1 there.

Each layer: class, arguments, x, weights, y and the gradients of sum(y * (1 + i mod 3)) by x and the
weights. Each activation: x and y by name. And the layers' signatures.
"""

import inspect
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from make_keras_goldens import numbers, plain

CASES = [
    ("LayerNormalization", (3, 5), {}),
    ("LayerNormalization", (2, 3, 4), {"axis": [1, 2], "epsilon": 1e-5}),
    ("LayerNormalization", (2, 3, 4), {"axis": 1, "center": False}),
    ("LayerNormalization", (2, 3, 4), {"scale": False}),
    ("GroupNormalization", (2, 6), {"groups": 3, "axis": 1}),
    ("GroupNormalization", (2, 3, 4, 6), {"groups": 2, "axis": -1}),
    ("GroupNormalization", (2, 6, 3), {"groups": 3, "axis": 1, "epsilon": 1e-5}),
    ("GroupNormalization", (2, 3, 4), {"groups": -1, "axis": -1, "center": False}),
    ("GroupNormalization", (2, 3, 4, 2), {"groups": 2, "axis": 2}),
    ("RMSNormalization", (3, 5), {}),
    ("RMSNormalization", (2, 3, 4), {"axis": [1, 2], "epsilon": 1e-3}),
    ("UnitNormalization", (3, 5), {}),
    ("UnitNormalization", (2, 3, 4), {"axis": [1, 2]}),
    ("PReLU", (3, 5), {}),
    ("PReLU", (2, 3, 4), {"shared_axes": [1]}),
    ("LeakyReLU", (3, 5), {}),
    ("LeakyReLU", (3, 5), {"negative_slope": 0.1}),
    ("ELU", (3, 5), {"alpha": 0.7}),
]
ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu",
    "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip
NAMES = ["LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization",
         "PReLU", "LeakyReLU", "ELU"]  # fmt: skip


def case(name: str, shape: tuple, arguments: dict) -> dict:
    layer = getattr(keras.layers, name)(**arguments)
    x = np.asarray(numbers(*shape), "float32")
    layer.build(shape)
    weights = [numbers(*w.shape) for w in layer.weights]
    layer.set_weights(weights)
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        y = layer(given)
        factors = 1.0 + np.arange(y.numpy().size).reshape(y.shape) % 3
        loss = tf.reduce_sum(y * factors.astype("float32"))
    gradients = tape.gradient(loss, [given, *[w.value for w in layer.weights]])
    return {"class": name, "arguments": arguments, "x": x, "weights": weights, "y": y.numpy(),
            "gradients": [g.numpy() for g in gradients]}  # fmt: skip


def signatures() -> dict:
    """Class -> [[argument, default]]."""
    out = {}
    for name in NAMES:
        parameters = list(
            inspect.signature(getattr(keras.layers, name).__init__).parameters.values()
        )
        out[name] = [
            [p.name, "required" if p.default is p.empty else p.default]
            for p in parameters[1:]
            if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in ("name", "dtype")
        ]
    return out


def short(x):
    """Floats with as many digits as float32 has."""
    if isinstance(x, dict):
        return {key: short(value) for key, value in x.items()}
    if isinstance(x, list):
        return [short(item) for item in x]
    return float(f"{x:.8g}") if isinstance(x, float) else x


def main() -> None:
    x = np.round(np.linspace(-4, 4, 36).reshape(2, 18), 3).astype("float32")
    data = {
        "source": f"Keras {keras.__version__}",
        "layers": [case(*c) for c in CASES],
        "x": x,
        "activations": {name: keras.activations.get(name)(tf.constant(x)).numpy()
                        for name in ACTIVATIONS},
        "signatures": signatures(),
    }  # fmt: skip
    path = Path(__file__).parent.parent / "tests" / "python" / "keras_row_goldens.json"
    path.write_text(json.dumps(short(plain(data)), separators=(",", ":")) + "\n")
    print(f"{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
