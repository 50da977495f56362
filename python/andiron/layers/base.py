"""The base of all layers, and layers of one's own."""

from __future__ import annotations

import inspect
import weakref
from typing import Any

import numpy as np

from andiron import _core, initializers, regularizers
from andiron._arrays import tree_leaves
from andiron._nearest import suggesting
from andiron._refuse import check_numbers, refuse
from andiron.mixed_precision import DTypePolicy, policy_name

# The Python face of each layer of the core, while somebody holds it.
_FACES: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
# Class name in the core -> Python class, for layers that come out of files.
_CLASSES: dict[str, type] = {}


def face_of(core) -> Any:
    """The Python layer of a layer of the core; made when there is none."""
    face = _FACES.get(core.id)
    if face is None:
        cls = _CLASSES.get(core.class_name, Layer)
        face = object.__new__(cls)
        face._adopt(core)
    return face


def spec_of(x: Any):
    """(dtype, shape) of data with the batch left open."""
    return x.dtype, (None, *x.shape[1:])


class Layer:
    """A function with variables, a node of networks.

    Call it on symbolic tensors to describe a network, on graph values inside another layer, or on
    arrays to compute.

    A layer of one's own has `build(input_shape)`, which makes variables by `add_weight`, and
    `call(inputs)`, which composes `andiron.ops`. It is traced once: reading numbers in it is an
    error. A saved model loads without the class.

    Args:
        name: chosen by the model when it is left out.
        trainable: whether its variables are trained.
        dtype: "float32" or "mixed_bfloat16" (andiron.mixed_precision), or a policy. Default: the
            global policy.

    Example:
        >>> import andiron
        >>> from andiron import layers, ops
        >>> class Scale(layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()([[1.0, 2.0]]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def __init__(self, *, name: str | None = None, trainable: bool = True, dtype: Any = None):
        policy = policy_name(type(self).__name__, dtype)
        self._adopt(
            _core.PythonLayer.make(type(self).__name__, _Bridge(self), name or "", trainable)
        )
        self._core.dtype_policy = policy

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)

    def _adopt(self, core) -> None:
        object.__setattr__(self, "_core", core)
        _FACES[core.id] = self

    def __setattr__(self, name: str, value: Any) -> None:
        core = self.__dict__.get("_core")
        if isinstance(core, _core.PythonLayer):
            for leaf in tree_leaves(value):
                if isinstance(leaf, Layer):
                    core.add_sublayer(leaf._core)
                elif isinstance(leaf, _core.Variable) and leaf not in _Identities(self.weights):
                    core.track(name, leaf)
        object.__setattr__(self, name, value)

    # What subclasses write.

    def build(self, input_shape) -> None:
        """Makes the variables for inputs of this shape (None: the batch), or a list of shapes."""

    def call(self, inputs, *args: Any, **kwargs: Any):
        """Composes the outputs from graph values. May take `training`."""
        raise NotImplementedError(f"{type(self).__name__} has no call")

    def add_weight(
        self,
        shape=None,
        initializer="glorot_uniform",
        dtype="float32",
        trainable: bool = True,
        regularizer=None,
        constraint=None,
        name: str | None = None,
    ):
        """A new variable of this layer.

        Args:
            shape: its sizes; () by default.
            initializer: a name or an initializer. Default: "glorot_uniform".
            dtype: "float32" by default.
            trainable: whether training changes it.
            regularizer: a penalty that is added to the loss.
            constraint: refused; apply one of andiron.constraints in `call`.
            name: in files and summaries; numbered by default.
        """
        if not isinstance(self._core, _core.PythonLayer):
            raise _core.Error("[add_weight] is for layers of one's own")
        refuse("add_weight", "apply it to the variable in `call`", constraint=constraint)
        name = name or f"weight_{len(self._core.variables)}"
        return self._core.add_weight(
            name,
            list(shape or ()),
            initializers.serialize(initializer),
            regularizers.serialize(regularizer),
            trainable,
            dtype,
        )

    def add_loss(self, loss) -> None:
        """Adds a scalar to the loss of the network; for use inside `call`."""
        self._core.add_loss(loss)

    def add_metric(self, name: str, value) -> None:
        """Reports a scalar under a name in the logs; for use inside `call`."""
        self._core.add_metric(name, value)

    # What users call.

    def __call__(self, inputs, *more, training: bool | None = None):
        several = isinstance(inputs, (list, tuple)) and bool(inputs) and not _is_numbers(inputs)
        flat = list(inputs) if several else [inputs]
        flat += more
        if any(isinstance(x, _core.KerasTensor) for x in flat):
            for x in flat:
                if not isinstance(x, _core.KerasTensor):
                    raise TypeError(
                        f"[{self.name or type(self).__name__}] takes symbolic tensors beside "
                        f"symbolic tensors; got {type(x).__name__}"
                    )
            out = self._core.call_symbolic(flat, training)
        elif any(isinstance(x, _core.Value) for x in flat):
            out = self._core.call_values(flat, training)
        else:
            tensors = self._tensors(flat)
            leaves = [_core.placeholder(f"x{i}", t.shape, t.dtype) for i, t in enumerate(tensors)]
            if not self.built:
                self._core.build([spec_of(t) for t in tensors])
            values = self._core.call_values(leaves, training)
            out = _core.Graph(leaves, values)(*tensors)
        return out[0] if len(out) == 1 else out

    def _tensors(self, inputs: list) -> list:
        """Data that are no symbolic tensors, as the core takes them."""
        return [_core.Tensor(x) for x in inputs]

    @property
    def name(self) -> str:
        return self._core.name

    @name.setter
    def name(self, name: str) -> None:
        self._core.name = name

    @property
    def trainable(self) -> bool:
        return self._core.trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self._core.trainable = bool(trainable)

    @property
    def dtype_policy(self) -> DTypePolicy:
        """In which type its products are computed; assign one, or its name, before it is used."""
        return DTypePolicy(self._core.dtype_policy)

    @dtype_policy.setter
    def dtype_policy(self, policy: Any) -> None:
        self._core.dtype_policy = policy_name(type(self).__name__, policy)

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    dtype = variable_dtype

    @property
    def built(self) -> bool:
        return self._core.built

    @property
    def variables(self) -> list:
        return self._core.variables

    weights = variables

    @property
    def trainable_variables(self) -> list:
        return self._core.trainable_variables

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list:
        return self._core.non_trainable_variables

    non_trainable_weights = non_trainable_variables

    def count_params(self) -> int:
        return self._core.count_params()

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the variables' values."""
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights) -> None:
        """Gives the variables new values, in the order of get_weights."""
        variables = self.variables
        if len(weights) != len(variables):
            raise _core.Error(
                f"[set_weights] layer '{self.name}' has {len(variables)} variables; "
                f"got {len(weights)}"
            )
        for variable, value in zip(variables, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise _core.Error(
                    f"[set_weights] '{variable.name}' has shape {variable.shape}; "
                    f"got {tuple(np.shape(value))}"
                )
            variable.assign(value)

    def get_config(self) -> dict:
        return self._core.config()

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)

    def compute_output_shape(self, input_shape):
        """The output's shape for an input of this shape (None: the batch)."""
        several = bool(input_shape) and isinstance(input_shape[0], (list, tuple))
        shapes = input_shape if several else [input_shape]
        out = self._core.output_shapes([("float32", (None, *s[1:])) for s in shapes])
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name or '(none yet)'} built={self.built}>"


