"""Compositions of ops against NumPy: at once, traced, with a symbolic batch, and differentiated."""

import numpy as np
import pytest

import andiron
from andiron import Input, Model, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6)).astype("float32")
Y = RNG.normal(size=(4, 6)).astype("float32")
CUBE = RNG.normal(size=(2, 3, 4)).astype("float32")
ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -3.5], "float32")

# ours, NumPy's, the inputs
CASES = {
    "isnan": (ops.isnan, np.isnan, ODD),
    "isinf": (ops.isinf, np.isinf, ODD),
    "isfinite": (ops.isfinite, np.isfinite, ODD),
    "isfinite of integers": (ops.isfinite, np.isfinite, np.arange(3, dtype="int32")),
    "nan_to_num": (ops.nan_to_num, np.nan_to_num, ODD),
    "nan_to_num 1": (lambda x: ops.nan_to_num(x, 1.0, 2.0, 3.0),
                     lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0, neginf=3.0), ODD),
    "logical_xor": (ops.logical_xor, np.logical_xor, X > 0, Y > 0),
    "mod": (ops.mod, np.mod, X, Y),
    "mod by a number": (lambda x: ops.mod(x, 0.7), lambda x: np.mod(x, np.float32(0.7)), X),
    "mod of integers": (ops.mod, np.mod, np.array([-7, 7, -7, 7], "int32"),
                        np.array([3, 3, -3, -3], "int32")),
    "floor_divide": (ops.floor_divide, np.floor_divide, np.array([-7, 7, -7, 7, 6], "int32"),
                     np.array([3, 3, -3, -3, 3], "int32")),
    "floor_divide of floats": (ops.floor_divide, np.floor_divide, X, Y),
    "hypot": (ops.hypot, np.hypot, np.array([3e30, 0.0, -5.0, np.inf], "float32"),
              np.array([4e30, 0.0, 12.0, 1.0], "float32")),
    "var": (lambda x: ops.var(x, 1), lambda x: x.var(1), X),
    "var by n - 1": (lambda x: ops.var(x, (0, 2), True, correction=1),
                     lambda x: x.var((0, 2), ddof=1, keepdims=True), CUBE),
    "std": (ops.std, np.std, CUBE),
    "any": (lambda x: ops.any(x, 1), lambda x: x.any(1), X > 1.5),
    "all": (lambda x: ops.all(x, 0, keepdims=True), lambda x: x.all(0, keepdims=True), X > -1),
    "all of numbers": (ops.all, np.all, X),
    "count_nonzero": (lambda x: ops.count_nonzero(x, 0), lambda x: np.count_nonzero(x, 0),
                      np.round(X)),
    "argmin": (lambda x: ops.argmin(x, 0), lambda x: x.argmin(0), X),
    "argmin of integers": (ops.argmin, np.argmin, np.array([3, -(2**31), 2**31 - 1], "int32")),
    "argmin of bytes": (ops.argmin, np.argmin, np.array([3, 0, 255], "uint8")),
    "argsort": (ops.argsort, lambda x: np.argsort(x, -1, kind="stable"), np.round(X)),
    "sort": (lambda x: ops.sort(x, 0)[0], lambda x: np.sort(x, 0), X),
    "sort down": (lambda x: ops.sort(x, descending=True)[0], lambda x: -np.sort(-x), X),
    "quantile": (lambda x: ops.quantile(x, 0.3, 0), lambda x: np.quantile(x, 0.3, 0), X),
    "quantiles": (lambda x: ops.quantile(x, [0.0, 0.25, 1.0], -1, keepdims=True),
                  lambda x: np.quantile(x, [0.0, 0.25, 1.0], -1, keepdims=True), CUBE),
    "median": (ops.median, lambda x: np.median(x, -1), X),
    "median with NaN": (
        ops.median,
        lambda x: np.median(x, -1),
        np.stack([ODD, np.arange(5, dtype="float32")]),
    ),
    "tile": (lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), CUBE),
    "tile by more axes": (lambda x: ops.tile(x, (2, 1, 2)), lambda x: np.tile(x, (2, 1, 2)), X),
    "tile by fewer": (lambda x: ops.tile(x, 2), lambda x: np.tile(x, 2), CUBE),
    "repeat": (lambda x: ops.repeat(x, 3, 1), lambda x: np.repeat(x, 3, 1), CUBE),
    "repeat flat": (lambda x: ops.repeat(x, 2), lambda x: np.repeat(x, 2), X),
    "roll": (lambda x: ops.roll(x, 2, 1), lambda x: np.roll(x, 2, 1), X),
    "roll back": (lambda x: ops.roll(x, (-1, 5), (0, 2)), lambda x: np.roll(x, (-1, 5), (0, 2)),
                  CUBE),
    "roll flat": (lambda x: ops.roll(x, 7), lambda x: np.roll(x, 7), X),
    "flip": (ops.flip, np.flip, CUBE),
    "flip an axis": (lambda x: ops.flip(x, 1), lambda x: np.flip(x, 1), CUBE),
    "stack": (lambda x, y: ops.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), X, Y),
    "unstack": (lambda x: ops.unstack(x, 1)[2], lambda x: x[:, 2], X),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, -1), lambda x: np.swapaxes(x, 0, -1), CUBE),
    "moveaxis": (lambda x: ops.moveaxis(x, (0, 1), (-1, 0)),
                 lambda x: np.moveaxis(x, (0, 1), (-1, 0)), CUBE),
    "tril": (lambda x: ops.tril(x, 1), lambda x: np.tril(x, 1), CUBE),
    "triu": (ops.triu, np.triu, X),
    "full_like": (lambda x: ops.full_like(x, 2.5), lambda x: np.full_like(x, 2.5), X),
    "norm": (ops.norm, np.linalg.norm, X.ravel()),
    "norm 1": (lambda x: ops.norm(x, 1, 0), lambda x: np.linalg.norm(x, 1, 0), X[:, 0]),
    "norm 3": (lambda x: ops.norm(x, 3, 1, True),
               lambda x: np.linalg.norm(x, 3, 1, keepdims=True), X),
    "norm inf": (lambda x: ops.norm(x, np.inf, 1), lambda x: np.linalg.norm(x, np.inf, 1), X),
    "norm -inf": (lambda x: ops.norm(x, -np.inf, 1), lambda x: np.linalg.norm(x, -np.inf, 1), X),
    "norm 0": (lambda x: ops.norm(x, 0, 1), lambda x: np.linalg.norm(x, 0, 1), np.round(X)),
    "normalize": (ops.normalize, lambda x: x / np.linalg.norm(x, 2, -1, keepdims=True), X),
    "sinh": (ops.sinh, np.sinh, X),
    "arctan2": (ops.arctan2, np.arctan2, X, Y),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_equals_numpy_at_once_and_traced(name):
    ours, numpys, *inputs = CASES[name]
    expected = np.asarray(numpys(*inputs))
    got = np.asarray(ours(*inputs))
    assert got.shape == expected.shape
    close = {"rtol": 1e-5, "atol": 2e-6}
    np.testing.assert_allclose(got, expected, **close)
    leaves = [andiron.placeholder("x", x.shape, x.dtype) for x in inputs]
    traced = andiron.Graph(leaves, [ours(*leaves)])(*inputs)[0]
    np.testing.assert_allclose(traced.numpy(), expected, **close)


