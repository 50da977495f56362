"""Writes andiron/nn/optimizers/optimizer_goldens.hpp: parameters after 1, 10 and 100 steps.

Computed by Keras (on PyTorch) and by torch.optim; needs `pip install torch keras`:
    KERAS_BACKEND=torch python tools/make_optimizer_goldens.py

The gradient of element i in step t (from 1) is that of 0.5 c_i p_i^2 plus a wave:
    g = (1 + i) / 8 p + sin(0.7 t + 1.3 i)
The six elements are a vector, or a matrix of 2 or 3 rows where the optimizer tells them apart.
LARS is neither in Keras nor in torch.optim: its rows are the paper's algorithm 1 in NumPy.
LBFGS minimises one function over and over, a step of several evaluations each:
    f = sum((1 + i) / 16 p_i^2 + p_i^4 / 4) + 0.3 sum(p)^2 + 0.5 sum(i p_i)
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


def keras_run(name, arguments, rows):
    optimizer = getattr(keras.optimizers, name)(**arguments)
    shape = (N,) if rows == 1 else (rows, N // rows)
    p = keras.Variable(START.astype(np.float32).reshape(shape))
    optimizer.build([p])
    shown = []
    for t in range(1, STEPS + 1):
        value = keras.ops.convert_to_numpy(p.value).astype(np.float64).reshape(N)
        g = torch.tensor((STIFFNESS * value + wave(t)).astype(np.float32).reshape(shape))
        optimizer.apply([g], [p])
        if t in SHOWN:
            shown.append(keras.ops.convert_to_numpy(p.value).reshape(N).tolist())
    return shown


def lars_run(learning_rate, momentum, weight_decay, trust_coefficient, nesterov=False):
    p, v, shown = START.copy(), np.zeros(N), []
    for t in range(1, STEPS + 1):
        g = STIFFNESS * p + wave(t)
        size, length = np.linalg.norm(p), np.linalg.norm(g)
        rate = learning_rate * trust_coefficient * size / (length + weight_decay * size)
        move = rate * (g + weight_decay * p)
        v = momentum * v + move
        p = p - (momentum * v + move if nesterov else v)
        if t in SHOWN:
            shown.append(p.tolist())
    return shown


def lbfgs_run(arguments):
    p = torch.tensor(START, dtype=torch.float32, requires_grad=True)
    i = torch.arange(N, dtype=torch.float32)

    def closure():
        optimizer.zero_grad()
        f = ((1 + i) / 16 * p**2 + p**4 / 4).sum() + 0.3 * p.sum() ** 2 + 0.5 * (i * p).sum()
        f.backward()
        return f

    optimizer = torch.optim.LBFGS([p], **arguments)
    shown = []
    for t in range(1, 11):
        optimizer.step(closure)
        if t in (1, 2, 10):
            shown.append(p.detach().numpy().tolist())
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
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"learning_rate": 0.5, "rho": 0.9, "epsilon": 0.01, "weight_decay": 0.02}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.05, "beta_1": 0.8, "epsilon": 0.1, "weight_decay": 0.02}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.05, "beta_1": 0.8, "epsilon": 0.1, "weight_decay": 0.02}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lion", {"learning_rate": 0.02, "beta_1": 0.8, "weight_decay": 0.02}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.05, "epsilon": 0.1, "weight_decay": 0.02}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {"learning_rate": 0.1, "clip_threshold": 0.5, "weight_decay": 0.02}),
    ("Muon", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.9}),
    (
        "Adam",
        {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 5},
    ),
    ("Adam", {"learning_rate": 0.01, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.01, "clipvalue": 0.3}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.7}),
]
# Of these the elements are a matrix of so many rows.
KERAS_MATRICES = [
    ("Adafactor", {"learning_rate": 0.1}, 2),
    ("Adafactor", {"learning_rate": 0.3, "beta_2_decay": -0.6, "clip_threshold": 0.7}, 3),
    ("Lamb", {"learning_rate": 0.02}, 2),
    ("Muon", {"learning_rate": 0.02}, 2),
    ("Muon", {"learning_rate": 0.02, "nesterov": False, "ns_steps": 4, "weight_decay": 0.01}, 3),
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
    ("Adamax", {"lr": 0.01, "eps": 1e-12}, "Adamax", {"learning_rate": 0.01, "epsilon": 1e-12}),
    (
        "Adadelta",
        {"lr": 1.0, "rho": 0.95, "eps": 1e-7},
        "Adadelta",
        {"learning_rate": 1.0},
    ),
    ("Rprop", {}, "Rprop", {}),
    (
        "Rprop",
        {"lr": 0.1, "etas": (0.6, 1.1), "step_sizes": (1e-3, 0.15)},
        "Rprop",
        {
            "learning_rate": 0.1,
            "eta_minus": 0.6,
            "eta_plus": 1.1,
            "step_min": 1e-3,
            "step_max": 0.15,
        },
    ),
]
LARS = [
    {"learning_rate": 0.5, "momentum": 0.9, "weight_decay": 0.01, "trust_coefficient": 0.05},
    {"learning_rate": 1.0, "momentum": 0.5, "weight_decay": 0.0, "trust_coefficient": 0.02,
     "nesterov": True},
]  # fmt: skip
LBFGS = [
    (
        {"lr": 0.1, "max_iter": 4, "history_size": 3},
        {"learning_rate": 0.1, "max_iter": 4, "history_size": 3, "line_search": False},
    ),
    ({"line_search_fn": "strong_wolfe", "max_iter": 40}, {"max_iter": 40}),
]


def json_text(arguments):
    items = (f'"{k}": {str(v).lower() if isinstance(v, bool) else v}' for k, v in arguments.items())
    return "{" + ", ".join(items) + "}"


def number(v):
    text = f"{v:.9g}"
    return text + ("F" if "." in text or "e" in text else ".0F")


def golden(source, name, arguments, rows, shown):
    lines = [f'    {{"{source}", "{name}",']
    text = json_text(arguments)
    while text:  # adjacent literals, for the width of the page
        cut = len(text) if len(text) <= 80 else text.rfind(" ", 0, 80) + 1
        end = f", {rows}," if cut == len(text) else ""
        lines.append(f'     R"({text[:cut]})"{end}')
        text = text[cut:]
    values = ["{" + ", ".join(map(number, row)) + "}" for row in shown]
    return [*lines, "     {" + ",\n      ".join(values) + "}},"]


def main():
    rows = [("Keras", n, a, 1, keras_run(n, a, 1)) for n, a in KERAS]
    rows += [("Keras", n, a, r, keras_run(n, a, r)) for n, a, r in KERAS_MATRICES]
    rows += [("PyTorch", n, a, 1, torch_run(tn, ta)) for tn, ta, n, a in TORCH]
    rows += [("Paper", "LARS", a, 1, lars_run(**a)) for a in LARS]
    searches = [("PyTorch", "LBFGS", a, 1, lbfgs_run(ta)) for ta, a in LBFGS]
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
        "  int rows;  // 1: a vector",
        f"  float after[{len(SHOWN)}][{N}];  // 1, 10 and 100 steps; LBFGS: 1, 2 and 10",
        "};",
        "",
        "inline constexpr OptimizerGolden kOptimizerGoldens[] = {",
        *(line for row in rows for line in golden(*row)),
        "};",
        "",
        "inline constexpr OptimizerGolden kSearchGoldens[] = {",
        *(line for row in searches for line in golden(*row)),
        "};",
        "",
        "}  // namespace andiron::nn",
    ]
    path = os.path.join(os.path.dirname(__file__), "../andiron/nn/optimizers/optimizer_goldens.hpp")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
