"""Names and targets that are not quite right: errors say which may have been meant."""

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, layers, losses, metrics, optimizers


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: losses.get("binary_crosentropy"), "did you mean 'binary_crossentropy'. There are"),
        (lambda: losses.get("msee"), r"'mse'\? There are mean_squared_error \(mse\), "),
        (lambda: losses.get("nothing like it"), r"known; there are mean_squared_error \(mse\), "),
        (lambda: metrics.get("acuracy"), "'acuracy'; did you mean 'accuracy'. There are accuracy,"),
        (lambda: optimizers.get("adan"), "did you mean 'Adam'. There are SGD, "),
        (lambda: optimizers.get("zzz"), "'zzz' is not known; there are SGD, "),
        (lambda: layers.Dense(1, "rellu"), "did you mean 'relu'. There are celu, "),
        (
            lambda: layers.Dense(1, kernel_initializer="glorot_unifrom"),
            "did you mean 'glorot_uniform'. There are",
        ),
    ],
)
def test_the_nearest_name_stands_before_the_list(make, words):
    with pytest.raises(andiron.Error, match=words):
        make()


def test_aliases_are_names():
    from andiron.losses.base import _ALIASES

    for alias, name in _ALIASES.items():
        assert losses.get(alias).get_config() == losses.get(name).get_config()


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("categorical", np.arange(6) % 3, r"got class ids, \[6\].*sparse_categorical_crossentropy"),
        ("categorical", np.zeros((6, 1)), r"\[6, 1\]: compile with sparse_categorical_crossent"),
        ("sparse_categorical", np.eye(3)[np.arange(6) % 3], r"\[6, 3\].*with categorical_cross"),
    ],
)
def test_ids_and_one_hot_name_the_other_loss(loss, y, words):
    net = Sequential([Input((2,)), layers.Dense(3, "softmax")])
    net.compile("sgd", f"{loss}_crossentropy")
    x = np.zeros((6, 2), "f")
    for step in (net.fit, net.evaluate, net.train_on_batch):
        with pytest.raises(andiron.Error, match=words):
            step(x, y)
