"""Writes tests/python/schedule_goldens.json: the learning rates of 200 steps.

Computed by Keras and by torch.optim.lr_scheduler; needs `pip install torch keras`:
    KERAS_BACKEND=torch python tools/make_schedule_goldens.py
"""

import json
import math
import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import torch

STEPS = 200
L = torch.optim.lr_scheduler

KERAS = [
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("ExponentialDecay",
     {"initial_learning_rate": 0.1, "decay_steps": 30, "decay_rate": 0.7, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [20, 90], "values": [0.1, 0.05, 0.01]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 70}),
    ("PolynomialDecay",
     {"initial_learning_rate": 0.1, "decay_steps": 45, "end_learning_rate": 0.01, "power": 0.5,
      "cycle": True}),
    ("CosineDecay",
     {"initial_learning_rate": 0.01, "decay_steps": 120, "alpha": 0.1, "warmup_target": 0.1,
      "warmup_steps": 25}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 25}),
    ("CosineDecayRestarts",
     {"initial_learning_rate": 0.1, "first_decay_steps": 40, "t_mul": 1.0, "m_mul": 0.8,
      "alpha": 0.1}),
    ("CosineDecayRestarts",
     {"initial_learning_rate": 0.1, "first_decay_steps": 21, "t_mul": 1.5, "m_mul": 0.9}),
]  # fmt: skip
# A function that gives the scheduler of an optimizer, and ours.
TORCH = [
    (lambda o: L.StepLR(o, 30, 0.5), "StepDecay",
     {"initial_learning_rate": 0.1, "step_size": 30, "gamma": 0.5}),
    (lambda o: L.MultiStepLR(o, [30, 80, 81], 0.3), "MultiStepDecay",
     {"initial_learning_rate": 0.1, "milestones": [30, 80, 81], "gamma": 0.3}),
    (lambda o: L.LambdaLR(o, lambda n: math.exp(-0.02 * n)), "NaturalExponentialDecay",
     {"initial_learning_rate": 0.1, "decay_steps": 50, "decay_rate": 1.0}),
    (lambda o: L.PolynomialLR(o, 150, 2.0), "PolynomialDecay",
     {"initial_learning_rate": 0.1, "decay_steps": 150, "end_learning_rate": 0.0, "power": 2.0}),
    (lambda o: L.CosineAnnealingWarmRestarts(o, 15, 2), "CosineDecayRestarts",
     {"initial_learning_rate": 0.1, "first_decay_steps": 15}),
    (lambda o: L.OneCycleLR(o, 0.1, total_steps=180), "OneCycle",
     {"max_learning_rate": 0.1, "total_steps": 180}),
    (lambda o: L.OneCycleLR(o, 0.2, total_steps=STEPS, pct_start=0.2, anneal_strategy="linear",
                            div_factor=10, final_div_factor=100, three_phase=True), "OneCycle",
     {"max_learning_rate": 0.2, "total_steps": STEPS, "pct_start": 0.2, "anneal_strategy": "linear",
      "div_factor": 10, "final_div_factor": 100, "three_phase": True}),
    (lambda o: L.SequentialLR(o, [L.PolynomialLR(o, 60), L.StepLR(o, 25, 0.5)], [60]),
     "SequentialSchedule",
     {"schedules": [{"class_name": "PolynomialDecay",
                     "config": {"initial_learning_rate": 0.1, "decay_steps": 60,
                                "end_learning_rate": 0.0}},
                    {"class_name": "StepDecay",
                     "config": {"initial_learning_rate": 0.1, "step_size": 25, "gamma": 0.5}}],
      "lengths": [60]}),
]  # fmt: skip


def keras_run(name, config):
    schedule = getattr(keras.optimizers.schedules, name)(**config)
    return [float(schedule(n)) for n in range(STEPS)]


def torch_run(make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = make(optimizer)
    rates = []
    for n in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        total = getattr(scheduler, "total_steps", STEPS + 1)
        if n + 1 < total:  # OneCycleLR refuses to go on
            scheduler.step()
    return rates


def main():
    warnings.simplefilter("ignore")
    rows = [["Keras", name, config, keras_run(name, config)] for name, config in KERAS]
    rows += [["PyTorch", name, config, torch_run(make)] for make, name, config in TORCH]
    rows = [[s, n, c, [float(f"{r:.8g}") for r in rates]] for s, n, c, rates in rows]
    by = f"tools/make_schedule_goldens.py with Keras {keras.__version__} and PyTorch "
    by += torch.__version__.split("+")[0]
    path = os.path.join(os.path.dirname(__file__), "../tests/python/schedule_goldens.json")
    with open(path, "w") as f:
        f.write(f'{{"by": "{by}", "schedules": [\n')
        f.write(",\n".join(json.dumps(row) for row in rows))
        f.write("\n]}\n")


if __name__ == "__main__":
    main()