MATRIX, OTHER = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5))
BATCHES, THIRD = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 5))
EINSUMS = [
    ("ij,jk->ik", MATRIX, OTHER),
    ("ij,jk", MATRIX, OTHER),
    ("ij , jk -> ki", MATRIX, OTHER),
    ("ji,jk->ik", MATRIX.T.copy(), OTHER),
    ("bij,bjk->bik", BATCHES, THIRD),
    ("bij,bjk->ikb", BATCHES, THIRD),
    ("bij,jk->bik", BATCHES, OTHER),
    ("bij,bjk->", BATCHES, THIRD),
    ("bij,bjk->b", BATCHES, THIRD),
    ("...ij,...jk->...ik", BATCHES, OTHER),
    ("...ij,...jk", BATCHES, THIRD),
    ("i...,i...->...", BATCHES, BATCHES),
    ("...i->...", BATCHES),
    ("ij->ji", MATRIX),
    ("ij->j", MATRIX),
    ("ba", MATRIX),
    ("ij->", MATRIX),
    ("i,j->ij", MATRIX[0], MATRIX[1]),
    ("i,i->", MATRIX[0], MATRIX[1]),
    ("i,i->i", MATRIX[0], MATRIX[1]),
    ("ij,ij->ij", MATRIX, MATRIX),
    ("ij,i->ij", MATRIX, MATRIX[:, 0]),
    ("ij,jk,kl->il", MATRIX, OTHER, OTHER.T),
    ("ij,jk,ik->", MATRIX, OTHER, RNG.normal(size=(3, 5))),
    ("abc,acd,db->ad", BATCHES, THIRD, RNG.normal(size=(5, 3))),
    ("...a,...b->...ab", BATCHES, RNG.normal(size=(3, 2))),
    ("bij,bjk->bik", BATCHES, THIRD[:1]),
    ("aBc,B->ca", BATCHES, MATRIX[:, 0]),
]


