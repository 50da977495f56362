"""Writes tests/python/keras_layer_goldens.json: what Keras's layers make of the same settings.

.venv-peers/bin/python tools/make_keras_layer_goldens.py
"""

import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

RNG = np.random.default_rng(5)
LAST = {"data_format": "channels_last"}


def numbers(*shape, low=-1.0, high=1.0):
    return RNG.uniform(low, high, shape).round(3).astype("float32")


def plain(x):
    """As JSON takes it."""
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(item) for item in x]
    if isinstance(x, (np.ndarray, np.generic)):
        return plain(x.tolist())
    return x.decode() if isinstance(x, bytes) else x


def layer_of(name, config):
    if name == "Cropping1D":  # has no such argument: it is channels_last
        config = {key: value for key, value in config.items() if key != "data_format"}
    return getattr(keras.layers, name)(**config)


def fixed():
    """(class, settings, inputs) of layers without weights and draws."""
    a, b, c = numbers(3, 4), numbers(3, 4), numbers(3, 4)
    wide = numbers(3, 2, 4)
    image, volume = numbers(2, 5, 6, 3), numbers(2, 5, 4, 6, 2)
    photos = RNG.integers(0, 256, (2, 5, 7, 3)).astype("float32")
    steps = numbers(2, 4, 3)
    steps[0, 1] = 0
    steps[1, 2:] = 0
    return [
        ("Average", {}, [a, b, c]),
        ("Maximum", {}, [a, b, c]),
        ("Minimum", {}, [a, b, c]),
        ("Subtract", {}, [a, b]),
        ("Average", {}, [a, wide[:, :1]]),
        ("RepeatVector", {"n": 3}, [a]),
        ("Cropping1D", {"cropping": 1, **LAST}, [steps]),
        ("Cropping1D", {"cropping": [0, 2], **LAST}, [steps]),
        ("Cropping2D", {"cropping": 1, **LAST}, [image]),
        ("Cropping2D", {"cropping": [1, 2], **LAST}, [image]),
        ("Cropping2D", {"cropping": [[0, 1], [2, 0]], **LAST}, [image]),
        ("Cropping3D", {"cropping": 1, **LAST}, [volume]),
        ("Cropping3D", {"cropping": [[0, 1], [1, 0], [2, 1]], **LAST}, [volume]),
        ("Identity", {}, [a]),
        ("Masking", {}, [steps]),
        ("Masking", {"mask_value": 1.0}, [np.where(steps == 0, 1.0, steps).astype("float32")]),
        ("Rescaling", {"scale": 2.5, "offset": -1.0}, [image]),
        ("Rescaling", {"scale": [1.0, 2.0, 4.0], "offset": [0.5, 0.0, -1.0]}, [image]),
        ("Resizing", {"height": 3, "width": 4, **LAST}, [photos]),
        ("Resizing", {"height": 8, "width": 9, "interpolation": "nearest", **LAST}, [photos]),
        ("Resizing", {"height": 3, "width": 5, "interpolation": "nearest", **LAST}, [photos]),
        ("Resizing", {"height": 3, "width": 4, "antialias": True, **LAST}, [photos]),
        ("Resizing", {"height": 4, "width": 4, "crop_to_aspect_ratio": True, **LAST}, [photos]),
        ("Resizing", {"height": 6, "width": 6, "pad_to_aspect_ratio": True, "fill_value": 7.0,
                      **LAST}, [photos]),
        ("AlphaDropout", {"rate": 0.3}, [a]),
        ("GaussianDropout", {"rate": 0.3}, [a]),
        ("GaussianNoise", {"stddev": 0.3}, [a]),
        ("ActivityRegularization", {"l1": 0.1}, [a]),
    ]  # fmt: skip


WORDS = [["a", "b"], ["c", "q"], ["", "b"], ["müller", "Zürich"]]
LONG = [
    ["x" * n] for n in (0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 500)
]
MIXED = [["The quick brown fox jumps over the lazy dog " * k + str(k)] for k in range(1, 12)]
INTS = [[1, -2], [3, 10**12], [0, 7], [2**62, -(2**62)]]
VOCABULARY = ["b", "a", "müller", "c"]
NUMBERS = [7, -2, 10, 3]


