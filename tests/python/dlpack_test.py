"""DLPack both ways, beside NumPy's; torch, TensorFlow and JAX in the slow suite."""

import ctypes
import gc
import weakref

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, layers

DTYPES = ["float32", "float64", "int8", "uint8", "int32", "int64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_both_ways(dtype):
    a = np.arange(12).reshape(3, 4).astype(dtype)
    t = andiron.from_dlpack(a)
    assert (t.dtype, t.shape) == (dtype, (3, 4))
    np.testing.assert_array_equal(t.numpy(), a)
    assert np.shares_memory(t.numpy(), a)
    b = np.from_dlpack(andiron.Tensor(a))
    assert b.dtype == dtype and np.shares_memory(a, b)
    np.testing.assert_array_equal(a, b)


def test_strides_pass_both_ways():
    base = np.arange(48, dtype=np.float32).reshape(6, 8)
    for view in (base[::2, 1::3], base.T, base[::-1], base[:, 3], base[4:4], base[1, 2]):
        view = np.asarray(view)
        t = andiron.from_dlpack(view)
        np.testing.assert_array_equal(t.numpy(), view)
        np.testing.assert_array_equal(np.from_dlpack(andiron.Tensor(view)), view)
        if view.size and view.base is not None:
            assert np.shares_memory(t.numpy(), base)
    t = andiron.from_dlpack(base)
    assert andiron.ops.sum(t).item() == base.sum()


class Older:
    """A producer that knows the protocol before version 1 only."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


def test_the_protocol_before_version_1():
    a = np.arange(6, dtype=np.float32)
    assert np.shares_memory(andiron.from_dlpack(Older(a)).numpy(), a)
    t = andiron.Tensor(a)
    assert '"dltensor"' in repr(t.__dlpack__())
    assert '"dltensor"' in repr(t.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(t.__dlpack__(max_version=(1, 0)))
    assert np.shares_memory(andiron.from_dlpack(t.__dlpack__()).numpy(), a)


def test_read_only_memory_stays_so():
    a = np.arange(4, dtype=np.float32)
    a.flags.writeable = False
    t = andiron.from_dlpack(a)
    assert not t.writable and np.shares_memory(t.numpy(), a)
    back = np.from_dlpack(t)
    assert not back.flags.writeable and np.shares_memory(back, a)
    with pytest.raises(BufferError, match="read-only"):
        t.__dlpack__()
    copy = np.from_dlpack(t, copy=True)
    copy[0] = 7
    assert a[0] == 0 and copy[0] == 7


def test_copies():
    a = np.arange(4, dtype=np.float32)
    t = andiron.from_dlpack(a, copy=True)
    assert not np.shares_memory(t.numpy(), a)
    capsule = andiron.Tensor(a).__dlpack__(max_version=(1, 1), copy=True)
    assert not np.shares_memory(andiron.from_dlpack(capsule).numpy(), a)


def test_memory_lives_as_long_as_it_is_used():
    class Array(np.ndarray):
        pass

    a = np.arange(100_000, dtype=np.float32).view(Array)
    alive = weakref.ref(a)
    t = andiron.from_dlpack(a)
    del a
    gc.collect()
    assert alive() is not None and t.numpy()[-1] == 99_999
    b = np.from_dlpack(t)
    del t
    gc.collect()
    assert b[-1] == 99_999
    del b
    gc.collect()
    assert alive() is None
    unused = andiron.Tensor(np.zeros(1000)).__dlpack__()
    del unused  # gives its memory back


def test_a_capsule_is_taken_once():
    capsule = andiron.Tensor(np.zeros(3)).__dlpack__()
    andiron.from_dlpack(capsule)
    with pytest.raises(andiron.Error, match="taken already"):
        andiron.from_dlpack(capsule)


def test_bfloat16_passes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a = np.array([1.0, 2.5, -3.0], ml_dtypes.bfloat16)
    t = andiron.Tensor(a)
    again = andiron.from_dlpack(t)
    assert again.dtype == "bfloat16"
    np.testing.assert_array_equal(again.numpy().astype(np.float32), [1.0, 2.5, -3.0])


class Elsewhere:
    def __init__(self, device):
        self.device = device

    def __dlpack_device__(self):
        return (self.device, 0)

    def __dlpack__(self, **_):
        raise AssertionError("asked for its memory")


@pytest.mark.parametrize(("device", "name"), [(2, "CUDA"), (10, "ROCm"), (8, "Metal"), (99, "99")])
def test_other_devices_are_refused_by_name(device, name):
    with pytest.raises(BufferError, match=name):
        andiron.from_dlpack(Elsewhere(device))
    with pytest.raises((TypeError, BufferError), match=name):
        andiron.Sequential([Input((2,)), layers.Dense(1)]).predict(Elsewhere(device))
    t = andiron.Tensor(np.zeros(2))
    assert t.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError, match=name):
        t.__dlpack__(dl_device=(device, 0))
    with pytest.raises(BufferError, match="stream"):
        t.__dlpack__(stream=1)
    with pytest.raises(BufferError, match="cpu"):
        andiron.from_dlpack(t, device="cuda")


@pytest.mark.parametrize("dtype", ["float16", "complex64", "uint16", "uint64"])
def test_dtypes_that_are_not_here_are_refused_and_widened_by_fit(dtype):
    a = np.ones((3, 2), dtype)
    with pytest.raises(TypeError, match="has no dtype in Andiron"):
        andiron.from_dlpack(a)
    if dtype == "complex64":
        return
    assert andiron.Tensor(a).shape == (3, 2)


@pytest.mark.parametrize("wrong", [3, "text", object(), [1.0]])
def test_what_has_no_dlpack_is_a_type_error(wrong):
    with pytest.raises(TypeError, match="__dlpack__"):
        andiron.from_dlpack(wrong)


class _Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("offset", ctypes.c_uint64)]  # fmt: skip


class _Managed(ctypes.Structure):
    _fields_ = [("array", _Array), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


def capsule(memory, keep, **fields):
    shape = (ctypes.c_int64 * 2)(*fields.pop("shape", (2, 3)))
    strides = fields.pop("strides", None)
    strides = None if strides is None else (ctypes.c_int64 * 2)(*strides)
    about = {"data": memory.ctypes.data, "device_type": 1, "ndim": 2, "code": 2, "bits": 32,
             "lanes": 1, "offset": 0, **fields}  # fmt: skip
    managed = _Managed(_Array(shape=shape, strides=strides, **about), None, None)
    keep += [managed, shape, strides, memory]
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    name = b"dltensor"
    keep.append(name)
    return new(ctypes.addressof(managed), name, None)


def test_producers_that_lie():
    memory, keep = np.arange(64, dtype=np.float32), []
    t = andiron.from_dlpack(capsule(memory, keep, offset=8))
    np.testing.assert_array_equal(t.numpy(), memory[2:8].reshape(2, 3))
    t = andiron.from_dlpack(capsule(memory, keep, strides=(1, 2)))
    np.testing.assert_array_equal(t.numpy(), [[0, 2, 4], [1, 3, 5]])
    assert andiron.from_dlpack(capsule(memory, keep, shape=(0, 3), data=None)).shape == (0, 3)
    for wrong, error in [
        ({"data": None}, "no memory"), ({"offset": 2}, "multiple of 4"),
        ({"shape": (-1, 3)}, "no sense"), ({"shape": (2**62, 2**62)}, "no sense|large|bytes"),
        ({"strides": (2**62, 1)}, "no sense"), ({"lanes": 4}, "float32x4"),
        ({"bits": 16}, "float16"), ({"code": 77}, "code 77"), ({"device_type": 2}, "CUDA"),
        ({"ndim": -3}, "axes"),
    ]:  # fmt: skip
        with pytest.raises((andiron.Error, TypeError, BufferError), match=error):
            andiron.from_dlpack(capsule(memory, keep, **wrong))


class Foreign:
    """An array of another library: no buffer protocol, no __array__."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_foreign_arrays_train():
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    y = x.sum(1)

    def trained(wrap):
        andiron.set_random_seed(1)
        model = Sequential([layers.Dense(2), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(wrap(x), wrap(y), epochs=2, verbose=0, validation_split=0.2, seed=1)
        return [*model.get_weights(), model.predict(wrap(x))]

    for a, b in zip(trained(Foreign), trained(lambda a: a), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_torch_shares_memory_and_trains():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.float64, torch.int8, torch.uint8, torch.int32, torch.int64,
                  torch.bool, torch.bfloat16):  # fmt: skip
        a = torch.ones((3, 4)).to(dtype)
        t = andiron.from_dlpack(a)
        back = torch.from_dlpack(t)
        assert back.data_ptr() == a.data_ptr() and torch.equal(back, a)
    base = torch.arange(24.0).reshape(4, 6)
    t = andiron.from_dlpack(base.T[::2])
    np.testing.assert_array_equal(t.numpy(), base.T[::2].numpy())
    with pytest.raises(BufferError, match="grad"):
        andiron.from_dlpack(torch.ones(3, requires_grad=True))
    x, y = torch.randn(64, 3), torch.randn(64, 1)
    data = torch.utils.data.TensorDataset(x, y)

    def model():
        andiron.set_random_seed(1)
        made = Sequential([Input((3,)), layers.Dense(1)])
        made.compile("adam", "mse")
        return made

    expected, given = model(), model()
    expected.fit(x.numpy(), y.numpy(), 16, 1, 0, shuffle=False)
    given.fit(torch.utils.data.DataLoader(data, 16, num_workers=2), verbose=0)
    tensors = model()
    tensors.fit(x, y, batch_size=16, verbose=0, shuffle=False)
    for a, b, c in zip(*(m.get_weights() for m in (expected, given, tensors)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    with pytest.raises(TypeError, match="DataLoader"):
        model().fit(data, verbose=0)
