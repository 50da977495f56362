"""Layers that turn texts, integers and numbers into categories, and categories into numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._refuse import refuse
from andiron._texts import count_integers, count_texts, fingerprints, is_texts
from andiron.layers.base import CoreLayer
from andiron.layers.normalization import pieces

_DENSE = "vectors are dense; a wide sparse input is WideLinear's or EmbeddingBag's, which take ids"


def _dense_only(layer: str, sparse: Any) -> None:
    refuse(layer, _DENSE, sparse=sparse)


def _salt(salt: Any) -> list[int] | None:
    if salt is None:
        return None
    words = [salt, salt] if isinstance(salt, int) else [int(s) for s in salt]
    # The core keeps the bits in signed words.
    return [word - 2**64 if word >= 2**63 else word for word in words]


def _plain(value: Any) -> Any:
    """A number or text of NumPy's as Python's."""
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


class Hashing(CoreLayer):
    """Texts or integers as ids in [0, num_bins), by their hash: no vocabulary, but collisions.

    The ids are Keras's: FarmHash64 of the text, or of the integer's decimal digits, modulo
    `num_bins`. With a salt, integers are Keras's, too; the salted hash of a text takes its
    fingerprint and not its letters, so that these ids are others.

    Args:
        num_bins: number of ids, the mask's included.
        mask_value: what gets id 0, which nothing else has then: a text or integer. Default: none.
        salt: an integer or two, the key of SipHash-2-4: other ids for another salt. Default: none.
        output_mode: "int" (default), or vectors of num_bins: "one_hot" of each element, "multi_hot"
            or "count" of all elements along the last axis.
        sparse: refused.

    Shapes: any to the same, int64; or to [..., num_bins], float32.

    Example:
        >>> from andiron import layers
        >>> layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().tolist()
        [[1], [0], [1], [1], [2]]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        _dense_only("Hashing", sparse)
        self._make(name, True, None, num_bins=int(num_bins), mask_value=_plain(mask_value),
                   salt=_salt(salt), output_mode=output_mode)  # fmt: skip

    def _tensors(self, inputs: list) -> list:
        texts = [is_texts(x) for x in inputs]
        self._core.take_texts(texts)
        return [
            fingerprints(x) if t else _core.Tensor(x) for x, t in zip(inputs, texts, strict=True)
        ]


class HashedCrossing(CoreLayer):
    """Several features together as ids in [0, num_bins), by their hash: Keras's ids.

    Args:
        num_bins: number of ids.
        output_mode: "int" (default) or "one_hot".
        sparse: refused.

    Shapes: two or more features of integers or texts, each [batch] or [batch, 1]; to the same,
    int64, or [batch, num_bins], float32.

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> cross = layers.HashedCrossing(num_bins=5)
        >>> letters, numbers = np.array(["A", "B", "A"]), np.array([101, 101, 102])
        >>> cross((letters, numbers)).numpy().tolist()
        [1, 4, 3]
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        _dense_only("HashedCrossing", sparse)
        self._make(name, True, None, num_bins=int(num_bins), output_mode=output_mode)

    def _tensors(self, inputs: list) -> list:
        return [fingerprints(x) if is_texts(x) else _core.Tensor(x) for x in inputs]


class _Lookup(CoreLayer):
    """What StringLookup and IntegerLookup share."""

    def _make_lookup(self, vocabulary: Any, idf_weights: Any, sparse: Any, name: str | None,
                     **config: Any) -> None:  # fmt: skip
        layer = type(self).__name__
        _dense_only(layer, sparse)
        if config["output_mode"] == "binary":
            config["output_mode"] = "multi_hot"
        if config["output_mode"] == "tf-idf":
            config["output_mode"] = "tf_idf"
        self._make(name, True, None, **config)
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise _core.Error(f"[{layer}] idf_weights come with a vocabulary")

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Takes this vocabulary in place of the one that it had.

        Args:
            vocabulary: tokens in the order of their ids, with or without the special tokens in
                front; or the path of a file of one token a line.
            idf_weights: one for each, with output_mode "tf_idf".

        Errors:
            andiron.Error for a token that comes twice, for more tokens than max_tokens, and when a
            model with the layer was compiled or has predicted.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            refuse(type(self).__name__, "a file has no weights", idf_weights=idf_weights)
            self._core.load_vocabulary(os.fspath(vocabulary))
            return
        weights = [] if idf_weights is None else [float(w) for w in idf_weights]
        self._core.set_vocabulary([_plain(token) for token in vocabulary], weights)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """The tokens by their ids.

        Args:
            include_special_tokens: with the mask token (of "int") and the oov token in front.
        """
        return self._core.vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of ids, special tokens included."""
        return self._core.vocabulary_size

    @property
    def _inverts(self) -> bool:
        return self._core.config()["invert"]


