"""Alternating least squares for implicit feedback through Spark MLlib, scored in NumPy."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import numpy as np
import pandas as pd

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.recommender import Recommender


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
            "[als] ALS runs on Spark MLlib: pip install 'andiron[spark]' (pyspark 3.5 or newer)"
        ) from error
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        raise OSError(
            "[als] Spark needs Java 17 (Debian: apt-get install openjdk-17-jre-headless); "
            "there is no `java` in PATH and JAVA_HOME is not set"
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers need the same packages
    # Where Spark finds a native BLAS, every task calls it: one thread each.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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


@dataclasses.dataclass
class ALSSettings:
    """Settings of ALS.

    Attributes:
        rank: length of the factors. iterations: sweeps over both sides.
        reg: regParam. alpha: of the confidence. use_rating: whether ratings weigh, if there are
            any. seed: of the starting factors.
    """

    rank: int = 64
    iterations: int = 10
    reg: float = 0.1
    alpha: float = 1.0
    use_rating: bool = True
    seed: int = 0


class ALS(Recommender):
    """MLlib's implicit ALS: minimises, with preference p = 1 for met pairs and 0 otherwise,

        sum over all (u, i) of (1 + alpha r_ui) (p_ui - x_u·y_i)²
        + regParam (sum over u of n_u |x_u|² + sum over i of n_i |y_i|²)

    where r is the rating (1 without ratings, or with `use_rating=False`) and n counts the
    interactions of u or i. Spark trains; a trained or loaded model needs Spark no more. Its score
    x_u·y_i is zero for an item or user without interactions.
    Source: Hu, Koren & Volinsky 2008; Zhou et al. 2008 for n.

    Args:
        settings: see ALSSettings.
    """

    name = "ALS"
    Settings = ALSSettings

    def fit(self, data: Interactions, session=None) -> ALS:
        """Trains on a Spark session; without one, on a local session of its own (`spark_session`).

        Raises:
            ImportError, OSError: Spark or Java is not installed.
        """
        self._require_some(data)
        if session is None:
            with spark_session(threads=os.cpu_count() or 1) as own:
                return self.fit(data, own)
        from pyspark.ml.recommendation import ALS as MllibALS

        s = self.settings
        rating = np.ones(len(data), np.float32)
        if s.use_rating and data.rating is not None:
            rating = data.rating
        table = pd.DataFrame(
            {"user": data.user.astype(np.int32), "item": data.item.astype(np.int32), "r": rating}
        )
        blocks = session.sparkContext.defaultParallelism
        model = MllibALS(
            rank=s.rank,
            maxIter=s.iterations,
            regParam=s.reg,
            alpha=s.alpha,
            implicitPrefs=True,
            userCol="user",
            itemCol="item",
            ratingCol="r",
            numUserBlocks=blocks,
            numItemBlocks=blocks,
            seed=s.seed,
        ).fit(session.createDataFrame(table))
        self.user_factors = _factors(model.userFactors, data.n_users, s.rank)
        self.item_factors = _factors(model.itemFactors, data.n_items, s.rank)
        self._remember(data)
        return self

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """The estimated preferences, cut to [0, 1]."""
        return np.clip(scores, 0.0, 1.0)

    def _score(self, users: np.ndarray) -> np.ndarray:
        return self.user_factors[users] @ self.item_factors.T

    def _scores_of_strangers(self) -> np.ndarray:
        return self._popularity / len(self.users)  # the mean preference, on the scale of scores

    def _similarities(self, row: int) -> np.ndarray:
        return self._cosines(self.item_factors, row)

    def _state(self) -> dict[str, np.ndarray]:
        return {"users": self.user_factors, "items": self.item_factors}

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        rank = self.settings.rank
        for name, count in (("users", len(self.users)), ("items", len(self.items))):
            if state[name].shape != (count, rank):
                raise ValueError(f"its factors of {name} are {state[name].shape}")
        self.user_factors, self.item_factors = state["users"], state["items"]


def _factors(frame, count: int, rank: int) -> np.ndarray:
    factors = np.zeros((count, rank), np.float32)
    rows = frame.toPandas()
    if len(rows):
        factors[rows["id"].to_numpy()] = np.stack(rows["features"].to_list())
    return factors
