"""Eight workers on a network of their own: what a training step sends, by two counts."""

from __future__ import annotations

import os

import pytest

from benchmarks.scale import namespaces, network

pytestmark = pytest.mark.slow


def test_a_step_sends_what_the_optimum_allows():
    if (why := namespaces.why_not()) is not None:
        pytest.skip(why)
    with namespaces.hosts(8, mbit=1000) as places:
        step = network.step(places, "mlp-tiny", rounds=2)
    wanted = 8 * 2 * 7 / 8 * step.gradient_bytes
    assert step.payload == pytest.approx(wanted, rel=0.02)
    assert step.headers < 0.01 * step.payload
    # The interfaces count TCP's, IP's and Ethernet's headers as well, 66 of 1,514 bytes, and all
    # that goes between two steps.
    assert step.payload + step.headers < step.interface < 1.15 * wanted
    assert not [one for one in namespaces.existing() if one.startswith(f"andiron{os.getpid()}")]
