"""Gradients and integrated gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._refuse import whole
from andiron.explain._places import Score


def _by_batches(model: Any, x: Any, target: Any, output: Any, at: Any, batch_size: int,
                explain: Callable) -> Any:  # fmt: skip
    """What `explain(score, inputs, values, weights, rows)` gives for each batch, joined."""
    whole(batch_size, "batch_size", 1, "explain")
    score = Score(model, at, output)
    arrays = score.arrays(x)
    if np.ndim(target) == 1 and not isinstance(target, tuple) and len(target) != len(arrays[0]):
        raise _core.Error(f"[explain] {len(arrays[0])} samples have {len(target)} targets")
    if len(arrays[0]) == 0:
        raise _core.Error("[explain] there are no samples")
    if (compiled := getattr(model, "_compiled", None)) is not None:
        compiled.catch_up()
    parts = []
    for first in range(0, len(arrays[0]), batch_size):
        rows = slice(first, first + batch_size)
        inputs = [a[rows] for a in arrays]
        weights = score.weights(target, inputs, first)
        values = score.run(score.values_at, *inputs)
        parts.append(explain(score, inputs, values, weights, rows))
    joined = [np.concatenate(p) for p in zip(*parts, strict=True)]
    return score, joined


def gradients(
    model: Any,
    x: Any,
    target: Any = None,
    *,
    output: int | str = 0,
    at: Sequence[str] | str | None = None,
    batch_size: int = 256,
) -> Any:
    """d score / d x for each sample, where the score is one number of the model's output.

    Inputs of integers (ids) have no gradient: what embeddings make of them has.

    Args:
        model: an andiron.Model; it is used as in predictions (no dropout).
        x: inputs as for `predict`.
        target: which number of the output: an index, one for each sample [n], or a tuple of indices
            for outputs of more axes. Default: the largest; the only one where there is one.
        output: of several outputs, its index or name. Default: the first.
        at: names of layers; then by their outputs instead of x. Default: the inputs of floating
            point, and the outputs of Embedding layers.
        batch_size: samples at a time. Default: 256.

    Returns:
        float32 in the shape of x; where there are several inputs or layers, a dict by their names.

    Errors:
        andiron.Error for a target or a layer that is not there, and where nothing has a gradient.

    Source:
        Simonyan et al., Deep inside convolutional networks, 2013.

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Sequential, explain, layers
        >>> net = Sequential([Input((2,)), layers.Dense(1)])
        >>> net.set_weights([np.float32([[2.0], [-1.0]]), np.float32([0.5])])
        >>> explain.gradients(net, [[1.0, 1.0]]).tolist()
        [[2.0, -1.0]]
    """
    score, found = _by_batches(
        model, x, target, output, at, batch_size,
        lambda s, inputs, values, weights, rows: s.gradient(inputs, values, weights)[1:],
    )  # fmt: skip
    return score.arranged(found)


def saliency(model: Any, x: Any, target: Any = None, **options: Any) -> Any:
    """|d score / d x|: how much a small change of each number would move the score.

    Arguments, returns and errors as of `gradients`.

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Sequential, explain, layers
        >>> net = Sequential([Input((2,)), layers.Dense(1)])
        >>> net.set_weights([np.float32([[2.0], [-1.0]]), np.float32([0.5])])
        >>> explain.saliency(net, [[1.0, 1.0]]).tolist()
        [[2.0, 1.0]]
    """
    found = gradients(model, x, target, **options)
    if isinstance(found, dict):
        return {name: np.abs(g) for name, g in found.items()}
    return np.abs(found)


def input_x_gradient(
    model: Any,
    x: Any,
    target: Any = None,
    *,
    output: int | str = 0,
    at: Sequence[str] | str | None = None,
    batch_size: int = 256,
) -> Any:
    """x * d score / d x: what each number adds to the score in a linear model, but for the bias.

    Arguments, returns and errors as of `gradients`.

    Source:
        Shrikumar et al., Not just a black box, 2016.

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Sequential, explain, layers
        >>> net = Sequential([Input((2,)), layers.Dense(1)])
        >>> net.set_weights([np.float32([[2.0], [-1.0]]), np.float32([0.5])])
        >>> explain.input_x_gradient(net, [[3.0, 1.0]]).tolist()
        [[6.0, -1.0]]
    """

    def of_batch(s: Score, inputs: list, values: list, weights: np.ndarray, rows: slice) -> list:
        starts = [np.zeros_like(v) for v in values]
        return s.on_path(inputs, values, starts, weights, 1.0)[1:]

    score, found = _by_batches(model, x, target, output, at, batch_size, of_batch)
    return score.arranged(found)


def integrated_gradients(
    model: Any,
    x: Any,
    target: Any = None,
    *,
    baseline: Any = None,
    steps: int = 50,
    output: int | str = 0,
    at: Sequence[str] | str | None = None,
    batch_size: int = 256,
    return_error: bool = False,
) -> Any:
    """How a score at x came to differ from that at a baseline, shared out to the numbers of x.

    attribution = (x - baseline) * integral over a in [0, 1] of d score / d x at
    baseline + a (x - baseline), by the Gauss-Legendre rule. For each sample the attributions add up
    to score(x) - score(baseline) (completeness), but for the rule's error.

    Args:
        model, x, target, output, at, batch_size: as of `gradients`. The default target, the largest
            number, is that at x.
        baseline: a number, one sample, or one for each sample [n, ...]; where there are several
            inputs or layers, a dict by name of those that are not 0. Default: 0.
        steps: points of the rule. Default: 50.
        return_error: also returns [n]: the sum of the attributions minus (score(x) -
            score(baseline)). Default: False.

    Returns:
        As of `gradients`; with return_error (attributions, errors).

    Errors:
        As of `gradients`, and for a baseline of another shape.

    Source:
        Sundararajan et al., Axiomatic attribution for deep networks, 2017.

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Sequential, explain, layers
        >>> net = Sequential([Input((2,)), layers.Dense(1)])
        >>> net.set_weights([np.float32([[2.0], [-1.0]]), np.float32([0.5])])
        >>> explain.integrated_gradients(net, [[3.0, 1.0]]).round(4).tolist()
        [[6.0, -1.0]]
    """
    whole(steps, "steps", 1, "explain")
    points, shares = np.polynomial.legendre.leggauss(steps)
    points, shares = 0.5 * (points + 1.0), 0.5 * shares

    def of_batch(s: Score, inputs: list, ends: list, weights: np.ndarray, rows: slice) -> list:
        starts = _baselines(s, baseline, ends, rows)
        sums = [np.zeros(e.shape, np.float64) for e in ends]
        for point, share in zip(points, shares, strict=True):
            _, *parts = s.on_path(inputs, ends, starts, weights, point)
            for total, part in zip(sums, parts, strict=True):
                total += share * part
        found = [total.astype(np.float32) for total in sums]
        if not return_error:
            return found
        at_end, at_start = (s.on_path(inputs, ends, starts, weights, a)[0] for a in (1.0, 0.0))
        added = sum(total.reshape(len(total), -1).sum(axis=1) for total in sums)
        return [*found, added - (at_end.astype(np.float64) - at_start)]

    score, found = _by_batches(model, x, target, output, at, batch_size, of_batch)
    if return_error:
        return score.arranged(found[:-1]), found[-1]
    return score.arranged(found)


def _baselines(score: Score, given: Any, ends: list, rows: slice) -> list[np.ndarray]:
    names = score.places.names
    by_name = given if isinstance(given, dict) else dict.fromkeys(names, given)
    unknown = [name for name in by_name if name not in names]
    if unknown:
        raise _core.Error(f"[explain] the baseline names {unknown[0]!r}; there are {names}")
    out = []
    for name, end in zip(names, ends, strict=True):
        value = by_name.get(name)
        value = np.zeros((), np.float32) if value is None else np.asarray(value, np.float32)
        if value.ndim == end.ndim and len(value) > 1:
            value = value[rows]
        try:
            out.append(np.ascontiguousarray(np.broadcast_to(value, end.shape)))
        except ValueError:
            raise _core.Error(
                f"[explain] a baseline of the shape {value.shape} does not fit '{name}' "
                f"{end.shape[1:]}"
            ) from None
    return out
