"""The course's convolutional networks in Andiron and in PyTorch: the same images in the same order,
turned alike, the same initial distributions, batches and schedule; accuracy over seeds.

    .venv/bin/python -m benchmarks.course_peers --data FOLDER --out FILE.json

Each training runs in a process of its own, Andiron's in this Python, PyTorch's in .venv-peers.
Finished ones are kept in the file: a second call goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
RATE, BATCH = 0.05, 128


def prepare(args: argparse.Namespace, file: Path) -> None:
    """Images, and each seed's orders and turns, for both."""
    from andiron.apps.course import data
    from andiron.apps.course.training import epoch_order

    cifar = data.subset(data.read(args.data), args.train, args.test)
    train, _, test = data.normalised(cifar, 0)
    epochs = max(args.epochs.values())
    orders = np.array([[epoch_order(args.train, s, e) for e in range(epochs)]
                       for s in range(args.seeds)], np.int32)  # fmt: skip
    turns = np.array([[np.random.default_rng([s, e]).random(args.train) < 0.5
                       for e in range(epochs)] for s in range(args.seeds)])  # fmt: skip
    np.savez(file, x=train.x, y=train.y, x_test=test.x, y_test=test.y, orders=orders, turns=turns)


def run_andiron(network: str, seed: int, epochs: int, threads: int, d: dict) -> float:
    from andiron.apps.course import networks
    from andiron.apps.course.data import Split
    from andiron.apps.course.training import accuracy, momentum, train

    import andiron

    andiron.set_threads(threads)
    andiron.set_random_seed(seed)
    split = Split(d["x"], d["y"])
    model = networks.NETWORKS[network]()
    train(model, momentum(RATE)(len(split.x), epochs), split, None, epochs, seed, flip=True)
    return accuracy(model, Split(d["x_test"], d["y_test"]))


def torch_network(network: str):
    import torch
    from torch import nn

    def conv(inputs: int, filters: int, kernel: int = 3, stride: int = 1) -> list:
        return [nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(filters)]  # fmt: skip

    class Block(nn.Module):
        def __init__(self, inputs: int, filters: int, stride: int):
            super().__init__()
            self.body = nn.Sequential(*conv(inputs, filters, 3, stride), nn.ReLU(),
                                      *conv(filters, filters))  # fmt: skip
            same = stride == 1 and inputs == filters
            self.shortcut = nn.Sequential(*([] if same else conv(inputs, filters, 1, stride)))

        def forward(self, x):
            return torch.relu(self.body(x) + self.shortcut(x))

    stack: list = []
    if network == "VGG-small":
        channels = 3
        for filters in (32, 64, 128):
            for _ in range(2):
                stack += [*conv(channels, filters), nn.ReLU()]
                channels = filters
            stack.append(nn.MaxPool2d(2))
        stack += [nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 10)]
    else:
        stack, channels = [*conv(3, 16), nn.ReLU()], 16
        for filters, stride in ((16, 1), (32, 2), (64, 2)):
            for i in range(3):
                stack.append(Block(channels, filters, stride if i == 0 else 1))
                channels = filters
        stack += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    model = nn.Sequential(*stack)
    dense = [m for m in model.modules() if isinstance(m, nn.Linear)]
    for m in model.modules():
        if isinstance(m, nn.Conv2d) or m in dense[:-1]:  # he_normal, as Keras has it: cut off at 2
            deviation = math.sqrt(2 / m.weight[0].numel()) / 0.87962566103423978
            nn.init.trunc_normal_(m.weight, 0, deviation, -2 * deviation, 2 * deviation)
    nn.init.xavier_uniform_(dense[-1].weight)
    for m in dense:
        nn.init.zeros_(m.bias)
    return model


