"""compile, and what it makes: losses, metrics and steps; what files keep of them."""

from __future__ import annotations

from typing import Any

from andiron import _core, _own_steps, optimizers
from andiron._compile import losses_of, metrics_of, per_output, unique, warn_of_groups
from andiron._labels import range_of

# What compile sets.
_OF_COMPILE = (
    "optimizer", "_compiled_with", "_compiled", "_trainer", "_metrics", "_losses", "_label_ranges",
)  # fmt: skip


class Compiled:
    """The part of a model that knows how to learn."""

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
            self._metrics, self._losses, self._label_ranges = [], [None] * len(names), {}
            self._compiled, self._trainer = _own_steps.compiled(self, given["plan"])
            return
        found = metrics_of(given["metrics"], False, names)
        found += metrics_of(given["weighted_metrics"], True, names)
        self._metrics = unique(found)
        self._losses = losses_of(given["loss"], names)
        # By output with a loss: what labels it knows.
        self._label_ranges = {
            name: range_of(loss, output)
            for name, loss, output in zip(names, self._losses, self._network.outputs, strict=True)
            if loss is not None
        }
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
