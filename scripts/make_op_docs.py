"""Writes docs/ops.md from the schemas of the catalog."""

from __future__ import annotations

import sys
from pathlib import Path

from andiron import _core

OUT = Path(__file__).resolve().parents[1] / "docs" / "ops.md"

INTRO = """# Ops

What the graph is made of: every op, its inputs, attributes and formula. Made from the schemas by
`scripts/make_op_docs.py` (`make docs`); to change a line, change the op's room in `andiron/ops/`.
In Python `axes` may be given under Keras's name, too: `ops.sum(x, axis=-1)`.
"""


def default_of(attribute: dict) -> str:
    return "required" if attribute["required"] else f"`{attribute['default']!r}`"


def inputs_of(op: dict) -> list[str]:
    lines = []
    for spec in op["inputs"]:
        kind = " (optional)" if spec["optional"] else " (may repeat)" if spec["variadic"] else ""
        lines.append(f"- `{spec['name']}`{kind}: {spec['doc']}")
    return lines


def section(op: dict) -> str:
    lines = [f"## {op['name']}", op["summary"], "", f"    {op['formula']}", "", *inputs_of(op)]
    lines += [
        f"- `{a['name']}` ({a['type']}, {default_of(a)}): {a['doc']}" for a in op["attributes"]
    ]
    if op["outputs"] != ["dst"]:
        lines.append(f"- returns {', '.join(f'`{name}`' for name in op['outputs'])}")
    if not op["differentiable"]:
        lines += ["", f"Not differentiable: {op['why_not_differentiable']}."]
    if op["source"]:
        lines += ["", f"Source: {op['source']}."]
    return "\n".join(lines)


def main() -> int:
    ops = [op for op in _core.catalog() if op["inputs"]]
    OUT.write_text("\n\n".join([INTRO.rstrip(), *map(section, ops)]) + "\n")
    print(f"{len(ops)} ops in {OUT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
