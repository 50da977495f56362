"""find_package(andiron): a program outside the tree builds against an installed prefix."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES CXX)
find_package(andiron 0.1 REQUIRED)
add_executable(program program.cpp)
target_link_libraries(program PRIVATE andiron::andiron)
"""


def run(*command: str | Path, **options) -> str:
    parts = [str(part) for part in command]
    done = subprocess.run(parts, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", ROOT / "build" / "release", "--prefix", folder, "--component", "cpp")
    return folder


def test_a_program_outside_the_tree_differentiates(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "program.cpp").write_text((Path(__file__).parent / "program.cpp").read_text())
    build = tmp_path / "build"
    run("cmake", "-S", tmp_path, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("ninja", "-C", build)
    assert run(build / "program", env={}).split() == ["6", "-4", "10"]


def test_every_installed_header_stands_alone(prefix, tmp_path):
    headers = sorted((prefix / "include" / "andiron").rglob("*.hpp"))
    assert prefix / "include" / "andiron" / "andiron.hpp" in headers
    for header in headers:
        run("g++", "-std=c++20", "-fsyntax-only", "-x", "c++", "-I", prefix / "include", header)


def test_no_path_of_the_build_is_left(prefix):
    for file in prefix.rglob("*.cmake"):
        assert str(ROOT) not in file.read_text(), file
    dynamic = run("readelf", "-d", next(prefix.rglob("libandiron.so")))
    assert re.search(r"RUNPATH.*\[\$ORIGIN\]", dynamic)
