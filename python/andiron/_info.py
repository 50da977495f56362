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

PACKAGES = ("numpy", "pandas", "pyarrow", "safetensors", "matplotlib", "pyspark")


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


def about_model(path: str) -> str | dict:
    """An ONNX model's description, what a file of Keras has, or the summary of a model that Andiron
    saved."""
    if path.lower().endswith(".onnx"):
        from andiron import onnx

        about = onnx.describe(path)
        about["supported"] = sorted(set(onnx.operators()) & set(about["operators"]))
        return about
    from andiron._keras.file import is_keras

    if is_keras(path):
        from andiron._keras import architecture

        return architecture.summary(path)
    from andiron.models import Quantized, load_model

    model = load_model(path, compile=False)
    return model.summary() if isinstance(model, Quantized) else model._ready().summary()


@click.command()
@click.argument("model", required=False, type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def info(model: str | None, as_json: bool) -> None:
    """Versions, CPU features, threads, kernel library and memory; or, with MODEL, what is in it."""
    if model is not None:
        try:
            found = about_model(model)
        except (ValueError, OSError) as e:
            raise click.ClickException(str(e)) from e
        if as_json:
            click.echo(
                json.dumps(found if isinstance(found, dict) else {"summary": found}, indent=2)
            )
        else:
            click.echo(render_onnx(found) if isinstance(found, dict) else found)
        return
    found = collect()
    click.echo(json.dumps(found, indent=2) if as_json else render(found))
