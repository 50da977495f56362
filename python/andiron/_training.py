"""fit and evaluate, which Model takes over."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from andiron import _core, _own_steps, _remote, _workers, callbacks
from andiron._batches import batches_of
from andiron._class_weight import refuse_balanced
from andiron._compiling import Compiled
from andiron._data import batch_source, inputs_of
from andiron._feed import Feeds
from andiron._refuse import refuse, refuse_beside_batches, whole
from andiron._sources import Sources, validation_of
from andiron.callbacks._protocol import figures_of, for_core, listed, unknown_figure


class Training(Compiled, Sources):
    """The part of a model that learns."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict | str | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        *,
        seed: int | None = None,
        on_nan: str = "error",
        checkpoint_dir: Any = None,
        checkpoint_every: int = 0,
        checkpoint_minutes: float = 0,
        resume: bool = False,
        workers: Any = None,
        wire_dtype: str = "float32",
    ):
        """Trains.

        Ctrl-C ends it within a step; the model stays usable with what it has learnt.

        Args:
            x: an array, a DataFrame, or a list or dict of arrays for several inputs; a table: what
                andiron.data makes, Arrow data (pyarrow, polars, duckdb, ...) or the path of a
                Parquet or CSV file; a source of batches made by andiron.datasets or
                andiron.images; or what gives batches (x, y) or (x, y, sample_weight): a generator,
                an iterable, a function that makes one, Keras's PyDataset, torch's DataLoader,
                tf.data. docs/data.md has a table.
            y: targets in the same forms, in the order of the outputs; for a table the names of
                their columns.
            batch_size: samples a step. Default: 32. Not for what gives batches.
            epochs: where to stop, counted from 0 (not from initial_epoch).
            verbose: 0 silent, 1 a bar, 2 a line for each epoch. Default: 1.
            callbacks: of andiron.callbacks; one, or a list.
            validation_split: the last part of the data that is not trained on.
            validation_data: (x, y) or (x, y, sample_weight), a table whose columns are called as
                those of x, what andiron.data or andiron.images makes, or what gives batches; the
                batches of a generator are kept in memory, so that each validation sees the same, up
                to 4 GiB without validation_steps.
            shuffle: another order in each epoch, by seed. Default: True.
            class_weight: a weight for each class id, {id: weight}; others weigh 1. "balanced":
                rows / (classes * rows of the class), as scikit-learn has it, counted over the rows
                to train on; not for batches that Python gives one by one.
            sample_weight: a weight for each sample; for a table the name of a column.
            initial_epoch: the first epoch's number.
            steps_per_epoch: batches that make an epoch; the next one goes on where it ended. One
                that comes to the end of the data is shorter, with a warning, as in Keras; where a
                generator ends, the training does. Default: all batches.
            validation_steps: batches that validation looks at, from the first. Default: all.
            validation_freq: validation in every so many epochs.
            seed: of the order; otherwise drawn from andiron.set_random_seed's stream.
            on_nan: when loss or weights become NaN or infinite: "error", "stop" or "ignore".
            checkpoint_dir: folder for checkpoints of the whole training, or a URL that fsspec knows
                (s3://bucket/run; needs the extra `remote`). One is written at the end of each
                epoch, and besides as the next two say, while training goes on. A folder's are all
                written, and one that cannot be ends the training. With a URL training does not
                wait for them but at its end, and goes on without one that could not be written;
                fit warns of that.
            checkpoint_every: steps between checkpoints; 0: not by steps.
            checkpoint_minutes: minutes between checkpoints, by the first worker's clock; 0: not by
                time.
            resume: goes on from the newest checkpoint in checkpoint_dir, with the same bits as if
                training had not stopped.
            workers: an andiron.collective.Communicator: its ranks train one model together. Each
                calls fit with its own rows (or andiron.data.Shards) and the same settings;
                batch_size is that of all together. Weights and seed are the first rank's to begin
                with; figures are those of all. The first rank writes and reads checkpoints.
            wire_dtype: of gradients between workers: "float32", or "bfloat16" for half the bytes.

        Returns:
            History: `history` has a list for each figure.
        """
        if x is None:
            raise _core.Error("[fit] needs data x")
        validation_data = validation_of(validation_data, x, y, sample_weight)
        validated = validation_data is not None or bool(validation_split)
        _own_steps.refuse_of(self, class_weight, validated)
        datasets = [d for d in (x, validation_data) if hasattr(d, "_report")]
        whole(epochs, "epochs", 0)
        whole(initial_epoch, "initial_epoch", 0)
        options = {
            "on_nan": on_nan,
            "checkpoint_dir": checkpoint_dir,
            "checkpoint_every": checkpoint_every,
            "checkpoint_minutes": float(checkpoint_minutes),
            "resume": resume,
        }
        if steps_per_epoch is not None:
            whole(steps_per_epoch, "steps_per_epoch", 1)
        if validation_steps is not None:
            whole(validation_steps, "validation_steps", 1)
        if workers is not None:
            _workers.require(workers, "fit")
            if batches_of(x) is not None or batches_of(validation_data) is not None:
                raise _core.Error(
                    "[fit] workers share rows whose number is known: arrays, tables or sources of "
                    "andiron.datasets; got batches that Python gives one by one"
                )
            if self._own_step("train_step") is not None:
                raise _core.Error("[fit] steps of one's own are taken by one process, not workers")
            refuse("fit", "workers go through all rows in an epoch",
                   steps_per_epoch=steps_per_epoch, validation_steps=validation_steps)  # fmt: skip
            if validation_split:
                raise _core.Error("[fit] workers take validation_data, not validation_split")
            self._require_compiled(x if hasattr(x, "_specs") else None)
            x, validation_data = batch_source(x), batch_source(validation_data)
            rest = (epochs, initial_epoch, validation_freq, verbose, listed(callbacks), options)
            return _workers.fit(
                self, workers, wire_dtype, (x, y, sample_weight, class_weight), validation_data,
                whole(32 if batch_size is None else batch_size, "batch_size", 1),
                bool(shuffle), seed, rest,
            )  # fmt: skip
        with Feeds(self) as feeds:
            if (given := batches_of(x)) is not None:
                refuse_beside_batches(
                    "fit",
                    y=y,
                    sample_weight=sample_weight,
                    batch_size=batch_size,
                    validation_split=validation_split,
                )
                refuse_balanced(class_weight, "batches of Python")
                x = feeds.source(
                    given, class_weight, steps=steps_per_epoch, first_epoch=initial_epoch,
                    epochs=max(epochs - initial_epoch, 1), shuffle=bool(shuffle),
                    seed=_core.next_seed() if seed is None else int(seed),
                )  # fmt: skip
                steps_per_epoch = batch_size = class_weight = None  # the source has them
            if (given := batches_of(validation_data)) is not None:
                validation_data = feeds.source(given, steps=validation_steps, keep=True)
                validation_steps = None
            source, validation = self._sources(
                x, y, batch_size, validation_split, validation_data, shuffle, class_weight,
                sample_weight, validation_batch_size, seed, finite=on_nan == "error",
            )  # fmt: skip
            if self.optimizer is None and self._own_step("train_step") is None:
                raise _core.Error("[fit] the model was compiled without an optimizer")
            if steps_per_epoch is not None:
                if source.batches % steps_per_epoch:
                    warnings.warn(
                        f"[fit] steps_per_epoch={steps_per_epoch} does not divide the data's "
                        f"{source.batches} batches: an epoch that comes to their end is shorter",
                        stacklevel=2,
                    )
                source = _core.steps_source(source, steps_per_epoch)
            if validation_steps is not None and validation is not None:
                validation = _core.steps_source(validation, validation_steps, True)
            history = self._run(source, validation, epochs, initial_epoch, validation_freq,
                                verbose, listed(callbacks), options)  # fmt: skip
        for dataset in datasets:
            dataset._report()
        return history

    def _run(self, source, validation, epochs, initial_epoch, validation_freq, verbose, given,
             options):  # fmt: skip
        history = callbacks.History()
        figures = figures_of(self.metrics_names, validation is not None)
        own = self._own_step("train_step") is not None  # which tells its figures when it runs
        for callback in given:
            wrong = None if own else unknown_figure(callback, figures)
            if wrong is not None and validation is not None:  # without one the core says more
                warnings.warn(f"[fit] {wrong}", stacklevel=3)
            if isinstance(callback, callbacks.BackupAndRestore):
                options["checkpoint_dir"] = callback.backup_dir
                options["checkpoint_every"] = callback.save_freq
                options["resume"] = True
            elif isinstance(callback, callbacks.TerminateOnNaN):
                options["on_nan"] = "stop"
        verbose = 1 if verbose == "auto" else int(verbose)
        if verbose:
            given = [*given, callbacks.ProgbarLogger(verbose)]
        self.history = history
        self.stop_training = False
        trainer = self._trainer
        store = options["checkpoint_dir"] = _remote.store_of(options.get("checkpoint_dir"))
        try:
            trainer.fit(
                source,
                validation,
                epochs,
                initial_epoch,
                validation_freq,
                callbacks.for_core(given, self),
                **options,
            )
        finally:
            history._take(*trainer.history)
            if isinstance(store, _remote.RemoteStore):
                history.checkpoint_note = store.close()
                if history.checkpoint_note:
                    warnings.warn(history.checkpoint_note, stacklevel=3)
        for callback in given:
            if isinstance(callback, callbacks.History):
                callback._take(*trainer.history)
            if isinstance(callback, callbacks.BackupAndRestore) and callback.delete_checkpoint:
                callback.clear()
        return history

    @property
    def stop_training(self) -> bool:
        """Set it in a callback to end training after the current batch."""
        trainer = self.__dict__.get("_trainer")
        return False if trainer is None else trainer.stop_training

    @stop_training.setter
    def stop_training(self, stop: bool) -> None:
        trainer = self.__dict__.get("_trainer")
        if trainer is not None:
            trainer.stop_training = bool(stop)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        *,
        workers: Any = None,
    ):
        """Loss and metrics on data, in inference mode.

        Args:
            x, y, sample_weight: as in fit.
            batch_size: samples a step. Default: 32. It does not change the figures but for
                rounding, unless a layer mixes the rows of a batch.
            verbose: accepted for Keras's sake; nothing is printed.
            steps: batches to look at; all by default.
            callbacks: of andiron.callbacks.
            return_dict: figures by name.
            workers: as in fit: the figures of the rows of all workers.

        Returns:
            The loss, or a list [loss, metrics...] in the order of metrics_names, or a dict.
        """
        size = whole(32 if batch_size is None else batch_size, "batch_size", 1, "evaluate")
        if workers is not None:
            _workers.require(workers, "evaluate")
            self._require_compiled(x if hasattr(x, "_specs") else None)
            x = batch_source(x)
            if steps is not None or callbacks:
                raise _core.Error("[evaluate] workers look at all rows, without callbacks")
            logs = _workers.evaluate(self, workers, (x, y, sample_weight), size)
            values = list(logs.values())
            return logs if return_dict else values[0] if len(values) == 1 else values
        feeds = Feeds(self)
        if (given := batches_of(x)) is not None:
            refuse_beside_batches(
                "evaluate", y=y, sample_weight=sample_weight, batch_size=batch_size
            )
            steps = None if steps is None else whole(steps, "steps", 1, "evaluate")
            source = feeds.source(given, steps=steps, caller="evaluate")
        elif isinstance(batch_source(x), _core.BatchSource):
            self._require_compiled(x if hasattr(x, "_specs") else None)
            source = batch_source(x)
            if steps is not None:
                source = _core.steps_source(source, whole(steps, "steps", 1, "evaluate"), True)
        elif (found := self._as_data(x, y, sample_weight))[0] is not None:
            taken = {}
            if steps is not None:
                rows = size * whole(steps, "steps", 1, "evaluate")
                taken = {"first": 0, "rows": min(rows, len(found[0]))}
            source = self._table_source(found[0], size, **taken)
        else:
            self._require_compiled(x := found[1])
            arrays = self._arrays(x, y, sample_weight)
            if steps is not None:
                rows = size * whole(steps, "steps", 1, "evaluate")
                arrays = [[np.asarray(a)[:rows] for a in part] for part in arrays]
            source = _core.array_source(*arrays, size)
        with feeds:
            logs = self._trainer.evaluate(source, for_core(listed(callbacks), self))
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on these samples. Returns the loss before it, and the metrics.

        With the optimizer's gradient_accumulation_steps=n every n-th call moves the weights.
        """
        source = self._one_step(x, y, sample_weight, class_weight)
        # A look at all weights before each step would take longer than the step.
        self._trainer.fit(source, None, 1, 0, 1, [], whole_updates=False, check_weights=False)
        logs = self._trainer.history[1][-1]
        values = list(logs.values())
        return logs if return_dict else values[0] if len(values) == 1 else values

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of these samples."""
        n = len(np.asarray(inputs_of(self._ready(x), x)[0]))
        return self.evaluate(x, y, max(1, n), 0, sample_weight, return_dict=return_dict)
