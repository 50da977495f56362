"""Layers of other products than Dense's: einsums, bilinear forms, gates, the largest of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron import _core
from andiron._refuse import LOW_RANK, refuse
from andiron.constraints import serialize as constraint_config
from andiron.initializers import serialize as initializer_config
from andiron.layers.base import CoreLayer, activation_name, face_of
from andiron.regularizers import serialize as regularizer_config


class EinsumDense(CoreLayer):
    """A dense layer whose product is an einsum of the input and the kernel.

    Args:
        equation: "ab,bc->ac", or with "..." for any axes, "...x,xy->...y". Letters that the input
            and the kernel share are summed over, unless the result has them.
        output_shape: of a sample; None where the size is the input's.
        activation: default none.
        bias_axes: the letters of the result's axes that the bias has. Default: no bias.
        kernel_initializer: default "glorot_uniform". bias_initializer: default "zeros".
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: default none.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: refused.

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> heads = layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 4), bias_axes="de")
        >>> heads(np.zeros((3, 5, 8), "float32")).shape
        (3, 5, 2, 4)
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        refuse("EinsumDense", LOW_RANK, lora_rank=lora_rank, lora_alpha=lora_alpha,
               gptq_unpacked_column_size=gptq_unpacked_column_size,
               quantization_config=quantization_config)  # fmt: skip
        sizes = [output_shape] if isinstance(output_shape, int) else output_shape
        self._make(
            name,
            trainable,
            dtype,
            equation=equation,
            output_shape=[-1 if size is None else int(size) for size in sizes],
            activation=activation_name("EinsumDense", activation),
            bias_axes=bias_axes,
            kernel_initializer=initializer_config(kernel_initializer),
            bias_initializer=initializer_config(bias_initializer),
            kernel_regularizer=regularizer_config(kernel_regularizer),
            bias_regularizer=regularizer_config(bias_regularizer),
            kernel_constraint=constraint_config(kernel_constraint),
            bias_constraint=constraint_config(bias_constraint),
        )


class Bilinear(CoreLayer):
    """activation(x1^T kernel[u] x2 + bias[u]) of two inputs, as PyTorch's and BigDL's.

    Args:
        units: size of the result's last axis.
        activation: default none.
        use_bias: default True.
        kernel_initializer, bias_initializer: default: uniform in +-1 / sqrt(n1), PyTorch's.
        kernel_regularizer, bias_regularizer: default none.

    Shapes: [batch, n1] and [batch, n2] to [batch, units]; the kernel is [units, n1, n2].

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.Bilinear(4)([np.zeros((5, 2), "float32"), np.zeros((5, 3), "float32")]).shape
        (5, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            units=int(units),
            activation=activation_name("Bilinear", activation),
            use_bias=bool(use_bias),
            kernel_initializer=initializer_config(kernel_initializer),
            bias_initializer=initializer_config(bias_initializer),
            kernel_regularizer=regularizer_config(kernel_regularizer),
            bias_regularizer=regularizer_config(bias_regularizer),
        )


class Highway(CoreLayer):
    """t * activation(x W + b) + (1 - t) * x with t = sigmoid(x V + c): BigDL's and Keras 1's.

    Args:
        activation: default none.
        use_bias: default True.
        kernel_initializer: default "glorot_uniform". bias_initializer: default "zeros".
        transform_bias: of the gate, to begin with. Default: -2: mostly x passes.
        kernel_regularizer, bias_regularizer: default none.

    Shapes: [batch, ..., n], unchanged. Weights: kernel, gate_kernel, bias, gate_bias.

    Source: Srivastava, Greff and Schmidhuber 2015.
    """

    def __init__(
        self,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        transform_bias: float = -2.0,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            activation=activation_name("Highway", activation),
            use_bias=bool(use_bias),
            kernel_initializer=initializer_config(kernel_initializer),
            bias_initializer=initializer_config(bias_initializer),
            transform_bias=float(transform_bias),
            kernel_regularizer=regularizer_config(kernel_regularizer),
            bias_regularizer=regularizer_config(bias_regularizer),
        )


class MaxoutDense(CoreLayer):
    """The largest of several linear functions: max over f of x W[f] + b[f]; BigDL's and Keras 1's.

    Args:
        units: size of the result's last axis.
        nb_feature: how many functions. Default: 4.
        use_bias: default True.
        kernel_initializer: default "glorot_uniform". bias_initializer: default "zeros".
        kernel_regularizer, bias_regularizer: default none.

    Shapes: [batch, n] to [batch, units]; the kernel is [nb_feature, n, units].

    Source: Goodfellow et al. 2013.
    """

    def __init__(
        self,
        units: int,
        nb_feature: int = 4,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            units=int(units),
            nb_feature=int(nb_feature),
            use_bias=bool(use_bias),
            kernel_initializer=initializer_config(kernel_initializer),
            bias_initializer=initializer_config(bias_initializer),
            kernel_regularizer=regularizer_config(kernel_regularizer),
            bias_regularizer=regularizer_config(bias_regularizer),
        )


class TimeDistributed(CoreLayer):
    """A layer on every step of [batch, time, ...], as if the steps were samples.

    Args:
        layer: a layer of one input and one output.

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.TimeDistributed(layers.Dense(3))(np.zeros((2, 5, 4), "float32")).shape
        (2, 5, 3)
    """

    def __init__(self, layer: Any, *, name: str | None = None, dtype: Any = None):
        core = getattr(layer, "_core", None)
        if not isinstance(core, _core.LayerCore):
            raise TypeError(f"[TimeDistributed] takes a layer; got {type(layer).__name__}")
        self._inside = layer  # keeps it: the core knows the layer's core only
        self._adopt(_core.time_distributed(core, name or ""))

    @property
    def layer(self):
        """The layer inside."""
        return face_of(self._core.sublayers[0])
