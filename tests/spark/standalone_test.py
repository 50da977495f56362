"""A standalone cluster: a master and two workers of PySpark's own jars on the loopback."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults_test import leave_no_trace
from processes_testing import Programs, environment, free_port

pytestmark = pytest.mark.slow

QUIET = """
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c: %m%n%ex
"""


class Cluster:
    """One core a worker: as many slots as workers."""

    def __init__(self, programs: Programs, folder: Path, workers: int):
        (folder / "conf").mkdir()
        (folder / "conf/log4j2.properties").write_text(QUIET)
        settings = {
            "SPARK_CONF_DIR": str(folder / "conf"),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "SPARK_NO_DAEMONIZE": "1",
        }
        spark_class = Path(environment()["SPARK_HOME"]) / "bin/spark-class"
        local = ["--host", "127.0.0.1", "--webui-port", 0]
        port = free_port()
        self.url = f"spark://127.0.0.1:{port}"
        master = [spark_class, "org.apache.spark.deploy.master.Master", *local, "--port", port]
        self._daemons = [programs.start("master", master, **settings)]
        for i in range(workers):
            worker = [
                spark_class, "org.apache.spark.deploy.worker.Worker", *local, "--port", 0,
                "--cores", 1, "--memory", "700M", "--work-dir", folder / f"worker{i}", self.url,
            ]  # fmt: skip
            self._daemons.append(programs.start(f"worker{i}", worker, **settings))

    def end(self) -> list[int]:
        """Workers first; the processes that would not end."""
        return [left for daemon in reversed(self._daemons) for left in daemon.end()]


def test_training_survives_the_loss_of_an_executor(programs, tmp_path):
    pytest.importorskip("pyspark")
    cluster = Cluster(programs, tmp_path, workers=2)
    leave_no_trace(tmp_path, cluster.url, 4, ["executor:1", "kill:1"])
    assert cluster.end() == []
