"""Writes scripts/features/names.json: the public names of Keras and PyTorch by kind, with Keras's
arguments, for scripts/make_features.py and the tests.

.venv-peers/bin/python tools/make_feature_names.py
"""

import inspect
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import torch

KERAS = {
    "layers": keras.layers,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "callbacks": keras.callbacks,
    "initializers": keras.initializers,
    "constraints": keras.constraints,
    "regularizers": keras.regularizers,
}
TORCH = {
    "layers": torch.nn,
    "losses": torch.nn,
    "optimizers": torch.optim,
    "schedules": torch.optim.lr_scheduler,
}
# Of torch.nn: what holds or describes parameters, and is neither a layer nor a loss.
NO_LAYERS = {"Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "Container",
             "DataParallel"}  # fmt: skip


def names(module, base=object) -> list[str]:
    """Public classes, each under its first name (not Keras's aliases)."""
    found: dict[int, str] = {}
    for name in sorted(vars(module), key=lambda n: (n[0].islower(), n)):
        value = getattr(module, name)
        if inspect.isclass(value) and not name.startswith("_") and issubclass(value, base):
            own = value.__name__ if getattr(module, value.__name__, None) is value else name
            found.setdefault(id(value), own)
    return sorted(found.values())


def arguments(cls) -> dict:
    """Argument -> default ("required" without one), None where it is not JSON."""
    found = {}
    for p in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            continue
        default = "required" if p.default is p.empty else p.default
        found[p.name] = list(default) if isinstance(default, tuple) else default
    return found


def main() -> None:
    by_kind = {kind: names(module) for kind, module in KERAS.items()}
    activations = sorted(n for n, v in vars(keras.activations).items()
                         if callable(v) and n.islower() and not n.startswith("_")
                         and n not in ("deserialize", "serialize", "get"))  # fmt: skip
    torch_names = {kind: names(module) for kind, module in TORCH.items()}
    rate = torch.optim.lr_scheduler
    torch_names["schedules"] = [
        n for n in torch_names["schedules"] if issubclass(getattr(rate, n), rate.LRScheduler)
    ]
    losses = [n for n in torch_names["layers"] if n.endswith("Loss")]
    torch_names["losses"] = losses
    torch_names["layers"] = [n for n in torch_names["layers"] if n not in {*losses, *NO_LAYERS}]
    found = {
        "keras": {
            "version": keras.__version__,
            "kinds": by_kind | {"activations": activations},
            "arguments": {
                kind: {n: arguments(getattr(KERAS[kind], n)) for n in by_kind[kind]}
                for kind in ("losses", "metrics")
            },
        },
        "torch": {"version": torch.__version__.split("+")[0], "kinds": torch_names},
    }
    path = Path(__file__).parents[1] / "scripts/features/names.json"
    path.write_text(json.dumps(found, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
