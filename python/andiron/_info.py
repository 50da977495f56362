"""`andiron info`: what one needs to know about an installation, on one screen."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import resource
import time

import click

from andiron import _cpu
from andiron._about import about
from andiron._commands import said

PACKAGES = ("numpy", "pandas", "pyarrow", "safetensors", "matplotlib", "scikit-learn", "pyspark")


def package_versions() -> dict[str, str]:
    """Versions of what Andiron works with; packages that are not installed are left out."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def memory() -> dict[str, float]:
    """GiB of this machine (total, available), of the container (limit, if any), of this process
    (peak)."""
    gib = 1024**3
    page = os.sysconf("SC_PAGE_SIZE")
    sizes = {
        "total": os.sysconf("SC_PHYS_PAGES") * page / gib,
        "available": os.sysconf("SC_AVPHYS_PAGES") * page / gib,
    }
    try:
        with open("/proc/meminfo") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        sizes["available"] = int(fields["MemAvailable"].split()[0]) / 1024**2
        with open("/sys/fs/cgroup/memory.max") as limit:
            text = limit.read().strip()
        if text != "max":
            sizes["limit"] = int(text) / gib
    except (OSError, KeyError, ValueError):
        pass
    sizes["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return sizes


def collect() -> dict:
    """All that `andiron info` prints, as plain values."""
    start = time.perf_counter()
    import andiron

    seconds = time.perf_counter() - start
    core = andiron._core.build_info()
    return {
        "andiron": andiron.__version__,
        "import_seconds": round(seconds, 3),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "compiler": core["compiler"],
        "packages": package_versions(),
        "cpu": _cpu.cpuinfo().get("model name", platform.processor() or "unknown"),
        "features": _cpu.features(),
        "bfloat16": _cpu.bfloat16(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": core["threads"],
        "kernel_library": f"oneDNN {core['onednn']} ({core['onednn_runtime']})",
        "kernel_isa": core["onednn_isa"],
        "memory_gib": {name: round(size, 2) for name, size in memory().items()},
    }


def render(found: dict) -> str:
    """The report as aligned lines."""
    sizes = found["memory_gib"]
    limit = f", limit {sizes['limit']:.1f}" if "limit" in sizes else ""
    rows = [
        ("andiron", f"{found['andiron']} (built with {found['compiler']})"),
        ("python", f"{found['python']} on {found['system']}"),
        ("packages", ", ".join(f"{name} {v}" for name, v in found["packages"].items())),
        ("cpu", found["cpu"]),
        ("features", " ".join(found["features"])),
        ("bfloat16", found["bfloat16"]),
        ("threads", f"{found['threads']} of {found['cores']} cores"),
        ("kernels", f"{found['kernel_library']}, {found['kernel_isa']}"),
        (
            "memory",
            f"{sizes['total']:.1f} GiB, {sizes['available']:.1f} available{limit}; "
            f"this process {sizes['peak']:.2f}",
        ),
    ]
    return "\n".join(f"{name:<10} {value}" for name, value in rows)


def _shape_text(shape) -> str:
    return "?" if shape is None else "[" + ", ".join(str(d or "?") for d in shape) + "]"


def render_onnx(about: dict) -> str:
    """What onnx.describe found, as aligned lines."""
    counts = sorted(about["operators"].items(), key=lambda kv: (-kv[1], kv[0]))
    opsets = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in about["opsets"].items())
    rows = [
        ("onnx", f"IR version {about['ir_version']}, opset {opsets}"),
        ("producer", about["producer"] or "unknown"),
        ("weights", f"{about['parameters']:,} numbers in {len(about['initializers'])} tensors"),
    ]
    initializers = set(about["initializers"])
    for kind in ("inputs", "outputs"):
        for name, dtype, shape in about[kind]:
            if name not in initializers:
                rows.append((kind[:-1], f"{name} {dtype} {_shape_text(shape)}"))
    rows.append(("nodes", ", ".join(f"{name} {n}" for name, n in counts)))
    missing = sorted(set(about["operators"]) - set(about["supported"]))
    if missing:
        rows.append(("missing", ", ".join(missing)))
    return "\n".join(f"{name:<10} {value}" for name, value in rows)


@click.command()
@click.argument("model", required=False, type=click.Path(exists=True))
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@said
def info(model: str | None, as_json: bool) -> None:
    """Versions, CPU features, threads, kernel library and memory; or, with MODEL, what is in it: a
    file of Andiron (model, quantized model, classifier, checkpoint or the folder of them, saved
    recommender), safetensors, ONNX, PyTorch's state dict, Keras."""
    if model is not None:
        found = about(model)
        if as_json:
            click.echo(json.dumps(found, indent=2))
        else:
            click.echo(found["summary"] if "summary" in found else render_onnx(found))
        return
    found = collect()
    click.echo(json.dumps(found, indent=2) if as_json else render(found))
