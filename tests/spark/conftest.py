"""One Spark session for all tests here."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what several tests here share: *_testing.py
sys.path.insert(1, str(Path(__file__).parents[1] / "python"))  # images_testing.py


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    pytest.importorskip("pyspark")
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        pytest.skip("no Java")
    session = builder("local[2]", tmp_path_factory.mktemp("spark")).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def programs(tmp_path):
    """Starts programs (processes_testing.py) and leaves none behind."""
    from processes_testing import Programs

    started = Programs(tmp_path)
    yield started
    started.kill()


def builder(master, folder):
    """A session on the loopback interface with as few surroundings as possible."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    found = SparkSession.builder.master(master).appName("andiron tests")
    for name, value in settings.items():
        found = found.config(name, value)
    return found
