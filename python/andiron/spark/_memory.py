"""How much memory the rows of one worker take when nobody says.

A share of what never changes, the machine's or the container's size and not what is free: from the
budget follows whether rows are spilled, from that their order, and a worker that is started again
must see the same order.
"""

from __future__ import annotations

import os
from typing import Any

SHARE = 0.4  # of a slot's memory; the rest is the model's, Python's, the JVM's and the file cache's
LEAST = 64 << 20
_UNLIMITED = 1 << 60  # cgroup v1 writes a number like that for "no limit"


def of_executors(session: Any) -> dict:
    """In the driver: what executors were given."""
    conf, master = session.sparkContext.getConf(), session.sparkContext.master
    util = session.sparkContext._jvm.org.apache.spark.network.util.JavaUtils
    local = master.startswith("local[") or master == "local"
    heap = conf.get("spark.driver.memory" if local else "spark.executor.memory", "1g")
    heap_bytes = int(util.byteStringAsBytes(heap))
    facts: dict[str, Any] = {"heap": heap_bytes, "slots": None, "overhead": None}
    cpus = max(1, int(conf.get("spark.task.cpus", "1")))
    if local:
        facts["slots"] = max(1, session.sparkContext.defaultParallelism // cpus)
    elif (cores := conf.get("spark.executor.cores")) is not None:
        facts["slots"] = max(1, int(cores) // cpus)
    if master == "yarn":  # it kills what is larger, whatever the machine has
        overhead = conf.get("spark.executor.memoryOverhead")
        facts["overhead"] = (
            max(384 << 20, heap_bytes // 10)
            if overhead is None
            else int(util.byteStringAsMb(overhead)) << 20
        )
    return facts


def share(threads: int, facts: dict) -> int:
    """In a worker: bytes for its rows."""
    slots = facts.get("slots") or max(1, (os.cpu_count() or 1) // threads)
    everywhere = max(slots, (os.cpu_count() or 1) // threads)  # executors share a machine
    rooms = [_machine() // everywhere]
    if (limit := _container()) is not None:
        rooms.append((limit - facts.get("heap", 0)) // slots)
    if facts.get("overhead"):
        rooms.append(facts["overhead"] // slots)
    return max(LEAST, int(SHARE * min(rooms)))


def _machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _container() -> int | None:
    """The limit of this process's control group, where there is one."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < _UNLIMITED:
            return int(text)
    return None
