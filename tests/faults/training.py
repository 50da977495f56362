"""What the runs train: the task that an Estimator gives to Spark, and rows as Spark deals them."""

from __future__ import annotations

import os
import pickle
import secrets
import traceback
import uuid
from collections.abc import Iterator
from multiprocessing.connection import Pipe
from typing import Any

import numpy as np
import pyarrow as pa

WORKERS = (2, 3, 4)
HEARTBEAT = 2.0  # seconds until a silent worker is given up
EPOCHS, BATCHES = 3, 10
STEPS = EPOCHS * BATCHES
EVERY = 4  # steps between checkpoints
_jobs: dict[tuple, bytes] = {}
_BATCH, _ROWS, _HELD_OUT, _SHARDS, _IDS = 60, 800, 200, 32, 3000


def prepare() -> None:
    """Makes the jobs, in a process that ends: models are made on threads, and this one forks."""
    mine, its = Pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kinds = [(size, wide) for size in WORKERS for wide in (False, True)]
            its.send({kind: _job(*kind) for kind in kinds})
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    its.close()
    _jobs.update(mine.recv())
    mine.close()
    os.waitpid(pid, 0)


def job(size: int, wide: bool, tls: bool, folder: str) -> bytes:
    """What each of `size` workers is sent: andiron.spark._worker.Job, pickled."""
    found = pickle.loads(_jobs[size, wide])
    found.secret, found.run_id = secrets.token_bytes(32), str(uuid.uuid4())
    found.settings["tls"] = tls
    found.fn.settings["checkpoint_dir"] = folder
    return pickle.dumps(found)


def _job(size: int, wide: bool) -> bytes:
    from andiron.spark import _training
    from andiron.spark._estimator import communicator_settings
    from andiron.spark._worker import Job

    from faults.signs import Signs

    estimator = _estimator(size, wide)
    settings = estimator._fit_settings({}, estimator.getNulls())
    settings["fingerprint"] = "wide" if wide else "small"
    # By reference: the processes are forks of this one.
    packed = pickle.dumps((estimator._compiled(None, {}), [Signs(), _stopping()]))
    task = _training.Task(packed, settings)
    return pickle.dumps(Job(task, size, b"", "", communicator_settings(estimator)))


def _estimator(size: int, wide: bool) -> Any:
    from andiron.spark import Estimator

    import andiron
    from andiron import layers, optimizers

    andiron.set_random_seed(3)
    x, who = andiron.Input((2,), name="x"), andiron.Input((), dtype="int32", name="who")
    h = layers.Concatenate()([x, layers.Embedding(_IDS, 8)(who)])
    for units in (512, 256) if wide else (16,):
        h = layers.Dropout(0.2)(layers.Dense(units, "relu")(h))
    model = andiron.Model([x, who], layers.Dense(1, "sigmoid")(h))
    rate = optimizers.schedules.CosineDecay(0.02, STEPS)
    return Estimator(
        model=model, loss="binary_crossentropy", optimizer=optimizers.Adam(rate),
        metrics=["accuracy", "AUC"], features={"x": ["a", "b"], "who": "who"}, label="y",
        batch_size=_BATCH, epochs=EPOCHS, num_workers=size, seed=4, verbose=0,
        validation_indicator_col="held_out", heartbeat_timeout=HEARTBEAT, operation_timeout=60.0,
        checkpoint_every=EVERY,
    )  # fmt: skip


def _stopping() -> Any:
    """Has a state of its own, with tensors, that must survive a restart."""
    from andiron import callbacks

    return callbacks.EarlyStopping("val_loss", patience=20, restore_best_weights=True)


def rows(rank: int, size: int, attempt: int) -> Iterator[pa.RecordBatch]:
    """A worker's rows, shard by shard. Within a shard, an attempt sees them in another order, as
    when Spark computes a lost partition again."""
    from andiron.spark._worker import TAG

    rng = np.random.default_rng(17)
    a, b = rng.normal(size=(2, _ROWS)).astype("f")
    who, shard = rng.integers(0, _IDS, _ROWS), rng.integers(0, _SHARDS, _ROWS)
    y = (a * b + 0.5 * np.sin(who) + 0.3 * rng.normal(size=_ROWS) > 0).astype("f")
    tag = 2 * shard + (np.arange(_ROWS) < _HELD_OUT)
    order = np.random.default_rng(attempt).permutation(_ROWS)
    order = order[np.argsort(tag[order], kind="stable")]
    order = order[shard[order] % size == rank]
    columns = {"a": a, "b": b, "who": who.astype("i4"), "y": y, TAG: tag.astype("i4")}
    table = pa.table({name: values[order] for name, values in columns.items()})
    yield pa.RecordBatch.from_pylist([], table.schema)  # as from a partition without rows
    yield from table.to_batches(max_chunksize=37)