@pytest.mark.parametrize("golden", EINSUMS, ids=lambda g: g[0])
def test_einsum_equals_numpys(golden):
    equation, *operands = golden
    operands = [x.astype("float32") for x in operands]
    expected = np.einsum(equation.replace(" ", ""), *operands)
    got = np.asarray(ops.einsum(equation, *operands))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_einsum_takes_a_symbolic_batch_and_has_a_gradient():
    x, w = andiron.placeholder("x", (None, 3, 4)), andiron.placeholder("w", (4, 5))
    y = ops.einsum("bij,jk->bik", x, w)
    assert y.shape == ("batch", 3, 5)
    dw = andiron.grad(ops.sum(y * y), [w])[0]
    a, b = BATCHES.astype("float32"), OTHER.astype("float32")
    got = andiron.Graph([x, w], [dw])(a, b)[0].numpy()
    np.testing.assert_allclose(got, np.einsum("bij,bik->jk", a, 2 * a @ b), rtol=1e-4, atol=1e-4)
    out = ops.einsum("bi,bi->b", Input((3,)), Input((3,)))
    assert out.shape == (None,)


def test_scatter_adds_and_puts():
    at = np.array([[0, 1], [2, 0], [0, 1]], "int32")
    values = np.array([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]], "float32")
    expected = np.zeros((3, 2, 2), "float32")
    np.add.at(expected, tuple(at.T), values)
    np.testing.assert_array_equal(ops.scatter(at, values, (3, 2, 2)).numpy(), expected)
    whole = ops.scatter(at, values.astype("int32"), (3, 2, 2))
    np.testing.assert_array_equal(whole.numpy(), expected)
    assert whole.dtype == "int32"
    base = RNG.normal(size=(3, 2, 2)).astype("float32")
    added = base.copy()
    np.add.at(added, tuple(at.T), values)
    np.testing.assert_allclose(ops.scatter_add(base, at, values).numpy(), added, rtol=1e-6)
    put = base.copy()
    put[tuple(at.T)] = values  # of equal places the last
    np.testing.assert_array_equal(ops.scatter_update(base, at, values).numpy(), put)
    rows = ops.scatter_update(base[:, :, 0], np.array([[2], [0]]), values[:2])
    np.testing.assert_array_equal(rows.numpy(), np.stack([values[1], base[1, :, 0], values[0]]))


def test_scatter_has_a_gradient():
    at = np.array([[1], [1], [0]], "int32")
    values, x = RNG.normal(size=3).astype("float32"), RNG.normal(size=4).astype("float32")
    grad = andiron.grad(lambda v: ops.sum(ops.scatter(at, v, (4,)) * x))(values)
    np.testing.assert_allclose(grad.numpy(), x[at[:, 0]], rtol=1e-6)
    of_x, of_v = andiron.grad(
        lambda a, v: ops.sum(ops.scatter_update(a, at[1:], v[1:]) * x), argnums=(0, 1)
    )(x, values)
    np.testing.assert_allclose(of_x.numpy(), [0, 0, x[2], x[3]])
    np.testing.assert_allclose(of_v.numpy(), [0, x[1], x[0]])


@pytest.mark.parametrize("bad", [[[0, 2]], [[3, 0]], [[0, -1]], [[-1, 0]]])
def test_scatter_refuses_what_is_out_of_range(bad):
    with pytest.raises(andiron.Error, match="out of range"):
        ops.scatter(np.array(bad), np.ones(1, "float32"), (3, 2))
    with pytest.raises(andiron.Error, match="out of range"):
        ops.scatter_update(np.zeros((3, 2), "float32"), np.array(bad), np.ones(1, "float32"))


