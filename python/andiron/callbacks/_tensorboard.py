"""Event files for TensorBoard."""

from __future__ import annotations

import os
import time
from typing import Any

from andiron import _core
from andiron._refuse import refuse, whole
from andiron.callbacks import _board_embeddings
from andiron.callbacks._board_graph import graph_def
from andiron.callbacks._board_images import picture
from andiron.callbacks._event_files import EventFile, library
from andiron.callbacks._protocol import MadeAgain


class TensorBoard(MadeAgain):
    """Writes what TensorBoard shows; `tensorboard --logdir=logs` reads it while training runs.

    In log_dir/train: epoch_loss, epoch_<metric>, epoch_learning_rate by epoch; with update_freq
    batch_loss, batch_<metric> by training step (running means of the epoch, as in Keras). In
    log_dir/validation: epoch_loss, epoch_<metric> of the validation, and
    evaluation_<figure>_vs_iterations, also of `evaluate`. Steps are those of the optimizer, from 1.

    Files are complete up to the last epoch and the last checkpoint whatever ends the process. A
    training that is resumed from a checkpoint goes on in the same log_dir; one that begins anew
    there takes the place of the old one. So a folder is for one training.

    Of several workers the first one writes. Under Spark it runs at the driver, and log_dir is a
    path there; beside the above there are spark/samples_per_second_per_worker and
    spark/share_in_communication by epoch (docs/spark.md).

    Args:
        log_dir: folder. Default: "logs".
        histogram_freq: epochs between histograms of the weights; 0: none. Default: 0.
        write_graph: also the network, a node for each op in the scopes of its layers (in train).
            Default: True.
        write_images: also the weights as pictures, with the histograms.
        write_steps_per_second: also epoch_steps_per_second and batch_steps_per_second.
        update_freq: "epoch", "batch", or a number of steps between points. Default: "epoch".
        embeddings_freq: epochs between the tables of embeddings for the projector (in train, each
            in place of the one before); 0: none. Default: 0.
        embeddings_metadata: path of a file with a line for each row of the table, or a dict of
            them by the names of layers.
        profile_batch: refused.

    Errors:
        ImportError when tensorboardX is not installed: pip install 'andiron[tensorboard]'.
        OSError when log_dir cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from andiron import Input, Sequential, callbacks, layers
        >>> model = Sequential([Input((2,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     board = callbacks.TensorBoard(folder, update_freq=10)
        ...     _ = model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[board])
    """

    at_driver = True

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        refuse("TensorBoard", "compile(profile=True) and andiron.profiler time a step node by node",
               profile_batch=profile_batch or None)  # fmt: skip
        library()
        self.log_dir = os.fspath(log_dir)
        self.write_graph, self.write_steps_per_second = write_graph, write_steps_per_second
        self.histogram_freq = whole(histogram_freq, "histogram_freq", 0, "TensorBoard")
        self.write_images = write_images
        self.embeddings_freq = whole(embeddings_freq, "embeddings_freq", 0, "TensorBoard")
        self.embeddings_metadata = embeddings_metadata
        self.update_freq: str | int = "epoch"
        if update_freq != "epoch":
            each = 1 if update_freq == "batch" else update_freq
            self.update_freq = whole(each, 'update_freq ("epoch", "batch")', 1, "TensorBoard")
            self.on_train_batch_end = self._batch_ended  # otherwise batches cost nothing
        self._files: dict[str, EventFile] = {}
        self._begins: tuple[int, int] | None = None

    def _check_at_driver(self) -> None:
        for name in ("histogram_freq", "embeddings_freq"):
            if getattr(self, name):
                raise _core.Error(
                    f"[TensorBoard] {name}={getattr(self, name)} needs the weights, which the "
                    "workers have and not the driver: leave it at 0 under Spark"
                )
        refuse("TensorBoard", "under Spark spark/samples_per_second_per_worker tells it",
               write_steps_per_second=self.write_steps_per_second)  # fmt: skip

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._close()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._close()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        steps = self._steps()
        if self._begins is None:  # at a checkpoint's place where the training is resumed
            self._begins = (epoch, steps)
            if self.worker == 0:
                self._once()
        self._since_epoch = self._since_point = (steps, time.monotonic())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.worker > 0:
            return
        train = {k: v for k, v in (logs or {}).items() if not k.startswith("val_")}
        validation = {k[4:]: v for k, v in (logs or {}).items() if k.startswith("val_")}
        if not self._own_steps():  # whose optimizers are its own
            rate = train.setdefault("learning_rate", self.model.optimizer.learning_rate)
            if rate is None:  # at the driver, of an epoch before a restart
                del train["learning_rate"]
        if self.write_steps_per_second:
            train["steps_per_second"] = self._rate(self._since_epoch)
        self._file("train").scalars(epoch, {_tag(k): v for k, v in train.items()})
        if validation:
            self._file("validation").scalars(epoch, {_tag(k): v for k, v in validation.items()})
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._embeddings()
        self._flush()

    def on_test_end(self, logs: dict | None = None) -> None:
        if self.worker > 0 or (self.model.optimizer is None and not self._own_steps()):
            return
        values = {f"evaluation_{k}_vs_iterations": v for k, v in (logs or {}).items()}
        self._file("validation").scalars(self._steps(), values)
        if self._begins is None:  # of `evaluate`
            self._close()

    def _batch_ended(self, batch: int, logs: dict | None = None) -> None:
        step = self._steps()
        if self.worker > 0 or step % self.update_freq or step == self._since_point[0]:
            return  # the last: several batches may make one step
        values = {f"batch_{k}": v for k, v in (logs or {}).items()}
        if self.write_steps_per_second:
            values["batch_steps_per_second"] = self._rate(self._since_point)
        self._since_point = (step, time.monotonic())
        self._file("train").scalars(step, values)

    def get_state(self) -> None:
        # The checkpoint that asks for it will not bring these points again.
        self._flush()

    def _rate(self, since: tuple[int, float]) -> float:
        steps = self._steps() - since[0]
        return steps / max(1e-9, time.monotonic() - since[1])

    def _own_steps(self) -> bool:
        return getattr(self.model, "train_step", None) is not None

    def _steps(self) -> int:
        """That are finished."""
        return self.model._compiled.step if self._own_steps() else self.model.optimizer.iterations

    def _once(self) -> None:
        """What is written when a training begins."""
        if self.embeddings_freq:
            names = list(_board_embeddings.tables(self.model))
            if not names:
                raise _core.Error("[TensorBoard] embeddings_freq: the model has no embeddings")
            _board_embeddings.metadata_of(self.embeddings_metadata, names)
        # The driver's stand-in for a model has no network.
        if self.write_graph and hasattr(self.model, "graph") and not self._own_steps():
            self._file("train").graph(graph_def(self.model))

    def _weights(self, epoch: int) -> None:
        file, weights = self._file("train"), self.model.get_weights()
        for variable, values in zip(self.model.variables, weights, strict=True):
            file.histogram(epoch, f"{variable.name}/histogram", values)
            if self.write_images and (pixels := picture(values)) is not None:
                file.image(epoch, f"{variable.name}/image", pixels)

    def _embeddings(self) -> None:
        compiled = getattr(self.model, "_compiled", None)
        if compiled is not None:
            compiled.catch_up()
        found = _board_embeddings.tables(self.model)
        metadata = _board_embeddings.metadata_of(self.embeddings_metadata, list(found))
        self._file("train")  # makes the folder
        values = {name: table.numpy() for name, table in found.items()}
        _board_embeddings.write(os.path.join(self.log_dir, "train"), values, metadata)

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run), self._begins)
        return self._files[run]

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files, self._begins = {}, None


def _tag(figure: str) -> str:
    return figure if figure.startswith("spark/") else f"epoch_{figure}"