class StringLookup(_Lookup):
    """Texts as ids in the order of a vocabulary, and back.

    Ids: the mask token's 0 (where there is one, and output_mode is "int"), those of unknown texts,
    then the vocabulary. Texts are compared by their 64-bit fingerprints: an unknown text would be
    taken for one of a million known ones with a probability of 5e-14.

    Args:
        max_tokens: the most ids, special ones included. Default: no limit.
        num_oov_indices: ids of unknown texts, chosen by their hash. 0: an error. Default: 1.
        mask_token: the text that gets id 0, and is left out of vectors. Default: none.
        oov_token: what unknown ids become with `invert`. Default: "[UNK]".
        vocabulary: the texts, or the path of a file of one a line; or call `adapt`.
        idf_weights: of the vocabulary, with "tf_idf".
        invert: ids to texts; of arrays only, since networks make no texts.
        output_mode: "int" (default), or vectors: "one_hot" of each element, "multi_hot", "count" or
            "tf_idf" of all elements along the last axis.
        pad_to_max_tokens: vectors of max_tokens numbers. Default: False.
        sparse: refused. encoding: "utf-8".
        oov_method: of integers; texts are always hashed. salt: of the hash of unknown texts, an
            integer or two.

    Shapes: any to the same, int64; or to [..., number of ids], float32.

    Example:
        >>> from andiron import layers
        >>> colours = layers.StringLookup(vocabulary=["red", "green"])
        >>> colours(["green", "blue", "red"]).numpy().tolist()
        [2, 0, 1]
        >>> layers.StringLookup(vocabulary=colours.get_vocabulary(), invert=True)([2, 0]).tolist()
        ['green', '[UNK]']
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        *,
        oov_method: str = "floormod",
        dtype: Any = None,
    ):
        if encoding.lower() not in ("utf-8", "utf8"):
            raise _core.Error(f"[StringLookup] texts are UTF-8; got encoding={encoding!r}")
        self._make_lookup(
            vocabulary, idf_weights, sparse, name,
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=_plain(mask_token),
            oov_token=_plain(oov_token), invert=bool(invert), output_mode=output_mode,
            pad_to_max_tokens=bool(pad_to_max_tokens), oov_method=oov_method, salt=_salt(salt),
        )  # fmt: skip

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Takes the texts of these data as the vocabulary, the most frequent first; equal counts
        from the last text in the order of their bytes to the first, as in Keras.

        Args:
            data: texts of any shape: an array, a list, a Series or DataFrame, an Arrow column; what
                andiron.data makes or the path of a Parquet or CSV file, whose features are texts;
                or an iterable of arrays. Rows are documents (of "tf_idf"); a one-dimensional array
                out of an iterable is one document.
            steps: how many pieces of an iterable. Default: all.
        """
        self._core.adapt(count_texts(_first(data, steps)))

    def _tensors(self, inputs: list) -> list:
        return [fingerprints(x) for x in inputs]

    def __call__(self, inputs, *more, training: bool | None = None):
        symbolic = isinstance(inputs, (_core.KerasTensor, _core.Value))
        if not self._inverts or symbolic or more:
            return super().__call__(inputs, *more, training=training)
        ids = np.asarray(inputs)
        if ids.dtype.kind not in "iu":
            raise TypeError(f"[StringLookup] with invert it takes ids; got {ids.dtype}")
        tokens = self.get_vocabulary()
        table = np.array([*tokens, self._core.config()["oov_token"]], dtype=object)
        return table[np.where((ids >= 0) & (ids < len(tokens)), ids, len(tokens))]


