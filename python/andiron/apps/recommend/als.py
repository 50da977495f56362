"""Alternating least squares for implicit feedback through Spark MLlib, scored in NumPy."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

import numpy as np
import pandas as pd

from andiron.apps.recommend.data import Interactions


@contextlib.contextmanager
def spark_session(threads: int = 2, memory: str = "4g") -> Iterator:
    """A local Spark session on the loopback interface, stopped and cleaned up at the end.

    Raises:
        ImportError: pyspark is not installed.
        OSError: there is no Java.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ImportError(
            "[als] ALS runs on Spark MLlib: pip install 'andiron[spark]' (pyspark 4.1)"
        ) from error
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        raise OSError(
            "[als] Spark needs Java 17 (Debian: apt-get install openjdk-17-jre-headless); "
            "there is no `java` in PATH and JAVA_HOME is not set"
        )
    with tempfile.TemporaryDirectory(prefix="andiron-als-") as folder:
        logging = os.path.join(folder, "log4j2.properties")
        with open(logging, "w", encoding="utf-8") as file:  # Spark's greetings tear progress bars
            file.write("rootLogger.level = error\n")
        session = (
            SparkSession.builder.master(f"local[{threads}]")
            .appName("andiron recommend")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", memory)
            .config("spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile=file:{logging}")
            .config("spark.local.dir", folder)
            .config("spark.sql.warehouse.dir", os.path.join(folder, "warehouse"))
            .config("spark.sql.shuffle.partitions", str(threads))
            .config("spark.default.parallelism", str(threads))
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        session.sparkContext.setCheckpointDir(os.path.join(folder, "checkpoints"))
        try:
            yield session
        finally:
            session.stop()


class ALS:
    """MLlib's implicit ALS: minimises, with preference p = 1 for met pairs and 0 otherwise,

        sum over all (u, i) of (1 + alpha r_ui) (p_ui - x_u·y_i)²
        + regParam (sum over u of n_u |x_u|² + sum over i of n_i |y_i|²)

    where r is the rating (1 without ratings, or with `use_rating=False`) and n counts the
    interactions of u or i. Source: Hu, Koren & Volinsky 2008; Zhou et al. 2008 for n.

    Args:
        rank: length of the factors. iterations: sweeps over both sides.
        reg: regParam. alpha: as above. seed: of the starting factors.
    """

    name = "ALS"

    def __init__(
        self,
        rank: int = 64,
        iterations: int = 10,
        reg: float = 0.1,
        alpha: float = 1.0,
        use_rating: bool = True,
        seed: int = 0,
    ) -> None:
        self.rank, self.iterations, self.reg, self.alpha = rank, iterations, reg, alpha
        self.use_rating, self.seed = use_rating, seed
        self.user_factors = np.zeros((0, rank), np.float32)
        self.item_factors = np.zeros((0, rank), np.float32)

    def fit(self, data: Interactions, session) -> ALS:
        """Trains on a Spark session (see `spark_session`)."""
        from pyspark.ml.recommendation import ALS as MllibALS

        rating = np.ones(len(data), np.float32)
        if self.use_rating and data.rating is not None:
            rating = data.rating
        table = pd.DataFrame(
            {"user": data.user.astype(np.int32), "item": data.item.astype(np.int32), "r": rating}
        )
        blocks = session.sparkContext.defaultParallelism
        model = MllibALS(
            rank=self.rank,
            maxIter=self.iterations,
            regParam=self.reg,
            alpha=self.alpha,
            implicitPrefs=True,
            userCol="user",
            itemCol="item",
            ratingCol="r",
            numUserBlocks=blocks,
            numItemBlocks=blocks,
            seed=self.seed,
        ).fit(session.createDataFrame(table))
        self.user_factors = _factors(model.userFactors, data.n_users, self.rank)
        self.item_factors = _factors(model.itemFactors, data.n_items, self.rank)
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        """[len(users), n_items] float32; zero for an item or user without interactions."""
        return self.user_factors[users] @ self.item_factors.T


def _factors(frame, count: int, rank: int) -> np.ndarray:
    factors = np.zeros((count, rank), np.float32)
    rows = frame.toPandas()
    if len(rows):
        factors[rows["id"].to_numpy()] = np.stack(rows["features"].to_list())
    return factors
