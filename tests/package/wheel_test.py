"""The wheel: built from the tree, installed alone, without any environment variable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

# What the extension and libdnnl may need from outside the wheel.
SYSTEM_LIBRARIES = {
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "ld-linux-x86-64.so.2",
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libgomp.so.1",
}


def run(*command: str | Path, **options) -> str:
    parts = [str(part) for part in command]
    done = subprocess.run(parts, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def bare_environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "CCACHE_DIR", "TMPDIR")
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **pip}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Not isolated, as deep in the tree as build/release and by the compiler's name there: the same
    # lines, so that ccache has the objects.
    options = ("--no-deps", "--no-build-isolation", "-C", "build-dir=build/wheel", "-w", folder)
    env = {"CXX": "c++", **os.environ}
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT, cwd=folder, env=env)
    (path,) = folder.glob("andiron-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of a fresh environment that has the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, env=bare_environment())
    return python


def needed(library: Path) -> set[str]:
    dynamic = run("readelf", "-d", library)
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))


def test_it_has_stubs_type_marker_and_kernel_library(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("_core.pyi", "py.typed", "libdnnl.so.3", "__init__.py", "cli.py"):
        assert f"andiron/{name}" in names
    extensions = [n for n in names if re.fullmatch(r"andiron/_core\.cpython-\S+\.so", n)]
    assert len(extensions) == 1
    assert not [name for name in names if name.endswith("_test.py") or "__pycache__" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_links_nothing_but_the_system(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (extension,) = (tmp_path / "andiron").glob("_core*.so")
    assert needed(extension) <= SYSTEM_LIBRARIES | {"libdnnl.so.3"}
    assert needed(tmp_path / "andiron" / "libdnnl.so.3") <= SYSTEM_LIBRARIES
    assert re.search(r"RUNPATH.*\[\$ORIGIN\]", run("readelf", "-d", extension))


def test_import_needs_no_environment_variable(installed, tmp_path):
    code = "import andiron, sys; print(andiron.__file__); print(andiron.__version__)"
    file, version = run(installed, "-c", code, cwd=tmp_path, env={}).split()
    assert Path(file).is_relative_to(installed.parents[1])
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_the_kernel_library_is_the_wheels_own(installed, tmp_path):
    code = "import andiron; print(open('/proc/self/maps').read())"
    maps = run(installed, "-c", code, cwd=tmp_path, env={})
    loaded = {Path(line.split()[-1]) for line in maps.splitlines() if "libdnnl" in line}
    assert len(loaded) == 1
    assert loaded.pop().parent.name == "andiron"


def test_the_command_is_installed(installed, tmp_path):
    out = run(installed.parent / "andiron", "info", cwd=tmp_path, env={})
    assert "oneDNN 3." in out
