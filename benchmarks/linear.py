"""The linear classifier beside scikit-learn's LogisticRegression, interleaved.

    .venv/bin/python -m benchmarks.linear                 # 100 classes x 100 photos, 1,280 features
    .venv/bin/python -m benchmarks.linear --photos DIR    # features of photos in folders by class

Without --photos the features are drawn: like pooled features behind a relu, correlated and not
negative, with classes that overlap (about 80 % of test photos are right). scikit-learn has float32
features and its default tolerance; ours goes on until its objective, in double, is not above
scikit-learn's. Printed are seconds, the objective and the accuracy on as many test photos again.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from pathlib import Path

import numpy as np


def drawn(n_classes: int, each: int, d: int = 1280, seed: int = 0):
    """(x, y) of training and of test."""
    r = np.random.default_rng(seed)
    n, hidden = 2 * n_classes * each, 200
    scale = np.arange(1, hidden + 1) ** -0.7
    middles = 0.45 * r.normal(size=(n_classes, hidden))
    y = np.arange(n) % n_classes
    mix = (r.normal(size=(hidden, d)) * scale[:, None] / 2).astype(np.float32)
    x = (middles[y] + r.normal(size=(n, hidden))).astype(np.float32) @ mix
    x = np.maximum(x + 0.1 * r.normal(size=x.shape).astype(np.float32) - 0.5, 0)
    return (x[: n // 2], y[: n // 2]), (x[n // 2 :], y[n // 2 :])


def of_photos(folder: str, seed: int = 0):
    from andiron.apps.images import ImageClassifier, Photos

    photos = Photos.from_folder(folder)
    x, bad, _ = ImageClassifier().features(photos)
    good = np.setdiff1d(np.arange(len(photos)), [row for row, _ in bad])
    order = np.random.default_rng(seed).permutation(good)
    x, y = x[order], np.unique(photos.labels, return_inverse=True)[1][order]
    half = len(x) // 2
    return (x[:half], y[:half]), (x[half:], y[half:])


def objective(model, x: np.ndarray, y: np.ndarray, c: float) -> float:
    """Mean loss + |W|^2 / (2 C n), in double."""
    z = x.astype(np.float64) @ model.coef_.T.astype(np.float64) + model.intercept_
    top = z.max(1)
    loss = np.log(np.exp(z - top[:, None]).sum(1)) + top - z[np.arange(len(y)), y]
    return float(loss.mean() + (model.coef_.astype(np.float64) ** 2).sum() / (2 * c * len(y)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos")
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--C", type=float, nargs="+", default=[0.1, 1.0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--doc", type=Path, help="Takes the table between <!-- linear --> marks.")
    args = parser.parse_args()

    from sklearn.linear_model import LogisticRegression

    from andiron.linear import LinearClassifier

    others = f"accuracy on {args.classes * args.each:,} others"
    rows = [
        f"| | seconds, median of {args.rounds} interleaved rounds | steps | objective | {others} |",
        "|---|---|---|---|---|",
    ]
    (x, y), (tx, ty) = of_photos(args.photos) if args.photos else drawn(args.classes, args.each)
    print(f"{x.shape[0]} x {x.shape[1]}, {len(np.unique(y))} classes, 1 warm-up each")
    print(f"{'C':>6} {'':14} {'seconds':>8} {'steps':>6} {'objective':>12} {'accuracy':>9}")
    for c in args.C:
        theirs = LogisticRegression(C=c, max_iter=10_000).fit(x, y)
        wanted, tol = objective(theirs, x, y, c), 1e-4
        while True:
            ours = LinearClassifier(c, tol=tol).fit(x, y)
            if objective(ours, x, y, c) <= wanted * (1 + 1e-6) or tol < 1e-7:
                break
            tol /= 2
        times: dict[str, list[float]] = {"scikit-learn": [], "Andiron": []}
        models = {
            "scikit-learn": lambda c=c: LogisticRegression(C=c, max_iter=10_000),
            "Andiron": lambda c=c, tol=tol: LinearClassifier(c, tol=tol),
        }
        for _ in range(args.rounds):
            for name, make in models.items():
                start = time.perf_counter()
                made = make().fit(x, y)
                times[name].append(time.perf_counter() - start)
                if name == "Andiron":
                    ours = made
        for name, model in (("scikit-learn", theirs), ("Andiron", ours)):
            t = times[name]
            print(f"{c:6g} {name:14} {statistics.median(t):8.3f} {int(np.max(model.n_iter_)):6} "
                  f"{objective(model, x, y, c):12.7f} {(model.predict(tx) == ty).mean():9.4f}  "
                  f"({min(t):.3f} to {max(t):.3f})")  # fmt: skip
            rows.append(f"| C = {c:g}, {name} | {statistics.median(t):.2f} ({min(t):.2f} to "
                        f"{max(t):.2f}) | {int(np.max(model.n_iter_))} | "
                        f"{objective(model, x, y, c):.5f} | "
                        f"{(model.predict(tx) == ty).mean():.4f} |")  # fmt: skip
        ratio = statistics.median(times["scikit-learn"]) / statistics.median(times["Andiron"])
        print(f"{c:6g} {'':14} {ratio:8.2f} x  (Andiron's tol {tol:g})", flush=True)
        rows.append(f"| C = {c:g}, ratio | {ratio:.2f} | | | |")
    if args.doc:
        from andiron.apps.course.report import write_between

        from benchmarks.turns import machine

        text = "\n".join([*rows, "", f"{datetime.date.today()}, {machine()}."]) + "\n"
        write_between(args.doc, "linear", text)


if __name__ == "__main__":
    main()
