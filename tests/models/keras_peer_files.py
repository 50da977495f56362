"""Run by keras_peers_test.py with the peers' Python: models of Keras with random weights, their
files in all formats, inputs and outputs.

    python keras_peer_files.py NAME FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
from keras import layers

# network -> (input's size, the application's module)
APPLICATIONS = {
    "VGG16": (64, "vgg16"),
    "VGG19": (32, "vgg19"),
    "ResNet50": (96, "resnet50"),
    "MobileNetV2": (96, "mobilenet_v2"),
}


def randomise(model: keras.Model, rng: np.random.Generator) -> None:
    """Weights that keep the signal's size, and statistics that are not 0 and 1."""
    for w in model.weights:
        name, shape = w.name.split("/")[-1].split(":")[0], w.shape
        if "kernel" in name or name == "embeddings":
            fan = int(np.prod(shape[:-1])) if "depthwise" not in w.path else int(np.prod(shape[:2]))
            w.assign(rng.normal(0, np.sqrt(2 / max(fan, 1)), shape))
        elif name == "gamma":
            w.assign(rng.uniform(0.5, 1.0, shape))
        elif "variance" in name:
            w.assign(rng.uniform(0.5, 1.5, shape))
        elif name in ("beta", "bias", "moving_mean", "mean"):
            w.assign(rng.normal(0, 0.1, shape))


def own_sequential() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((12, 10, 3)),
            layers.Conv2D(8, 3, padding="same", strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.SeparableConv2D(6, 3, depth_multiplier=2),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            layers.Conv2DTranspose(5, 2, strides=2),
            layers.Conv2D(4, 3, groups=1, dilation_rate=2, padding="same"),
            layers.MaxPooling2D(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(7, activation="tanh"),
            layers.Dense(4, activation="softmax"),
        ]
    )


def own_branches() -> keras.Model:
    """A network whose order in Keras is not that of its making; a model within it."""
    x = layers.Input((8, 8, 4), name="maps")
    inner = keras.Sequential(
        [layers.Input((8, 8, 6)), layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization()]
    )
    a = layers.Conv2D(6, 1)(x)
    a = layers.ReLU(6.0)(layers.BatchNormalization()(a))
    a = layers.Conv2D(6, 3, padding="same")(a)
    b = layers.Conv2D(6, 1, use_bias=False)(x)
    y = layers.Add()([b, inner(a)])
    y = layers.Concatenate()([y, a])
    y = layers.ZeroPadding2D(((1, 0), (0, 1)))(y)
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(12, 3)(y))
    return keras.Model(x, layers.Dense(3)(y))


def own_words() -> keras.Model:
    x = layers.Input((6,), dtype="int32")
    y = layers.Conv1D(8, 3, padding="causal")(layers.Embedding(50, 5)(x))
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling1D()(y)))


def own_table() -> keras.Model:
    """Dense layers with penalties and constraints, merged; a model that is used twice."""
    x = layers.Input((6,), name="row")
    twice = keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(8, "gelu", kernel_regularizer="l2", bias_regularizer="l1"),
            layers.BatchNormalization(gamma_regularizer=keras.regularizers.L2(0.1)),
        ]
    )
    a = layers.Dense(
        8, "relu", kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02),
        kernel_constraint=keras.constraints.MaxNorm(3.0, axis=0), name="first",
    )(x)  # fmt: skip
    b = layers.Dropout(0.4)(twice(a))
    c = layers.Multiply()([a, twice(b)])
    d = layers.Dot(axes=1)([layers.Add()([a, b, c]), c])
    y = layers.Concatenate()([b, c, d])
    y = layers.Dense(3, "softmax", activity_regularizer="l2", bias_constraint="non_neg")(y)
    return keras.Model(x, y)


def own_ids() -> keras.Model:
    x = layers.Input((4,), dtype="int32")
    y = layers.Embedding(50, 3, embeddings_regularizer="l2")(x)
    y = layers.Reshape((12,))(y)
    return keras.Model(x, layers.Dense(1, "sigmoid", use_bias=False)(layers.Flatten()(y)))


OWN = {
    "sequential": own_sequential,
    "branches": own_branches,
    "words": own_words,
    "table": own_table,
    "ids": own_ids,
}


def write(name: str, folder: Path) -> None:
    rng = np.random.default_rng(0)
    if name in APPLICATIONS:
        size, module = APPLICATIONS[name]
        model = getattr(keras.applications, name)(
            weights=None, input_shape=(size, size, 3), classifier_activation=None
        )
        randomise(model, rng)
        x = rng.integers(0, 256, (2, size, size, 3)).astype("float32")
        prepared = getattr(keras.applications, module).preprocess_input(x.copy())
        body = keras.Model(model.input, model.layers[-2].output)
        if name.startswith("VGG"):
            body = keras.Model(model.input, model.get_layer("block5_pool").output)
        more = {"prepared": prepared, "features": np.asarray(body(prepared))}
    else:
        model = OWN[name]()
        randomise(model, rng)
        shape = (3, *model.input_shape[1:])
        words = name in ("words", "ids")
        x = rng.integers(0, 50, shape).astype("int32") if words else rng.normal(size=shape)
        x = x if words else x.astype("float32")
        prepared, more = x, {}
    y = np.asarray(model(prepared))
    more["penalty"] = np.float32(sum(map(float, model.losses)))
    model.save_weights(folder / "m.weights.h5")
    model.save(folder / "m.keras")
    model.save(folder / "whole.h5")
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(folder / "weights.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    np.savez(folder / "outputs.npz", x=x, y=y, **more)


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
