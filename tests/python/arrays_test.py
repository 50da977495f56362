"""Tensors and NumPy share memory, both ways."""

import numpy as np
import pytest

import andiron

DTYPES = ["float32", "float64", "int8", "uint8", "int32", "int64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_both_ways(dtype):
    a = np.zeros((3, 4), dtype)
    t = andiron.Tensor(a)
    assert (t.dtype, t.shape) == (dtype, (3, 4))
    a[1, 2] = 1
    back = t.numpy()
    assert back[1, 2] == 1
    back[2, 3] = 1
    assert a[2, 3] == 1
    assert np.shares_memory(a, back)


def test_strided_views_share_memory():
    base = np.arange(48, dtype=np.float32).reshape(6, 8)
    for view in (base[::2, 1::3], base.T, base[::-1], base[:, 3], base[4:4]):
        t = andiron.Tensor(view)
        np.testing.assert_array_equal(t.numpy(), view)
        if view.size:
            assert np.shares_memory(t.numpy(), base)


def test_strided_views_compute():
    base = np.arange(48, dtype=np.float32).reshape(6, 8)
    np.testing.assert_array_equal(andiron.ops.sum(base[::-2, ::3]).numpy(), base[::-2, ::3].sum())


def test_an_array_lives_as_long_as_its_tensor():
    t = andiron.Tensor(np.full((1000, 100), 7.0, np.float32))
    trash = [np.zeros((1000, 100), np.float32) for _ in range(5)]
    assert t.numpy().min() == 7.0
    del trash


def test_a_tensor_lives_as_long_as_its_array():
    a = andiron.ops.add(np.ones(1000, np.float32), np.ones(1000, np.float32)).numpy()
    [np.zeros(1000, np.float32) for _ in range(5)]
    assert (a == 2).all()


def test_read_only_arrays_stay_read_only():
    a = np.arange(4, dtype=np.float32)
    a.flags.writeable = False
    back = andiron.Tensor(a).numpy()
    assert not back.flags.writeable
    with pytest.raises(ValueError):
        back[0] = 1
    np.testing.assert_array_equal(andiron.ops.negative(a).numpy(), -a)


def test_bfloat16_is_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a = np.array([1.0, 2.5, -3.0, np.nan], ml_dtypes.bfloat16)
    t = andiron.Tensor(a)
    assert t.dtype == "bfloat16"
    back = t.numpy()
    assert back.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(back.astype(np.float32), a.astype(np.float32))
    np.testing.assert_array_equal(
        andiron.Tensor([1.0, 1.00390625], "bfloat16").numpy().astype(np.float32), [1.0, 1.0]
    )


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (np.float16(1.5), "float32"),
        (np.zeros(2, np.int16), "int32"),
        (np.zeros(2, np.uint32), "int64"),
        (np.zeros(2, ">f4"), "float32"),
        ([1.0, 2.0], "float32"),
        ([1, 2], "int64"),
        (3.0, "float32"),
        (True, "bool"),
    ],
)
def test_what_lacks_a_dtype_is_converted(given, dtype):
    assert andiron.Tensor(given).dtype == dtype


@pytest.mark.parametrize("given", [["a", "b"], np.array([object()]), "text", None, {"a": 1}])
def test_no_numbers_are_a_type_error(given):
    with pytest.raises(TypeError):
        andiron.Tensor(given)


def test_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    np.testing.assert_array_equal(andiron.Tensor(frame).numpy(), frame.to_numpy())
    np.testing.assert_array_equal(andiron.Tensor(frame["a"]).numpy(), [1, 2])
    kinds = pd.Series(["x", "y", None, "x"], dtype="category")
    np.testing.assert_array_equal(andiron.Tensor(kinds).numpy(), [0, 1, -1, 0])
    with pytest.raises(TypeError, match="text|object"):
        andiron.Tensor(pd.DataFrame({"a": ["x", "y"]}))


def test_scalars_read():
    t = andiron.Tensor(2**53 + 1)
    assert int(t) == 2**53 + 1
    assert float(andiron.Tensor(0.5)) == 0.5
    with pytest.raises(andiron.Error, match="one element"):
        float(andiron.Tensor([1.0, 2.0]))
