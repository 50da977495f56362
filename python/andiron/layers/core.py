"""Dense, Activation, Dropout, embeddings and wide linear models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron._refuse import LOW_RANK, refuse
from andiron.constraints import serialize as constraint_config
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
        kernel_constraint, bias_constraint: what they are brought to after each step; default none.
        lora_rank, lora_alpha, quantization_config: refused.

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
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        refuse("Dense", LOW_RANK, lora_rank=lora_rank, lora_alpha=lora_alpha,
               quantization_config=quantization_config)  # fmt: skip
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
            kernel_constraint=constraint_config(kernel_constraint),
            bias_constraint=constraint_config(bias_constraint),
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


class PReLU(CoreLayer):
    """x where above 0, else alpha x; alpha is trained, one for each place of a row.

    Args:
        alpha_initializer: default "zeros".
        alpha_regularizer, alpha_constraint: default none.
        shared_axes: axes (from 1) along which one alpha is shared; for images [batch, channels,
            height, width] with one by channel [2, 3]. Default: none.

    Weights: alpha, the shape of a row with 1 for the shared axes.

    Source: He et al. 2015.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        axes = [shared_axes] if isinstance(shared_axes, int) else list(shared_axes or [])
        self._make(
            name,
            trainable,
            dtype,
            alpha_initializer=initializer_config(alpha_initializer),
            alpha_regularizer=regularizer_config(alpha_regularizer),
            alpha_constraint=constraint_config(alpha_constraint),
            shared_axes=[int(a) for a in axes],
        )


class Dropout(CoreLayer):
    """In training, zero with probability `rate`, else x / (1 - rate). Otherwise x itself.

    Args:
        rate: in [0, 1).
        noise_shape: sizes of the draws with the batch (None: the input's): 1 where an axis shares
            them, so that (None, 1, 8) drops whole features of [batch, time, 8].
        seed: of the draws; another one for each layer by default.

    Source: Srivastava et al. 2014.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        if noise_shape is not None:
            if isinstance(noise_shape, int):
                raise TypeError(
                    f"[Dropout] noise_shape is a sequence of sizes; got {noise_shape}. The seed "
                    "comes after it, as in Keras"
                )
            noise_shape = [-1 if size is None else int(size) for size in noise_shape]
        self._make(name, True, dtype, rate=float(rate), noise_shape=noise_shape, seed=seed)


class Embedding(CoreLayer):
    """Rows of a table by integer ids: [batch, ...] to [batch, ..., output_dim].

    Args:
        input_dim: rows of the table; ids are in [0, input_dim).
        output_dim: length of a row.
        embeddings_initializer: default "uniform" (-0.05 to 0.05).
        embeddings_regularizer: a penalty; with it the gradient is dense.
        embeddings_constraint: what the table is brought to after each step, every row of it: with
            one, optimizers whose formula moves unused rows update the whole table.
        mask_zero: whether id 0 is padding, whose steps are masked (see Masking). Default: False.
        weights: the table to begin with, [input_dim, output_dim].
        lora_rank, lora_alpha, quantization_config: refused.

    Errors:
        andiron.Error at run time for an id out of range.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        refuse("Embedding", LOW_RANK, lora_rank=lora_rank, lora_alpha=lora_alpha,
               quantization_config=quantization_config)  # fmt: skip
        self._make(
            name,
            trainable,
            dtype,
            input_dim=input_dim,
            output_dim=output_dim,
            embeddings_initializer=initializer_config(embeddings_initializer),
            embeddings_regularizer=regularizer_config(embeddings_regularizer),
            embeddings_constraint=constraint_config(embeddings_constraint),
            mask_zero=bool(mask_zero),
        )
        if weights is not None:
            self._core.build([("int32", (None,))])
            one = isinstance(weights, (list, tuple)) and len(weights) == 1
            self.set_weights(weights if one else [weights])

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
    HashedCrossing gives Keras's ids, and takes texts.

    Args:
        num_bins: number of ids.
        seed: of the hash. Default: 0.
    """

    def __init__(self, num_bins: int, seed: int = 0, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, num_bins=num_bins, seed=seed)