class _Identities:
    """Membership by identity, since == on variables is an op."""

    def __init__(self, items):
        self._ids = {id(item) for item in items}

    def __contains__(self, item) -> bool:
        return id(item) in self._ids


class _Bridge:
    """What the core calls of a layer written in Python."""

    def __init__(self, layer: Layer):
        self._layer = layer
        call = inspect.signature(type(layer).call).parameters
        self._with_training = "training" in call
        positional = [
            p
            for p in call.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "training"
        ]
        self._separate = len(positional) > 2  # self, and more than one input

    def _build(self, shapes) -> None:
        if getattr(type(self._layer).build, "_of_model", False):
            return  # a model's layers build themselves
        self._layer.build(shapes[0] if len(shapes) == 1 else list(shapes))

    def _call(self, values, training: bool):
        keywords = {"training": training} if self._with_training else {}
        if type(self._layer).call is Layer.call and hasattr(self._layer, "train_step"):
            return values  # a model of steps has parts, and no outputs
        keys = getattr(self._layer, "_keys", None)
        if keys is not None and len(keys) == len(values):
            return self._layer.call(dict(zip(keys, values, strict=True)), **keywords)
        if self._separate and len(values) > 1:
            return self._layer.call(*values, **keywords)
        return self._layer.call(values[0] if len(values) == 1 else values, **keywords)


def _is_numbers(inputs) -> bool:
    """Whether a list is one array written out, not several inputs."""
    first = inputs[0]
    return isinstance(first, (int, float, bool, str, bytes, list, tuple, np.generic))


class CoreLayer(Layer):
    """A layer that the core has: its settings go there as they are."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        _CLASSES[cls.__name__] = cls

    def _make(self, name: str | None, trainable: bool, dtype: Any = None, **config: Any) -> None:
        policy = policy_name(type(self).__name__, dtype)
        if policy != "float32":
            config["dtype"] = policy
        # Settings left out have the core's defaults; "no regularizer" is a setting.
        config = {
            key: value
            for key, value in config.items()
            if value is not None or key.endswith("regularizer")
        }
        check_numbers(type(self), config)
        if name is not None:
            config["name"] = name
        if not trainable:
            config["trainable"] = False
        with suggesting():
            core = _core.layer_from_config({"class_name": type(self).__name__, "config": config})
        self._adopt(core)

    @classmethod
    def from_config(cls, config: dict):
        """The layer that get_config described."""
        core = _core.layer_from_config({"class_name": cls.__name__, "config": config})
        layer = object.__new__(cls)
        layer._adopt(core)
        return layer

    def build(self, input_shape) -> None:
        """Makes the variables for inputs of this shape (None: the batch)."""
        several = bool(input_shape) and isinstance(input_shape[0], (list, tuple))
        shapes = input_shape if several else [input_shape]
        self._core.build([("float32", (None, *s[1:])) for s in shapes])

    def call(self, inputs, *args: Any, **kwargs: Any):
        return self(inputs, *args, **kwargs)


def activation_name(layer: str, activation: Any) -> str | None:
    """The name of an activation that was given by name or as the function of andiron.ops."""
    if activation is None or isinstance(activation, str):
        return activation
    from andiron import ops

    name = getattr(activation, "__name__", "")
    if getattr(ops, name, None) is activation:
        return name
    raise TypeError(
        f"[{layer}] activation is a name or a function of andiron.ops; got {activation!r}. For a "
        "function of your own use a Layer after this one"
    )
