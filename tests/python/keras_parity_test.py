"""Names, arguments and defaults are Keras 3's; the core states the same defaults."""

import inspect

import numpy as np
import pytest

from andiron import (
    Input,
    Model,
    Sequential,
    _core,
    callbacks,
    initializers,
    layers,
    load_model,
    losses,
    metrics,
    optimizers,
)

# Keras 3.15's signatures of what Andiron has: argument -> default, "required" without one.
REQUIRED = inspect.Parameter.empty
CLIP = {"weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None}
KERAS = {
    layers.Dense: {
        "units": REQUIRED,
        "activation": None,
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
        "lora_rank": None,
        "lora_alpha": None,
        "quantization_config": None,
    },
    layers.Embedding: {
        "input_dim": REQUIRED,
        "output_dim": REQUIRED,
        "embeddings_initializer": "uniform",
        "embeddings_regularizer": None,
        "embeddings_constraint": None,
        "mask_zero": False,
        "weights": None,
        "lora_rank": None,
        "lora_alpha": None,
        "quantization_config": None,
    },
    layers.Dropout: {"rate": REQUIRED, "noise_shape": None, "seed": None},
    layers.Flatten: {"data_format": None},
    layers.Concatenate: {"axis": -1},
    layers.Dot: {"axes": REQUIRED, "normalize": False},
    layers.Reshape: {"target_shape": REQUIRED},
    layers.Activation: {"activation": REQUIRED},
    layers.Normalization: {"axis": -1, "mean": None, "variance": None, "invert": False},
    layers.AlphaDropout: {"rate": REQUIRED, "noise_shape": None, "seed": None},
    layers.GaussianDropout: {"rate": REQUIRED, "seed": None},
    layers.GaussianNoise: {"stddev": REQUIRED, "seed": None},
    layers.ActivityRegularization: {"l1": 0.0, "l2": 0.0},
    layers.Masking: {"mask_value": 0.0},
    layers.RepeatVector: {"n": REQUIRED},
    layers.Cropping1D: {"cropping": (1, 1)},
    layers.Cropping2D: {"cropping": ((0, 0), (0, 0)), "data_format": None},
    layers.Cropping3D: {"cropping": ((1, 1), (1, 1), (1, 1)), "data_format": None},
    layers.Rescaling: {"scale": REQUIRED, "offset": 0.0},
    layers.Resizing: {
        "height": REQUIRED,
        "width": REQUIRED,
        "interpolation": "bilinear",
        "crop_to_aspect_ratio": False,
        "pad_to_aspect_ratio": False,
        "fill_mode": "constant",
        "fill_value": 0.0,
        "antialias": False,
        "data_format": None,
    },
    layers.EinsumDense: {
        "equation": REQUIRED,
        "output_shape": REQUIRED,
        "activation": None,
        "bias_axes": None,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
        "lora_rank": None,
        "lora_alpha": None,
        "gptq_unpacked_column_size": None,
        "quantization_config": None,
    },
    layers.TimeDistributed: {"layer": REQUIRED},
    layers.Lambda: {"function": REQUIRED, "output_shape": None, "mask": None, "arguments": None},
    layers.Hashing: {
        "num_bins": REQUIRED,
        "mask_value": None,
        "salt": None,
        "output_mode": "int",
        "sparse": False,
    },
    layers.HashedCrossing: {
        "num_bins": REQUIRED,
        "output_mode": "int",
        "sparse": False,
        "name": None,
        "dtype": None,
    },
    layers.CategoryEncoding: {"num_tokens": None, "output_mode": "multi_hot", "sparse": False},
    layers.Discretization: {
        "bin_boundaries": None,
        "num_bins": None,
        "epsilon": 0.01,
        "output_mode": "int",
        "sparse": False,
        "dtype": None,
        "name": None,
    },
    layers.StringLookup: {
        "max_tokens": None,
        "num_oov_indices": 1,
        "mask_token": None,
        "oov_token": "[UNK]",
        "vocabulary": None,
        "idf_weights": None,
        "invert": False,
        "output_mode": "int",
        "pad_to_max_tokens": False,
        "sparse": False,
        "encoding": "utf-8",
        "name": None,
        "salt": None,
    },
    layers.IntegerLookup: {
        "max_tokens": None,
        "num_oov_indices": 1,
        "mask_token": None,
        "oov_token": -1,
        "vocabulary": None,
        "vocabulary_dtype": "int64",
        "idf_weights": None,
        "invert": False,
        "output_mode": "int",
        "sparse": False,
        "pad_to_max_tokens": False,
        "oov_method": "floormod",
        "salt": None,
        "name": None,
    },
    initializers.Orthogonal: {"gain": 1.0, "seed": None},
    initializers.Identity: {"gain": 1.0},
    layers.ReLU: {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    layers.Softmax: {"axis": -1},
    Sequential: {"layers": None, "trainable": True, "name": None},
    losses.MeanSquaredError: {"reduction": "sum_over_batch_size", "name": "mean_squared_error"},
    losses.MeanAbsoluteError: {"reduction": "sum_over_batch_size", "name": "mean_absolute_error"},
    losses.Hinge: {"reduction": "sum_over_batch_size", "name": "hinge"},
    losses.CategoricalHinge: {"reduction": "sum_over_batch_size", "name": "categorical_hinge"},
    losses.BinaryCrossentropy: {
        "from_logits": False,
        "label_smoothing": 0.0,
        "axis": -1,
        "reduction": "sum_over_batch_size",
        "name": "binary_crossentropy",
    },
    losses.CategoricalCrossentropy: {
        "from_logits": False,
        "label_smoothing": 0.0,
        "axis": -1,
        "reduction": "sum_over_batch_size",
        "name": "categorical_crossentropy",
    },
    losses.SparseCategoricalCrossentropy: {
        "from_logits": False,
        "ignore_class": None,
        "reduction": "sum_over_batch_size",
        "axis": -1,
        "name": "sparse_categorical_crossentropy",
    },
    optimizers.SGD: {
        "learning_rate": 0.01,
        "momentum": 0.0,
        "nesterov": False,
        **CLIP,
        "name": "SGD",
    },
    optimizers.Adagrad: {
        "learning_rate": 0.001,
        "initial_accumulator_value": 0.1,
        "epsilon": 1e-7,
        **CLIP,
        "name": "adagrad",
    },
    optimizers.RMSprop: {
        "learning_rate": 0.001,
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
        "centered": False,
        **CLIP,
        "name": "rmsprop",
    },
    optimizers.Adam: {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "amsgrad": False,
        **CLIP,
        "name": "adam",
    },
    optimizers.AdamW: {
        "learning_rate": 0.001,
        "weight_decay": 0.004,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "amsgrad": False,
        "clipnorm": None,
        "clipvalue": None,
        "global_clipnorm": None,
        "name": "adamw",
    },
    optimizers.Ftrl: {
        "learning_rate": 0.001,
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
        **CLIP,
        "name": "ftrl",
    },
    callbacks.EarlyStopping: {
        "monitor": "val_loss",
        "min_delta": 0,
        "patience": 0,
        "verbose": 0,
        "mode": "auto",
        "baseline": None,
        "restore_best_weights": False,
        "start_from_epoch": 0,
    },
    callbacks.ModelCheckpoint: {
        "filepath": REQUIRED,
        "monitor": "val_loss",
        "verbose": 0,
        "save_best_only": False,
        "save_weights_only": False,
        "mode": "auto",
        "save_freq": "epoch",
        "initial_value_threshold": None,
    },
    callbacks.BackupAndRestore: {
        "backup_dir": REQUIRED,
        "save_freq": "epoch",
        "delete_checkpoint": True,
    },
    callbacks.ReduceLROnPlateau: {
        "monitor": "val_loss",
        "factor": 0.1,
        "patience": 10,
        "verbose": 0,
        "mode": "auto",
        "min_delta": 1e-4,
        "cooldown": 0,
        "min_lr": 0.0,
    },
    callbacks.TensorBoard: {
        "log_dir": "logs",
        "histogram_freq": 0,
        "write_graph": True,
        "write_images": False,
        "write_steps_per_second": False,
        "update_freq": "epoch",
        "profile_batch": 0,
        "embeddings_freq": 0,
        "embeddings_metadata": None,
    },
    metrics.BinaryAccuracy: {"name": "binary_accuracy", "dtype": None, "threshold": 0.5},
    metrics.Accuracy: {"name": "accuracy", "dtype": None},
    metrics.MeanAbsoluteError: {"name": "mean_absolute_error", "dtype": None},
    optimizers.schedules.ExponentialDecay: {
        "initial_learning_rate": REQUIRED,
        "decay_steps": REQUIRED,
        "decay_rate": REQUIRED,
        "staircase": False,
    },
    optimizers.schedules.CosineDecay: {
        "initial_learning_rate": REQUIRED,
        "decay_steps": REQUIRED,
        "alpha": 0.0,
        "name": "CosineDecay",
        "warmup_target": None,
        "warmup_steps": 0,
    },
    Model.compile: {
        "optimizer": "rmsprop",
        "loss": None,
        "loss_weights": None,
        "metrics": None,
        "weighted_metrics": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": "auto",
    },
    Model.fit: {
        "x": None,
        "y": None,
        "batch_size": None,
        "epochs": 1,
        "verbose": "auto",
        "callbacks": None,
        "validation_split": 0.0,
        "validation_data": None,
        "shuffle": True,
        "class_weight": None,
        "sample_weight": None,
        "initial_epoch": 0,
        "steps_per_epoch": None,
        "validation_steps": None,
        "validation_batch_size": None,
        "validation_freq": 1,
    },
    Model.evaluate: {
        "x": None,
        "y": None,
        "batch_size": None,
        "verbose": "auto",
        "sample_weight": None,
        "steps": None,
        "callbacks": None,
        "return_dict": False,
    },
    Model.predict: {
        "x": REQUIRED,
        "batch_size": None,
        "verbose": "auto",
        "steps": None,
        "callbacks": None,
    },
}


@pytest.mark.parametrize("thing", KERAS, ids=lambda t: t.__qualname__)
def test_arguments_and_defaults_are_kerass(thing):
    parameters = inspect.signature(thing).parameters
    ours = [name for name in parameters if name != "self"]
    kerass = KERAS[thing]
    # In Keras's order too, since arguments may be given by place.
    assert ours[: len(kerass)] == list(kerass)
    for name, default in kerass.items():
        assert parameters[name].default == default, name


CORE_DEFAULTS = [
    (layers.Dense, {"units": 3}),
    (layers.Embedding, {"input_dim": 3, "output_dim": 2}),
    (layers.EmbeddingBag, {"input_dim": 3, "output_dim": 2}),
    (layers.WideLinear, {"column_sizes": [3, 4]}),
    (layers.EinsumDense, {"equation": "ab,bc->ac", "output_shape": [3]}),
    (layers.Highway, {}),
    (layers.MaxoutDense, {"units": 3}),
]


# What Python refuses or takes care of: no settings of the core.
NOT_OF_THE_CORE = {
    "mask_zero",
    "weights",
    "gptq_unpacked_column_size",
    "lora_rank",
    "lora_alpha",
    "quantization_config",
}


@pytest.mark.parametrize(("cls", "arguments"), CORE_DEFAULTS)
def test_what_python_says_the_core_does(cls, arguments):
    config = cls(**arguments).get_config()
    for name, parameter in inspect.signature(cls).parameters.items():
        if name in ("name", "self", "dtype") or name in arguments or name in NOT_OF_THE_CORE:
            continue
        got, want = config[name], parameter.default
        if isinstance(got, dict):
            snake = "".join("_" + c.lower() if c.isupper() else c for c in got["class_name"])[1:]
            assert snake in (want, f"random_{want}"), name
        elif name == "activation":
            assert got == "linear" and want is None
        else:
            assert got == want, name


@pytest.mark.parametrize("cls", [optimizers.SGD, optimizers.Adagrad, optimizers.RMSprop,
                                 optimizers.Adam, optimizers.AdamW, optimizers.Ftrl])  # fmt: skip
def test_optimizers_have_one_set_of_defaults(cls):
    bare = _core.optimizer_from_config({"class_name": cls.__name__, "config": {}}).config()
    ours = cls().get_config()
    for name, value in bare.items():
        if name != "name":
            assert ours[name] == value, name


def test_formulas_against_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * y, 0.3), 0.01, 0.99), 2)  # with ties
    w = rng.random(500)
    pairs = [
        (metrics.AUC(), sk.roc_auc_score(y, p, sample_weight=w)),
        (metrics.AUC("PR"), sk.average_precision_score(y, p, sample_weight=w)),
        (metrics.BinaryAccuracy(), sk.accuracy_score(y, p > 0.5, sample_weight=w)),
        (metrics.Precision(), sk.precision_score(y, p > 0.5, sample_weight=w)),
        (metrics.Recall(), sk.recall_score(y, p > 0.5, sample_weight=w)),
        (metrics.BinaryCrossentropy(), sk.log_loss(y, p, sample_weight=w)),
        (metrics.MeanAbsoluteError(), sk.mean_absolute_error(y, p, sample_weight=w)),
        (metrics.MeanSquaredError(), sk.mean_squared_error(y, p, sample_weight=w)),
    ]
    for metric, expected in pairs:
        for part in np.array_split(np.arange(500), 7):  # in pieces
            metric.update_state(y[part], p[part], w[part])
        assert metric.result() == pytest.approx(expected, abs=1e-12), metric.name
        metric.reset_state()
    halves = [metrics.AUC(), metrics.AUC()]
    halves[0].update_state(y[:100], p[:100])
    halves[1].update_state(y[100:], p[100:])
    halves[0].merge_state(halves[1:])
    assert halves[0].result() == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (layers.ReLU(max_value=1.5), lambda x: np.clip(x, 0, 1.5)),
        (layers.ReLU(negative_slope=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
        (
            layers.ReLU(max_value=2.0, negative_slope=0.5, threshold=0.7),
            lambda x: np.where(x >= 0.7, np.minimum(x, 2.0), 0.5 * (x - 0.7)),
        ),
        (layers.Softmax(axis=1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
        (layers.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
        (layers.Lambda(lambda x, by: x * by, arguments={"by": 3.0}), lambda x: 3 * x),
    ],
)
def test_settings_of_layers_do_what_keras_says(layer, formula, tmp_path):
    x = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32) * 2
    np.testing.assert_allclose(layer(x).numpy(), formula(x), rtol=1e-5, atol=1e-6)
    entry = Input(batch_shape=(None, 3, 4))
    Model(entry, layer(entry)).save(tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    np.testing.assert_allclose(loaded.predict(x), formula(x), rtol=1e-5, atol=1e-6)


def test_a_lambda_knows_whether_it_trains():
    seen = []

    def double_in_training(x, training):
        seen.append(training)
        return x * 2.0 if training else x

    layer = layers.Lambda(double_in_training)
    assert layer([[1.0]]).numpy().tolist() == [[1.0]]
    assert layer(np.float32([[1.0]]), training=True).numpy().tolist() == [[2.0]]
    assert seen[-1] is True


def test_only_float32_is_offered_as_a_dtype():
    for make in (layers.Dense, layers.Reshape, losses.MeanSquaredError):
        arguments = {layers.Dense: (3,), layers.Reshape: ((2,),)}.get(make, ())
        make(*arguments, dtype="float32")
        with pytest.raises(_core.Error, match="float32.*got '?float16"):
            make(*arguments, dtype="float16")


@pytest.mark.parametrize(
    "made",
    [
        optimizers.Adam(0.02, beta_1=0.8, clipnorm=1.0),
        optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5), momentum=0.9),
        optimizers.Ftrl(0.3),
        optimizers.schedules.CosineDecay(0.1, 100, warmup_target=0.2, warmup_steps=5),
        losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        losses.Hinge(name="mine"),
        layers.Dense(3, "relu", kernel_regularizer="l2"),
        layers.Dot(1, normalize=True),
        layers.Add(name="sum"),
        layers.Dropout(0.5, seed=3),
        layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=3),
        layers.GaussianNoise(0.5, seed=3),
        layers.ActivityRegularization(0.1),
        layers.Masking(2.0),
        layers.Cropping2D(((1, 2), (0, 3))),
        layers.Rescaling([1.0, 2.0], [0.0, 1.0]),
        layers.Resizing(3, 4, "nearest", crop_to_aspect_ratio=True),
        layers.EinsumDense("ab,bc->ac", 3, bias_axes="c"),
        layers.TimeDistributed(layers.Dense(3)),
        layers.Bilinear(3, "tanh", kernel_initializer="ones"),
        layers.Highway("relu"),
        layers.MaxoutDense(3, 5),
        layers.Hashing(5, mask_value="", salt=2**64 - 1, output_mode="count"),
        layers.HashedCrossing(5, output_mode="one_hot"),
        layers.StringLookup(vocabulary=["a"], mask_token="", num_oov_indices=2),
        layers.IntegerLookup(vocabulary=[3], output_mode="tf_idf", idf_weights=[2.0]),
        layers.Discretization([0.0, 1.0]),
        layers.CategoryEncoding(4, "count"),
        layers.Embedding(3, 2, mask_zero=True),
        layers.Activation("relu"),
        layers.ReLU(max_value=6.0),
        layers.ReLU(name="plain"),
        layers.Softmax(axis=1),
        layers.Normalization(mean=2.0, variance=3.0),
    ],
    ids=lambda made: type(made).__name__,
)
def test_from_config_undoes_get_config(made):
    again = type(made).from_config(made.get_config())
    assert type(again) is type(made) and again.get_config() == made.get_config()
    if isinstance(made, optimizers.Optimizer):
        assert again.learning_rate == made.learning_rate
