"""Exports networks for opsets 13 to 21 and holds them against onnx.checker and ONNX Runtime.

Runs in the environment of the peers; prints one line per model and opset.
"""

import sys

import numpy as np
import onnx
import onnxruntime

from andiron import Input, Model, Sequential, layers
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


def main() -> int:
    bad = 0
    for make in (dense, towers, images, channels_last):
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
            bad += error > 2e-5 or round_trip > 2e-5
    return bad


if __name__ == "__main__":
    sys.exit(main())
