"""AUROC and average precision of 10,000,000 scores beside scikit-learn, interleaved.

    .venv/bin/python -m benchmarks.metrics                # float32 (also with ties), float64
    .venv/bin/python -m benchmarks.metrics --n 1000000

Ours streams the scores in batches (update_state), as a training loop does, and both end with the
figure. Figures must agree. 2 threads; scikit-learn has one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from benchmarks.harness import compare, table

BATCH = 1 << 20


def drawn(n: int, kind: str, levels: int | None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores that know something about them; `levels` different ones: with ties."""
    r = np.random.default_rng(seed)
    y = (r.random(n) < 0.3).astype(np.float32)
    p = 1 / (1 + np.exp(-(r.normal(size=n) + y - 0.5)))
    return y, (p if levels is None else np.round(p * levels) / levels).astype(kind)


def ours(curve: str, y: np.ndarray, p: np.ndarray) -> float:
    from andiron import metrics

    metric = metrics.AUC(curve)
    for i in range(0, len(y), BATCH):
        metric.update_state(y[i : i + BATCH], p[i : i + BATCH])
    return metric.result()


def counted(run: Callable[[], float], n: int) -> Callable[[], int]:
    def call() -> int:
        run()
        return n

    return call


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    from sklearn.metrics import average_precision_score, roc_auc_score

    import andiron

    andiron.set_threads(2)
    rows = []
    for kind, levels in (("float32", None), ("float32", 1000), ("float64", None)):
        y, p = drawn(args.n, kind, levels)
        for curve, theirs in (("ROC", roc_auc_score), ("PR", average_precision_score)):
            mine, wanted = ours(curve, y, p), theirs(y, p)  # the warm-up
            assert abs(mine - wanted) < 1e-9, (curve, kind, mine, wanted)
            name = f"{'AUROC' if curve == 'ROC' else 'average precision'}, {kind}"
            row = compare(
                name if levels is None else f"{name}, {levels:,} different",
                "scikit-learn",
                "scores/s",
                counted(lambda c=curve, y=y, p=p: ours(c, y, p), args.n),
                counted(lambda f=theirs, y=y, p=p: f(y, p), args.n),
                rounds=args.rounds,
                warmup=0,
            )
            rows.append(row)
            print(f"{row.work}: {row.ratio:.2f}", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
