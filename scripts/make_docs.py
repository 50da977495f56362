"""Writes docs/api/*.md from the docstrings of andiron's public modules."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "api"


def public_modules(name: str) -> list[str]:
    """The module and those below it, without private ones, tests and what needs absent packages."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "andiron":
            raise
        print(f"{name} is left out: {error.name} is not installed")
        return []
    names = [name]
    for entry in pkgutil.iter_modules(getattr(module, "__path__", [])):
        if not entry.name.startswith("_") and not entry.name.endswith("_test"):
            names += public_modules(f"{name}.{entry.name}")
    return names


def members(module) -> list[tuple[str, object]]:
    """Public functions and classes that the module offers as its own."""
    names = getattr(module, "__all__", None)
    found = []
    for name in sorted(names or vars(module)):
        value = getattr(module, name, None)
        if name.startswith("_") or not (inspect.isclass(value) or callable(value)):
            continue
        if names or getattr(value, "__module__", None) == module.__name__:
            found.append((name, value))
    return found


def signature(value: object) -> str:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(…)"


def entry(name: str, value: object, level: int) -> list[str]:
    lines = [f"{'#' * level} `{name}{signature(value)}`", "", inspect.getdoc(value) or "", ""]
    if inspect.isclass(value):
        for method, function in sorted(vars(value).items()):
            if not method.startswith("_") and callable(function) and inspect.getdoc(function):
                lines += entry(f"{name}.{method}", function, level + 1)
    return lines


def page(name: str) -> str:
    module = importlib.import_module(name)
    lines = [f"# {name}", "", inspect.getdoc(module) or "", ""]
    for member, value in members(module):
        lines += entry(member, value, 2)
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    for stale in OUT.glob("*.md"):
        stale.unlink()
    names = public_modules("andiron")
    for name in names:
        (OUT / f"{name}.md").write_text(page(name))
    index = "".join(f"- [{name}]({name}.md)\n" for name in names)
    (OUT / "index.md").write_text(f"# API\n\n{index}")
    print(f"{len(names)} pages in {OUT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
