"""Writes tests/python/keras_vision_goldens.json: what Keras's layers of images compute.

.venv-peers/bin/python tools/make_keras_vision_goldens.py

Each case: class, arguments (channels_last), x, weights, y in inference. Batch normalization has
its running moments and outputs after two steps of training. And the layers' signatures.
"""

import inspect
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from make_keras_goldens import numbers, plain

LAST = {"data_format": "channels_last"}
CASES = [
    ("Conv1D", (2, 9, 3), {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ("Conv1D", (2, 9, 3), {"filters": 2, "kernel_size": 3, "dilation_rate": 2,
                           "padding": "causal"}),
    ("Conv2D", (2, 7, 6, 3), {"filters": 4, "kernel_size": [3, 2], "strides": [2, 3],
                              "padding": "same", "activation": "relu"}),
    ("Conv2D", (1, 6, 6, 4), {"filters": 6, "kernel_size": 3, "groups": 2, "use_bias": False}),
    ("Conv2D", (1, 7, 7, 2), {"filters": 3, "kernel_size": 2, "dilation_rate": 2,
                              "padding": "same"}),
    ("Conv3D", (1, 4, 5, 3, 2), {"filters": 3, "kernel_size": 2, "padding": "same",
                                 "strides": 2}),
    ("Conv1DTranspose", (2, 5, 3), {"filters": 2, "kernel_size": 4, "strides": 2,
                                    "padding": "same"}),
    ("Conv2DTranspose", (1, 3, 4, 3), {"filters": 2, "kernel_size": 3, "strides": 2}),
    ("Conv2DTranspose", (1, 3, 4, 3), {"filters": 2, "kernel_size": 3, "strides": 2,
                                       "padding": "same"}),
    ("Conv2DTranspose", (1, 3, 4, 3), {"filters": 2, "kernel_size": 2, "strides": 3,
                                       "padding": "same"}),
    ("Conv2DTranspose", (1, 3, 4, 3), {"filters": 2, "kernel_size": 3, "strides": 2,
                                       "padding": "same", "output_padding": 1}),
    ("DepthwiseConv2D", (2, 6, 5, 3), {"kernel_size": 3, "depth_multiplier": 2,
                                       "padding": "same", "strides": 2}),
    ("SeparableConv2D", (2, 6, 5, 3), {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}),
    ("SeparableConv1D", (2, 6, 3), {"filters": 4, "kernel_size": 3, "padding": "same"}),
    ("MaxPooling2D", (2, 5, 6, 3), {"pool_size": 2, "padding": "same"}),
    ("MaxPooling1D", (2, 7, 3), {"pool_size": 3, "strides": 2}),
    ("AveragePooling2D", (2, 5, 6, 3), {"pool_size": [3, 2], "strides": 2, "padding": "same"}),
    ("AveragePooling3D", (1, 4, 4, 5, 2), {"pool_size": 2}),
    ("GlobalMaxPooling2D", (2, 4, 3, 3), {"keepdims": True}),
    ("GlobalAveragePooling1D", (2, 4, 3), {}),
    ("UpSampling2D", (1, 3, 4, 2), {"size": [2, 3]}),
    ("UpSampling2D", (1, 3, 4, 2), {"size": 2, "interpolation": "bilinear"}),
    ("UpSampling1D", (1, 3, 2), {"size": 2}),
    ("ZeroPadding2D", (1, 3, 4, 2), {"padding": [[1, 2], [0, 3]]}),
    ("ZeroPadding1D", (1, 3, 2), {"padding": [1, 2]}),
    ("ZeroPadding3D", (1, 2, 2, 2, 1), {"padding": 1}),
]  # fmt: skip


def case(name: str, shape: tuple, arguments: dict) -> dict:
    has_format = name not in ("UpSampling1D",)
    layer = getattr(keras.layers, name)(**arguments, **(LAST if has_format else {}))
    x = numbers(*shape)
    layer.build(shape)
    weights = [numbers(*w.shape) for w in layer.weights]
    layer.set_weights(weights)
    return {"class": name, "arguments": arguments, "x": x, "weights": weights,
            "y": layer(x).numpy()}  # fmt: skip


def batch_normalization() -> dict:
    layer = keras.layers.BatchNormalization(momentum=0.8, epsilon=0.01)
    layer.build((None, 3, 4, 2))
    weights = [numbers(2), numbers(2), numbers(2), numbers(2, low=0.5, high=2.0)]
    layer.set_weights(weights)
    x = [numbers(4, 3, 4, 2), numbers(4, 3, 4, 2)]
    inference = layer(x[0]).numpy()
    training = [layer(batch, training=True).numpy() for batch in x]
    after = layer.get_weights()
    layer.trainable = False
    frozen = layer(x[0], training=True).numpy()
    return {"x": x, "weights": weights, "inference": inference, "training": training,
            "after": after, "frozen": frozen}  # fmt: skip


NAMES = [
    *(f"{front}Conv{n}D{back}" for n in (1, 2, 3) for front, back in
      (("", ""), ("", "Transpose"), ("Depthwise", ""), ("Separable", ""))),
    *(f"{front}{what}Pooling{n}D" for n in (1, 2, 3) for what in ("Max", "Average")
      for front in ("", "Global", "Adaptive")),
    *(f"{what}{n}D" for n in (1, 2, 3) for what in ("UpSampling", "ZeroPadding", "SpatialDropout")),
    "BatchNormalization",
]  # fmt: skip


def signatures() -> dict:
    """Class -> [[argument, default]], null where there is none, for what Keras has."""
    out = {}
    for name in NAMES:
        layer = getattr(keras.layers, name, None)
        if layer is None:
            continue
        parameters = list(inspect.signature(layer.__init__).parameters.values())[1:]
        out[name] = [
            [p.name, "required" if p.default is p.empty else p.default]
            for p in parameters
            if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in ("name", "dtype")
        ]
    return out


def main() -> None:
    data = {
        "source": f"Keras {keras.__version__}",
        "layers": [case(*c) for c in CASES],
        "batch_normalization": batch_normalization(),
        "signatures": signatures(),
    }
    path = Path(__file__).parent.parent / "tests" / "python" / "keras_vision_goldens.json"
    path.write_text(json.dumps(plain(data), separators=(",", ":")) + "\n")
    print(f"{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
