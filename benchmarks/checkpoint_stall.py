"""How long a training stands still for a checkpoint: `benchmarks/checkpoint_stall.py [place]`.

The gap between two steps, where a checkpoint is taken and where none is, and what writing the same
bytes takes, for an embedding model with Adam. `place` is a folder (default: a temporary one) or a
URL.
"""

from __future__ import annotations

import sys
import tempfile
import time

import numpy as np

import andiron
from andiron import Input, Model, callbacks, layers

ROWS, WIDTH, EVERY, STEPS = 200_000, 64, 30, 240


class Gaps(callbacks.Callback):
    """Seconds from the end of each batch to the beginning of the next one."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._ended: float | None = None

    def on_train_batch_begin(self, batch, logs=None):
        if self._ended is not None:
            self.gaps.append(time.perf_counter() - self._ended)

    def on_train_batch_end(self, batch, logs=None):
        self._ended = time.perf_counter()


def spread(seconds: list[float]) -> str:
    low, middle, high = np.percentile(np.array(seconds) * 1e3, [10, 50, 90])
    return f"{middle:8.1f} ms ({low:.1f} to {high:.1f})"


def main() -> None:
    rng = np.random.default_rng(0)
    ids = Input((), dtype="int32")
    model = Model(
        ids, layers.Dense(1)(layers.Dense(256, "relu")(layers.Embedding(ROWS, WIDTH)(ids)))
    )
    model.compile("adam", "mse")
    x, y = rng.integers(0, ROWS, STEPS * 4096), rng.normal(size=STEPS * 4096)
    gaps = Gaps()
    with tempfile.TemporaryDirectory() as folder:
        place = sys.argv[1] if len(sys.argv) > 1 else folder
        model.fit(x, y, batch_size=4096, verbose=0, callbacks=[gaps], checkpoint_dir=place,
                  checkpoint_every=EVERY)  # fmt: skip
        writes = []
        for _ in range(5):
            begun = time.perf_counter()
            model.save(f"{folder}/whole.safetensors")
            writes.append(time.perf_counter() - begun)
    megabytes = 3 * 4 * model.count_params() / 1e6
    with_one = gaps.gaps[2 * EVERY - 1 :: EVERY]  # the copy's memory is there from the first one on
    without = [gap for i, gap in enumerate(gaps.gaps) if i % EVERY != EVERY - 1]
    print(f"checkpoints of {megabytes:.0f} MB, every {EVERY} steps; Andiron {andiron.__version__}")
    print(f"gap with a checkpoint     {spread(with_one)}")
    print(f"gap without               {spread(without)}")
    print(f"writing as much           {spread(writes)}")
    ratio = np.median(with_one) / np.median(writes)
    print(f"a checkpoint stops the training for {ratio:.2f} of the time that it takes to write")


if __name__ == "__main__":
    main()
