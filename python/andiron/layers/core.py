"""Dense, Activation, Dropout, embeddings and wide linear models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron.initializers import serialize as initializer_config
from andiron.layers.base import CoreLayer, activation_name
from andiron.regularizers import serialize as regularizer_config


class Dense(CoreLayer):
    """activation(x kernel + bias) over the last axis.

    Args:
        units: size of the result's last axis.
        activation: a name ("relu", "sigmoid", "softmax", ...) or a function of andiron.ops.
        use_bias: whether there is a bias. Default: True.
        kernel_initializer: default "glorot_uniform". bias_initializer: default "zeros".
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties; default none.

    Shapes: [batch, ..., n] to [batch, ..., units].

    Example:
        >>> from andiron import layers
        >>> layers.Dense(3)([[1.0, 2.0]]).shape
        (1, 3)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            units=units,
            activation=activation_name("Dense", activation),
            use_bias=use_bias,
            kernel_initializer=initializer_config(kernel_initializer),
            bias_initializer=initializer_config(bias_initializer),
            kernel_regularizer=regularizer_config(kernel_regularizer),
            bias_regularizer=regularizer_config(bias_regularizer),
            activity_regularizer=regularizer_config(activity_regularizer),
        )

    @property
    def kernel(self):
        return self.variables[0]

    @property
    def bias(self):
        return self.variables[1] if len(self.variables) > 1 else None


class Activation(CoreLayer):
    """An activation as a layer; the shape stays.

    Args:
        activation: a name or a function of andiron.ops.
    """

    def __init__(self, activation: Any, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, activation=activation_name("Activation", activation))


class Dropout(CoreLayer):
    """In training, zero with probability `rate`, else x / (1 - rate). Otherwise x itself.

    Args:
        rate: in [0, 1).
        seed: of the draws; another one for each layer by default.

    Source: Srivastava et al. 2014.
    """

    def __init__(
        self, rate: float, seed: int | None = None, *, name: str | None = None, dtype: Any = None
    ):
        self._make(name, True, dtype, rate=float(rate), seed=seed)


class Embedding(CoreLayer):
    """Rows of a table by integer ids: [batch, ...] to [batch, ..., output_dim].

    Args:
        input_dim: rows of the table; ids are in [0, input_dim).
        output_dim: length of a row.
        embeddings_initializer: default "uniform" (-0.05 to 0.05).
        embeddings_regularizer: a penalty; with it the gradient is dense.

    Errors:
        andiron.Error at run time for an id out of range.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            input_dim=input_dim,
            output_dim=output_dim,
            embeddings_initializer=initializer_config(embeddings_initializer),
            embeddings_regularizer=regularizer_config(embeddings_regularizer),
        )

    @property
    def embeddings(self):
        return self.variables[0]


class EmbeddingBag(CoreLayer):
    """The sum or mean of the rows of several ids: [batch, k] to [batch, output_dim].

    Negative ids are padding. A second input [batch, k] weights the rows.

    Args:
        input_dim, output_dim: sizes of the table.
        combiner: "sum" or "mean". Default: "sum".
        embeddings_initializer: default "uniform". embeddings_regularizer: default none.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        combiner: str = "sum",
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            input_dim=input_dim,
            output_dim=output_dim,
            combiner=combiner,
            embeddings_initializer=initializer_config(embeddings_initializer),
            embeddings_regularizer=regularizer_config(embeddings_regularizer),
        )


class WideLinear(CoreLayer):
    """A linear model over sparse categories: [batch, columns] of ids to [batch, units].

    Every column numbers its ids from 0; negative ids are absent. A second input [batch, columns]
    gives the features' values.

    Args:
        column_sizes: how many ids each column has.
        units: outputs. Default: 1.
        use_bias: default True. activation: default none.
        kernel_initializer, bias_initializer: default "zeros". kernel_regularizer: default none.
    """

    def __init__(
        self,
        column_sizes: Sequence[int],
        units: int = 1,
        use_bias: bool = True,
        activation: Any = None,
        kernel_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            column_sizes=list(column_sizes),
            units=units,
            use_bias=use_bias,
            activation=activation_name("WideLinear", activation),
            kernel_initializer=initializer_config(kernel_initializer),
            bias_initializer=initializer_config(bias_initializer),
            kernel_regularizer=regularizer_config(kernel_regularizer),
        )


class HashedCross(CoreLayer):
    """The hash of several integer features taken together, an id in [0, num_bins). Stable on disk.

    Args:
        num_bins: number of ids.
        seed: of the hash. Default: 0.
    """

    def __init__(self, num_bins: int, seed: int = 0, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, num_bins=num_bins, seed=seed)


HashedCrossing = HashedCross
