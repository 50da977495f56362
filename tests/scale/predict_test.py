"""The prediction of larger clusters: its arithmetic against what can be reckoned by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.scale import fit, predict
from benchmarks.scale.predict import Network, Workload

NETWORK = Network(gbit=10, hop=20e-6, efficiency=0.9, cpu_byte=0.1e-9)
WORK = Workload("dense", 32, 0.1, 40_000_000)


def test_a_byte_takes_the_longer_of_link_and_processor():
    assert NETWORK.byte == pytest.approx(8 / 10e9 / 0.9)
    assert dataclasses.replace(NETWORK, cpu_byte=2e-9).byte == 2e-9


@pytest.mark.parametrize("n", [2, 8, 256])
def test_without_overlap_times_add_up(n):
    buckets = len(predict.messages(WORK))
    assert buckets == 20
    rounds = 2 if n <= 8 else 2 * (n - 1)
    wanted = 0.1 + buckets * rounds * 20e-6 + 2 * (n - 1) / n * 40e6 * NETWORK.byte
    assert predict.step_seconds(WORK, NETWORK, n, overlap=False) == pytest.approx(wanted)


@pytest.mark.parametrize("n", [2, 8, 256])
def test_overlap_hides_all_but_what_cannot_be(n):
    """At least the computation, at least the network after the first bucket is there, at most the
    sum; the last bucket never hides."""
    step = predict.step_seconds(WORK, NETWORK, n)
    last = NETWORK.allreduce(n, 2_000_000)
    alone = 20 * last
    first = 0.1 / 3 + 0.1 * 2 / 3 / 20
    assert step >= max(0.1 + last, first + alone) - 1e-12
    assert step <= predict.step_seconds(WORK, NETWORK, n, overlap=False)
    fast = dataclasses.replace(NETWORK, gbit=1e6, hop=0.0, cpu_byte=0.0)
    assert predict.efficiency(WORK, fast, n) == pytest.approx(1, abs=1e-3)


def test_small_sums_take_fewer_rounds():
    assert [predict.rounds(n, 1e3) for n in (1, 2, 5, 8, 256)] == [0, 1, 3, 3, 8]
    assert [predict.rounds(n, 3e5) for n in (1, 2, 5, 8, 256)] == [0, 2, 6, 6, 16]


def test_rows_of_all_nodes_reach_all():
    work = Workload("rows", 32, 0.1, 0, (1_000_000,), foreign_seconds=0.01, overlap=False)
    wanted = 0.1 + 7 * (20e-6 + 1e6 * NETWORK.byte) + 7 * 0.01
    found = predict.step_seconds(dataclasses.replace(work, dense_bytes=0), NETWORK, 8)
    assert found - NETWORK.allreduce(8, 0) == pytest.approx(wanted)


def test_the_limit_is_the_last_size_that_hides():
    until = predict.hides_until(WORK, NETWORK)
    assert predict.efficiency(WORK, NETWORK, until) >= 1 / 1.05
    assert predict.efficiency(WORK, NETWORK, until + 1) < 1 / 1.05
    fast = dataclasses.replace(NETWORK, gbit=1e6, hop=0.0, cpu_byte=0.0)
    assert predict.hides_until(WORK, fast) is None


def test_distinct_ids_are_those_of_draws():
    from benchmarks import workloads

    drawn = [len(np.unique(workloads.zipf_ids(np.random.default_rng(s), 5_000, 3_000)))
             for s in range(20)]  # fmt: skip
    error = np.std(drawn, ddof=1) / np.sqrt(len(drawn))
    assert abs(np.mean(drawn) - predict.distinct(5_000, 3_000)) < 4 * error


def test_lines_come_back_with_honest_errors():
    rng = np.random.default_rng(3)
    x = np.repeat([1e5, 1e6, 1e7, 1e8], 10)
    scaled = []
    for _ in range(200):
        seconds = (1e-3 + 2e-9 * x) * (1 + 0.05 * rng.normal(size=len(x)))
        found = fit.line(x, seconds)
        scaled.append(
            ((found.alpha - 1e-3) / found.alpha_error, (found.beta - 2e-9) / found.beta_error)
        )
    spread = np.sqrt(np.mean(np.square(scaled), axis=0))
    assert ((0.8 < spread) & (spread < 1.25)).all()
    assert found.residual == pytest.approx(0.05, rel=0.4)
    assert found.at(1e6) == pytest.approx(3e-3, rel=0.05)