def run_torch(network: str, seed: int, epochs: int, threads: int, d: dict) -> float:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = torch_network(network)
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9)
    loss, n, step = nn.CrossEntropyLoss(), len(d["x"]), 0
    total = epochs * -(-n // BATCH)
    for epoch in range(epochs):
        x, turn, order = d["x"].copy(), d["turns"][seed, epoch], d["orders"][seed, epoch]
        x[turn] = x[turn, :, :, ::-1]
        images, labels = torch.from_numpy(x[order]), torch.from_numpy(d["y"][order])
        for start in range(0, n, BATCH):
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / total))
            optimizer.zero_grad(set_to_none=True)
            rows = slice(start, start + BATCH)
            loss(model(images[rows]), labels[rows]).backward()
            optimizer.step()
            step += 1
    model.eval()
    with torch.no_grad():
        found = [model(torch.from_numpy(part)).argmax(1)
                 for part in np.array_split(d["x_test"], 10)]  # fmt: skip
    return float((torch.cat(found).numpy() == d["y_test"]).mean())


RUNS = {"Andiron": run_andiron, "PyTorch": run_torch}


def child(words: list[str]) -> None:
    framework, network, seed, epochs, threads, file = words
    with np.load(file) as stored:
        d = dict(stored)
    start, cpu = time.perf_counter(), time.process_time()
    found = RUNS[framework](network, int(seed), int(epochs), int(threads), d)
    print(json.dumps({"accuracy": found, "seconds": time.perf_counter() - start,
                      "cpu_seconds": time.process_time() - cpu}))  # fmt: skip


def table(results: dict) -> str:
    about = results["about"]
    lines = [about, "", "| network | | accuracy, mean ± deviation over seeds | seeds |",
             "|---|---|---|---|"]  # fmt: skip
    for network in ("VGG-small", "ResNet-20"):
        for framework in RUNS:
            key = f"{framework}/{network}/"
            found = [r["accuracy"] for k, r in results["runs"].items() if k.startswith(key)]
            if found:
                spread = statistics.stdev(found) if len(found) > 1 else float("nan")
                mean = statistics.mean(found)
                lines.append(f"| {network} | {framework} | {mean:.2%} ± {spread:.2%}"
                             f" | {', '.join(f'{a:.2%}' for a in found)} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--train", type=int, default=10_000)
    parser.add_argument("--test", type=int, default=5_000)
    parser.add_argument("--vgg-epochs", type=int, default=5)
    parser.add_argument("--resnet-epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--doc", type=Path, help="Takes the table between <!-- peers --> marks.")
    args = parser.parse_args()
    args.epochs = {"VGG-small": args.vgg_epochs, "ResNet-20": args.resnet_epochs}
    about = (f"{args.train:,} training and {args.test:,} test images, SGD with momentum 0.9 at "
             f"{RATE} by a cosine, batch {BATCH}; {args.vgg_epochs} epochs of VGG-small, "
             f"{args.resnet_epochs} of ResNet-20.")  # fmt: skip
    results = (
        json.loads(args.out.read_text()) if args.out.exists() else {"about": about, "runs": {}}
    )
    if results["about"] != about:
        raise SystemExit(f"{args.out} has other settings: {results['about']}")
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}:{ROOT}",
           "OMP_NUM_THREADS": str(args.threads)}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cifar.npz"
        prepare(args, file)
        for seed in range(args.seeds):
            for network, epochs in args.epochs.items():
                for framework in RUNS:
                    key = f"{framework}/{network}/{seed}"
                    if key in results["runs"]:
                        continue
                    python = sys.executable if framework == "Andiron" else str(PEERS)
                    words = [framework, network, str(seed), str(epochs), str(args.threads), file]
                    out = subprocess.run([python, __file__, "run", *words], env=env, check=True,
                                         stdout=subprocess.PIPE, text=True)  # fmt: skip
                    results["runs"][key] = json.loads(out.stdout.splitlines()[-1])
                    print(key, results["runs"][key], flush=True)
                    args.out.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    if args.doc:
        from andiron.apps.course.report import write_between

        write_between(args.doc, "peers", table(results))


if __name__ == "__main__":
    child(sys.argv[2:]) if sys.argv[1:2] == ["run"] else main()
