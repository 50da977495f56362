"""The table of a campaign's outcomes."""

from __future__ import annotations

from pathlib import Path

from faults.draw import FAULTS, PHASES

_BEGIN, _END = "<!-- campaign: begin -->", "<!-- campaign: end -->"
_HEAD = ("fault", "phase", "runs", "noticed within: median, most", "restarts", "wrong results",
         "hangs", "processes left")  # fmt: skip


def line(outcome: dict) -> str:
    """An outcome that went wrong."""
    what = ", ".join(f"{key} {outcome[key]}" for key in ("fault", "phase", "how", "workers")
                     if outcome.get(key) not in (None, ""))  # fmt: skip
    return f"seed {outcome['seed']} ({what}): {'; '.join(outcome['wrong'])}"


def table(outcomes: list[dict]) -> str:
    """Markdown: a row for each fault and phase, and one for all."""
    rows = [_row(fault, phase, [o for o in outcomes if (o["fault"], o["phase"]) == (fault, phase)])
            for fault in FAULTS for phase in PHASES]  # fmt: skip
    rows = [row for row in rows if row[2] != "0"]
    rows.append(_row("all", "", outcomes))
    marks = ["---"] * 2 + ["---:"] * (len(_HEAD) - 2)
    return "\n".join("| " + " | ".join(row) + " |" for row in (_HEAD, marks, *rows))


def summary(outcomes: list[dict]) -> str:
    wrong = [o for o in outcomes if o["wrong"]]
    seconds = sum(o["seconds"] for o in outcomes)
    each = f"{seconds / max(1, len(outcomes)):.1f} s a run"
    text = f"{len(outcomes)} runs, {len(wrong)} went wrong, {each}"
    return "\n".join([table(outcomes), "", text, *map(line, wrong)])


def write(path: Path, outcomes: list[dict]) -> None:
    """Puts the table between its marks in a Markdown file."""
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    path.write_text(f"{before}{_BEGIN}\n{table(outcomes)}\n{_END}{after}", encoding="utf-8")


def _row(fault: str, phase: str, outcomes: list[dict]) -> tuple:
    noticed = sorted(o["noticed"] for o in outcomes if o["noticed"] is not None)
    within = f"{_time(noticed[len(noticed) // 2])}, {_time(noticed[-1])}" if noticed else "–"
    counts = [sum(1 for o in outcomes if any(w.startswith(kind) for w in o["wrong"]))
              for kind in ("result", "hang", "left")]  # fmt: skip
    restarts = sum(o["restarts"] for o in outcomes)
    return (fault, phase, str(len(outcomes)), within, str(restarts), *map(str, counts))


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
