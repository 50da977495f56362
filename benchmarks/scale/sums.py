"""One process that adds up arrays with others: how long an allreduce takes, by its size.

    python -m benchmarks.scale.sums --rank R --size N --host ADDRESS

Says its address, hears those of all; then each line {"bytes": n, "repeats": k} is answered by the
seconds of each call, the CPU seconds of all, and what was sent.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from andiron.collective import Communicator, Listener
from benchmarks.scale.group import Told

SECRET = b"a secret of the benchmark"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    told = Told()
    listener = Listener(given.host)
    told.say(listener.address)
    with Communicator(listener, given.rank, told.hear(), SECRET) as communicator:
        told.say("ready")
        while (wanted := told.hear()) is not None:
            array = np.zeros(max(1, wanted["bytes"] // 4), np.float32)
            communicator.allreduce(array, out=array)
            before = communicator.costs["allreduce"]
            cpu, seconds = time.process_time(), []
            for _ in range(wanted["repeats"]):
                communicator.barrier()
                begin = time.perf_counter()
                communicator.allreduce(array, out=array)
                seconds.append(time.perf_counter() - begin)
            after = communicator.costs["allreduce"]
            told.say(
                {
                    "seconds": seconds,
                    "cpu": time.process_time() - cpu,
                    "payload_sent": after["payload_sent"] - before["payload_sent"],
                    "header_sent": after["header_sent"] - before["header_sent"],
                }
            )


if __name__ == "__main__":
    main()
