"""Logistic regression by L-BFGS beside scikit-learn's, at equal loss, interleaved.

    .venv/bin/python -m benchmarks.lbfgs                     # 100,000 samples of 1,280 features
    .venv/bin/python -m benchmarks.lbfgs --rows 20000 --rounds 5

Two classes; the features are drawn like pooled features behind a relu (benchmarks/linear.py).
scikit-learn has float32 features and its default tolerance; ours goes on until its objective, in
double, is not above scikit-learn's by more than a millionth. Printed are seconds, steps,
objectives, and scikit-learn's seconds over ours: the median of the rounds' ratios, and their range.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np


def drawn(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(seed)
    hidden = 200
    scale = np.arange(1, hidden + 1, dtype=np.float32) ** -0.7
    mix = (r.normal(size=(hidden, d)) * scale[:, None] / 2).astype(np.float32)
    h = r.standard_normal((n, hidden), dtype=np.float32)
    y = (h[:, :20].sum(1) + 3 * r.standard_normal(n, dtype=np.float32) > 0).astype(np.int64)
    x = h @ mix
    x += 0.1 * r.standard_normal((n, d), dtype=np.float32)
    return np.maximum(x - 0.5, 0, out=x), y


def objective(model, x: np.ndarray, y: np.ndarray, c: float) -> float:
    """Mean loss + |w|^2 / (2 C n) of two classes, in double."""
    w = np.asarray(model.coef_, np.float64).reshape(-1, x.shape[1])
    z = np.concatenate([x[i : i + 4096] @ w.T for i in range(0, len(x), 4096)])
    z = z + np.asarray(model.intercept_, np.float64)
    if z.shape[1] == 2:
        z = z[:, 1:] - z[:, :1]
    z = z[:, 0] * np.where(y > 0, 1, -1)
    loss = np.logaddexp(0, -z).mean()
    # A weight for each class: the same model has them opposite, and twice the penalty of one.
    size = (w**2).sum() if len(w) == 1 else ((w[1] - w[0]) ** 2).sum()
    return float(loss + size / (2 * c * len(y)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--C", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    from sklearn.linear_model import LogisticRegression

    from andiron.linear import LinearClassifier

    x, y = drawn(args.rows, args.features)

    def theirs():
        return LogisticRegression(C=args.C, max_iter=10_000).fit(x, y)

    def ours(tol):
        return LinearClassifier(args.C, tol=tol).fit(x, y)

    peer = theirs()
    wanted, tol = objective(peer, x, y, args.C), 1e-3
    while objective(ours(tol), x, y, args.C) > wanted * (1 + 1e-6) and tol > 1e-7:
        tol /= 2
    seconds: dict[str, list[float]] = {"scikit-learn": [], "Andiron": []}
    for _ in range(args.rounds):
        for name, fit in (("scikit-learn", theirs), ("Andiron", lambda: ours(tol))):
            start = time.perf_counter()
            model = fit()
            seconds[name].append(time.perf_counter() - start)
            if name == "Andiron":
                own = model
    print(f"{args.rows:,} x {args.features:,}, C {args.C:g}, Andiron's tol {tol:g}")
    for name, model in (("scikit-learn", peer), ("Andiron", own)):
        t = seconds[name]
        print(f"{name:14} {statistics.median(t):8.3f} s ({min(t):.3f} to {max(t):.3f})  "
              f"{int(np.max(model.n_iter_)):4} steps  objective "
              f"{objective(model, x, y, args.C):.8f}")  # fmt: skip
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    print(f"ratio          {statistics.median(ratios):8.2f} x "
          f"({min(ratios):.2f} to {max(ratios):.2f})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
