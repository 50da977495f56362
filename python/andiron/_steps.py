"""Training steps of one's own: any loss, any variables, any optimizers, compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from andiron import _arrays, _core, optimizers


def training_step(
    function: Callable, optimizer: Any, trainable: Any, *, training: bool = True, threads: int = 0
) -> TrainingStep:
    """A function of data that moves some variables by the gradient of its loss when it is called.

    What `fit` does in a step, for losses that no model has: adversarial networks, distillation,
    contrastive pairs. The function is traced once for each combination of argument types and
    compiled with its gradients and the optimizer's update into one plan; different numbers of rows
    share a trace. Variables that it only reads stay as they are.

    Args:
        function: composes andiron.ops, layers and models on its arguments and returns the loss, a
            scalar; or (loss, figures), where figures is a dict of values that the caller wants to
            see. It may assign to variables that are not trained. Penalties of the trained layers
            and activity penalties are added to the loss, as in `fit`.
        optimizer: a name or an Optimizer, of one step or shared by several; it counts its own
            `iterations`.
        trainable: what moves: a layer, a model, a Variable, or a list of them. Layers and variables
            that are not trainable stay.
        training: whether layers are in training mode (dropout, running statistics). Default: True.
        threads: 0 for all.

    Returns:
        A TrainingStep. Called on arrays (or dicts and lists of them; float64 becomes float32) it
        makes a step and returns the loss before it as a float, or (loss, figures) where the
        function does: floats for scalars, arrays else.

    Errors:
        andiron.Error when the loss is no scalar, depends on none of the variables, or a layer of
        `trainable` has none yet (build it, or call it once).

    Embedding tables are updated as a whole in such a step.

    Example:
        >>> import numpy as np
        >>> import andiron
        >>> from andiron import layers, ops, optimizers
        >>> net = layers.Dense(1)
        >>> net.build((None, 2))
        >>> def loss(x, y):
        ...     return ops.mean(ops.square(net(x) - y))
        >>> step = andiron.training_step(loss, optimizers.SGD(0.1), net)
        >>> x = np.eye(2, dtype="float32")
        >>> losses = [step(x, np.ones((2, 1), "float32")) for _ in range(20)]
        >>> losses[-1] < losses[0]
        True
    """
    return TrainingStep(function, optimizer, trainable, training, threads)


class TrainingStep:
    """What `training_step` makes."""

    def __init__(self, function: Callable, optimizer: Any, trainable: Any, training: bool = True,
                 threads: int = 0):  # fmt: skip
        self.optimizer = optimizers.get(optimizer)
        if self.optimizer._core.config().get("gradient_accumulation_steps", 1) not in (None, 1):
            raise _core.Error(
                "[training_step] each call moves the variables: gradient_accumulation_steps is for "
                "fit"
            )
        self._function, self._training, self._threads = function, training, threads
        self._layers, self._variables = _parts(trainable)
        self._graphs: dict = {}
        self._plans = _core.PlanCache()
        self._fixed = False  # whether sizes are those of variables: no axis is the batch
        self._make_slots()
        functools.update_wrapper(self, function)

    def _make_slots(self) -> None:
        """Before the first step, so that a checkpoint finds them where a training is resumed."""
        from andiron import ops

        moved = [v for layer in self._layers for v in layer.trainable_variables]
        moved += [v for v in self._variables if v.trainable]
        if not moved:
            raise _core.Error("[training_step] there is nothing trainable in `trainable`")

        def total() -> Any:
            return functools.reduce(lambda a, b: a + b, [ops.sum(v) for v in moved])

        step = _core.placeholder("step", (), "int64")
        loss = _core.trace(total)
        _core.minimize_part([], step, [loss], [], self._layers, self._variables,
                            self.optimizer._core)  # fmt: skip

    def __call__(self, *args: Any) -> Any:
        tensors = [_tensor(a) for a in _arrays.tree_leaves(args)]
        rows = {t.shape[0] for t in tensors if len(t.shape)}
        shared = len(rows) == 1 and not self._fixed  # axis 0 is the batch, of any number of rows
        form = repr(_arrays.tree_map(lambda _: 0, args)), _switches(self._layers, self._variables)
        types = [(t.dtype, t.shape) for t in tensors]
        graph, names = self._traced(form, types, shared, args)
        step = self.optimizer._next_step()
        scalars = [np.float32(v) for v in self.optimizer._core.scalars_at(step)]
        found = self._plans.run(
            graph, {"batch": rows.pop()} if shared else {}, self._threads,
            *tensors, *scalars, np.int64(step),
        )  # fmt: skip
        self.optimizer._finished(step)
        loss, *values = (_plain(t) for t in found)
        return loss if names is None else (loss, dict(zip(names, values, strict=True)))

    def _traced(self, form: tuple, types: list, shared: bool, args: Any) -> tuple:
        exact = (*form, *types)
        if exact in self._graphs:
            return self._graphs[exact]
        batch = [(dtype, (None, *shape[1:]) if shape else ()) for dtype, shape in types]
        key = (*form, *batch) if shared else exact
        if key not in self._graphs:
            try:
                self._graphs[key] = self._build(args, batch if shared else types)
            except _core.Error:
                if not shared:
                    raise
                # Axis 0 may be no batch: then sizes matter to what is composed.
                self._graphs[exact] = self._build(args, types)
                return self._graphs[exact]
        return self._graphs[key]

    def _build(self, args: Any, types: list) -> tuple:
        inputs = [_core.placeholder(f"x{i}", shape, t) for i, (t, shape) in enumerate(types)]
        leaves = iter(inputs)
        traced = _arrays.tree_map(lambda _: next(leaves), args)
        made, step, penalties, updates = _core.trace_step(self._function, self._training, *traced)
        loss, figures = made if isinstance(made, tuple) else (made, None)
        if not isinstance(loss, _core.Value):
            raise TypeError(
                f"[training_step] the function must return a loss, or (loss, figures); got "
                f"{type(loss).__name__}"
            )
        if loss.shape != ():
            raise _core.Error(
                f"[training_step] the loss must be a scalar; got shape {loss.shape}. Take a mean "
                "of it"
            )
        if figures is not None and not isinstance(figures, dict):
            raise TypeError(f"[training_step] figures are a dict; got {type(figures).__name__}")
        for penalty in penalties:
            loss = loss + penalty
        outputs = [loss, *(figures or {}).values()]
        graph = _core.minimize_part(
            inputs, step, outputs, updates, self._layers, self._variables, self.optimizer._core
        )
        return graph, None if figures is None else list(figures)


def _tensor(data: Any) -> Any:
    tensor = _core.Tensor(data)
    return _core.Tensor(data, "float32") if tensor.dtype == "float64" else tensor


def _plain(tensor: Any) -> Any:
    return tensor.item() if tensor.shape == () else tensor.numpy()


def _parts(trainable: Any) -> tuple[list, list]:
    """The core's layers and the variables among what is to be trained."""
    from andiron.layers.base import Layer

    layers, variables = [], []
    for part in trainable if isinstance(trainable, (list, tuple)) else [trainable]:
        if isinstance(part, _core.Variable):
            variables.append(part)
        elif isinstance(part, Layer):
            if not part.variables:
                raise _core.Error(
                    f"[training_step] '{part.name or type(part).__name__}' has no variables yet: "
                    "build it, or call it on data once"
                )
            network = part.__dict__.get("_network")
            layers.append(part._core if network is None else network)
        else:
            raise TypeError(
                f"[training_step] trainable are layers, models and variables; got {part!r}"
            )
    return layers, variables


