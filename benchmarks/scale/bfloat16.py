"""What gradients lose on the wire as bfloat16, by the number of workers: threads as ranks.

    python -m benchmarks.scale.bfloat16 [--elements 1000000]

Each worker gives normal numbers; the error is that of the sum, over the size of the sum (root mean
squares), beside the same allreduce in float32. A row is rounded once and added up in float32, a
dense gradient once more as a sum: neither grows with the number of workers.
"""

from __future__ import annotations

import argparse
import threading

import numpy as np

from andiron.collective import Communicator, Listener


def relative_error(workers: int, elements: int, bf16: bool) -> float:
    rng = np.random.default_rng(workers)
    given = rng.normal(size=(workers, elements)).astype("f")
    exact = given.sum(0, dtype="f8")
    listeners = [Listener("127.0.0.1") for _ in range(workers)]
    addresses = [listener.address for listener in listeners]

    def run(rank: int) -> None:
        with Communicator(listeners[rank], rank, addresses, b"a secret of this job") as c:
            given[rank] = c.allreduce(given[rank], bf16=bf16)

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return float(np.sqrt(np.mean((given[0] - exact) ** 2) / np.mean(exact**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=1_000_000)
    given = parser.parse_args()
    print("| workers | float32 | bfloat16 |\n|---|---|---|")
    for workers in (2, 4, 8, 16):
        errors = [relative_error(workers, given.elements, bf16) for bf16 in (False, True)]
        print(f"| {workers} | {errors[0]:.1e} | {errors[1]:.1e} |", flush=True)


if __name__ == "__main__":
    main()