def categories():
    """(class, settings, inputs) of layers of categories that need no adapt."""
    cases = []
    for mode in ("int", "one_hot", "multi_hot", "count"):
        cases += [
            ("Hashing", {"num_bins": 5, "output_mode": mode}, [WORDS]),
            ("Hashing", {"num_bins": 6, "mask_value": "", "output_mode": mode}, [WORDS]),
            ("Hashing", {"num_bins": 5, "output_mode": mode}, [INTS]),
            ("StringLookup", {"vocabulary": VOCABULARY, "output_mode": mode}, [WORDS]),
            ("StringLookup", {"vocabulary": VOCABULARY, "mask_token": "", "num_oov_indices": 3,
                              "output_mode": mode}, [WORDS]),
            ("IntegerLookup", {"vocabulary": NUMBERS, "output_mode": mode}, [INTS]),
            ("IntegerLookup", {"vocabulary": NUMBERS, "mask_token": 0, "num_oov_indices": 3,
                               "output_mode": mode}, [INTS]),
            ("Discretization", {"bin_boundaries": [-0.5, 0.0, 0.25], "output_mode": mode},
             [numbers(4, 3)]),
        ]  # fmt: skip
    cases += [
        ("Hashing", {"num_bins": 1000003}, [LONG]),
        ("Hashing", {"num_bins": 2**40}, [MIXED]),
        ("Hashing", {"num_bins": 1000003}, [INTS]),
        ("Hashing", {"num_bins": 1000003, "salt": 133}, [INTS]),
        ("Hashing", {"num_bins": 1000003, "salt": [133, 137]}, [INTS]),
        ("Hashing", {"num_bins": 4, "mask_value": 7}, [INTS]),
        ("Hashing", {"num_bins": 3, "output_mode": "one_hot"}, [[["a"], ["b"]]]),
        ("HashedCrossing", {"num_bins": 1000003}, [["A", "B", "A"], [101, -5, 102]]),
        ("HashedCrossing", {"num_bins": 7}, [[["A"], ["B"]], [["x"], ["y"]], [[1], [2]]]),
        ("HashedCrossing", {"num_bins": 5, "output_mode": "one_hot"}, [["A", "B"], [1, 2]]),
        ("StringLookup", {"vocabulary": ["[UNK]", "x", "y"]}, [[["y", "z"]]]),
        ("StringLookup", {"vocabulary": VOCABULARY, "max_tokens": 9, "output_mode": "multi_hot",
                          "pad_to_max_tokens": True}, [WORDS]),
        ("StringLookup", {"vocabulary": VOCABULARY, "idf_weights": [0.5, 1.0, 2.0, 0.25],
                          "output_mode": "tf_idf"}, [WORDS]),
        ("StringLookup", {"vocabulary": VOCABULARY, "idf_weights": [0.5, 1.0, 2.0, 0.25],
                          "output_mode": "tf_idf", "max_tokens": 8, "pad_to_max_tokens": True},
         [WORDS]),
        ("StringLookup", {"vocabulary": VOCABULARY, "invert": True}, [[[0, 1], [4, 9]]]),
        ("StringLookup", {"vocabulary": VOCABULARY, "invert": True, "mask_token": ""},
         [[[0, 1], [4, 9]]]),
        ("IntegerLookup", {"vocabulary": NUMBERS, "invert": True}, [[[0, 1], [4, 9]]]),
        ("IntegerLookup", {"vocabulary": NUMBERS, "num_oov_indices": 4, "oov_method": "farmhash"},
         [INTS]),
        ("IntegerLookup", {"vocabulary": NUMBERS, "num_oov_indices": 4, "oov_method": "farmhash",
                           "salt": [5, 6]}, [INTS]),
        ("CategoryEncoding", {"num_tokens": 4}, [[[0, 1], [3, 3]]]),
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, [[[0, 1], [3, 3]]]),
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[[0, 1], [3, 3]]]),
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[2, 0, 3]]),
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[[2], [0]]]),
    ]  # fmt: skip
    return cases


def run(name, config, inputs):
    layer = layer_of(name, config)
    given = [np.array(x) if not isinstance(x, np.ndarray) else x for x in inputs]
    out = layer(given[0] if len(given) == 1 else given)
    return [name, config, inputs, np.asarray(out)]


def adapted():
    """[class, settings, pieces or data, inputs, output, what adapt found]."""
    words = RNG.choice(["red", "green", "blue", "cyan", "müller", "[UNK]", ""], (40, 3))
    ints = RNG.integers(-5, 6, (40, 2))
    floats = numbers(300, 2, low=-3, high=5)
    normal = RNG.normal(size=(1000, 1)).round(3).astype("float32")
    made = []
    for config in ({}, {"mask_token": "", "max_tokens": 5}, {"output_mode": "tf_idf"},
                   {"num_oov_indices": 0}):  # fmt: skip
        made.append(("StringLookup", config, words, [["red", "blue"], ["cyan", "green"]]))
    for config in ({}, {"mask_token": 0, "max_tokens": 6}, {"output_mode": "tf_idf"}):
        made.append(("IntegerLookup", config, ints, [[1, 2], [-5, 99]]))
    for bins, data in ((4, floats), (10, normal), (3, normal[:5]), (256, floats)):
        made.append(("Discretization", {"num_bins": bins}, data, [[-1.0, 0.1, 2.5]]))
    made.append(("Discretization", {"num_bins": 5, "epsilon": 0.1}, floats, [[-1.0, 0.1, 2.5]]))
    out = []
    for name, config, data, inputs in made:
        layer = layer_of(name, config)
        layer.adapt(data)
        found = layer.bin_boundaries if name == "Discretization" else layer.get_vocabulary()
        out.append([name, config, data, inputs, np.asarray(layer(np.array(inputs))), found])
    layer = keras.layers.Discretization(num_bins=7)
    pieces = [floats[:100], floats[100:120], floats[120:]]
    layer.adapt(pieces)
    inputs = [[-1.0, 0.1, 2.5]]
    out.append(["Discretization", {"num_bins": 7, "pieces": [100, 120]}, floats, inputs,
                np.asarray(layer(np.array(inputs))), layer.bin_boundaries])  # fmt: skip
    return out


