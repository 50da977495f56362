"""A campaign is worth what its judge notices."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace

import pytest

from faults import disk, report
from faults.draw import FAULTS, PHASES, draw
from faults.judge import judge

RIGHT = {"model": "abc", "history": {"loss": [1.0]}}


def told(**what) -> dict:
    """What a driver tells of a run in which one worker was killed and all went well."""
    return {
        "hang": "", "left": [], "error": None, "result": RIGHT, "ctrl_c": None, "strangers": [],
        "struck": 1, "restarts": 1, "noticed": [(0.01, 1, "PeerLostError", 0)],
        "began": [(0, 0), (0, 4)], "expected": [(0, 4)], "resumes at": None, "words": [],
        "paused": 0.0, **what,
    }  # fmt: skip


def case(**what):
    of_seed = draw(0)
    calm = dict(fault="kill", phase="evaluation", victim=0, workers=2, times=1, prelude=0)
    return replace(of_seed, **{**calm, "wakes": False, **what})


def wrong(tmp_path, found, **what) -> str:
    return " ".join(judge(case(**what), found, RIGHT, tmp_path)["wrong"])


def test_a_good_run_is_good(tmp_path):
    assert wrong(tmp_path, [told()]) == ""


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"result": {**RIGHT, "model": "abd"}}, "result: model"),
        ({"result": {**RIGHT, "history": {"loss": [2.0]}}}, "result: history"),
        ({"result": None, "error": ("LostTooOften", "", True)}, "other: the run ended with Lost"),
        ({"hang": "worker 1 did not end"}, "hang: worker 1"),
        ({"left": [(17, "Z")]}, "left: processes"),
        ({"restarts": 0}, "restarts: 0, expected 1"),
        ({"restarts": 2}, "restarts: 2, expected 1"),
        ({"struck": 0}, "no fault happened"),
        ({"began": [(0, 0), (0, 0)]}, "resume: went on at (0, 0), not at (0, 4)"),
        ({"noticed": [(0.01, 1, "PeerLostError", 1)]}, "notice: worker 1 said"),
        ({"noticed": [(2.1, 1, "PeerStalledError", 0)]}, "notice: worker 1 said"),
    ],
)
def test_what_is_wrong_is_found(tmp_path, what, words):
    assert words in wrong(tmp_path, [told(**what)])


def test_a_full_disk_must_end_the_run_with_its_own_words(tmp_path):
    full = told(result=None, restarts=0, noticed=[], expected=[], began=[(0, 0)],
                error=("WorkerError", "OSError: No space left on device", False))  # fmt: skip
    after = told(restarts=0, began=[(0, 4)], expected=[], **{"resumes at": (0, 4)})
    assert wrong(tmp_path, [full, after], fault="full disk") == ""
    other = {**full, "error": ("WorkerError", "AbortedError: No space left on device", False)}
    assert "a full disk ended" in wrong(tmp_path, [other, after], fault="full disk")
    assert "went on in spite" in wrong(tmp_path, [told(), after], fault="full disk")


def test_strangers_must_be_refused_and_written_down(tmp_path):
    calm = dict(restarts=0, noticed=[], expected=[], began=[(0, 0)])
    good = told(strangers=["refused", "nobody there"], **calm)
    assert "not written down" in wrong(tmp_path, [good], fault="strangers")
    (tmp_path / "job1.log").write_text("[collective] rank 0 refused 127.0.0.1:5: it does not")
    assert wrong(tmp_path, [good], fault="strangers") == ""
    let_in = told(strangers=["it was let in"], **calm)
    assert "it was let in" in wrong(tmp_path, [let_in], fault="strangers")


def test_a_seed_is_a_run_and_all_faults_and_phases_take_their_turn():
    cases = [draw(seed) for seed in range(len(FAULTS) * len(PHASES))]
    assert cases == [draw(c.seed) for c in cases]
    assert len({(c.fault, c.phase) for c in cases}) == len(cases)
    first = cases[:34]
    assert {c.fault for c in first} == set(FAULTS) and {c.phase for c in first} == set(PHASES)
    assert [c.chances.random() for c in cases] == [draw(c.seed).chances.random() for c in cases]


def test_positions_are_those_of_the_newest_whole_checkpoint(tmp_path):
    import numpy as np

    import andiron
    from andiron import layers

    model = andiron.Sequential([andiron.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((40, 2), "f4")
    folder = tmp_path / "run-1"
    model.fit(x, x[:, :1], batch_size=10, epochs=2, verbose=0, seed=1,
              checkpoint_dir=folder, checkpoint_every=3)  # fmt: skip
    assert disk.position(tmp_path) == (2, 0)
    for how in ("flip", "truncate", "empty", "lying header", "zeros", "stray file"):
        place = tmp_path / how
        shutil.copytree(folder, place / "run-1")
        disk.damage(place, how, random.Random(1))
        assert disk.position(place) == ((2, 0) if how == "stray file" else (1, 2)), how
        again = andiron.Sequential([andiron.Input((2,)), layers.Dense(1)])
        again.compile("sgd", "mse")
        again.fit(x, x[:, :1], batch_size=10, epochs=2, verbose=0, seed=1,
                  checkpoint_dir=place / "run-1", checkpoint_every=3, resume=True)  # fmt: skip
        np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_the_table_stands_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- campaign: begin -->\nold\n<!-- campaign: end -->\nafter\n")
    outcomes = [
        {"seed": seed, "fault": "kill", "phase": "last step", "noticed": seconds, "restarts": 1,
         "seconds": 1.0, "wrong": why}
        for seed, seconds, why in ((0, 0.01, []), (1, 2.1, ["hang: x"]), (2, None, ["result: y"]))
    ]  # fmt: skip
    report.write(page, outcomes)
    text = page.read_text()
    assert text.startswith("before\n<!-- campaign: begin -->\n| fault | phase |")
    assert text.endswith("|\n<!-- campaign: end -->\nafter\n") and "old" not in text
    assert "| kill | last step | 3 | 2.1 s, 2.1 s | 3 | 1 | 1 | 0 |" in text