class IntegerLookup(_Lookup):
    """Integers as ids in the order of a vocabulary, and back.

    Args:
        max_tokens: the most ids, special ones included. Default: no limit.
        num_oov_indices: ids of unknown integers. 0: an error. Default: 1.
        mask_token: the integer that gets id 0, and is left out of vectors. Default: none.
        oov_token: what unknown ids become with `invert`. Default: -1.
        vocabulary: the integers, or the path of a file of one a line; or call `adapt`.
        vocabulary_dtype: "int64".
        idf_weights: of the vocabulary, with "tf_idf".
        invert: ids to integers.
        output_mode: "int" (default), or vectors: "one_hot" of each element, "multi_hot", "count" or
            "tf_idf" of all elements along the last axis.
        sparse: refused.
        pad_to_max_tokens: vectors of max_tokens numbers. Default: False.
        oov_method: which of several oov ids an unknown integer gets: "floormod" (its remainder;
            default) or "farmhash". salt: of "farmhash", an integer or two.

    Shapes: any to the same, int64; or to [..., number of ids], float32.

    Example:
        >>> from andiron import layers
        >>> layers.IntegerLookup(vocabulary=[12, 36])([[36, 7, 12]]).numpy().tolist()
        [[2, 0, 1]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        *,
        dtype: Any = None,
    ):
        if vocabulary_dtype != "int64":
            raise _core.Error(
                f"[IntegerLookup] vocabulary_dtype is 'int64'; got {vocabulary_dtype!r}"
            )
        self._make_lookup(
            vocabulary, idf_weights, sparse, name,
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=_plain(mask_token),
            oov_token=_plain(oov_token), invert=bool(invert), output_mode=output_mode,
            pad_to_max_tokens=bool(pad_to_max_tokens), oov_method=oov_method, salt=_salt(salt),
        )  # fmt: skip

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Takes the integers of these data as the vocabulary, the most frequent first; equal counts
        from the largest integer to the smallest, as in Keras.

        Args:
            data: integers in the forms that StringLookup.adapt takes.
            steps: how many pieces of an iterable. Default: all.
        """
        self._core.adapt(count_integers(_first(data, steps)))


class Discretization(CoreLayer):
    """Numbers as the ids of intervals.

    A number's id is how many boundaries are not above it. NaN is in the last interval.

    Args:
        bin_boundaries: ascending; one interval more than there are boundaries.
        num_bins: instead: intervals of equal counts, whose boundaries `adapt` finds.
        epsilon: how far the share of the numbers below a boundary may be off. Default: 0.01.
        output_mode: "int" (default), or vectors: "one_hot" of each element, "multi_hot" or "count"
            of all elements along the last axis.
        sparse: refused.

    Shapes: any to the same, int32; or to [..., intervals], float32.

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> ages = layers.Discretization(bin_boundaries=[18.0, 65.0])
        >>> ages(np.array([[7.0, 18.0, 80.0]])).numpy().tolist()
        [[0, 1, 2]]
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ):
        _dense_only("Discretization", sparse)
        if bin_boundaries is not None and num_bins is not None:
            raise _core.Error("[Discretization] takes bin_boundaries or num_bins, not both")
        boundaries = None if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self._make(name, True, None, bin_boundaries=boundaries, num_bins=num_bins,
                   epsilon=float(epsilon), output_mode=output_mode)  # fmt: skip

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries such that the intervals have equal shares of these numbers, all columns
        together: Keras's algorithm.

        Args:
            data: numbers in the forms that Normalization.adapt takes.
            steps: how many pieces of an iterable. Default: all.

        Errors:
            andiron.Error for NaN or infinity (with the row), and when a model with the layer was
            compiled or has predicted.
        """
        self._core.adapt(pieces("Discretization", _first(data, steps)))

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries; None before `adapt`."""
        return self._core.config()["bin_boundaries"]


class CategoryEncoding(CoreLayer):
    """Ids as vectors.

    Args:
        num_tokens: ids are in [0, num_tokens); negative ones are padding.
        output_mode: "multi_hot" (default): which ids a sample has; "count": how often, or with
            `count_weights` the sum of their weights; "one_hot": a vector for each id.
        sparse: refused.

    Shapes: [batch, k] to [batch, num_tokens], float32; "one_hot" of [batch] or [batch, 1] to
    [batch, num_tokens], else to [..., k, num_tokens].

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> counts = layers.CategoryEncoding(num_tokens=4, output_mode="count")
        >>> counts([[0, 1], [3, 3]], count_weights=np.float32([[0.5, 2], [1, 1]])).numpy().tolist()
        [[0.5, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]]
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        _dense_only("CategoryEncoding", sparse)
        if num_tokens is None:
            raise _core.Error("[CategoryEncoding] needs num_tokens; IntegerLookup finds the ids")
        mode = "multi_hot" if output_mode == "binary" else output_mode
        self._make(name, True, dtype, num_tokens=int(num_tokens), output_mode=mode)

    def __call__(self, inputs, count_weights=None, *, training: bool | None = None):
        more = [] if count_weights is None else [count_weights]
        return super().__call__(inputs, *more, training=training)


class TextVectorization:
    """Refused: there are no sequences of words yet. StringLookup takes words that are apart."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise _core.Error(
            "[TextVectorization] comes with the layers of sequences; until then part the texts "
            "into words and give these to StringLookup"
        )


def _first(data: Any, steps: int | None) -> Any:
    """The first pieces of an iterable."""
    if steps is None:
        return data
    from itertools import islice

    if hasattr(data, "shape") or isinstance(data, (str, os.PathLike)):
        raise _core.Error("[adapt] steps are for an iterable of pieces; the data are one array")
    return islice(iter(data), int(steps))