def einsums():
    cases = []
    for equation, shape, bias, x in [
        ("ab,bc->ac", 5, "c", numbers(3, 4)),
        ("abc,cd->abd", [None, 5], "d", numbers(2, 3, 4)),
        ("...x,xy->...y", 5, "y", numbers(2, 3, 2, 4)),
        ("abc,cde->abde", [None, 2, 3], "de", numbers(2, 3, 4)),
        ("abcd,cde->abe", [2, 3], "be", numbers(2, 2, 3, 4)),
        ("abc,bcd->abd", [3, 5], None, numbers(2, 3, 4)),
        ("abc,bd->adc", [5, 4], "d", numbers(2, 3, 4)),
    ]:
        layer = keras.layers.EinsumDense(
            equation, shape, bias_axes=bias, bias_initializer="random_normal"
        )
        y = np.asarray(layer(x))
        cases.append([equation, shape, bias, x, layer.get_weights(), y])
    return cases


def masks():
    """Models in which masks matter: their outputs."""
    steps = numbers(3, 4, 2)
    steps[0, 1], steps[1, 2:], steps[2, :3] = 0, 0, 0
    ids = np.array([[1, 2, 0, 0], [3, 0, 1, 0], [2, 2, 2, 2]], "int32")
    table, kernel = numbers(4, 2), [numbers(2, 3), numbers(3)]
    pool = keras.layers.GlobalAveragePooling1D
    x = keras.Input((4, 2))
    plain_pool = keras.Model(x, pool()(keras.layers.Masking()(x)))
    dense = keras.layers.Dense(3, activation="tanh")
    through = keras.Model(x, pool()(dense(keras.layers.Masking()(x))))
    dense.set_weights(kernel)
    i = keras.Input((4,), dtype="int32")
    embedding = keras.layers.Embedding(4, 2, mask_zero=True)
    embedded = keras.Model(i, pool()(embedding(i)))
    embedding.set_weights([table])
    both = keras.Model(
        [x, i],
        pool()(keras.layers.Add()([keras.layers.Masking()(x), embedding(i)])),
    )
    joined = keras.Model(
        [x, i],
        pool()(keras.layers.Concatenate(axis=1)([keras.layers.Masking()(x), embedding(i)])),
    )
    return {
        "steps": steps, "ids": ids, "table": table, "kernel": kernel,
        "pool": plain_pool.predict(steps, verbose=0),
        "dense": through.predict(steps, verbose=0),
        "embedding": embedded.predict(ids, verbose=0),
        "add": both.predict([steps, ids], verbose=0),
        "concatenate": joined.predict([steps, ids], verbose=0),
    }  # fmt: skip


def penalties():
    w, x, y = numbers(5, 3), numbers(6, 3), numbers(6, 1)
    tensor = keras.ops.convert_to_tensor(w)
    cases = []
    for config in ({}, {"factor": 0.3, "mode": "rows"}, {"factor": 0.3, "mode": "columns"}):
        cases.append([config, float(keras.regularizers.OrthogonalRegularizer(**config)(tensor))])
    layer = keras.layers.ActivityRegularization(l1=0.1, l2=0.2)
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1)])
    weights = [numbers(3, 1), numbers(1)]
    model.set_weights(weights)
    model.compile("sgd", "mse")
    loss = float(model.evaluate(x, y, batch_size=6, verbose=0))
    return {"w": w, "orthogonal": cases, "x": x, "y": y, "weights": weights, "activity": loss}


def main() -> None:
    found = {
        "keras": keras.__version__,
        "fixed": [run(*case) for case in fixed()],
        "categories": [run(*case) for case in categories()],
        "adapted": adapted(),
        "einsums": einsums(),
        "masks": masks(),
        "penalties": penalties(),
    }
    path = Path(__file__).parents[1] / "tests/python/keras_layer_goldens.json"
    path.write_text(json.dumps(plain(found), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