def _switches(layers: list, variables: list) -> tuple:
    """Which variables move: freezing a layer makes another step."""
    names = [v.name for layer in layers for v in layer.trainable_variables]
    return (*names, *(v.trainable for v in variables))


def apply(optimizer: Any, gradients: list, variables: list) -> None:
    """Optimizer.apply."""
    gradients, variables = list(gradients), list(variables)
    if len(gradients) != len(variables):
        raise _core.Error(
            f"[apply] {len(variables)} variables need as many gradients; got {len(gradients)}"
        )
    given = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    for g, v in given:
        if tuple(np.shape(g)) != tuple(v.shape):
            raise _core.Error(
                f"[apply] '{v.name}' has shape {v.shape}; its gradient {tuple(np.shape(g))}"
            )
    if not given:
        raise _core.Error("[apply] there is no gradient")
    key = tuple(id(v) for _, v in given)
    if key not in optimizer._applied:
        made = TrainingStep(_along([v for _, v in given]), optimizer, [v for _, v in given])
        made._fixed = True
        optimizer._applied[key] = made
    optimizer._applied[key](*[np.asarray(g, np.float32) for g, _ in given])


def _along(variables: list) -> Callable:
    """A function of gradients whose gradients they are: sum of g . v."""
    from andiron import ops

    def loss(*gradients: Any) -> Any:
        products = [ops.sum(g * v) for g, v in zip(gradients, variables, strict=True)]
        return functools.reduce(lambda a, b: a + b, products)

    return loss
