"""compile, fit and evaluate, which Model takes over."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from andiron import _core, _own_steps, _remote, _workers, callbacks, optimizers
from andiron._batches import batches_of
from andiron._compile import losses_of, metrics_of, per_output, unique, warn_of_groups
from andiron._data import (
    batch_source,
    check_labels,
    inputs_of,
    rows_of,
    split,
    split_at,
    targets_of,
    weights_of,
)
from andiron._feed import Feeds
from andiron._refuse import refuse, refuse_beside_batches, whole
from andiron._tables import Data, is_table, names_columns
from andiron.callbacks._protocol import figures_of, for_core, listed, unknown_figure

# What compile sets.
_OF_COMPILE = ("optimizer", "_compiled_with", "_compiled", "_trainer", "_metrics", "_losses")


class Training:
    """The part of a model that learns."""

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        *,
        check_numerics: bool = False,
        profile: bool = False,
        threads: int = 0,
    ) -> None:
        """Says how to learn.

        Args:
            optimizer: a name or an Optimizer. Default: "rmsprop".
            loss: a name, a Loss or a function (y_true, y_pred) of andiron.ops; a list or a dict
                for several outputs.
            loss_weights: of the outputs' losses in the sum. Default: 1.
            metrics: names, Metrics or functions (y_true, y_pred) of andiron.ops or NumPy, whose
                mean over samples is meant; computed without sample weights.
            weighted_metrics: the same with sample weights.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted for Keras's
                sake; a step is a compiled plan always, and float32 needs no scale.
            check_numerics: whether steps look for the first op that makes NaN or infinity (slow).
            profile: whether steps are timed node by node (`andiron.profiler`).
            threads: 0 for all.
        """
        if loss is None and self._own_step("train_step") is None:
            raise _core.Error("[compile] needs a loss")
        before = {name: self.__dict__.get(name) for name in _OF_COMPILE}
        self.optimizer = None if optimizer is None else optimizers.get(optimizer)
        self._compiled_with = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "plan": {"check_numerics": check_numerics, "profile": profile, "threads": threads},
        }
        self._compiled = None
        try:
            if self._network is not None and self._network.built:
                self._compile_now()
        except Exception:
            self.__dict__.update(before)  # an earlier compile stands
            raise

    def _compile_now(self) -> None:
        given, names = self._compiled_with, self._network.output_names
        warn_of_groups(self.optimizer, self._network.variables)
        if self._own_step("train_step") is not None:
            self._metrics, self._losses = [], [None] * len(names)
            self._compiled, self._trainer = _own_steps.compiled(self, given["plan"])
            return
        found = metrics_of(given["metrics"], False, names)
        found += metrics_of(given["weighted_metrics"], True, names)
        self._metrics = unique(found)
        self._losses = losses_of(given["loss"], names)
        self._compiled, self._trainer = self._make_compiled()
        if self.optimizer is not None:
            self.optimizer._model = self._compiled

    def _make_compiled(self, workers: Any = None):
        """The model with losses, metrics and optimizer as steps: of this process, or of several."""
        given = self._compiled_with
        compiled = _core.CompiledModel(
            self._network,
            None if self.optimizer is None else self.optimizer._core,
            self._losses,
            self._loss_weights(given["loss_weights"]),
            bool(self._metrics),
            **given["plan"],
            workers=workers,
        )
        return compiled, _core.Trainer(compiled, self._core_metrics())

    def _own_step(self, name: str) -> Any:
        """The model's own train_step or test_step; None: it has none."""
        return getattr(self, name, None)

    def _core_metrics(self) -> list[tuple]:
        """Metrics for the trainer: those of one's own traced for the types of their output."""
        own = any(m._own for _, _, m, _ in self._metrics)
        outputs = self._network.trace(False).outputs if own else []
        found = []
        for name, i, metric, weighted in self._metrics:
            loss, core = self._losses[i], metric._core
            if metric._own and loss is not None:
                y_pred = outputs[i]
                types = loss.target_type(y_pred), (y_pred.dtype, y_pred.shape)
                core = metric._core_in(*types, weighted)
            found.append((name, i, core, weighted))
        return found

    def _loss_weights(self, given: Any) -> list[float]:
        if given is None:
            return []
        weights = per_output(given, self._network.output_names, "loss_weights")
        return [1.0 if w is None else float(w) for w in weights]

    def _require_compiled(self, x: Any = None):
        if self._compiled_with is None:
            raise _core.Error("[fit] call compile first")
        self._ready(x)
        if self._compiled is None:
            self._compile_now()
        return self._compiled

    @property
    def metrics_names(self) -> list[str]:
        """The figures of evaluate, in order."""
        self._require_compiled()
        names = self._network.output_names
        losses = [f"{n}_loss" for n in names] if len(names) > 1 else []
        return ["loss", *losses, *(name for name, *_ in self._metrics)]

    def _targets(self) -> list[str]:
        names = self._network.output_names
        return [n for n, loss in zip(names, self._losses, strict=True) if loss is not None]

    def _arrays(self, x: Any, y: Any, sample_weight: Any, class_weight: Any = None,
                may_be_empty: bool = False):  # fmt: skip
        if self._own_step("train_step") is not None:
            _own_steps.refuse_of(self, class_weight)
            return _own_steps.arrays(x, y, sample_weight, self._network)
        if y is None:
            raise _core.Error("[fit] needs targets y")
        xs = inputs_of(self._network, x)
        names = self._targets()
        ys = targets_of(y, names)
        check_labels(ys, names, [loss for loss in self._losses if loss is not None])
        ws = weights_of(sample_weight, class_weight, ys, names)
        if rows_of([*xs, *ys, *ws]) == 0 and not may_be_empty:
            raise _core.Error("[data] is empty: 0 samples")
        return xs, ys, ws

    def _table_source(self, data: Data, batch_size: int, shuffle: bool = False, seed: int = 0,
                      **more: Any):  # fmt: skip
        self._require_compiled(data)
        if self._own_step("train_step") is not None and data._label is not None:
            raise _core.Error(
                "[fit] the label of a table does not reach a train_step of one's own: give arrays, "
                "or what gives batches (x, y)"
            )
        return data._source(self._network, self._targets(), batch_size, shuffle, seed, **more)

    def _as_data(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        """(Data, None) where x is a table with its targets; else (None, x as arrays)."""
        by_name = y is None or names_columns(y)
        if not is_table(x) and not (names_columns(y) and hasattr(x, "columns")):
            return None, x
        from andiron import data

        if by_name:
            return data.as_data(x, y, sample_weight), None
        self._ready(given := data.as_data(x))
        return None, given._arrays_for(self._network)

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
        class_weight: dict | None = None,
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
            validation_data: (x, y) or (x, y, sample_weight), what andiron.data or andiron.images
                makes, or what gives batches; the batches of a generator are kept in memory, so that
                each validation sees the same, up to 4 GiB without validation_steps.
            shuffle: another order in each epoch, by seed. Default: True.
            class_weight: a weight for each class id; others weigh 1.
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
                x = feeds.source(
                    given, class_weight, steps=steps_per_epoch, first_epoch=initial_epoch,
                    epochs=max(epochs - initial_epoch, 1), shuffle=bool(shuffle),
                    seed=_core.next_seed() if seed is None else int(seed),
                )  # fmt: skip
                steps_per_epoch = batch_size = None
            if (given := batches_of(validation_data)) is not None:
                validation_data = feeds.source(given, steps=validation_steps, keep=True)
                validation_steps = None
            source, validation = self._sources(
                x, y, batch_size, validation_split, validation_data, shuffle, class_weight,
                sample_weight, validation_batch_size, seed,
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

    def _sources(self, x, y, batch_size, validation_split, validation_data, shuffle, class_weight,
                 sample_weight, validation_batch_size, seed):  # fmt: skip
        validation_data = batch_source(validation_data)
        if isinstance(batch_source(x), _core.BatchSource):
            self._require_compiled(x if hasattr(x, "_specs") else None)
            source = batch_source(x)
        elif (found := self._as_data(x, y, sample_weight))[0] is not None:
            batch_size = whole(32 if batch_size is None else batch_size, "batch_size", 1)
            order = (bool(shuffle), _core.next_seed() if seed is None else int(seed))
            taken = {}
            if validation_split:
                self._require_compiled(found[0])
                rows = found[0]._rows(self._network, self._targets())
                at = split_at(rows, validation_split)
                taken = {"first": 0, "rows": at}
                if validation_data is None:
                    size = validation_batch_size or batch_size
                    validation_data = self._table_source(found[0], size, first=at)
            source = self._table_source(
                found[0], batch_size, *order, class_weight=class_weight, **taken
            )
        else:
            x = found[1]
            self._require_compiled(x)
            batch_size = whole(32 if batch_size is None else batch_size, "batch_size", 1)
            arrays = self._arrays(x, y, sample_weight, class_weight)
            if validation_split:
                parts = [split(a, validation_split) for a in arrays]
                arrays = [first for first, _ in parts]
                if validation_data is None:
                    validation_data = tuple(last for _, last in parts)
            source = _core.array_source(
                *arrays, batch_size, bool(shuffle), _core.next_seed() if seed is None else int(seed)
            )
        if validation_data is None or isinstance(validation_data, _core.BatchSource):
            return source, validation_data
        if isinstance(validation_data, Data):
            size = validation_batch_size or batch_size or 32
            return source, self._table_source(validation_data, size)
        if not isinstance(validation_data, (list, tuple)) or len(validation_data) not in (2, 3):
            raise _core.Error("[fit] validation_data is (x, y) or (x, y, sample_weight)")
        weights = validation_data[2] if len(validation_data) == 3 else None
        weights = None if isinstance(weights, list) and not weights else weights
        size = validation_batch_size or batch_size or 32
        found = self._as_data(validation_data[0], validation_data[1], weights)
        if found[0] is not None:
            return source, self._table_source(found[0], size)
        arrays = self._arrays(found[1], validation_data[1], weights)
        return source, _core.array_source(*arrays, size)

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

    def _one_step(self, x: Any, y: Any, sample_weight: Any, class_weight: Any):
        self._require_compiled(x)
        arrays = self._arrays(x, y, sample_weight, class_weight)
        return _core.array_source(*arrays, max(1, rows_of(arrays[0])))

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

    # What files keep of it.

    def _training_state(self, with_optimizer: bool, warn: bool = True) -> tuple[Any, Any]:
        if self._compiled is None:
            return None, None
        self._compiled.catch_up()
        # A class's own steps are not in a file, which brings back the network that they trained.
        if not with_optimizer or self._own_step("train_step") is not None:
            return None, None
        outputs = self._network.outputs
        metrics = []
        for name, i, metric, weighted in self._metrics:
            if (saved := metric._saved(warn)) is not None:
                metrics.append({"name": name, "output": i, "weighted": weighted, **saved})
        config = {
            "optimizer": None if self.optimizer is None else self.optimizer._core.description(),
            "losses": [
                None if loss is None else loss.description(out.dtype, out.shape)
                for loss, out in zip(self._losses, outputs, strict=True)
            ],
            "loss_weights": self._compiled_with["loss_weights"],
            "metrics": metrics,
            "step": self._compiled.step,
        }
        state = self._compiled.state()[len(self._network.variables) :]
        tensors = {f"optimizer/{i:04d}/{v.name}": v.value for i, v in enumerate(state)}
        return config, tensors

    def _restore_training(self, config: dict, tensors: dict, own_metrics: Any = ()) -> None:
        from andiron import metrics

        kept = [
            (m["name"], m["output"], metrics.Metric._loaded(m["name"], m), m["weighted"])
            for m in config["metrics"]
        ]
        for place, metric in own_metrics:
            kept.insert(place, metric)
        self.compile(config["optimizer"], config["losses"], config["loss_weights"])
        self._metrics = kept
        self._compiled, self._trainer = self._make_compiled()
        if self.optimizer is not None:
            self.optimizer._model = self._compiled
        state = self._compiled.state()[len(self._network.variables) :]
        for variable, name in zip(state, sorted(tensors), strict=True):
            variable.assign(tensors[name])
        self._compiled.step = config["step"]
