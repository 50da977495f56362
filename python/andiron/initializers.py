"""How variables get their first values: Keras's initializers, arguments and defaults."""

from __future__ import annotations

from typing import Any

from andiron import _core

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "STFT",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
]


class Initializer:
    """Draws a tensor of a shape. Without a seed each call draws other numbers.

    Example:
        >>> from andiron import initializers
        >>> initializers.Constant(2.0)((2,)).numpy().tolist()
        [2.0, 2.0]
    """

    def __init__(self, **config: Any):
        self._config = config

    def __call__(self, shape, dtype="float32"):
        return _core.draw(self._serialized(), list(shape), dtype)

    def get_config(self) -> dict:
        return dict(self._config)

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)

    def _serialized(self) -> dict:
        config = {key: value for key, value in self._config.items() if value is not None}
        return {"class_name": type(self).__name__, "config": config}

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self._config.items())
        return f"{type(self).__name__}({inside})"


class Zeros(Initializer):
    """All zero."""

    def __init__(self):
        super().__init__()


class Ones(Initializer):
    """All one."""

    def __init__(self):
        super().__init__()


class Constant(Initializer):
    """All `value`."""

    def __init__(self, value: float = 0.0):
        super().__init__(value=value)


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(minval=minval, maxval=maxval, seed=seed)


class RandomNormal(Initializer):
    """Normal."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(mean=mean, stddev=stddev, seed=seed)


class TruncatedNormal(Initializer):
    """Normal, drawn anew until within two standard deviations of the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(mean=mean, stddev=stddev, seed=seed)


class VarianceScaling(Initializer):
    """Variance scale / fan, the fan being that in, that out or the mean of the two."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        super().__init__(scale=scale, mode=mode, distribution=distribution, seed=seed)


class Orthogonal(Initializer):
    """gain times a random matrix with orthonormal columns, or rows where these are fewer; the axes
    before the last are its rows (Saxe et al. 2014)."""

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(gain=gain, seed=seed)


class Identity(Initializer):
    """gain on the diagonal of a matrix."""

    def __init__(self, gain: float = 1.0):
        super().__init__(gain=gain)


class STFT(Initializer):
    """Refused: there are no layers of spectrograms."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise _core.Error("[STFT] there are no layers of spectrograms that would use it")


class _Seeded(Initializer):
    def __init__(self, seed: int | None = None):
        super().__init__(seed=seed)


class GlorotUniform(_Seeded):
    """Variance 2 / (fan_in + fan_out), uniform (Glorot & Bengio 2010)."""


class GlorotNormal(_Seeded):
    """Variance 2 / (fan_in + fan_out), truncated normal (Glorot & Bengio 2010)."""


class HeUniform(_Seeded):
    """Variance 2 / fan_in, uniform (He et al. 2015)."""


class HeNormal(_Seeded):
    """Variance 2 / fan_in, truncated normal (He et al. 2015)."""


class LecunUniform(_Seeded):
    """Variance 1 / fan_in, uniform (LeCun et al. 1998)."""


class LecunNormal(_Seeded):
    """Variance 1 / fan_in, truncated normal (LeCun et al. 1998)."""


def serialize(initializer: Any) -> Any:
    """An initializer, a class of one, or a name, as the core reads it."""
    if isinstance(initializer, type):
        initializer = initializer()
    return initializer._serialized() if isinstance(initializer, Initializer) else initializer


# Keras's, too.
_OTHER_NAMES = {
    "IdentityInitializer": "Identity",
    "OrthogonalInitializer": "Orthogonal",
    "STFTInitializer": "STFT",
    "normal": "RandomNormal",
    "one": "Ones",
    "uniform": "RandomUniform",
    "zero": "Zeros",
}


def get(identifier: Any) -> Initializer:
    """The initializer that a name, a config or an initializer means."""
    if isinstance(identifier, Initializer):
        return identifier
    config = identifier.get("config", {}) if isinstance(identifier, dict) else {}
    named = identifier["class_name"] if isinstance(identifier, dict) else identifier
    for cls in _all_classes():
        if _OTHER_NAMES.get(named, named) in (cls.__name__, _core.snake_case(cls.__name__)):
            return cls(**config)
    raise _core.Error(f"[initializer] {identifier!r} is not known")


def _all_classes():
    return [
        c
        for c in globals().values()
        if isinstance(c, type) and issubclass(c, Initializer) and c.__name__ in __all__
    ]
