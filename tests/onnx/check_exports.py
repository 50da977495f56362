"""Exports networks for opsets 13 to 21 and holds them against onnx.checker and ONNX Runtime.

Runs in the environment of the peers; prints one line per model and opset.
"""

import sys

import numpy as np
import onnx
import onnxruntime

from andiron import Input, Model, Sequential, layers, ops
from andiron import onnx as ours

RNG = np.random.default_rng(3)


def dense():
    net = Sequential(
        [
            Input((6,), name="x"),
            layers.Dense(8, activation="gelu"),
            layers.Dropout(0.3),
            layers.Dense(8, activation="leaky_relu"),
            layers.Dense(8, activation="elu"),
            layers.Dense(8, activation="softplus"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return net, [RNG.normal(size=(5, 6)).astype("float32")]


def towers():
    a, ids = Input((4,), name="a"), Input((3,), name="ids", dtype="int32")
    table = layers.Embedding(10, 4)(ids)
    h = layers.Concatenate()([layers.Dense(4, activation="tanh")(a), layers.Flatten()(table)])
    net = Model([a, ids], [layers.Dense(2)(h), layers.Dense(1, activation="sigmoid")(h)])
    return net, [
        RNG.normal(size=(5, 4)).astype("float32"),
        RNG.integers(0, 10, (5, 3)).astype("int32"),
    ]


def images():
    shape = (3, 9, 11)
    x = Input(shape, name="image")
    h = layers.Conv2D(8, 3, padding="same", strides=1, activation="relu")(x)
    h = layers.BatchNormalization()(h)
    h = layers.MaxPooling2D(2)(h)
    side = layers.Conv2D(8, 1)(h)
    h = layers.Add()([layers.DepthwiseConv2D(3, padding="same")(h), side])
    h = layers.AveragePooling2D(2, strides=1)(h)
    h = layers.GlobalAveragePooling2D()(h)
    return Model(x, layers.Dense(4)(h)), [RNG.normal(size=(2, *shape)).astype("float32")]


def channels_last():
    shape, last = (8, 6, 3), {"data_format": "channels_last"}
    x = Input(shape, name="image")
    h = layers.Conv2D(4, 3, strides=2, padding="same", **last)(x)
    h = layers.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu", **last)(h)
    h = layers.UpSampling2D(2, interpolation="bilinear", **last)(h)
    h = layers.MaxPooling2D(3, strides=2, padding="same", **last)(h)
    return Model(x, layers.Flatten()(h)), [RNG.normal(size=(2, *shape)).astype("float32")]


def rows():
    """Normalizations of rows, and activations that are compositions."""
    shape = (6, 4, 5)
    x = Input(shape, name="image")
    h = layers.GroupNormalization(3)(layers.Conv2D(6, 3, padding="same", activation="silu")(x))
    h = layers.InstanceNormalization()(layers.PReLU(shared_axes=[2, 3])(h))
    h = layers.LayerNormalization()(layers.Flatten()(h))
    h = layers.RMSNormalization()(layers.Dense(8, activation="mish")(h))
    h = layers.UnitNormalization()(layers.Dense(6, activation="hard_silu")(h))
    return Model(x, layers.Dense(4, activation="sparsemax")(h)), [
        RNG.normal(size=(2, *shape)).astype("float32")
    ]


def functions():
    x = Input((6,), name="x")
    one = [ops.tan, ops.sinh, ops.cosh, ops.asinh, ops.exp2, ops.expm1, ops.erfc, ops.trunc]
    inside = [ops.asin, ops.acos, ops.atanh]
    parts = [f(x) for f in one] + [f(x * 0.2) for f in inside]
    parts += [f(x * x + 1.5) for f in (ops.acosh, ops.log2, ops.log10)]
    parts += [
        ops.logaddexp(x, x * x),
        ops.sort(x)[0],
        ops.sum(ops.einsum("bi,bj->bij", x, x), axes=[1]),
    ]
    return Model(x, ops.concat(parts, axis=1)), [RNG.normal(size=(3, 6)).astype("float32")]


def main() -> int:
    bad = 0
    for make in (dense, towers, images, channels_last, rows, functions):
        net, arrays = make()
        wanted = net.predict(arrays if len(arrays) > 1 else arrays[0])
        wanted = wanted if isinstance(wanted, list) else [wanted]
        for opset in range(13, 22):
            data = ours.to_bytes(net, opset)
            onnx.checker.check_model(data, full_check=True)
            session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
            feed = dict(zip([i.name for i in session.get_inputs()], arrays, strict=True))
            got = session.run(None, feed)
            error = max(float(np.abs(g - w).max()) for g, w in zip(got, wanted, strict=True))
            back = ours.load(data).predict(arrays if len(arrays) > 1 else arrays[0])
            back = back if isinstance(back, list) else [back]
            round_trip = max(float(np.abs(g - w).max()) for g, w in zip(back, wanted, strict=True))
            print(f"{make.__name__} opset {opset}: {error:.1e}, round trip {round_trip:.1e}")
            most = 2e-5 * max(1.0, *(float(np.abs(w).max()) for w in wanted))
            bad += error > most or round_trip > most
    return bad


if __name__ == "__main__":
    sys.exit(main())
