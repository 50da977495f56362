"""Sources of batches of Keras, TensorFlow and torch themselves, beside arrays."""

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, layers

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
Y = X.sum(1)
PARTS = [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 100, 10)]


def trained(source, **options):
    andiron.set_random_seed(1)
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(source, epochs=2, verbose=0, shuffle=False, **options).history
    return [*model.get_weights(), history["loss"], model.predict(X)]


def same_as_arrays(source):
    for a, b in zip(trained(X, y=Y, batch_size=10), trained(source), strict=True):
        np.testing.assert_array_equal(a, b)


def test_torchs_data_loader():
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    for workers in (0, 2):
        same_as_arrays(torch.utils.data.DataLoader(rows, 10, num_workers=workers))

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([(torch.tensor(x), torch.tensor(y)) for x, y in zip(X, Y, strict=True)])

    same_as_arrays(torch.utils.data.DataLoader(Rows(), 10))
    with pytest.raises(TypeError, match="DataLoader"):
        trained(rows)


def test_tf_data():
    tf = pytest.importorskip("tensorflow")
    rows = tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)
    same_as_arrays(rows)
    same_as_arrays(rows.prefetch(2).filter(lambda x, y: True))  # of unknown length
    andiron.set_random_seed(1)
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(rows.repeat(), steps_per_epoch=10, epochs=2, verbose=0)  # endless
    for a, b in zip(trained(X, y=Y, batch_size=10)[:2], model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for x, y in rows.take(1):  # tensors of TensorFlow share their memory
        np.testing.assert_array_equal(andiron.from_dlpack(x).numpy(), PARTS[0][0])
        assert model.evaluate(x, y) == model.evaluate(*PARTS[0])


def test_keras_py_dataset():
    keras = pytest.importorskip("keras")

    class Rows(keras.utils.PyDataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return PARTS[i]

    for options in ({}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}):
        same_as_arrays(Rows(**options))
    given = [[5, 6], [7], [1, 2, 3, 4], [], [9, 8, 7]]
    for options in ({}, {"maxlen": 2}, {"maxlen": 3, "padding": "post", "truncating": "post"}):
        np.testing.assert_array_equal(
            andiron.data.pad_sequences(given, **options),
            keras.utils.pad_sequences(given, **options),
        )
