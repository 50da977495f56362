"""Ops as Python functions, eagerly and in graphs; gradients; plans."""

import inspect
import json

import numpy as np
import pytest

import andiron
from andiron import _core, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype(np.float32)


def test_every_op_of_the_catalog_is_a_function_with_its_schema():
    for op in _core.catalog():
        if op["name"] in ("input", "constant", "variable"):
            continue
        function = getattr(ops, op["name"])
        parameters = inspect.signature(function).parameters
        names = ops.attribute_names(op)
        expected = (
            {s["name"] for s in op["inputs"]}
            | set(names)
            | ({"axis"} if "axes" in names else set())
        )
        assert set(parameters) == expected, op["name"]
        for spec, name in zip(op["attributes"], names, strict=True):
            if not spec["required"]:
                assert parameters[name].default == spec["default"]
        assert op["summary"] in function.__doc__
        assert len(function.__doc__.strip()) > 10, op["name"]


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (lambda x: ops.exp(x), np.exp),
        (lambda x: ops.sum(x, axes=[0], keepdims=True), lambda x: x.sum(0, keepdims=True)),
        (lambda x: ops.reshape(x, (2, -1)), lambda x: x.reshape(2, -1)),
        (lambda x: ops.transpose(x), np.transpose),
        (lambda x: ops.concat([x, x], axis=0), lambda x: np.concatenate([x, x])),
        (lambda x: ops.slice(x, [1, 0], [-1, 2]), lambda x: x[1:, :2]),
        (lambda x: ops.gather(x, np.array([2, 0])), lambda x: x[[2, 0]]),
        (lambda x: ops.where(ops.greater(x, 0.0), x, 0.0), lambda x: np.where(x > 0, x, 0)),
        (lambda x: ops.matmul(x, x, transpose_b=True), lambda x: x @ x.T),
        (lambda x: ops.expand_dims(x, -1), lambda x: x[..., None]),
        (lambda x: 2.0 * ops.maximum(x, 0.5) - 1.0, lambda x: 2 * np.maximum(x, 0.5) - 1),
    ],
)
def test_eager_and_traced_give_numpys_answer(ours, numpys):
    np.testing.assert_allclose(np.asarray(ours(X)), numpys(X), rtol=1e-6)
    leaf = andiron.placeholder("x", X.shape)
    plan = andiron.Plan.compile(andiron.Graph([leaf], [ours(leaf)]))
    np.testing.assert_allclose(plan.run(X)[0].numpy(), numpys(X), rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["sum", "mean", "max", "min", "amax", "amin", "prod", "logsumexp", "var", "std", "any", "all"]
    + ["count_nonzero", "norm", "normalize", "layer_normalization", "rms_normalization"],
)
def test_axis_is_another_name_of_axes(name):
    function, x = getattr(ops, name), np.stack([X, X + 1])
    np.testing.assert_array_equal(function(x, axis=1).numpy(), function(x, axes=1).numpy())
    np.testing.assert_array_equal(
        function(x, axis=(0, 2)).numpy(), function(x, axes=[0, 2]).numpy()
    )
    np.testing.assert_array_equal(function(x, axis=None).numpy(), function(x).numpy())
    with pytest.raises(andiron.Error, match=r"axis is another name of axes.* axes=0 and axis=1"):
        function(x, axes=0, axis=1)


def test_operators():
    t = andiron.Tensor(X)
    np.testing.assert_allclose(((1 - t) / (t * t + 2)).numpy(), (1 - X) / (X * X + 2), rtol=1e-6)
    np.testing.assert_allclose(
        (np.ones((2, 3), np.float32) @ t).numpy(), X.sum(0)[None].repeat(2, 0), rtol=1e-5
    )
    np.testing.assert_array_equal((t > 0).numpy(), X > 0)
    v = andiron.placeholder("x", (None, 4))
    assert (X[:1] * v).shape == ("batch", 4)
    assert v[:, 1].shape == ("batch",)
    assert v[..., 1:3].shape == ("batch", 2)
    assert v[:, None].shape == ("batch", 1, 4)


@pytest.mark.parametrize(
    "read",
    [bool, float, int, np.asarray, list, lambda v: v.numpy(), lambda v: 1 if v > 0 else 2],
)
def test_reading_a_value_that_is_traced_is_an_error(read):
    v = andiron.placeholder("x", (2,))
    with pytest.raises(andiron.Error, match="traced"):
        read(v)


