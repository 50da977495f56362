"""What the CPU can do, read without running any instruction that it may lack."""

from __future__ import annotations

REQUIRED = ("avx2", "fma")
INTERESTING = (
    *REQUIRED,
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
)


def cpuinfo(path: str = "/proc/cpuinfo") -> dict[str, str]:
    """The fields of the first processor; empty where the system does not tell."""
    fields: dict[str, str] = {}
    try:
        with open(path) as lines:
            for line in lines:
                name, colon, value = line.partition(":")
                if not colon and fields:
                    break
                fields[name.strip()] = value.strip()
    except OSError:
        pass
    return fields


def features(path: str = "/proc/cpuinfo") -> list[str]:
    """The instruction sets of INTERESTING that this CPU has."""
    flags = set(cpuinfo(path).get("flags", "").split())
    return [name for name in INTERESTING if name in flags]


def bfloat16(path: str = "/proc/cpuinfo") -> str:
    """How products of mixed_bfloat16 are computed on this CPU."""
    found = features(path)
    if "amx_bf16" in found:
        return "matrix instructions (amx_bf16)"
    if "avx512_bf16" in found:
        return "vector instructions (avx512_bf16), slower than with AMX"
    return "no instructions: mixed_bfloat16 is slower than float32 here"


def require_supported_cpu(path: str = "/proc/cpuinfo") -> None:
    """Raises ImportError with a sentence on a CPU older than AVX2 with FMA."""
    fields = cpuinfo(path)
    if "flags" not in fields:
        return
    missing = [name for name in REQUIRED if name not in fields["flags"].split()]
    if missing:
        raise ImportError(
            f"Andiron needs a CPU with {' and '.join(REQUIRED)}; this one "
            f"({fields.get('model name', 'unknown')}) lacks {' and '.join(missing)}"
        )
