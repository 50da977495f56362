"""What the cluster must offer before workers can start, asked in the driver."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import andiron
from andiron import _core
from andiron.spark import _bootstrap

_MISSING_SLOTS = (
    "[spark] {workers} workers run at the same time and need {workers} slots; the cluster has "
    "{slots} (executor cores / spark.task.cpus={cpus}, over all executors): ask for more executors "
    "or cores, or set num_workers={slots}"
)


def session_of(frame: Any = None) -> Any:
    """The classic session (the one with a SparkContext) of a DataFrame, or the active one."""
    from pyspark.sql import SparkSession

    if frame is not None and not hasattr(frame, "sparkSession"):
        raise TypeError(
            f"[spark] a DataFrame of Spark is needed; got {type(frame).__module__.split('.')[0]}'s "
            f"{type(frame).__name__} (spark.createDataFrame(...) makes one of pandas')"
        )
    session = frame.sparkSession if frame is not None else SparkSession.getActiveSession()
    if session is None:
        raise _core.Error("[spark] there is no active SparkSession: create one first")
    if not hasattr(session, "_jsparkSession"):
        raise _core.Error(
            "[spark] barrier stages need a classic SparkSession; this one is of Spark Connect"
        )
    _take_own_python(session.sparkContext)
    return session


def on_this_machine(context: Any) -> bool:
    """Whether all of the cluster is this machine: local[*] and local-cluster[...]."""
    return context.master == "local" or context.master.startswith(("local[", "local-cluster["))


def _take_own_python(context: Any) -> None:
    """On the driver's machine workers run the driver's Python where nobody says which one: without
    PYSPARK_PYTHON, PySpark takes the `python3` of PATH, which another environment may have."""
    unsaid = context.pythonExec == "python3" and "PYSPARK_PYTHON" not in os.environ
    if unsaid and on_this_machine(context) and sys.executable:
        context.pythonExec = sys.executable  # for functions that are made from now on


def versions(session: Any) -> dict:
    """The driver's versions; what the workers compare theirs with."""
    import pyspark

    spark = session.version
    if _bootstrap.release(spark) != _bootstrap.release(pyspark.__version__):
        raise _core.Error(
            f"[spark] the driver's PySpark is {pyspark.__version__} and its Spark {spark}: both "
            "need the same version"
        )
    java = session.sparkContext._jvm.System.getProperty("java.specification.version")
    return {
        "Python": "{}.{}".format(*sys.version_info[:2]),
        "Spark": pyspark.__version__,
        "Andiron": andiron.__version__,
        "Java": java[2:] if java.startswith("1.") else java,
    }


def slots(session: Any) -> int:
    """Tasks that can run at the same time."""
    context = session.sparkContext._jsc.sc()
    profile = context.resourceProfileManager().defaultResourceProfile()
    return int(context.maxNumConcurrentTasks(profile))


def require_slots(session: Any, num_workers: int, timeout: float) -> None:
    """Waits until executors have come; refuses what Spark would only refuse after minutes."""
    conf, master = session.sparkContext.getConf(), session.sparkContext.master
    local = master.startswith("local[") or master == "local"
    if not local and conf.get("spark.dynamicAllocation.enabled", "false").lower() == "true":
        raise _core.Error(
            "[spark] workers start together, which Spark does not do under dynamic allocation: set "
            "spark.dynamicAllocation.enabled=false and ask for the executors with "
            "spark.executor.instances (on a standalone cluster: spark.cores.max)"
        )
    until = time.monotonic() + (0.0 if local else timeout)
    while (there := slots(session)) < num_workers:
        if time.monotonic() >= until:
            cpus = conf.get("spark.task.cpus", "1")
            raise _core.Error(_MISSING_SLOTS.format(workers=num_workers, slots=there, cpus=cpus))
        time.sleep(0.5)