def test_errors_name_the_op_and_what_came():
    with pytest.raises(andiron.Error, match=r"\[matmul\].*"):
        ops.matmul(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError):
        ops.softmax(X, axis=5)
    with pytest.raises(TypeError):
        ops.softmax(X, axis="last")
    with pytest.raises(TypeError):
        ops.softmax(X, nonsense=1)
    with pytest.raises(andiron.Error, match="float16x"):
        ops.cast(X, "float16x")


def test_grad_is_the_slope():
    def f(w, b):
        return ops.sum(ops.tanh(ops.matmul(X, w) + b) * 0.5)

    w, b = RNG.normal(size=(4, 2)).astype("float32"), np.zeros(2, np.float32)
    value, (dw, db) = andiron.value_and_grad(f, argnums=(0, 1))(w, b)
    y = np.tanh(X @ w + b)
    assert float(value) == pytest.approx(0.5 * y.sum(), rel=1e-5)
    np.testing.assert_allclose(dw.numpy(), X.T @ (0.5 * (1 - y * y)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(db.numpy(), (0.5 * (1 - y * y)).sum(0), rtol=1e-4, atol=1e-5)


def test_grad_of_grad_and_of_trees():
    cube = lambda x: x * x * x  # noqa: E731
    assert float(andiron.grad(andiron.grad(cube))(2.0)) == pytest.approx(12.0)
    g = andiron.grad(lambda p: ops.sum(p["a"] * p["b"]))({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert g["a"].numpy().tolist() == [3.0, 4.0]


def test_grad_of_graph_values_and_variables():
    v = andiron.Variable([1.0, 2.0], name="v")
    x = andiron.placeholder("x", (2,))
    y = ops.sum(x * v * v)
    dv, dx = andiron.grad(y, [v, x])
    plan = andiron.Plan.compile(andiron.Graph([x], [dv, dx]))
    dv, dx = plan.run(np.array([3.0, 5.0], np.float32))
    assert dv.numpy().tolist() == [6.0, 20.0]
    assert dx.numpy().tolist() == [1.0, 4.0]


def test_grad_refuses_what_is_no_scalar():
    with pytest.raises(andiron.Error, match="scalar"):
        andiron.grad(lambda x: x * x)([1.0, 2.0])
    with pytest.raises(TypeError):
        andiron.grad(lambda x: 3.0)(1.0)


def test_updates_change_variables():
    v = andiron.Variable([1.0])
    read = v.read()
    plan = andiron.Plan.compile(andiron.Graph([], [read], [(v, read * 2.0)]))
    for expected in (2.0, 4.0, 8.0):
        plan.run()
        assert v.numpy()[0] == expected


def test_plans_print_profile_and_tell_their_stages():
    x = andiron.placeholder("x", (None, 4))
    graph = andiron.Graph([x], [ops.relu(ops.matmul(x, np.ones((4, 2), np.float32)))])
    assert "matmul" in graph.print()
    assert "digraph" in graph.dot()
    plan = andiron.Plan.compile(graph, {"batch": 3}, profile=True)
    plan.run(X)
    assert plan.print()
    rows = plan.profile()
    assert sum(r["seconds"] for r in rows) > 0
    from andiron import profiler

    assert "GFLOP/s" in profiler.table(plan)


def passes_of(stages, prefix=""):
    return [name[len(prefix) :] for name, _ in stages if name.startswith(prefix)]


def test_stages_show_every_pass():
    x = andiron.placeholder("x", (None, 4))
    half = ops.exp(andiron._core.constant(np.float32(np.log(2.0)))) * 0.25  # one constant, folded
    h = ops.relu(ops.matmul(x, np.ones((4, 2), np.float32)) + np.ones(2, np.float32))
    plan = andiron.Plan.compile(andiron.Graph([x], [ops.tanh(h) * half]), {"batch": 3})
    stages = plan.stages()
    assert passes_of(stages)[:2] == ["graph", "embedding gradients"]
    concrete = ["graph", "fold", "cse", "simplify", "fold", "cse", "layout", "fold", "cse"]
    concrete += ["fuse_conv", "fuse_blocks", "fuse_matmul", "fuse"]
    passes = passes_of(stages, "whole batch: ")
    assert [p for p in passes if p != "widen products"] == concrete  # on CPUs without bfloat16
    text = dict(stages)
    assert "exp(" in text["whole batch: graph"] and "exp(" not in text["whole batch: fold"]
    assert "fused_matmul" not in text["whole batch: cse"]
    assert "fused_matmul" in text["whole batch: fuse_matmul"]
    assert "fused(" in text["whole batch: fuse"]
    assert "exp(" in text["graph"] == stages[0][1]
    assert stages[-1][0] == "plan" and stages[-1][1] == plan.print()
    np.testing.assert_allclose(
        plan.run(X[:3, :4])[0].numpy(),
        np.tanh(np.maximum(X[:3, :4] @ np.ones((4, 2)) + 1, 0)) * 0.5,
        rtol=1e-5,
    )


def test_stages_of_tiles_have_their_passes_too():
    x = andiron.placeholder("x", (None, 64))
    w = andiron.Variable(np.ones((64, 64), np.float32))
    y = ops.sum(ops.relu(ops.matmul(x, w.read())), axes=[0])
    plan = andiron.Plan.compile(andiron.Graph([x], [y * 2.0]), {"batch": 4096})
    for stage in ("per tile: ", "after the tiles: "):
        assert passes_of(plan.stages(), stage)[-1] == "fuse"


@pytest.mark.parametrize("tile", [False, True])
def test_the_profiler_compares_with_what_the_machine_reaches(tile, tmp_path):
    from andiron import profiler

    flops, bandwidth = profiler.limits()
    assert 1 < flops < 10_000 and 0.1 < bandwidth < 2_000
    n = 1024
    x = andiron.placeholder("x", (None, n))
    graph = andiron.Graph([x], [ops.matmul(x, np.ones((n, n), np.float32))])
    plan = andiron.Plan.compile(graph, {"batch": 2 * n}, profile=True, tile=tile)
    for _ in range(6):
        plan.run(np.ones((2 * n, n), np.float32))
    (row,) = [r for r in plan.profile() if r["op"] == "matmul"]
    rate = row["flops"] / row["seconds"] / 1e9
    assert 0.01 * flops < rate < 3 * flops
    line = next(t for t in profiler.table(plan).splitlines() if "matmul" in t)
    assert f"{rate:.1f}" in line and f"{100 * rate / flops:.0f}%" in line
    profiler.chrome_trace(plan, tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert any(e["cat"] == "matmul" and e["dur"] > 0 for e in events)


def test_a_training_is_profiled():
    from andiron import layers, profiler

    model = andiron.Sequential([andiron.Input((4,)), layers.Dense(3, name="wide"), layers.Dense(1)])
    model.compile("adam", "mse", profile=True)
    with pytest.raises(andiron.Error, match="nothing was timed"):
        profiler.table(model)
    model.fit(X, X[:, :1], verbose=0)
    text = profiler.table(model)
    assert "adam_update" in text and "(wide)" in text
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    with pytest.raises(andiron.Error, match="profile=True"):
        profiler.table(model)
    with pytest.raises(TypeError, match="takes a Plan"):
        profiler.table(3)


def test_a_plan_refuses_other_shapes():
    x = andiron.placeholder("x", (2,))
    plan = andiron.Plan.compile(andiron.Graph([x], [x + 1.0]))
    with pytest.raises(andiron.Error):
        plan.run(np.zeros(3, np.float32))
    with pytest.raises(andiron.Error):
        plan.run()


def test_check_numerics_names_the_first_op():
    x = andiron.placeholder("x", (2,))
    graph = andiron.Graph([x], [ops.exp(ops.log(x))])
    plan = andiron.Plan.compile(graph, check_numerics=True)
    with pytest.raises(andiron.Error, match="log"):
        plan.run(np.array([-1.0, 1.0], np.float32))


@pytest.mark.parametrize("more", [0.0, 1.0])
def test_check_numerics_names_an_op_of_constants_alone(more):
    x = andiron.placeholder("x", (None, 2))
    bad = ops.log(andiron._core.constant(np.array([-1.0, 1.0], np.float32)) * 1.5)
    graph = andiron.Graph([x], [x * ops.exp(bad) + more])
    for size in (1, 4096):
        plan = andiron.Plan.compile(graph, {"batch": size}, check_numerics=True)
        with pytest.raises(andiron.Error, match=r"\blog\b"):
            plan.run(np.ones((size, 2), np.float32))


def test_the_type_stub_is_up_to_date():
    from pathlib import Path

    from andiron import _stubs

    stub = Path(_stubs.__file__).with_name("ops.pyi").read_text()
    assert stub == _stubs.ops_stub(), "run: python -m andiron._stubs"
    compile(stub, "ops.pyi", "exec")
    assert "def softmax(x: Operand, axis: int = -1) -> Result: ..." in stub
