"""Writes tests/goldens/ops.json: values and gradients of ops as PyTorch computes them.

    pip install torch && python tools/make_op_goldens.py

Each entry: op, attributes, inputs (dtype, shape, values), outputs, and the gradient of
sum_i (1 + i mod 3) output_i, over all floating point outputs, with respect to each floating point
input. Computed in float64. A case with a source of its own comes from another version of PyTorch
than the file (2.13 has another gradient of clip on its bounds). Numbers that JSON lacks are the
strings "nan", "inf" and "-inf".
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(20190418)
CASES = []


def draw(*shape, low=-2.0, high=2.0):
    """Uniform values with four decimals, so that the file stays small."""
    return np.round(rng.uniform(low, high, shape), 4)


def ints(*shape, high, low=0):
    return rng.integers(low, high, shape).astype(np.int32)


def case(op, function, *inputs, gradient=True, **attributes):
    CASES.append((op, function, inputs, attributes, gradient))


def binary(op, function, **ranges):
    case(op, function, draw(3, 4, **ranges), draw(3, 4, **ranges))
    case(op, function, draw(2, 1, 3, **ranges), draw(4, 1, **ranges))


def unary(op, function, *special, **ranges):
    case(op, function, draw(3, 5, **ranges))
    if special:
        case(op, function, np.array(special, dtype=float))


nan, inf = math.nan, math.inf

# arithmetic
binary("add", torch.add)
binary("subtract", torch.subtract)
binary("multiply", torch.multiply)
binary("divide", torch.divide, low=0.4, high=3)
binary("maximum", torch.maximum)
binary("minimum", torch.minimum)
binary("power", torch.pow, low=0.2, high=2.5)
ties = np.array([1.0, 2.0, -1.0, 0.0]), np.array([1.0, 0.0, -1.0, 5.0])
case("maximum", torch.maximum, *ties)
case("minimum", torch.minimum, *ties)
case("maximum", torch.maximum, np.array([nan, 1.0]), np.array([1.0, nan]), gradient=False)
case(
    "power",
    torch.pow,
    np.array([0.0, 0.0, -2.0, 3.0]),
    np.array([0.0, 2.0, 3.0, 0.0]),
    gradient=False,
)
unary("negative", torch.negative)
unary("absolute", torch.abs, -1.0, 0.0, 2.0)
unary("exp", torch.exp, -inf, 0.0, 3.0)
unary("log", torch.log, low=0.1, high=4)
unary("log1p", torch.log1p, 1e-9, -1e-9, low=-0.9, high=4)
unary("sqrt", torch.sqrt, low=0.1, high=4)
unary("rsqrt", torch.rsqrt, low=0.1, high=4)
unary("square", torch.square, 0.0, -3.0)
unary("reciprocal", torch.reciprocal, low=0.2, high=3)
case("sign", torch.sign, np.array([-2.0, 0.0, 3.0]), gradient=False)
case(
    "clip",
    lambda x: torch.clip(x, -0.5, 1.0),
    np.array([-1.0, -0.5, 0.2, 1.0, 7.0]),
    low=-0.5,
    high=1.0,
)
case(
    "clip",
    lambda x: torch.clip(x, 0.0, 1.0),
    np.array([nan, 3.0]),
    gradient=False,
    low=0.0,
    high=1.0,
)

# comparison
for name, function in [
    ("equal", torch.eq),
    ("not_equal", torch.ne),
    ("less", torch.lt),
    ("less_equal", torch.le),
    ("greater", torch.gt),
    ("greater_equal", torch.ge),
]:
    case(
        name,
        function,
        np.array([1.0, 2.0, 3.0, nan]),
        np.array([1.0, 3.0, 2.0, nan]),
        gradient=False,
    )
case("where", torch.where, ints(3, 4, high=2).astype(bool), draw(3, 4), draw(4))

# activation
unary("sigmoid", torch.sigmoid, -50.0, 0.0, 50.0)
unary("tanh", torch.tanh, -30.0, 0.0, 30.0)
unary("relu", torch.relu, -1.0, 0.0, 2.0)
case("relu", torch.relu, np.array([nan, inf, -inf]), gradient=False)
case("leaky_relu", lambda x: F.leaky_relu(x, 0.2), draw(3, 4))
case("leaky_relu", lambda x: F.leaky_relu(x, 0.01), np.array([-3.0, 0.0, 2.0]), negative_slope=0.01)
case("elu", F.elu, draw(3, 4))
case("elu", lambda x: F.elu(x, 0.7), draw(3, 4), alpha=0.7)
case("gelu", F.gelu, draw(3, 4, low=-4, high=4))
case("gelu", lambda x: F.gelu(x, approximate="tanh"), draw(3, 4, low=-4, high=4), approximate=True)
unary("softplus", F.softplus, -40.0, 0.0, 15.0)
for axis in (-1, 0, 1):
    case("softmax", lambda x, a=axis: torch.softmax(x, a), draw(3, 4, 2), axis=axis)
    case("log_softmax", lambda x, a=axis: torch.log_softmax(x, a), draw(3, 4, 2), axis=axis)
case("log_softmax", lambda x: torch.log_softmax(x, -1), np.array([[1000.0, 0.0, -1000.0]]))

# matmul
case("matmul", torch.matmul, draw(3, 4), draw(4, 2))
case("matmul", lambda a, b: a.mT @ b, draw(4, 3), draw(4, 2), transpose_a=True)
case("matmul", lambda a, b: a @ b.mT, draw(2, 3, 4), draw(5, 4), transpose_b=True)
case("matmul", torch.matmul, draw(2, 1, 3, 4), draw(3, 4, 2))

# reduce
for name, function in [
    ("sum", torch.sum),
    ("max", torch.amax),
    ("min", torch.amin),
    ("logsumexp", torch.logsumexp),
]:
    case(name, lambda x, f=function: f(x, (1,)), draw(2, 3, 4), axes=[1])
    case(name, lambda x, f=function: f(x, (0, 2), True), draw(2, 3, 4), axes=[0, 2], keepdims=True)
tied = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
case("max", lambda x: torch.amax(x, (1,)), tied, axes=[1])
case("min", lambda x: torch.amin(x, (0, 1)), tied)
case("max", lambda x: torch.amax(x, (0,)), np.array([1.0, nan, 2.0]), gradient=False)
# Ours gives 0 for the gradient, PyTorch NaN.
case("logsumexp", lambda x: torch.logsumexp(x, (0,)), np.array([-inf, -inf]), gradient=False)
case("logsumexp", lambda x: torch.logsumexp(x, (0,)), np.array([1000.0, 999.0]))
case("argmax", lambda x: torch.argmax(x, 1).int(), draw(4, 5), gradient=False, axis=1)
case("argmax", lambda x: torch.argmax(x, 0).int(), np.array([1.0, nan, nan]), gradient=False)
case(
    "topk",
    lambda x: [t if t.is_floating_point() else t.int() for t in torch.topk(x, 3)],
    draw(4, 6),
    k=3,
)

# shape
case("reshape", lambda x: x.reshape(3, 4), draw(2, 6), shape=[3, 4])
case("transpose", lambda x: x.permute(2, 0, 1), draw(2, 3, 4), permutation=[2, 0, 1])
case("broadcast_to", lambda x: x.expand(2, 3, 4), draw(3, 1), shape=[2, 3, 4])
case("concat", lambda *x: torch.cat(x, 1), draw(2, 3), draw(2, 1), draw(2, 2), axis=1)
case("split", lambda x: torch.split(x, [1, 3, 2], 1), draw(2, 6), sizes=[1, 3, 2], axis=1)
case("slice", lambda x: x[1:3, 2:], draw(4, 5), begin=[1, 2], size=[2, -1])
case(
    "pad",
    lambda x: F.pad(x, (0, 1, 1, 2), value=0.5),
    draw(2, 3),
    low=[1, 0],
    high=[2, 1],
    value=0.5,
)
at = ints(4, high=5)
case("gather", lambda x, i: torch.index_select(x, 0, i), draw(5, 3), at)
case("gather", lambda x, i: torch.index_select(x, 1, i), draw(2, 5, 3), at, axis=1)
case(
    "one_hot",
    lambda i: F.one_hot(i.long(), 4).double(),
    ints(5, high=4),
    gradient=False,
    depth=4,
    dtype="float64",
)
case("cast", lambda x: x.int(), np.array([-2.7, -0.5, 0.5, 2.7]), gradient=False, dtype="int32")
case("stop_gradient", lambda x: x.detach(), draw(3), gradient=False)

# embedding
ids = ints(3, 2, high=5)
case("embedding", lambda table, i: F.embedding(i.long(), table), draw(5, 3), ids)
for mode in ("sum", "mean"):
    case(
        "embedding_bag",
        lambda table, i, m=mode: F.embedding_bag(i.long(), table, mode=m),
        draw(5, 3),
        ids,
        combiner=mode,
    )
case(
    "embedding_bag",
    lambda table, i, w: F.embedding_bag(i.long(), table, per_sample_weights=w, mode="sum"),
    draw(5, 3),
    ids,
    draw(3, 2),
)

# loss
case(
    "sparse_softmax_cross_entropy",
    lambda z, y: F.cross_entropy(z, y.long(), reduction="none"),
    draw(4, 5),
    ints(4, high=5),
)
case(
    "sparse_softmax_cross_entropy",
    lambda z, y: F.cross_entropy(z, y.long(), reduction="none"),
    np.array([[900.0, -900.0], [0.0, 800.0]]),
    np.array([1, 1], dtype=np.int32),
)
case(
    "sigmoid_cross_entropy",
    lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="none"),
    draw(3, 4),
    draw(3, 4, low=0, high=1),
)
case(
    "sigmoid_cross_entropy",
    lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="none"),
    np.array([-200.0, 200.0, 0.0]),
    np.array([1.0, 0.0, 1.0]),
)

# conv and pool
case(
    "conv",
    lambda x, w, b: F.conv1d(x, w, b, stride=2),
    draw(2, 3, 7),
    draw(4, 3, 3),
    draw(4),
    strides=[2],
)
case(
    "conv",
    lambda x, w, b: F.conv2d(x, w, b, padding=(1, 2), groups=2),
    draw(2, 4, 5, 6),
    draw(6, 2, 3, 3),
    draw(6),
    padding="explicit",
    pads_begin=[1, 2],
    pads_end=[1, 2],
    groups=2,
)
case(
    "conv",
    lambda x, w: F.conv2d(F.pad(x, (0, 2, 1, 0)), w, dilation=(2, 1)),
    draw(1, 2, 7, 5),
    draw(3, 2, 3, 2),
    dilations=[2, 1],
    padding="explicit",
    pads_begin=[1, 0],
    pads_end=[0, 2],
)
case(
    "conv",
    lambda x, w: F.conv2d(x, w, groups=3, stride=2),
    draw(2, 3, 6, 6),
    draw(6, 1, 3, 3),
    groups=3,
    strides=[2],
)
case(
    "conv",
    lambda x, w, b: F.conv3d(x, w, b, padding=1),
    draw(1, 2, 3, 4, 3),
    draw(3, 2, 2, 3, 3),
    draw(3),
    padding="explicit",
    pads_begin=[1],
    pads_end=[1],
)
case(
    "conv",
    lambda x, w: F.conv2d(x, w, padding="same"),
    draw(1, 2, 5, 5),
    draw(2, 2, 2, 3),
    padding="same",
)
case(
    "conv",
    lambda x, w: F.conv2d(x.permute(0, 3, 1, 2), w).permute(0, 2, 3, 1),
    draw(2, 5, 5, 3),
    draw(4, 3, 3, 3),
    channels_last=True,
)
case(
    "conv_grad_src",
    lambda g, w: F.conv_transpose2d(g, w, stride=2, padding=1, output_padding=1),
    draw(2, 4, 3, 3),
    draw(4, 3, 3, 3),
    strides=[2, 2],
    dilations=[1, 1],
    pads_begin=[1, 1],
    pads_end=[1, 1],
    shape=[2, 3, 6, 6],
)
case(
    "conv_grad_src",
    lambda g, w: F.conv_transpose1d(g, w, dilation=2, groups=2),
    draw(2, 4, 5),
    draw(4, 3, 3),
    strides=[1],
    dilations=[2],
    pads_begin=[0],
    pads_end=[0],
    groups=2,
    shape=[2, 6, 9],
)
tied_image = np.round(rng.uniform(-1, 1, (1, 2, 6, 5)), 0)
case("max_pool", lambda x: F.max_pool2d(x, 2), draw(2, 3, 6, 5), kernel=[2])
case(
    "max_pool",
    lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    tied_image,
    kernel=[3],
    strides=[2],
    padding="explicit",
    pads_begin=[1],
    pads_end=[1],
    ceil=True,
)
case(
    "max_pool",
    lambda x: F.max_pool1d(x, 3, 2, dilation=2),
    draw(2, 3, 9),
    kernel=[3],
    strides=[2],
    dilations=[2],
)
case("max_pool", lambda x: F.max_pool3d(x, 2, 1), draw(1, 2, 3, 3, 4), kernel=[2], strides=[1])
case(
    "max_pool",
    lambda x: F.max_pool2d(x, 2),
    np.array([[[[nan, 1.0], [0.0, inf]]]]),
    gradient=False,
    kernel=[2],
)


def taken(x, values):
    """The values at the maxima of x; x itself has no gradient."""
    _, where = F.max_pool2d(x, 2, return_indices=True)
    return values.flatten(2).gather(2, where.flatten(2)).reshape(where.shape) + 0 * x.sum()


case("max_pool_take", taken, draw(1, 2, 4, 6), draw(1, 2, 4, 6), kernel=[2])
case("avg_pool", lambda x: F.avg_pool2d(x, (2, 3), 2), draw(2, 3, 6, 7), kernel=[2, 3], strides=[2])
for counted in (False, True):
    case(
        "avg_pool",
        lambda x, c=counted: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=c),
        draw(1, 2, 6, 7),
        kernel=[3],
        strides=[2],
        padding="explicit",
        pads_begin=[1],
        pads_end=[1],
        ceil=True,
        count_include_pad=counted,
    )
case("avg_pool", lambda x: F.avg_pool3d(x, 2), draw(1, 2, 4, 4, 5), kernel=[2])

# norm and resize
case(
    "batch_moments", lambda x: [x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)], draw(3, 2, 4, 2)
)
case(
    "batch_moments", lambda x: [x.mean((0, 1)), x.var((0, 1), correction=0)], draw(3, 4, 5), axis=-1
)
case(
    "lrn",
    lambda x: F.local_response_norm(x, 5, 0.3, 0.75, 1.5),
    draw(2, 7, 3, 2),
    size=5,
    alpha=0.3,
    beta=0.75,
    bias=1.5,
)
case(
    "lrn",
    lambda x: F.local_response_norm(x, 3, 0.1, 0.6, 1.0),
    draw(2, 4, 3),
    size=3,
    alpha=0.1,
    beta=0.6,
    bias=1.0,
)
case(
    "channel_window_sum",
    lambda x: 4 * F.avg_pool1d(F.pad(x.mT, (2, 1)), 4, 1).mT,
    draw(2, 5, 3),
    before=2,
    after=1,
)
matrix = torch.zeros(3, 4, dtype=torch.float64)
matrix[0, :2] = matrix[1, 1:3] = torch.tensor([0.25, 0.75])
matrix[2, 2:] = torch.tensor([0.5, 0.25])
case(
    "resample",
    lambda x: torch.einsum("oi,bic->boc", matrix, x),
    draw(2, 4, 3),
    axis=1,
    first=[0, 1, 2],
    weights=[0.25, 0.75, 0.25, 0.75, 0.5, 0.25],
    size=4,
)

# rounding, trigonometry, integers
for name in ("floor", "ceil", "round"):
    case(
        name,
        getattr(torch, name),
        np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, inf, nan]),
        gradient=False,
    )
for name in ("sin", "cos", "atan", "erf"):
    unary(name, getattr(torch, name), -30.0, -1e-9, 0.0, 4.0)
whole = np.array([-7, 7, -7, 7, 0, 200], np.int32), np.array([2, 2, -2, -2, 5, 7], np.int32)
case("integer_divide", lambda a, b: torch.div(a, b, rounding_mode="trunc"), *whole, gradient=False)
case("remainder", torch.fmod, *whole, gradient=False)
case("remainder", torch.fmod, np.array([-7.5, 7.5, -7.5, 7.5]), np.array([2.0, 2.0, -2.0, -2.0]))
for name, function in (
    ("bitwise_and", torch.bitwise_and),
    ("bitwise_or", torch.bitwise_or),
    ("bitwise_xor", torch.bitwise_xor),
):
    case(name, function, *whole, gradient=False)
shifts = np.array([-7, 7, -1, 1, 5, 200], np.int32), np.array([2, 2, 31, 31, 0, 7], np.int32)
case("shift_left", torch.bitwise_left_shift, *shifts, gradient=False)
case("shift_right", torch.bitwise_right_shift, *shifts, gradient=False)
case("prod", lambda x: x.prod(1), draw(2, 3, 4, low=0.5), axes=[1])
case("cumsum", lambda x: x.cumsum(1), draw(2, 3, 4), axis=1)
case("cumsum", lambda x: x.flip(0).cumsum(0).flip(0), draw(4, 2), axis=0, reverse=True)
case("cumprod", lambda x: x.cumprod(0), draw(4, 2, low=0.5), axis=0)
spots = ints(4, 3, high=5)
case("gather_elements", lambda x, i: torch.gather(x, 0, i.long()), draw(5, 3), spots)
case("gather_elements", lambda x, i: torch.gather(x, 1, i.long()), draw(4, 5), spots, axis=1)
case(
    "scatter_elements",
    lambda x, i, u: x.scatter_add(0, i.long(), u),
    draw(5, 3),
    spots,
    draw(4, 3),
    reduction="add",
)
case(
    "scatter_elements",
    lambda x, i, u: x.scatter(1, i.long(), u),
    draw(2, 5),
    np.array([[0, 3], [4, 1]], np.int32),
    draw(2, 2),
    axis=1,
)

# group, layer, instance and RMS normalization: dst, mean and 1 / sqrt(variance + epsilon)
def group_norm(x, scale=None, offset=None, groups=1, axis=1, epsilon=1e-3, center=True):
    x = x.movedim(axis, 1)
    apart = x.reshape(len(x), groups, -1)
    mean = apart.mean(-1) if center else torch.zeros(len(x), groups, dtype=x.dtype)
    inverse = ((apart - mean[..., None]).square().mean(-1) + epsilon).rsqrt()
    if center:
        y = F.group_norm(x, groups, scale, offset, epsilon)
    else:
        y = F.rms_norm(x.flatten(1), x.flatten(1).shape[1:], scale, epsilon).reshape(x.shape)
    return [y.movedim(1, axis), mean, inverse]


def group_case(*inputs, **attributes):
    case("group_norm", lambda *t: group_norm(*t, **attributes), *inputs, **attributes)


group_case(draw(4, 5), draw(5), draw(5))
group_case(draw(4, 7), epsilon=1e-5)
group_case(draw(2, 6, 3, 2), draw(6), draw(6), groups=3)
group_case(draw(2, 4, 5), draw(4), draw(4), groups=4, epsilon=1e-5)
group_case(draw(2, 3, 6), draw(6), draw(6), groups=2, axis=-1)
group_case(draw(3, 8), draw(8), center=False, epsilon=1e-6)
group_case(np.array([[1e4, 1e4 + 1, 1e4 - 1]]), epsilon=0.0)

# further functions
case("trunc", torch.trunc, np.array([-2.5, -0.5, 0.5, 2.5, inf, nan]), gradient=False)
unary("tan", torch.tan, -30.0, -1e-9, 0.0, 4.0, low=-1.4, high=1.4)
for name in ("asin", "acos"):
    unary(name, getattr(torch, name), -0.99, -0.5, 1e-9, 0.5, low=-0.9, high=0.9)
for name in ("sinh", "cosh", "asinh", "exp2", "expm1"):
    unary(name, getattr(torch, name), -20.0, -1e-9, 0.0, 4.0)
unary("acosh", torch.acosh, 1.01, 1e5, low=1.1, high=5)
unary("atanh", torch.atanh, -0.99, 1e-9, low=-0.9, high=0.9)
for name in ("log2", "log10"):
    unary(name, getattr(torch, name), 1e-9, 1.0, 1024.0, low=0.1, high=4)
unary("erfc", torch.erfc, -5.0, 0.0, 3.0, 5.5)
unary("erfinv", torch.erfinv, -0.99, 1e-9, 0.995, low=-0.95, high=0.95)
binary("atan2", torch.atan2)
case("atan2", torch.atan2, np.array([0.0, 0.0, -0.0, 1.0, -1.0]),
     np.array([1.0, -1.0, -1.0, 0.0, 0.0]), gradient=False)
binary("logaddexp", torch.logaddexp)
case("logaddexp", torch.logaddexp, np.array([800.0, -800.0, 3.0]), np.array([0.0, -801.0, 3.0]))
case("logaddexp", torch.logaddexp, np.array([-inf, inf, -inf]), np.array([-inf, inf, 1.0]),
     gradient=False)
for axis, descending in ((-1, False), (0, True)):
    case("sort",
         lambda x, a=axis, d=descending: [t if t.is_floating_point() else t.int()
                                          for t in torch.sort(x, stable=True, dim=a, descending=d)],
         draw(4, 6), axis=axis, descending=descending)

NAMES = {torch.float64: "float64", torch.int32: "int32", torch.bool: "bool"}


def plain(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return float(f"{value:.15g}") if isinstance(value, float) else int(value)


def packed(tensor):
    return {
        "dtype": NAMES[tensor.dtype],
        "shape": list(tensor.shape),
        "values": [plain(v) for v in tensor.detach().flatten().tolist()],
    }


def computed(op, function, inputs, attributes, gradient):
    tensors = [torch.tensor(x, dtype=torch.float64 if x.dtype == float else None) for x in inputs]
    floating = [t.requires_grad_(gradient) for t in tensors if t.is_floating_point()]
    outputs = function(*tensors)
    outputs = [outputs] if torch.is_tensor(outputs) else list(outputs)
    entry = {
        "op": op,
        "attributes": attributes,
        "inputs": [packed(t) for t in tensors],
        "outputs": [packed(t) for t in outputs],
    }
    if gradient:
        loss = sum(
            (t.flatten() * (1.0 + torch.arange(t.numel()) % 3)).sum()
            for t in outputs
            if t.is_floating_point()
        )
        entry["gradients"] = [packed(g) for g in torch.autograd.grad(loss, floating)]
    return entry


def main():
    entries = [computed(*c) for c in CASES]
    path = Path(__file__).parent.parent / "tests" / "goldens" / "ops.json"
    lines = ",\n".join(json.dumps(e, separators=(",", ":")) for e in entries)
    path.write_text(f'{{"source":"PyTorch {torch.__version__}","cases":[\n{lines}\n]}}\n')
    print(f"{len(entries)} cases, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
