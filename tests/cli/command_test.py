"""The command `andiron`: quick help, an honest `info`, lazy subcommands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from andiron import _cpu, cli


def run(*args: str) -> str:
    result = CliRunner().invoke(cli.main, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_help_names_every_subcommand_without_loading_it():
    code = (
        "import sys; from andiron.cli import main\n"
        "try: main(['--help'], prog_name='andiron')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('andiron.apps', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    for name in cli.SUBCOMMANDS:
        assert re.search(rf"^  {name}\s+\w", out.stdout, re.M), out.stdout
    assert out.stdout.splitlines()[-1] == "[]"


def test_the_version_is_the_packages():
    import andiron

    assert run("--version") == f"andiron {andiron.__version__}\n"


def test_convert_writes_no_foreign_format_but_onnx(tmp_path):
    from andiron import Input, Sequential, layers

    Sequential([Input((2,)), layers.Dense(1)]).save(tmp_path / "y.safetensors")
    words = ["convert", str(tmp_path / "y.safetensors"), str(tmp_path / "z.h5")]
    result = CliRunner().invoke(cli.main, words)
    assert result.exit_code == 1 and "Keras's files are read" in result.output
    assert not (tmp_path / "z.h5").exists()
    (tmp_path / "bad").write_bytes(b"no model")  # which is not even looked at
    result = CliRunner().invoke(cli.main, ["convert", str(tmp_path / "bad"), words[2]])
    assert result.exit_code == 1 and "Keras's files are read" in result.output
    words[2] = str(tmp_path)
    result = CliRunner().invoke(cli.main, words)
    assert result.exit_code == 2 and "is a directory" in result.output
    words[2] = str(tmp_path / "new" / "z.onnx")
    assert CliRunner().invoke(cli.main, words).exit_code == 0
    assert (tmp_path / "new" / "z.onnx").exists()


def test_info_prints_what_the_machine_has():
    out = run("info")
    assert re.search(r"^andiron +\d+\.\d+\.\d+", out, re.M)
    assert re.search(r"^kernels +oneDNN 3\.\d+\.\d+ \(OpenMP\), AVX", out, re.M)
    assert re.search(rf"^threads +\d+ of {len(os.sched_getaffinity(0))} cores", out, re.M)
    assert re.search(r"^features .*avx2.*fma", out, re.M)


def test_info_as_json_agrees_with_the_system():
    found = json.loads(run("info", "--json"))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found["memory_gib"]["total"] == pytest.approx(pages / 1024**3, abs=0.01)
    assert 0 < found["memory_gib"]["available"] <= found["memory_gib"]["total"]
    assert found["packages"]["numpy"]


def test_threads_follow_omp_num_threads():
    out = subprocess.run(
        [sys.executable, "-m", "andiron.cli", "info", "--json"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(out.stdout)["threads"] == 1


def test_an_unknown_subcommand_is_named():
    result = CliRunner().invoke(cli.main, ["recomend"])
    assert result.exit_code == 2
    assert "recomend" in result.output


def test_a_cpu_without_avx2_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("model name\t: Old One\nflags\t\t: fpu sse2 avx fma\n\nprocessor\t: 1\n")
    with pytest.raises(ImportError, match=r"needs a CPU with avx2 and fma.*Old One.*lacks avx2"):
        _cpu.require_supported_cpu(str(path))
    path.write_text("model name\t: New One\nflags\t\t: avx2 fma\n")
    _cpu.require_supported_cpu(str(path))


def test_import_takes_at_most_a_second():
    code = "import time; t = time.perf_counter(); import andiron; print(time.perf_counter() - t)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(seconds) <= 1.0, seconds
