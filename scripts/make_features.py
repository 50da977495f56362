"""Writes docs/features.md: every public name of Keras 3, PyTorch and BigDL, and what Andiron has.

    .venv/bin/python scripts/make_features.py           # writes
    .venv/bin/python scripts/make_features.py --check   # exit code 1 when the page is old

scripts/features/names.json has the names of Keras and PyTorch (tools/make_feature_names.py asks
them). A name of Keras that exists here needs nothing else, unless it only says that it comes later.
All others have a line in
scripts/features/{keras,torch,bigdl}.tsv, whose status is

    losses.Huber which ...      the name here (that it exists is checked), and words
    later: sequences            comes in the work of that name
    no: reason                  does not come
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from pathlib import Path

import andiron
from andiron import callbacks, constraints, initializers, layers, losses, metrics, optimizers
from andiron import regularizers as regularizers_module

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "scripts" / "features"
PAGE = ROOT / "docs" / "features.md"
LATER = ("sequences", "vision", "similarity search")
# A kind of Keras and the module that has it.
HOMES = {
    "layers": layers,
    "losses": losses,
    "metrics": metrics,
    "optimizers": optimizers,
    "schedules": optimizers.schedules,
    "callbacks": callbacks,
    "initializers": initializers,
    "constraints": constraints,
    "regularizers": regularizers_module,
}
SOURCES = {"keras": "Keras", "torch": "PyTorch", "bigdl": "BigDL"}


def exists(path: str) -> bool:
    """Whether andiron has it: "losses.Huber", "Model"."""
    if path.startswith("activations."):
        return in_keras_place("activations", path.removeprefix("activations."))
    value = andiron
    for part in path.split("."):
        value = getattr(value, part, None)
        if value is None:
            return False
    return True


def in_keras_place(kind: str, name: str) -> bool:
    """Whether a name of Keras is here, where Keras has it."""
    if kind != "activations":
        return hasattr(HOMES[kind], name)
    try:
        layers.Activation(name)
    except Exception:
        return False
    return True


class Tables:
    """What is stored: names by source and kind, and statuses."""

    def __init__(self, folder: Path = TABLES):
        found = json.loads((folder / "names.json").read_text())
        self.versions = {source: found[source]["version"] for source in found}
        self.statuses: dict[str, dict[tuple[str, str], str]] = {}
        for source in SOURCES:
            with open(folder / f"{source}.tsv", newline="") as file:
                rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                self.statuses[source] = {(r["kind"], r["name"]): r["status"] for r in rows}
        self.names = {source: found[source]["kinds"] for source in found}
        kinds: dict[str, list[str]] = {}
        for kind, name in self.statuses["bigdl"]:
            kinds.setdefault(kind, []).append(name)
        self.names["bigdl"] = kinds


def judged(tables: Tables, source: str, kind: str, name: str) -> tuple[str, str]:
    """(yes, later, no or unknown; what the page says)."""
    status = tables.statuses[source].get((kind, name))
    # A class may only say that it comes later; then the status says so, too.
    later = (status or "").startswith("later: ")
    if source == "keras" and in_keras_place(kind, name) and not later:
        return "yes", ""
    if status is None:
        return "unknown", f"{source}: {kind}.{name} has no status"
    word, _, rest = status.partition(": ")
    if word == "no" and rest:
        return "no", rest
    if word == "later":
        return ("later" if rest in LATER else "unknown"), rest
    path = re.match(r"[\w.]+", status)[0].rstrip(".")
    shown = f"`{path}`{status[len(path) :]}"
    if exists(path):
        return "yes", shown
    return "unknown", f"{source}: {kind}.{name} is said to be {path}, which does not exist"


def problems(tables: Tables) -> list[str]:
    """Names without status, statuses without a name, and what is said to exist and does not."""
    found = []
    for source, kinds in tables.names.items():
        for kind, names in kinds.items():
            for name in names:
                verdict, words = judged(tables, source, kind, name)
                if verdict == "unknown":
                    found.append(words)
        for kind, name in tables.statuses[source]:
            if name not in kinds.get(kind, []):
                found.append(f"{source}.tsv has {kind}.{name}, which {source} does not have")
    return found


WORDS = {"yes": "here", "later": "later", "no": "no"}


def section(tables: Tables, source: str, kind: str, names: list[str]) -> list[str]:
    rows = {name: judged(tables, source, kind, name) for name in names}
    lines = [f"### {SOURCES[source]}: {kind}", ""]
    same = [name for name, (verdict, words) in rows.items() if verdict == "yes" and not words]
    if same:
        lines += ["Here under their names: " + ", ".join(f"`{n}`" for n in same) + ".", ""]
    rest = {name: row for name, row in rows.items() if name not in same}
    if not rest:
        return lines
    lines += ["| name | | Andiron |", "|---|---|---|"]
    for name, (verdict, words) in rest.items():
        lines.append(f"| `{name}` | {WORDS[verdict]} | {words} |")
    return [*lines, ""]


def page(tables: Tables) -> str:
    lines = [
        "# What is here, by the names of others",
        "",
        "Generated by `scripts/make_features.py` from the code and `scripts/features/`. Every "
        f"public class of Keras {tables.versions['keras']}, PyTorch {tables.versions['torch']} "
        "and BigDL's dllib is here, or comes later in the work that is named, or is refused with "
        "the reason. Ops are listed in [ops.md](ops.md).",
        "",
        "| of | kind | names | here | later | no |",
        "|---|---|---|---|---|---|",
    ]
    for source, kinds in tables.names.items():
        for kind, names in kinds.items():
            count = Counter(judged(tables, source, kind, name)[0] for name in names)
            cells = " | ".join(str(count[v]) for v in ("yes", "later", "no"))
            lines.append(f"| {SOURCES[source]} | {kind} | {len(names)} | {cells} |")
    lines.append("")
    for source, kinds in tables.names.items():
        lines += [f"## {SOURCES[source]}", ""]
        for kind, names in kinds.items():
            lines += section(tables, source, kind, names)
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    tables = Tables()
    found = problems(tables)
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    text = page(tables)
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print("docs/features.md is old: scripts/make_features.py", file=sys.stderr)
        return 1
    PAGE.write_text(text)
    print(f"{PAGE.relative_to(ROOT)}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
