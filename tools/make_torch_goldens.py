"""Writes tests/goldens/torch_archives.json: small files of torch.save and what is in them.

.venv-peers/bin/python tools/make_torch_goldens.py
"""

from __future__ import annotations

import base64
import collections
import io
import json
import math
from pathlib import Path

import torch

TARGET = Path(__file__).parents[1] / "tests/goldens/torch_archives.json"
# What a dtype is read as.
OURS = {torch.float16: torch.float32, torch.int16: torch.int32}


def state() -> collections.OrderedDict:
    matrix = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 8
    shared = torch.arange(10, dtype=torch.int64)
    out = collections.OrderedDict(
        {
            "conv.weight": matrix,
            "conv.transposed": matrix.t(),
            "conv.corner": matrix[1:, ::2],
            "shared.first": shared[:4],
            "shared.last": shared[6:],
            "f64": torch.tensor([1 / 3, -2.0], dtype=torch.float64),
            "f16": torch.tensor(
                [0.1, -65504.0, 2.0**-24, -(2.0**-20), math.inf, -math.inf, math.nan],
                dtype=torch.float16,
            ),
            "bf16": torch.tensor([0.1, 3e38], dtype=torch.bfloat16),
            "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
            "i16": torch.tensor([-(2**15), 2**15 - 1, 7], dtype=torch.int16),
            "i8": torch.tensor([-128, 127, 1], dtype=torch.int8),
            "u8": torch.tensor([0, 255, 1], dtype=torch.uint8),
            "bool": torch.tensor([True, False, True]),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 4),
            "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
            "parameter": torch.nn.Parameter(torch.ones(2)),
        }
    )
    out._metadata = collections.OrderedDict({"": {"version": 1}, "conv": {"version": 2}})
    return out


def nested() -> dict:
    return {
        "epoch": 3,
        "lr": 0.1,
        "best": True,
        "tags": ["a", ("b", None)],
        "model": {"fc.weight": torch.eye(2), "sizes": torch.zeros(2, 3).shape},
        "slots": [torch.ones(1), {7: torch.zeros(1)}],
        "big": 2**40,
    }


def tensors(value, name: str = "") -> dict:
    if isinstance(value, torch.Tensor):
        return {name: value}
    if isinstance(value, dict):
        items = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(str(i), v) for i, v in enumerate(value)]
    else:
        return {}
    found = {}
    for key, v in items:
        found |= tensors(v, f"{name}.{key}" if name else key)
    return found


def expected(tensor: torch.Tensor) -> dict:
    ours = tensor.detach().to(OURS.get(tensor.dtype, tensor.dtype))
    values = [float(v) if ours.dtype.is_floating_point else int(v) for v in ours.flatten()]
    return {
        "dtype": str(ours.dtype).removeprefix("torch."),
        "sizes": list(ours.shape),
        "values": [v if math.isfinite(v) else str(v) for v in values],
    }


def main() -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    files = []
    for name, value in {
        "state": state(),
        "nested": nested(),
        "module": module.state_dict(),
    }.items():
        for zipped in (True, False):
            buffer = io.BytesIO()
            torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
            files.append(
                {
                    "name": f"{name}_{'zip' if zipped else 'older'}",
                    "bytes": base64.b64encode(buffer.getvalue()).decode(),
                    "tensors": {k: expected(t) for k, t in tensors(value).items()},
                }
            )
    refused = io.BytesIO()
    torch.save(torch.nn.Linear(1, 1), refused)
    files_refused = base64.b64encode(refused.getvalue()).decode()
    TARGET.write_text(
        json.dumps({"torch": torch.__version__, "files": files, "module": files_refused}) + "\n"
    )


if __name__ == "__main__":
    main()
