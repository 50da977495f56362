"""What must be true after a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faults import strangers
from faults.draw import RESTARTING, Case
from faults.training import EPOCHS

_FULL = ("No space left on device", "File too large")


def judge(case: Case, found: list[dict], undisturbed: dict | None, folder: Path) -> dict:
    """The outcome of a run from what its drivers told: plain values. Each text in "wrong" begins
    with its kind: result, hang, left, restarts, resume, notice, or other."""
    wrong = [text for told in found for text in _of_driver(told)]
    last = found[-1]
    if not wrong:
        wrong += _of_result(case, found, undisturbed)
        wrong += _of_restarts(case, found[0], undisturbed)
        wrong += _of_resumption(case, found)
        wrong += _of_notice(case, found[0])
        wrong += _of_strangers(case, found[0], folder)
    noticed = [n for n in found[0].get("noticed", []) if n[1] != case.victim]
    return {
        "seed": case.seed, "fault": case.fault, "phase": case.phase, "how": case.how,
        "workers": case.workers, "tls": case.tls, "wide": case.wide,
        "struck": found[0].get("struck", 0),
        "restarts": sum(told.get("restarts", 0) for told in found) - int(case.prelude > 0),
        "noticed": max((n[0] for n in noticed), default=found[0].get("ctrl_c")),
        "result": last.get("result"), "wrong": wrong,
        "paused": sum(told.get("paused", 0.0) for told in found),
        "words": [words for told in found for words in told.get("words", [])] if wrong else [],
    }  # fmt: skip


def _of_driver(told: dict) -> list[str]:
    wrong = []
    if told["hang"]:
        wrong.append(f"hang: {told['hang']}")
    if told["left"]:
        wrong.append(f"left: processes of the run: {told['left']}")
    return wrong


def _of_result(case: Case, found: list[dict], undisturbed: dict | None) -> list[str]:
    first, last = found[0], found[-1]
    if len(found) == 2 and first["result"] is not None:
        return [f"other: the run went on in spite of {case.fault}"]
    if case.fault == "full disk" and undisturbed is not None:
        kind, text, _ = first["error"]
        told = text.splitlines()[0]
        if kind != "WorkerError" or "OSError: " not in told or not any(f in text for f in _FULL):
            return [f"other: a full disk ended the run with {kind}: {text}"]
    if last["error"] is not None:
        return ["other: the run ended with {}: {}".format(*last["error"])]
    if last["result"] is None:
        return ["other: the run gave no result"]
    if undisturbed is None:
        return []
    different = [part for part, right in undisturbed.items() if last["result"][part] != right]
    return [f"result: {part} differs from the undisturbed run's" for part in different]


def _of_restarts(case: Case, told: dict, undisturbed: dict | None) -> list[str]:
    if undisturbed is None:
        return [] if told["restarts"] == 0 else ["restarts: some without a fault"]
    if told["struck"] == 0:
        return ["other: no fault happened"]
    least = int(case.prelude > 0) + (told["struck"] if case.fault in RESTARTING else 0)
    most = least
    if case.fault == "cut connection" and case.phase == "rendezvous":
        least -= told["struck"]  # who is cut off before it has come may come again
    if case.phase == "last step" and case.how in ("from one", "one way", "data"):
        least -= told["struck"]  # what should have passed there may have passed already
    if not least <= told["restarts"] <= most:
        return [f"restarts: {told['restarts']}, expected {least} to {most}"]
    return []


def _of_resumption(case: Case, found: list[dict]) -> list[str]:
    wrong = []
    for told in found:
        expected = [told["resumes at"], *told["expected"]]
        for began, at in zip(told["began"], expected, strict=False):
            # A worker that was struck before its first step, or that finds all done, tells nothing.
            # A process that wakes up late may still finish the checkpoint that it was writing.
            at_least = began is not None and case.wakes and began >= tuple(at or (0, 0))
            if began is not None and began != tuple(at or (0, 0)) and not at_least:
                wrong.append(f"resume: went on at {began}, not at {at}")
            if began is not None and at is not None and at[0] == EPOCHS:
                wrong.append(f"resume: trained again what was complete, from {began}")
    return wrong


def _of_notice(case: Case, told: dict) -> list[str]:
    """A dead or stopped worker is found to be that, by all, and by its name."""
    kind = {"kill": "PeerLostError", "stop": "PeerStalledError"}.get(case.fault)
    if kind is None or case.phase == "rendezvous":
        return []
    return [f"notice: worker {rank} said {said} of worker {blamed}"
            for _, rank, said, blamed in told["noticed"]
            if (said, blamed) != (kind, case.victim)]  # fmt: skip


def _of_strangers(case: Case, told: dict, folder: Path) -> list[str]:
    lines: list[Any] = told["strangers"]
    wrong = [f"other: a stranger: {line}" for line in lines
             if line not in strangers.WELL]  # fmt: skip
    logs = "".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
    if "refused" in lines and "refused 127.0.0.1" not in logs:
        wrong.append("other: a stranger was not written down in any log")
    return wrong
