"""Memory does not grow, however long a process goes on."""

from __future__ import annotations

import gc
import os

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, layers, losses

X = np.random.default_rng(0).normal(size=(16_000, 4)).astype(np.float32)
Y = X.sum(1, keepdims=True)
MEGABYTE = 1 << 20


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def network():
    m = Sequential(
        [
            Input((4,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.1),
            layers.Dense(1),
        ]
    )
    m.compile("adam", losses.MeanSquaredError(), metrics=["mae"])
    return m


class Growth:
    """The most that resident memory was beyond that at the first sample, and how many bytes of our
    allocator are not given back."""

    def __init__(self):
        gc.collect()
        self.first, self.most = resident(), 0
        self._allocated = andiron._core.allocated_bytes()

    def sample(self):
        self.most = max(self.most, resident() - self.first)

    def allocated(self) -> int:
        gc.collect()
        return andiron._core.allocated_bytes() - self._allocated


def assert_flat(work, rounds: int, allowed: int = 8 * MEGABYTE, ours: int = 0):
    """The first tenth of the rounds fills caches and the allocator's free lists."""
    for i in range(max(1, rounds // 10)):
        work(i)
    growth = Growth()
    for i in range(rounds):
        work(i)
        growth.sample()
    assert growth.most < allowed, f"{growth.most / MEGABYTE:.1f} MB more after {rounds} rounds"
    assert growth.allocated() <= ours, f"{growth.allocated()} bytes more after {rounds} rounds"


@pytest.mark.slow
def test_a_hundred_thousand_steps():
    m = network()
    # 1,000 steps an epoch.
    assert_flat(lambda i: m.fit(X, Y, batch_size=16, epochs=1, verbose=0), 100)
    assert_flat(lambda i: m.train_on_batch(X[: 1 + i % 40], Y[: 1 + i % 40]), 10_000)


@pytest.mark.slow
def test_a_hundred_thousand_predictions():
    m = network()
    assert_flat(lambda i: m.predict(X[: 1 + i % 100], verbose=0), 100_000)
    frozen = m.frozen()
    assert_flat(lambda i: frozen.predict(X[: 1 + i % 100]), 20_000)


@pytest.mark.slow
def test_eager_ops_and_gradients():
    x = andiron.Tensor(X[:50])
    f = andiron.grad(lambda v: andiron.ops.sum(v * v))
    assert_flat(
        lambda i: andiron.ops.exp(x) + andiron.ops.matmul(x, x, transpose_b=True)[:, :4], 30_000
    )
    # Sizes that never come again: caches of plans are bounded.
    assert_flat(lambda i: andiron.ops.relu(X[: 1 + i % 5000]), 30_000)
    assert_flat(lambda i: f(X[: 1 + i % 3]), 300)


@pytest.mark.slow
def test_models_that_come_and_go(tmp_path):
    path = tmp_path / "m.safetensors"

    def live(i):
        m = network()
        m.fit(X[:64], Y[:64], epochs=1, verbose=0, checkpoint_dir=tmp_path / "c" / str(i % 3))
        m.save(path)
        andiron.load_model(path).predict(X[:3], verbose=0)
        for p in (tmp_path / "c" / str(i % 3)).iterdir():
            p.unlink()

    assert_flat(live, 300)


@pytest.mark.slow
def test_errors_leave_nothing_behind(tmp_path):
    m = network()
    broken = tmp_path / "broken.safetensors"
    m.save(broken)
    broken.write_bytes(broken.read_bytes()[:-3])

    def fail(i):
        for work in (
            lambda: m.fit(X[:, :3], Y, verbose=0),
            lambda: m.fit(X[:8], np.full((8, 1), np.nan), verbose=0),
            lambda: m.predict(X[0, :2]),
            lambda: andiron.load_model(broken),
            lambda: andiron.ops.matmul(X, X),
            lambda: layers.Dense(0),
        ):
            with pytest.raises((andiron.Error, OSError)):
                work()

    assert_flat(fail, 2000)
