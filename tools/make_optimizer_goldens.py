"""Writes andiron/nn/optimizers/optimizer_goldens.hpp: parameters after 1, 10 and 100 steps.

Computed by Keras (on PyTorch) and by torch.optim; needs `pip install torch keras`:
    KERAS_BACKEND=torch python tools/make_optimizer_goldens.py

The gradient of element i in step t (from 1) is that of 0.5 c_i p_i^2 plus a wave:
    g = (1 + i) / 8 p + sin(0.7 t + 1.3 i)
PyTorch adds epsilon outside of the bias-corrected root where Keras adds it elsewhere; the runs of
torch.optim therefore use epsilon 1e-12, where the place does not matter.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch

N, STEPS, SHOWN = 6, 100, (1, 10, 100)
START = np.linspace(-1.0, 1.5, N)


def wave(t):
    return np.sin(0.7 * t + 1.3 * np.arange(N))


STIFFNESS = (1 + np.arange(N)) / 8


def keras_run(name, arguments):
    optimizer = getattr(keras.optimizers, name)(**arguments)
    p = keras.Variable(START.astype(np.float32))
    optimizer.build([p])
    shown = []
    for t in range(1, STEPS + 1):
        value = keras.ops.convert_to_numpy(p.value).astype(np.float64)
        g = torch.tensor((STIFFNESS * value + wave(t)).astype(np.float32))
        optimizer.apply([g], [p])
        if t in SHOWN:
            shown.append(keras.ops.convert_to_numpy(p.value).tolist())
    return shown


def torch_run(name, arguments):
    p = torch.tensor(START, dtype=torch.float32, requires_grad=True)
    optimizer = getattr(torch.optim, name)([p], **arguments)
    shown = []
    for t in range(1, STEPS + 1):
        value = p.detach().numpy().astype(np.float64)
        p.grad = torch.tensor((STIFFNESS * value + wave(t)).astype(np.float32))
        optimizer.step()
        if t in SHOWN:
            shown.append(p.detach().numpy().tolist())
    return shown


KERAS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 0.1}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.05, "epsilon": 0.01, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.01}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.7,
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.02,
            "beta": 0.3,
        },
    ),
    ("Adam", {"learning_rate": 0.01, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.01, "clipvalue": 0.3}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.7}),
]
# torch.optim's name and arguments, and what says the same to Keras's class.
TORCH = [
    ("SGD", {"lr": 0.05, "momentum": 0.9}, "SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    (
        "SGD",
        {"lr": 0.05, "momentum": 0.9, "nesterov": True},
        "SGD",
        {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    ),
    (
        "Adagrad",
        {"lr": 0.1, "eps": 1e-12, "initial_accumulator_value": 0.1},
        "Adagrad",
        {"learning_rate": 0.1, "epsilon": 1e-12},
    ),
    (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-12},
        "RMSprop",
        {"learning_rate": 0.01, "epsilon": 1e-12},
    ),
    ("Adam", {"lr": 0.01, "eps": 1e-12}, "Adam", {"learning_rate": 0.01, "epsilon": 1e-12}),
    (
        "AdamW",
        {"lr": 0.01, "eps": 1e-12, "weight_decay": 0.1},
        "AdamW",
        {"learning_rate": 0.01, "epsilon": 1e-12, "weight_decay": 0.1},
    ),
]


def json_text(arguments):
    items = (f'"{k}": {str(v).lower() if isinstance(v, bool) else v}' for k, v in arguments.items())
    return "{" + ", ".join(items) + "}"


def main():
    rows = [("Keras", n, a, keras_run(n, a)) for n, a in KERAS]
    rows += [("PyTorch", n, a, torch_run(tn, ta)) for tn, ta, n, a in TORCH]
    lines = [
        "#pragma once",
        "",
        f"// Written by tools/make_optimizer_goldens.py with Keras {keras.__version__} and PyTorch "
        f"{torch.__version__.split('+')[0]}.",
        "",
        "namespace andiron::nn {",
        "",
        "struct OptimizerGolden {",
        "  const char *source, *class_name, *config;",
        f"  float after[{len(SHOWN)}][{N}];  // 1, 10 and 100 steps",
        "};",
        "",
        "inline constexpr OptimizerGolden kOptimizerGoldens[] = {",
    ]
    for source, name, arguments, shown in rows:
        lines.append(f'    {{"{source}", "{name}",')
        text = json_text(arguments)
        while text:  # adjacent literals, for the width of the page
            cut = len(text) if len(text) <= 80 else text.rfind(" ", 0, 80) + 1
            end = "," if cut == len(text) else ""
            lines.append(f'     R"({text[:cut]})"{end}')
            text = text[cut:]
        values = ["{" + ", ".join(f"{v:.9g}F" if "." in f"{v:.9g}" or "e" in f"{v:.9g}" else f"{v:.1f}F" for v in row) + "}" for row in shown]
        lines.append("     {" + ",\n      ".join(values) + "}},")
    lines += ["};", "", "}  // namespace andiron::nn"]
    path = os.path.join(os.path.dirname(__file__), "../andiron/nn/optimizers/optimizer_goldens.hpp")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
