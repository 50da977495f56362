"""The workloads in Andiron, as its users write them: each function returns one timed round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import andiron
from andiron import layers, losses, optimizers
from benchmarks import workloads


def _loop(model, inputs: list, labels, batch: int, steps: int) -> Callable[[], int]:
    n = batch * steps
    x = [a[:n] for a in inputs]

    def run() -> int:
        model.fit(x if len(x) > 1 else x[0], labels[:n], batch_size=batch, epochs=1,
                  shuffle=False, verbose=0)
        return n

    return run


def ncf_model(n_users: int, n_items: int) -> andiron.Model:
    user, item = andiron.Input((), dtype="int32"), andiron.Input((), dtype="int32")
    deep = layers.Concatenate()(
        [layers.Embedding(n_users, 100)(user), layers.Embedding(n_items, 200)(item)]
    )
    for width in (128, 64, 32):
        deep = layers.Dense(width, "relu")(deep)
    product = layers.Multiply()(
        [layers.Embedding(n_users, 64)(user), layers.Embedding(n_items, 64)(item)]
    )
    return andiron.Model([user, item], layers.Dense(1)(layers.Concatenate()([product, deep])))


def train_ncf(
    data: workloads.NcfData, batch: int, steps: int, lazy: bool = False
) -> Callable[[], int]:
    model = ncf_model(data.n_users, data.n_items)
    model.compile(
        optimizers.Adam(1e-3, lazy=lazy), losses.BinaryCrossentropy(from_logits=True)
    )
    return _loop(model, [data.users, data.items], data.labels, batch, steps)


def wide_deep_model() -> andiron.Model:
    wide = andiron.Input((workloads.WIDE_COLUMNS,), dtype="int32")
    numbers = andiron.Input((workloads.N_NUMBERS,))
    deep = [andiron.Input((), dtype="int32") for _ in workloads.DEEP_SIZES]
    buckets = [workloads.WIDE_BUCKETS] * workloads.WIDE_COLUMNS
    linear = layers.WideLinear(buckets, use_bias=False)(wide)
    h = layers.Concatenate()(
        [
            layers.Embedding(size, workloads.DEEP_WIDTH)(ids)
            for size, ids in zip(workloads.DEEP_SIZES, deep, strict=True)
        ]
        + [numbers]
    )
    for width in (100, 50):
        h = layers.Dense(width, "relu")(h)
    return andiron.Model([wide, numbers, *deep], layers.Add()([linear, layers.Dense(1)(h)]))


def wide_deep_inputs(data: workloads.WideDeepData) -> list[np.ndarray]:
    # WideLinear numbers the ids of each column from 0.
    offsets = np.arange(workloads.WIDE_COLUMNS, dtype=np.int32) * workloads.WIDE_BUCKETS
    return [data.wide - offsets, data.numbers, *data.deep]


def train_wide_deep(data: workloads.WideDeepData, batch: int, steps: int) -> Callable[[], int]:
    model = wide_deep_model()
    model.compile(optimizers.Adam(1e-3), losses.BinaryCrossentropy(from_logits=True))
    return _loop(model, wide_deep_inputs(data), data.labels, batch, steps)


def mlp_model() -> andiron.Model:
    return andiron.Sequential(
        [
            andiron.Input((784,)),
            layers.Dense(512, "relu"),
            layers.Dense(512, "relu"),
            layers.Dense(10),
        ]
    )


def train_mlp(data: workloads.MlpData, batch: int, steps: int) -> Callable[[], int]:
    model = mlp_model()
    model.compile(
        optimizers.Adam(1e-3), losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return _loop(model, [data.x], data.y, batch, steps)
