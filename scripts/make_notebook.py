"""Writes notebooks/NAME.ipynb from notebooks/NAME.py, whose cells begin with "# %%"; with --run the
cells are executed, and what they print and show is stored.

    ANDIRON_CIFAR10=FOLDER .venv/bin/python scripts/make_notebook.py --run notebooks/cifar10.py
"""

from __future__ import annotations

import argparse
import ast
import base64
import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any


def cells(source: str) -> list[dict]:
    """The cells of a script, without outputs."""
    out = []
    for part in re.split(r"^# %%", source, flags=re.M)[1:]:
        head, _, text = part.partition("\n")
        text = text.strip("\n")
        if head.strip() == "[markdown]":
            text = "\n".join(re.sub(r"^# ?", "", line) for line in text.splitlines())
            cell: dict[str, Any] = {"cell_type": "markdown", "metadata": {}}
        else:
            cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
        out.append({**cell, "id": f"cell-{len(out)}", "source": text.splitlines(keepends=True)})
    return out


def shown(value: Any) -> dict:
    """How a notebook keeps the value of a cell's last line."""
    data: dict[str, Any] = {"text/plain": [f"<{type(value).__name__}>"]}
    if hasattr(value, "_repr_png_"):
        data["image/png"] = base64.b64encode(value._repr_png_()).decode() + "\n"
    else:
        data["text/plain"] = repr(value).splitlines(keepends=True)
    return data


def execute(code: list[dict], namespace: dict) -> None:
    """Runs code cells one after the other in one namespace, and keeps their outputs."""
    for number, cell in enumerate((c for c in code if c["cell_type"] == "code"), 1):
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        printed, value = io.StringIO(), None
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, f"cell {number}", "exec"), namespace)
            if last is not None:
                value = eval(
                    compile(ast.Expression(last.value), f"cell {number}", "eval"), namespace
                )
        cell["execution_count"], cell["outputs"] = number, []
        if text := printed.getvalue():
            cell["outputs"].append(
                {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}
            )
        if value is not None:
            cell["outputs"].append(
                {"output_type": "execute_result", "execution_count": number, "metadata": {},
                 "data": shown(value)}
            )  # fmt: skip


def notebook(code: list[dict]) -> str:
    return (
        json.dumps(
            {
                "cells": code,
                "metadata": {
                    "kernelspec": {
                        "display_name": "Python 3", "language": "python", "name": "python3",
                    },
                    "language_info": {"name": "python"},
                },
                "nbformat": 4,
                "nbformat_minor": 5,
            },
            indent=1,
        )
        + "\n"
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("--run", action="store_true")
    args = parser.parse_args()
    code = cells(args.script.read_text("utf-8"))
    if args.run:
        execute(code, {"__name__": "__main__"})
    args.script.with_suffix(".ipynb").write_text(notebook(code), encoding="utf-8")


if __name__ == "__main__":
    main()
