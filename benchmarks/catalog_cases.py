"""The ops of the catalog and PyTorch's for each, with inputs of 64 K elements and more."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np


@dataclasses.dataclass
class Case:
    op: str
    ours: Callable
    theirs: Callable
    arrays: list
    note: str = ""


RNG = np.random.default_rng(0)
N = 1 << 17  # elements of elementwise work
SIDE = (512, 256)

# Nothing in PyTorch does the same, or it is part of a training step (benchmarks/run.py).
NO_PEER = {
    "fused", "fused_matmul", "fused_conv", "depthwise_block", "counted_matmul", "count_of",
    "stop_gradient", "row_sparse", "embedding_grad_dense", "dedup",
    "column_ids", "hash_cross", "hash_bins", "cross_bins", "lookup", "sum_over_workers",
    "embedding_bag_grad_values", "embedding_bag_grad_weights", "quantize", "dequantize",
    "quantized_conv", "quantized_matmul",
    "quantized_sum", "quantized_lrn", "channel_window_sum", "max_pool_take", "gelu_derivative",
    "conv_grad_src", "conv_grad_weights", "max_pool_grad", "avg_pool_grad",
    "sparse_softmax_cross_entropy_grad", "group_norm_grad", "group_norm_grad_scale",
    *(f"{rule}_update" for rule in ("sgd", "adagrad", "rmsprop", "adam", "adadelta", "adamax",
                                    "nadam", "lion", "rprop", "ftrl")),
}  # fmt: skip


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return RNG.uniform(low, high, shape).astype(np.float32)


def ints(*shape: int, low: int = -100, high: int = 100, dtype=np.int32) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(dtype)


def elementwise() -> Iterator[Case]:
    import torch

    from andiron import ops

    plain = {
        "negative": torch.neg, "absolute": torch.abs, "sign": torch.sign, "exp": torch.exp,
        "square": torch.square, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round,
        "trunc": torch.trunc, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
        "atan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh, "asinh": torch.asinh,
        "erf": torch.erf, "erfc": torch.erfc, "exp2": torch.exp2, "expm1": torch.expm1,
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
        "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.2),
        "elu": torch.nn.functional.elu, "gelu": torch.nn.functional.gelu,
        "softplus": torch.nn.functional.softplus,
    }  # fmt: skip
    for name, theirs in plain.items():
        yield Case(name, getattr(ops, name), theirs, [floats(N)])
    positive = {
        "log": torch.log, "log1p": torch.log1p, "log2": torch.log2, "log10": torch.log10,
        "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal,
    }  # fmt: skip
    for name, theirs in positive.items():
        yield Case(name, getattr(ops, name), theirs, [floats(N, low=0.1, high=9)])
    yield Case("acosh", ops.acosh, torch.acosh, [floats(N, low=1.1, high=9)])
    for name in ("asin", "acos", "atanh", "erfinv"):
        yield Case(name, getattr(ops, name), getattr(torch, name), [floats(N, low=-0.9, high=0.9)])
    yield Case("clip", lambda x: ops.clip(x, -0.5, 0.5), lambda x: torch.clip(x, -0.5, 0.5),
               [floats(N)])  # fmt: skip
    yield Case("step", ops.step, lambda x: torch.heaviside(x, torch.zeros(())), [floats(N)])
    pairs = {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div,
             "maximum": torch.maximum, "minimum": torch.minimum, "atan2": torch.atan2,
             "logaddexp": torch.logaddexp, "remainder": torch.fmod, "equal": torch.eq,
             "not_equal": torch.ne, "less": torch.lt, "less_equal": torch.le, "greater": torch.gt,
             "greater_equal": torch.ge}  # fmt: skip
    for name, theirs in pairs.items():
        yield Case(name, getattr(ops, name), theirs, [floats(N), floats(N)])
    yield Case("add", ops.add, torch.add, [floats(*SIDE), floats(SIDE[1])], "[n, m] and [m]")
    yield Case("power", ops.power, torch.pow, [floats(N, low=0.1, high=3), floats(N)])
    yield Case("where", ops.where, torch.where, [floats(N) > 0, floats(N), floats(N)])
    conditions = [floats(N) > 0, floats(N) > 0]
    yield Case("logical_and", ops.logical_and, torch.logical_and, conditions)
    yield Case("logical_or", ops.logical_or, torch.logical_or, conditions)
    yield Case("logical_not", ops.logical_not, torch.logical_not, conditions[:1])
    yield Case("sigmoid_cross_entropy", ops.sigmoid_cross_entropy,
               lambda z, y: torch.nn.functional.binary_cross_entropy_with_logits(
                   z, y, reduction="none"), [floats(N), floats(N, low=0, high=1)])  # fmt: skip
    yield Case("cast", lambda x: ops.cast(x, "int32"), lambda x: x.to(torch.int32), [floats(N)],
               "to int32")  # fmt: skip
    yield Case("cast", lambda x: ops.cast(x, "bfloat16"), lambda x: x.to(torch.bfloat16),
               [floats(N)], "to bfloat16")  # fmt: skip
    yield Case("cast", lambda x: ops.cast(x, "float32"), lambda x: x.to(torch.float32), [ints(N)],
               "from int32")  # fmt: skip


def integers() -> Iterator[Case]:
    import torch

    from andiron import ops

    pairs = {"integer_divide": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
             "remainder": torch.fmod, "bitwise_and": torch.bitwise_and,
             "bitwise_or": torch.bitwise_or, "bitwise_xor": torch.bitwise_xor, "add": torch.add,
             "multiply": torch.mul, "maximum": torch.maximum, "equal": torch.eq,
             "less": torch.lt}  # fmt: skip
    for name, theirs in pairs.items():
        yield Case(name, getattr(ops, name), theirs, [ints(N), ints(N, low=1)], "int32")
    yield Case("shift_left", ops.shift_left, torch.bitwise_left_shift,
               [ints(N), ints(N, low=0, high=8)])  # fmt: skip
    yield Case("shift_right", ops.shift_right, torch.bitwise_right_shift,
               [ints(N), ints(N, low=0, high=8)])  # fmt: skip


def reductions() -> Iterator[Case]:
    import torch

    from andiron import ops

    x = floats(*SIDE)
    folds = {"sum": torch.sum, "max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp}
    for name, theirs in folds.items():
        for axis in (0, 1):
            ours = functools.partial(getattr(ops, name), axes=[axis])
            yield Case(name, ours, lambda v, f=theirs, a=axis: f(v, a), [x], f"axis {axis}")
    yield Case("sum", ops.sum, torch.sum, [x], "all")
    near_one = floats(*SIDE, low=0.9, high=1.1)
    for axis in (0, 1):
        yield Case("prod", lambda v, a=axis: ops.prod(v, axes=[a]),
                   lambda v, a=axis: torch.prod(v, a), [near_one], f"axis {axis}")  # fmt: skip
        yield Case("argmax", lambda v, a=axis: ops.argmax(v, axis=a),
                   lambda v, a=axis: torch.argmax(v, a), [x], f"axis {axis}")  # fmt: skip
        yield Case("cumsum", lambda v, a=axis: ops.cumsum(v, axis=a),
                   lambda v, a=axis: torch.cumsum(v, a), [x], f"axis {axis}")  # fmt: skip
        yield Case("cumprod", lambda v, a=axis: ops.cumprod(v, axis=a),
                   lambda v, a=axis: torch.cumprod(v, a), [near_one], f"axis {axis}")  # fmt: skip
        for name in ("softmax", "log_softmax"):
            yield Case(name, functools.partial(getattr(ops, name), axis=axis),
                       functools.partial(getattr(torch, name), dim=axis), [x],
                       f"axis {axis}")  # fmt: skip
        yield Case("sort", lambda v, a=axis: ops.sort(v, axis=a),
                   lambda v, a=axis: torch.sort(v, a), [x], f"axis {axis}")  # fmt: skip
    yield Case("sort", ops.sort, torch.sort, [floats(N)], "one row")
    yield Case("topk", lambda v: ops.topk(v, k=8), lambda v: torch.topk(v, 8), [x])


def shapes() -> Iterator[Case]:
    import torch

    from andiron import ops

    x, cube = floats(*SIDE), floats(16, 64, 128)
    yield Case("reshape", lambda v: ops.reshape(v, (-1,)) + 0.0, lambda v: v.reshape(-1) + 0.0, [x],
               "and a sum")  # fmt: skip
    yield Case("transpose", ops.transpose, lambda v: v.T.contiguous(), [x])
    yield Case("transpose", lambda v: ops.transpose(v, (0, 2, 1)),
               lambda v: v.permute(0, 2, 1).contiguous(), [cube], "of matrices")  # fmt: skip
    yield Case("broadcast_to", lambda v: ops.broadcast_to(v, SIDE),
               lambda v: v.expand(SIDE).contiguous(), [floats(SIDE[1])])  # fmt: skip
    yield Case("concat", lambda *v: ops.concat(v, axis=1), lambda *v: torch.cat(v, 1), [x, x])
    yield Case("split", lambda v: ops.split(v, [64, 192], axis=1),
               lambda v: [p.contiguous() for p in torch.split(v, [64, 192], 1)], [x])  # fmt: skip
    yield Case("slice", lambda v: ops.slice(v, [0, 64], [-1, 150]),
               lambda v: v[:, 64:214].contiguous(), [x])  # fmt: skip
    yield Case("pad", lambda v: ops.pad(v, [1, 2], [3, 4]),
               lambda v: torch.nn.functional.pad(v, (2, 4, 1, 3)), [x])  # fmt: skip
    at = ints(2048, low=0, high=512, dtype=np.int64)
    yield Case("gather", ops.gather, lambda v, i: torch.index_select(v, 0, i), [x, at])
    yield Case("gather_grad", lambda g, i: ops.gather_grad(g, i, shape=SIDE),
               lambda g, i: torch.zeros(SIDE).index_add_(0, i, g),
               [floats(2048, SIDE[1]), at])  # fmt: skip
    spots = ints(*SIDE, low=0, high=SIDE[0], dtype=np.int64)
    yield Case("gather_elements", ops.gather_elements, lambda v, i: torch.gather(v, 0, i),
               [x, spots])  # fmt: skip
    for reduction, theirs in (("none", torch.scatter), ("add", torch.scatter_add)):
        yield Case("scatter_elements",
                   lambda v, i, u, r=reduction: ops.scatter_elements(v, i, u, reduction=r),
                   lambda v, i, u, f=theirs: f(v, 0, i, u), [x, spots, x], reduction)  # fmt: skip
    yield Case("one_hot", lambda i: ops.one_hot(i, depth=64),
               lambda i: torch.nn.functional.one_hot(i, 64).float(),
               [ints(2048, low=0, high=64, dtype=np.int64)])  # fmt: skip
    yield Case("multi_hot", lambda i: ops.multi_hot(i, depth=64),
               lambda i: torch.zeros(2048, 64).scatter_(1, i, 1.0),
               [ints(2048, 8, low=0, high=64, dtype=np.int64)])  # fmt: skip
    yield Case("bucketize", ops.bucketize,
               lambda v, b: torch.bucketize(v, b, right=True, out_int32=True),
               [floats(N), np.linspace(-2, 2, 31, dtype=np.float32)])  # fmt: skip
    yield Case("random_uniform",
               lambda c: _core_apply("random_uniform", c), lambda c: torch.rand(N),
               [np.array(3, np.int64)])  # fmt: skip
    yield Case("random_normal",
               lambda c: _core_apply("random_normal", c), lambda c: torch.randn(N),
               [np.array(3, np.int64)])  # fmt: skip


def _core_apply(name: str, counter):
    from andiron import ops

    return getattr(ops, name)(counter, shape=(N,), seed=1)


def networks() -> Iterator[Case]:
    import torch
    import torch.nn.functional as f

    from andiron import ops

    yield Case("matmul", ops.matmul, torch.matmul, [floats(256, 512), floats(512, 384)])
    images = floats(8, 32, 28, 28)
    yield Case("conv", lambda x, w: ops.conv(x, w, padding="same"),
               lambda x, w: f.conv2d(x, w, padding=1), [images, floats(32, 32, 3, 3)])  # fmt: skip
    yield Case("max_pool", lambda x: ops.max_pool(x, kernel=(2, 2)),
               lambda x: f.max_pool2d(x, 2), [images])  # fmt: skip
    yield Case("avg_pool", lambda x: ops.avg_pool(x, kernel=(2, 2)),
               lambda x: f.avg_pool2d(x, 2), [images])  # fmt: skip
    yield Case("lrn", lambda x: ops.lrn(x, size=5), lambda x: f.local_response_norm(x, 5),
               [images])  # fmt: skip
    yield Case("resample", lambda x: ops.resize(x, (56, 56), "linear"),
               lambda x: f.interpolate(x, (56, 56), mode="bilinear"), [images],
               "resize")  # fmt: skip
    rows = floats(4096, 64)
    yield Case("batch_moments", lambda x: ops.batch_moments(x, axis=-1),
               lambda x: torch.var_mean(x, 0, correction=0), [rows])  # fmt: skip
    x, c = floats(512, 512), floats(512)
    yield Case("group_norm", ops.group_norm, lambda v, s, o: f.layer_norm(v, (512,), s, o),
               [x, c, c], "by rows")  # fmt: skip
    yield Case("group_norm", lambda v, s: ops.group_norm(v, s, center=False),
               lambda v, s: f.rms_norm(v, (512,), s), [x, c], "root mean squares")  # fmt: skip
    yield Case("group_norm", lambda v, s, o: ops.group_norm(v, s, o, groups=8),
               lambda v, s, o: f.group_norm(v, 8, s, o), [images, c[:32], c[:32]],
               "8 groups")  # fmt: skip
    table, ids = floats(10_000, 64), ints(4096, low=0, high=10_000, dtype=np.int64)
    yield Case("embedding", ops.embedding, lambda t, i: f.embedding(i, t), [table, ids])
    bags = ids.reshape(512, 8)
    yield Case("embedding_bag", ops.embedding_bag,
               lambda t, i: f.embedding_bag(i, t, mode="sum"), [table, bags])  # fmt: skip
    labels = ints(512, low=0, high=512, dtype=np.int64)
    yield Case("sparse_softmax_cross_entropy", ops.sparse_softmax_cross_entropy,
               lambda z, y: f.cross_entropy(z, y, reduction="none"), [x, labels])  # fmt: skip


def cases() -> Iterator[Case]:
    for family in (elementwise, integers, reductions, shapes, networks):
        yield from family()
