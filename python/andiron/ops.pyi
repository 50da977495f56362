"""Generated from the ops' schemas by `python -m andiron._stubs`; a test compares."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from andiron import Graph, KerasTensor, Tensor, Value, Variable
from andiron._activation_ops import celu as celu
from andiron._activation_ops import glu as glu
from andiron._activation_ops import hard_shrink as hard_shrink
from andiron._activation_ops import hard_sigmoid as hard_sigmoid
from andiron._activation_ops import hard_silu as hard_silu
from andiron._activation_ops import hard_tanh as hard_tanh
from andiron._activation_ops import linear as linear
from andiron._activation_ops import log_sigmoid as log_sigmoid
from andiron._activation_ops import maxout as maxout
from andiron._activation_ops import mish as mish
from andiron._activation_ops import prelu as prelu
from andiron._activation_ops import relu6 as relu6
from andiron._activation_ops import selu as selu
from andiron._activation_ops import silu as silu
from andiron._activation_ops import soft_shrink as soft_shrink
from andiron._activation_ops import softsign as softsign
from andiron._activation_ops import sparse_plus as sparse_plus
from andiron._activation_ops import sparse_sigmoid as sparse_sigmoid
from andiron._activation_ops import sparsemax as sparsemax
from andiron._activation_ops import squareplus as squareplus
from andiron._activation_ops import tanh_shrink as tanh_shrink
from andiron._activation_ops import threshold as threshold
from andiron._array_ops import all as all
from andiron._array_ops import any as any
from andiron._array_ops import arange as arange
from andiron._array_ops import argmin as argmin
from andiron._array_ops import argsort as argsort
from andiron._array_ops import count_nonzero as count_nonzero
from andiron._array_ops import einsum as einsum
from andiron._array_ops import eye as eye
from andiron._array_ops import flip as flip
from andiron._array_ops import floor_divide as floor_divide
from andiron._array_ops import full as full
from andiron._array_ops import full_like as full_like
from andiron._array_ops import hypot as hypot
from andiron._array_ops import isfinite as isfinite
from andiron._array_ops import isinf as isinf
from andiron._array_ops import isnan as isnan
from andiron._array_ops import linspace as linspace
from andiron._array_ops import logical_xor as logical_xor
from andiron._array_ops import median as median
from andiron._array_ops import mod as mod
from andiron._array_ops import moveaxis as moveaxis
from andiron._array_ops import nan_to_num as nan_to_num
from andiron._array_ops import ones as ones
from andiron._array_ops import ones_like as ones_like
from andiron._array_ops import quantile as quantile
from andiron._array_ops import repeat as repeat
from andiron._array_ops import roll as roll
from andiron._array_ops import scatter as scatter
from andiron._array_ops import scatter_add as scatter_add
from andiron._array_ops import scatter_update as scatter_update
from andiron._array_ops import stack as stack
from andiron._array_ops import std as std
from andiron._array_ops import swapaxes as swapaxes
from andiron._array_ops import tile as tile
from andiron._array_ops import tril as tril
from andiron._array_ops import triu as triu
from andiron._array_ops import unstack as unstack
from andiron._array_ops import var as var
from andiron._array_ops import zeros as zeros
from andiron._array_ops import zeros_like as zeros_like
from andiron._image_ops import adaptive_avg_pool as adaptive_avg_pool
from andiron._image_ops import adaptive_max_pool as adaptive_max_pool
from andiron._image_ops import batch_norm as batch_norm
from andiron._image_ops import batch_norm_inference as batch_norm_inference
from andiron._image_ops import channel_shuffle as channel_shuffle
from andiron._image_ops import conv_transpose as conv_transpose
from andiron._image_ops import pad_edges as pad_edges
from andiron._image_ops import pixel_shuffle as pixel_shuffle
from andiron._image_ops import resize as resize
from andiron._normalization_ops import group_normalization as group_normalization
from andiron._normalization_ops import instance_normalization as instance_normalization
from andiron._normalization_ops import layer_normalization as layer_normalization
from andiron._normalization_ops import norm as norm
from andiron._normalization_ops import normalize as normalize
from andiron._normalization_ops import rms_normalization as rms_normalization
from andiron._py_function import py_function as py_function

# Graph values make graph values, symbolic tensors of a network make symbolic tensors, everything
# else is computed at once.
Operand: TypeAlias = Value | KerasTensor | Tensor | Variable | float | Sequence | Any
Result: TypeAlias = Any
DTypeLike: TypeAlias = Any

def add(a: Operand, b: Operand) -> Result: ...
def subtract(a: Operand, b: Operand) -> Result: ...
def multiply(a: Operand, b: Operand) -> Result: ...
def divide(a: Operand, b: Operand) -> Result: ...
def maximum(a: Operand, b: Operand) -> Result: ...
def minimum(a: Operand, b: Operand) -> Result: ...
def power(base: Operand, exponent: Operand) -> Result: ...
def negative(x: Operand) -> Result: ...
def absolute(x: Operand) -> Result: ...
def sign(x: Operand) -> Result: ...
def exp(x: Operand) -> Result: ...
def log(x: Operand) -> Result: ...
def log1p(x: Operand) -> Result: ...
def log2(x: Operand) -> Result: ...
def log10(x: Operand) -> Result: ...
def logaddexp(a: Operand, b: Operand) -> Result: ...
def exp2(x: Operand) -> Result: ...
def expm1(x: Operand) -> Result: ...
def sqrt(x: Operand) -> Result: ...
def rsqrt(x: Operand) -> Result: ...
def square(x: Operand) -> Result: ...
def reciprocal(x: Operand) -> Result: ...
def clip(x: Operand, low: float, high: float) -> Result: ...
def floor(x: Operand) -> Result: ...
def ceil(x: Operand) -> Result: ...
def round(x: Operand) -> Result: ...
def trunc(x: Operand) -> Result: ...
def sin(x: Operand) -> Result: ...
def cos(x: Operand) -> Result: ...
def tan(x: Operand) -> Result: ...
def asin(x: Operand) -> Result: ...
def acos(x: Operand) -> Result: ...
def atan(x: Operand) -> Result: ...
def atan2(y: Operand, x: Operand) -> Result: ...
def sinh(x: Operand) -> Result: ...
def cosh(x: Operand) -> Result: ...
def asinh(x: Operand) -> Result: ...
def acosh(x: Operand) -> Result: ...
def atanh(x: Operand) -> Result: ...
def erf(x: Operand) -> Result: ...
def erfc(x: Operand) -> Result: ...
def erfinv(x: Operand) -> Result: ...
def integer_divide(a: Operand, b: Operand) -> Result: ...
def remainder(a: Operand, b: Operand) -> Result: ...
def bitwise_and(a: Operand, b: Operand) -> Result: ...
def bitwise_or(a: Operand, b: Operand) -> Result: ...
def bitwise_xor(a: Operand, b: Operand) -> Result: ...
def shift_left(a: Operand, b: Operand) -> Result: ...
def shift_right(a: Operand, b: Operand) -> Result: ...
def equal(a: Operand, b: Operand) -> Result: ...
def not_equal(a: Operand, b: Operand) -> Result: ...
def less(a: Operand, b: Operand) -> Result: ...
def less_equal(a: Operand, b: Operand) -> Result: ...
def greater(a: Operand, b: Operand) -> Result: ...
def greater_equal(a: Operand, b: Operand) -> Result: ...
def logical_and(a: Operand, b: Operand) -> Result: ...
def logical_or(a: Operand, b: Operand) -> Result: ...
def logical_not(x: Operand) -> Result: ...
def where(condition: Operand, a: Operand, b: Operand) -> Result: ...
def step(x: Operand) -> Result: ...
def sigmoid(x: Operand) -> Result: ...
def tanh(x: Operand) -> Result: ...
def relu(x: Operand) -> Result: ...
def leaky_relu(x: Operand, negative_slope: float = 0.2) -> Result: ...
def elu(x: Operand, alpha: float = 1.0) -> Result: ...
def gelu(x: Operand, approximate: bool = False) -> Result: ...
def gelu_derivative(x: Operand) -> Result: ...
def softplus(x: Operand) -> Result: ...
def softmax(x: Operand, axis: int = -1) -> Result: ...
def log_softmax(x: Operand, axis: int = -1) -> Result: ...
def matmul(
    a: Operand,
    b: Operand,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> Result: ...
def fused_matmul(
    a: Operand,
    b: Operand,
    bias: Operand | None = None,
    transpose_a: bool = False,
    transpose_b: bool = False,
    activation: str = 'linear',
) -> Result: ...
def counted_matmul(
    a: Operand,
    b: Operand,
    count: Operand,
    transpose_a: bool = False,
    transpose_b: bool = False,
    zero_rest: bool = True,
) -> Result: ...
def fused(inputs: Operand | Sequence[Operand], body: Graph) -> Result: ...
def conv(
    x: Operand,
    weights: Operand,
    bias: Operand | None = None,
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    groups: int = 1,
    channels_last: bool = False,
) -> Result: ...
def fused_conv(
    x: Operand,
    weights: Operand,
    bias: Operand | None = None,
    residual: Operand | None = None,
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    groups: int = 1,
    channels_last: bool = False,
    activation: str = 'linear',
    low: float = 0.0,
    high: float = 0.0,
) -> Result: ...
def depthwise_block(
    x: Operand,
    depthwise_weights: Operand,
    depthwise_bias: Operand,
    weights: Operand,
    bias: Operand,
    residual: Operand | None = None,
    expand_weights: Operand | None = None,
    expand_bias: Operand | None = None,
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    channels_last: bool = False,
    expand_activation: str = 'linear',
    expand_low: float = 0.0,
    expand_high: float = 0.0,
    depthwise_activation: str = 'linear',
    depthwise_low: float = 0.0,
    depthwise_high: float = 0.0,
    activation: str = 'linear',
    low: float = 0.0,
    high: float = 0.0,
) -> Result: ...
def quantize(
    x: Operand,
    scale: float,
    zero_point: int = 0,
    dtype: DTypeLike = 'uint8',
) -> Result: ...
def dequantize(x: Operand, scale: float, zero_point: int = 0) -> Result: ...
def quantized_conv(
    x: Operand,
    weights: Operand,
    scale: Operand,
    shift: Operand,
    residual: Operand | None = None,
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    groups: int = 1,
    channels_last: bool = False,
    pad_value: int = 0,
    residual_scale: float = 1.0,
    low: float = -3.4028234663852886e+38,
    high: float = 3.4028234663852886e+38,
    dtype: DTypeLike = 'uint8',
) -> Result: ...
def quantized_matmul(
    x: Operand,
    weights: Operand,
    scale: Operand,
    shift: Operand,
    low: float = -3.4028234663852886e+38,
    high: float = 3.4028234663852886e+38,
    dtype: DTypeLike = 'float32',
) -> Result: ...
def quantized_sum(
    x: Operand,
    scale: float = 1.0,
    shift: float = 0.0,
    channels_last: bool = False,
) -> Result: ...
def quantized_lrn(
    x: Operand,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
    axis: int = 1,
    src_scale: float = 1.0,
    src_zero: int = 0,
    dst_scale: float = 1.0,
    dst_zero: int = 0,
) -> Result: ...
def conv_grad_src(
    g: Operand,
    weights: Operand,
    strides: int | Sequence[int],
    dilations: int | Sequence[int],
    pads_begin: int | Sequence[int],
    pads_end: int | Sequence[int],
    shape: int | Sequence[int],
    groups: int = 1,
    channels_last: bool = False,
) -> Result: ...
def conv_grad_weights(
    x: Operand,
    g: Operand,
    strides: int | Sequence[int],
    dilations: int | Sequence[int],
    pads_begin: int | Sequence[int],
    pads_end: int | Sequence[int],
    kernel: int | Sequence[int],
    groups: int = 1,
    bias: bool = False,
    channels_last: bool = False,
) -> tuple[Result, ...]: ...
def max_pool(
    x: Operand,
    kernel: int | Sequence[int],
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    ceil: bool = False,
    channels_last: bool = False,
) -> Result: ...
def max_pool_grad(
    x: Operand,
    g: Operand,
    kernel: int | Sequence[int],
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    ceil: bool = False,
    channels_last: bool = False,
) -> Result: ...
def max_pool_take(
    x: Operand,
    values: Operand,
    kernel: int | Sequence[int],
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    ceil: bool = False,
    channels_last: bool = False,
) -> Result: ...
def avg_pool(
    x: Operand,
    kernel: int | Sequence[int],
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    ceil: bool = False,
    channels_last: bool = False,
    count_include_pad: bool = False,
) -> Result: ...
def avg_pool_grad(
    g: Operand,
    kernel: int | Sequence[int],
    shape: int | Sequence[int],
    strides: int | Sequence[int] = (),
    dilations: int | Sequence[int] = (),
    padding: str = 'valid',
    pads_begin: int | Sequence[int] = (),
    pads_end: int | Sequence[int] = (),
    ceil: bool = False,
    channels_last: bool = False,
    count_include_pad: bool = False,
) -> Result: ...
def batch_moments(x: Operand, axis: int = 1) -> tuple[Result, ...]: ...
def group_norm(
    x: Operand,
    scale: Operand | None = None,
    offset: Operand | None = None,
    groups: int = 1,
    axis: int = 1,
    epsilon: float = 0.001,
    center: bool = True,
) -> tuple[Result, ...]: ...
def group_norm_grad(
    x: Operand,
    mean: Operand,
    inverse_deviation: Operand,
    g: Operand,
    scale: Operand | None = None,
    groups: int = 1,
    axis: int = 1,
    epsilon: float = 0.001,
    center: bool = True,
) -> Result: ...
def group_norm_grad_scale(
    x: Operand,
    mean: Operand,
    inverse_deviation: Operand,
    g: Operand,
    groups: int = 1,
    axis: int = 1,
    epsilon: float = 0.001,
    center: bool = True,
) -> tuple[Result, ...]: ...
def lrn(
    x: Operand,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
    axis: int = 1,
) -> Result: ...
def channel_window_sum(x: Operand, before: int, after: int, axis: int = 1) -> Result: ...
def resample(
    x: Operand,
    axis: int,
    first: int | Sequence[int],
    weights: Sequence[float],
    size: int,
    transpose: bool = False,
) -> Result: ...
def sum(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def max(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def min(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def logsumexp(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def prod(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def cumsum(
    x: Operand,
    axis: int = -1,
    exclusive: bool = False,
    reverse: bool = False,
) -> Result: ...
def cumprod(
    x: Operand,
    axis: int = -1,
    exclusive: bool = False,
    reverse: bool = False,
) -> Result: ...
def argmax(x: Operand, axis: int = -1) -> Result: ...
def sort(x: Operand, axis: int = -1, descending: bool = False) -> tuple[Result, ...]: ...
def topk(x: Operand, k: int) -> tuple[Result, ...]: ...
def count_of(
    x: Operand,
    axes: int | Sequence[int] = (),
    dtype: DTypeLike = 'float32',
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def reshape(x: Operand, shape: int | Sequence[int]) -> Result: ...
def transpose(x: Operand, permutation: int | Sequence[int] = ()) -> Result: ...
def broadcast_to(x: Operand, shape: int | Sequence[int]) -> Result: ...
def concat(values: Operand | Sequence[Operand], axis: int = -1) -> Result: ...
def split(x: Operand, sizes: int | Sequence[int], axis: int = -1) -> Result: ...
def slice(x: Operand, begin: int | Sequence[int], size: int | Sequence[int]) -> Result: ...
def pad(
    x: Operand,
    low: int | Sequence[int],
    high: int | Sequence[int],
    value: float = 0.0,
) -> Result: ...
def gather(x: Operand, indices: Operand, axis: int = 0) -> Result: ...
def gather_grad(
    g: Operand,
    indices: Operand,
    shape: int | Sequence[int],
    axis: int = 0,
) -> Result: ...
def gather_elements(x: Operand, indices: Operand, axis: int = 0) -> Result: ...
def scatter_elements(
    x: Operand,
    indices: Operand,
    updates: Operand,
    axis: int = 0,
    reduction: str = 'none',
) -> Result: ...
def one_hot(indices: Operand, depth: int, dtype: DTypeLike = 'float32') -> Result: ...
def cast(x: Operand, dtype: DTypeLike) -> Result: ...
def stop_gradient(x: Operand) -> Result: ...
def random_uniform(
    counter: Operand,
    shape: int | Sequence[int],
    seed: int,
    low: float = 0.0,
    high: float = 1.0,
) -> Result: ...
def random_normal(
    counter: Operand,
    shape: int | Sequence[int],
    seed: int,
    mean: float = 0.0,
    stddev: float = 1.0,
) -> Result: ...
def sparse_softmax_cross_entropy(logits: Operand, labels: Operand) -> Result: ...
def sparse_softmax_cross_entropy_grad(logits: Operand, labels: Operand, g: Operand) -> Result: ...
def sigmoid_cross_entropy(logits: Operand, labels: Operand) -> Result: ...
def embedding(table: Operand, ids: Operand) -> Result: ...
def embedding_bag(
    table: Operand,
    ids: Operand,
    weights: Operand | None = None,
    combiner: str = 'sum',
) -> Result: ...
def embedding_bag_grad_values(
    grad: Operand,
    ids: Operand,
    weights: Operand | None = None,
    combiner: str = 'sum',
) -> Result: ...
def embedding_bag_grad_weights(
    table: Operand,
    ids: Operand,
    weights: Operand,
    grad: Operand,
    combiner: str = 'sum',
) -> Result: ...
def row_sparse(ids: Operand, values: Operand, n_rows: int) -> Result: ...
def embedding_grad_dense(ids: Operand, values: Operand, n_rows: int) -> Result: ...
def dedup(ids: Operand, n_rows: int) -> tuple[Result, ...]: ...
def column_ids(ids: Operand, sizes: int | Sequence[int]) -> Result: ...
def hash_cross(columns: Operand | Sequence[Operand], buckets: int, seed: int = 0) -> Result: ...
def hash_bins(
    x: Operand,
    bins: int,
    hash: str = 'digits',
    salt: int | Sequence[int] = (),
) -> Result: ...
def cross_bins(columns: Operand | Sequence[Operand], bins: int) -> Result: ...
def lookup(
    x: Operand,
    keys: Operand,
    ids: Operand,
    missing: int = -1,
    strict: bool = False,
) -> Result: ...
def bucketize(x: Operand, boundaries: Operand) -> Result: ...
def multi_hot(
    ids: Operand,
    depth: int,
    weights: Operand | None = None,
    count: bool = False,
) -> Result: ...
def sum_over_workers(x: Operand) -> Result: ...
def sgd_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> Result: ...
def adagrad_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    epsilon: float = 1e-07,
    weight_decay: float = 0.0,
) -> Result: ...
def rmsprop_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-07,
    centered: bool = False,
    weight_decay: float = 0.0,
) -> Result: ...
def adam_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-07,
    amsgrad: bool = False,
    weight_decay: float = 0.0,
) -> Result: ...
def adadelta_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    rho: float = 0.95,
    epsilon: float = 1e-07,
    weight_decay: float = 0.0,
) -> Result: ...
def adamax_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-07,
    weight_decay: float = 0.0,
) -> Result: ...
def nadam_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-07,
    weight_decay: float = 0.0,
) -> Result: ...
def lion_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    beta_1: float = 0.9,
    beta_2: float = 0.99,
    weight_decay: float = 0.0,
) -> Result: ...
def rprop_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    eta_minus: float = 0.5,
    eta_plus: float = 1.2,
    step_min: float = 1e-06,
    step_max: float = 50.0,
    weight_decay: float = 0.0,
) -> Result: ...
def ftrl_update(
    learning_rate: Operand,
    step: Operand,
    group: Operand | Sequence[Operand],
    learning_rate_power: float = -0.5,
    l1_regularization_strength: float = 0.0,
    l2_regularization_strength: float = 0.0,
    l2_shrinkage_regularization_strength: float = 0.0,
    beta: float = 0.0,
    weight_decay: float = 0.0,
) -> Result: ...
def dense(x: Operand, weights: Operand, bias: Operand | None = None) -> Result: ...
def mean(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def flatten(x: Operand) -> Result: ...
def expand_dims(x: Operand, axis: int) -> Result: ...
def squeeze(x: Operand, axis: int) -> Result: ...
def convert_to_tensor(x: Any, dtype: DTypeLike | None = None) -> Tensor: ...

abs = absolute
amax = max
amin = min
arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctan2 = atan2
arctanh = atanh
concatenate = concat
hard_swish = hard_silu
swish = silu
top_k = topk
