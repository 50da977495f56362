"""The workloads in TensorFlow: a compiled step (tf.function with XLA off), Keras's layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks import workloads

layers = tf.keras.layers


def _ncf(data: workloads.NcfData) -> tf.keras.Model:
    user, item = tf.keras.Input((), dtype="int32"), tf.keras.Input((), dtype="int32")
    deep = layers.Concatenate()(
        [layers.Embedding(data.n_users, 100)(user), layers.Embedding(data.n_items, 200)(item)]
    )
    for width in (128, 64, 32):
        deep = layers.Dense(width, "relu")(deep)
    product = layers.Multiply()(
        [layers.Embedding(data.n_users, 64)(user), layers.Embedding(data.n_items, 64)(item)]
    )
    return tf.keras.Model([user, item], layers.Dense(1)(layers.Concatenate()([product, deep])))


def _wide_deep() -> tf.keras.Model:
    wide = tf.keras.Input((workloads.WIDE_COLUMNS,), dtype="int32")
    numbers = tf.keras.Input((workloads.N_NUMBERS,))
    deep = [tf.keras.Input((), dtype="int32") for _ in workloads.DEEP_SIZES]
    table = layers.Embedding(workloads.WIDE_COLUMNS * workloads.WIDE_BUCKETS, 1)
    linear = layers.Lambda(lambda x: tf.reduce_sum(x, 1))(table(wide))
    h = layers.Concatenate()(
        [
            layers.Embedding(size, workloads.DEEP_WIDTH)(ids)
            for size, ids in zip(workloads.DEEP_SIZES, deep, strict=True)
        ]
        + [numbers]
    )
    for width in (100, 50):
        h = layers.Dense(width, "relu")(h)
    return tf.keras.Model([wide, numbers, *deep], layers.Add()([linear, layers.Dense(1)(h)]))


def _mlp() -> tf.keras.Model:
    hidden = [layers.Dense(512, "relu"), layers.Dense(512, "relu")]
    return tf.keras.Sequential([tf.keras.Input((784,)), *hidden, layers.Dense(10)])


def _loop(
    model: tf.keras.Model, loss: Callable, inputs: list[np.ndarray], labels: np.ndarray,
    batch: int, steps: int,
) -> Callable[[], int]:
    optimizer = tf.keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    tensors = [tf.constant(a) for a in inputs]
    target = tf.constant(labels)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x if len(x) > 1 else x[0], training=True))
        variables = model.trainable_variables
        gradients = tape.gradient(value, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    def run() -> int:
        for i in range(steps):
            rows = slice(i * batch, (i + 1) * batch)
            step([t[rows] for t in tensors], target[rows])
        return steps * batch

    return run


def train_ncf(data: workloads.NcfData, batch: int, steps: int) -> Callable[[], int]:
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    return _loop(_ncf(data), loss, [data.users, data.items], data.labels, batch, steps)


def train_wide_deep(data: workloads.WideDeepData, batch: int, steps: int) -> Callable[[], int]:
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    inputs = [data.wide, data.numbers, *data.deep]
    return _loop(_wide_deep(), loss, inputs, data.labels, batch, steps)


def train_mlp(data: workloads.MlpData, batch: int, steps: int) -> Callable[[], int]:
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return _loop(_mlp(), loss, [data.x], data.y, batch, steps)
