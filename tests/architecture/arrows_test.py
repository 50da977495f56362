"""The layers of docs/architecture.md, as data, and that includes and imports obey them."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A folder of andiron/ and the folders right below it. What those may include, it may include too.
CPP_ARROWS = {
    "base": [],
    "images": ["base"],
    "tensor": ["base"],
    "collective": ["base"],
    "graph": ["tensor"],
    "ops": ["graph"],
    "autodiff": ["ops"],
    "passes": ["ops"],
    "exec": ["autodiff", "passes"],
    "eager": ["exec"],
    "linear": ["exec"],
    "io": ["ops"],
    "nn": ["eager", "io", "linear"],
    "train": ["nn", "io", "collective", "images"],
}

# A package of python/andiron and what it may import. Modules right below andiron/ are the API;
# packages that are not named here belong to it.
PYTHON_ARROWS = {
    "api": [],
    "testing": ["api"],
    "spark": ["api"],
    "apps": ["spark"],
}

MAX_LINES = 600
LONG_LINES = 400


def closure(arrows: dict[str, list[str]]) -> dict[str, set[str]]:
    """What each box may reach, itself included."""
    reach: dict[str, set[str]] = {}

    def visit(box: str) -> set[str]:
        if box not in reach:
            reach[box] = {box}
            for below in arrows[box]:
                reach[box] |= visit(below)
        return reach[box]

    for box in arrows:
        visit(box)
    return reach


def is_test_only(path: Path) -> bool:
    return re.search(r"_(test|testing)\.(cpp|hpp|py)$", path.name) is not None


def cpp_violations(root: Path) -> list[str]:
    reach = closure(CPP_ARROWS)
    found = []
    for path in sorted((root / "andiron").rglob("*.[ch]pp")):
        inside = path.relative_to(root / "andiron").parts
        if len(inside) == 1 or is_test_only(path):
            continue  # andiron.hpp, the public face, and tests sit above everything
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = re.match(r'\s*#\s*include\s*[<"]andiron/(\w+)(/?)', line)
            if not include:
                continue
            place = f"{path.relative_to(root)}:{number}"
            target = include[1] if include[2] else "the public face"
            if inside[0] not in CPP_ARROWS:
                found.append(f"{place}: folder {inside[0]} has no arrows in {Path(__file__).name}")
            elif target not in reach[inside[0]]:
                found.append(f"{place}: {inside[0]} may not include {target}")
    return found


def imported_modules(path: Path, package: list[str]) -> list[tuple[int, str]]:
    modules = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            modules += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join(base + (node.module or "").split(".")).strip(".")
            modules += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return modules


def python_box(parts: list[str]) -> str:
    """The box that the module andiron.<parts> belongs to."""
    return parts[0] if parts and parts[0] in PYTHON_ARROWS else "api"


def python_violations(root: Path) -> list[str]:
    reach = closure(PYTHON_ARROWS)
    found = []
    package_root = root / "python" / "andiron"
    for path in sorted(package_root.rglob("*.py")):
        inside = list(path.relative_to(package_root).with_suffix("").parts)
        if is_test_only(path) or inside == ["cli"]:
            continue  # the command and tests sit above everything
        box = python_box(inside)
        package = ["andiron", *inside[:-1]]
        for line, module in imported_modules(path, package):
            parts = module.split(".")
            if parts[0] != "andiron":
                continue
            target = python_box(parts[1:])
            if target not in reach[box]:
                found.append(f"{path.relative_to(root)}:{line}: {box} may not import {target}")
    return found


def source_files(root: Path) -> list[Path]:
    files = []
    for folder, pattern in [
        ("andiron", "*.[ch]pp"),
        ("bindings", "*.[ch]pp"),
        ("examples", "*.[ch]pp"),
        ("python", "*.py"),
        ("tests", "*.py"),
        ("benchmarks", "*.py"),
    ]:
        files += sorted((root / folder).rglob(pattern))
    return files


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_includes_point_down():
    assert cpp_violations(ROOT) == []


def test_imports_point_down():
    assert python_violations(ROOT) == []


def archive_symbols(archive: Path) -> tuple[set[str], set[str]]:
    """The symbols of namespace andiron that an archive defines, and that it needs."""
    lines = subprocess.run(["nm", str(archive)], check=True, capture_output=True, text=True).stdout
    defined, needed = set(), set()
    for kind, name in re.findall(r"^[0-9a-f ]{16} (\w) (_Z\S*7andiron\S*)$", lines, re.M):
        (needed if kind == "U" else defined).add(name)
    return defined, needed - defined


def test_linked_symbols_point_down():
    """Declarations may be repeated by hand; the linker sees through that."""
    archives = ROOT / "build" / "release" / "andiron"
    folders = [name for name in CPP_ARROWS if (archives / f"libandiron_{name}.a").exists()]
    if not folders:
        pytest.skip("build/release is not built")
    symbols = {name: archive_symbols(archives / f"libandiron_{name}.a") for name in folders}
    owners: dict[str, set[str]] = {}
    for name in folders:
        for symbol in symbols[name][0]:
            owners.setdefault(symbol, set()).add(name)
    reach = closure(CPP_ARROWS)
    upwards = [
        f"{name} needs {symbol} of {sorted(owners[symbol])}"
        for name in folders
        for symbol in sorted(symbols[name][1])
        if symbol in owners and not owners[symbol] & reach[name]
    ]
    assert upwards == []


def test_cmake_has_the_same_arrows():
    text = (ROOT / "andiron" / "CMakeLists.txt").read_text()
    calls = re.findall(r"^andiron_library\((\w+)([^)]*)\)", text, re.M)
    arrows = {}
    for name, rest in calls:
        depends = re.search(r"DEPENDS((?: +[a-z_]+)+)", rest)
        arrows[name] = depends[1].split() if depends else []
    assert arrows == CPP_ARROWS


def test_files_are_short(record_property):
    sizes = {path.relative_to(ROOT): line_count(path) for path in source_files(ROOT)}
    long = {str(path): lines for path, lines in sizes.items() if lines > LONG_LINES}
    for path, lines in sorted(long.items(), key=lambda item: -item[1]):
        print(f"{lines:5} lines: {path}")
    record_property("long_files", long)
    too_long = {path: lines for path, lines in long.items() if lines > MAX_LINES}
    assert not too_long, f"over {MAX_LINES} lines: two concepts in one file? {too_long}"


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("andiron/tensor/x.hpp", '#include "andiron/graph/graph.hpp"', "may not include graph"),
        ("andiron/nn/a/x.cpp", "#  include <andiron/train/fit.hpp>", "may not include train"),
        ("andiron/exec/x.cpp", '#include "andiron/andiron.hpp"', "the public face"),
        ("andiron/extra/x.cpp", '#include "andiron/base/error.hpp"', "extra has no arrows"),
        ("python/andiron/layers/x.py", "from andiron.apps import recommend", "import apps"),
        ("python/andiron/model.py", "from .apps.recommend import cli", "import apps"),
        ("python/andiron/apps/x.py", "import andiron.testing.data", "import testing"),
    ],
)
def test_an_arrow_upwards_is_found(tmp_path, path, text, message):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text + "\n")
    violations = cpp_violations(tmp_path) + python_violations(tmp_path)
    assert len(violations) == 1 and message in violations[0], violations