def test_sorting_sends_gradients_back():
    x = np.array([[3.0, 1.0, 2.0]], "float32")
    weights = np.array([[1.0, 10.0, 100.0]], "float32")
    grad = andiron.grad(lambda v: ops.sum(ops.sort(v)[0] * weights))(x)
    assert grad.numpy().tolist() == [[100.0, 1.0, 10.0]]
    median = andiron.grad(lambda v: ops.sum(ops.median(v)))(x)
    assert median.numpy().tolist() == [[0.0, 0.0, 1.0]]


def test_large_rows_sort_as_numpys():
    x = np.round(RNG.normal(size=(3, 5000)) * 50).astype("float32")
    x[1, 7] = x[1, 70] = np.nan
    values, indices = ops.sort(x)
    np.testing.assert_array_equal(values.numpy(), np.sort(x))
    np.testing.assert_array_equal(indices.numpy(), np.argsort(x, kind="stable"))
    values, indices = ops.sort(x[0], descending=True)
    np.testing.assert_array_equal(indices.numpy(), np.argsort(-x[0], kind="stable"))


def test_compositions_make_layers_in_a_network():
    x = Input((6,))
    y = ops.concat([ops.silu(x), ops.normalize(x), *[ops.expand_dims(v, -1)
                                                     for v in ops.unstack(x, 1)]])  # fmt: skip
    got = Model(x, ops.prelu(y, 0.5)).predict(X, verbose=0)
    want = np.concatenate(
        [X / (1 + np.exp(-X)), X / np.linalg.norm(X, axis=1, keepdims=True), X], 1
    )
    np.testing.assert_allclose(got, np.where(want > 0, want, want / 2), rtol=1e-5, atol=1e-6)


def test_constants():
    assert ops.arange(3).numpy().tolist() == [0, 1, 2]
    assert ops.arange(1, 2, 0.5).dtype == "float32"
    np.testing.assert_array_equal(ops.eye(3, 4, 1).numpy(), np.eye(3, 4, 1))
    np.testing.assert_allclose(ops.linspace(0, 1, 5).numpy(), np.linspace(0, 1, 5))
    assert ops.zeros((2, 3)).shape == (2, 3) and ops.ones(2, "int64").dtype == "int64"
    assert ops.zeros_like(X).numpy().sum() == 0 and ops.ones_like(X).numpy().sum() == 24


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.einsum("ii->i", X), r"\[einsum\] 'ii->i': label 'i' occurs twice"),
        (lambda: ops.einsum("ij,jk->ik", X), "names 2 operands; got 1"),
        (lambda: ops.einsum("ijk->i", X), "3 labels; the operand has 2 axes"),
        (lambda: ops.einsum("ij->k", X), "no operand has the result's label 'k'"),
        (lambda: ops.einsum("ij,jk->ik", X, X), "label 'j' has the sizes"),
        (lambda: ops.einsum("i1,jk->ik", X, X), "'1' is no label"),
        (lambda: ops.roll(X, (1, 2), 0), "of one length"),
        (lambda: ops.tile(X, -1), "negative"),
        (lambda: ops.moveaxis(X, (0, 0), (0, 1)), "twice"),
        (lambda: ops.stack([X, X[:2]]), "one shape"),
        (lambda: ops.quantile(X, 1.5), "q must lie in"),
        (lambda: ops.tril(X[0]), "rank >= 2"),
        (lambda: ops.logical_xor(X, X), "takes bool"),
        (lambda: ops.var(np.arange(3)), "floating point"),
        (lambda: ops.scatter(np.array([[0.5]]), [1.0], (2,)), "indices must be int32 or int64"),
        (lambda: ops.scatter(np.array([[0, 0]]), [1.0], (2,)), "point into 2 axes"),
        (lambda: ops.scatter(np.array([[0]]), [1.0, 2.0], (2,)), r"values must be \[1\]"),
        (lambda: ops.sort(np.float32(1.0)), "sort"),
    ],
)
def test_errors_name_the_op_and_what_came(call, words):
    with pytest.raises(andiron.Error, match=words):
        call()
