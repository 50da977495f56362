"""Sources of batches. `fit` makes one of its arrays itself; here are others, for its `x`."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._arrays import plain_array
from andiron._batches import Batches

__all__ = ["BatchSource", "NegativeSampler", "from_arrays", "from_batches", "negative_sampling"]

BatchSource = _core.BatchSource


def from_arrays(
    x: Any,
    y: Any = (),
    sample_weight: Any = (),
    batch_size: int = 32,
    shuffle: bool = False,
    seed: int = 0,
) -> BatchSource:
    """Batches of rows of arrays, prepared in the background; a new order in each epoch by seed.

    Args:
        x, y, sample_weight: lists of arrays in the order of the model's inputs and outputs, or one.
        batch_size: rows of a batch; the last may be short.
        shuffle, seed: of the order.
    """

    def listed(arrays: Any) -> list:
        many = isinstance(arrays, (list, tuple))
        return [plain_array(a) for a in (arrays if many else [arrays])]

    return _core.array_source(
        listed(x), listed(y), listed(sample_weight), batch_size, shuffle, seed
    )


def from_batches(source: Any, prefetch: int = 2) -> Batches:
    """Batches that Python gives, for `fit`, `evaluate` and `predict`.

    They take such sources directly, too; this says how many batches are made ahead, and takes lists
    of batches and callable objects.

    Args:
        source: what gives batches x, (x, y) or (x, y, sample_weight): a generator or another
            iterator (walked once); an iterable, as torch's DataLoader and tf.data are; a function
            that makes one of these, called for each epoch; or an object with `__getitem__` and
            `__len__` like Keras's PyDataset and Sequence, whose batches `fit` takes in a random
            order and which may have `on_epoch_begin`, `on_epoch_end`, `workers`,
            `use_multiprocessing`, `max_queue_size` and `num_batches`.
        prefetch: batches that are made ahead on a thread of their own, while the model trains. 0:
            on the thread that trains, between steps: for generators that use the model itself.
            Default: 2.

    Example:
        >>> import numpy as np
        >>> from andiron import Sequential, datasets, layers
        >>> def batches():
        ...     for i in range(3):
        ...         x = np.full((4, 2), i, np.float32)
        ...         yield x, x.sum(1)
        >>> model = Sequential([layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(datasets.from_batches(batches), epochs=2, verbose=0)
        >>> model.predict(batches()).shape
        (12, 1)
    """
    return Batches(source, prefetch)


def negative_sampling(
    users: Any,
    items: Any,
    n_users: int,
    n_items: int,
    negatives: int = 4,
    alpha: float = 0.0,
    known: Any = None,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    row: tuple[int, ...] = (1,),
) -> BatchSource:
    """Implicit feedback: each pair (user, item) with label 1, and items that the user has not met
    with label 0, drawn anew in each epoch by the core.

    Batches are int32 "user" and "item" and float32 labels, for models with the inputs
    [user, item].

    Args:
        users, items: the pairs.
        n_users, n_items: how many there are; ids count from 0.
        negatives: for each pair. Default: 4.
        alpha: items are drawn by popularity^alpha; 0 is uniform.
        known: (users, items) that are no negatives; those of the pairs by default.
        batch_size, shuffle, seed: as in from_arrays.
        row: shape of a user, an item and a label in a batch: (1,) gives [batch, 1], () [batch].
    """
    if known is not None:
        known = [plain_array(known[0]), plain_array(known[1])]
    return _core.negative_sampling_source(
        plain_array(users), plain_array(items), n_users, n_items, negatives, alpha, known,
        batch_size, shuffle, seed, list(row),
    )  # fmt: skip


class NegativeSampler:
    """Draws items that users have not met, in the core: exactly by popularity^alpha among those.

    Args:
        users, items: [n] the pairs that are met; ids count from 0.
        n_users, n_items: how many there are.
        alpha: 0 (the default) is uniform, 0.75 is word2vec's; with another alpha than 0, items that
            nobody met come only where a user has met all others.

    Example:
        >>> import numpy as np
        >>> sampler = NegativeSampler(np.array([0, 0]), np.array([1, 2]), 2, 4)
        >>> sorted(set(sampler.draw(np.array([0]), 50).ravel().tolist()))
        [0, 3]
    """

    def __init__(self, users: Any, items: Any, n_users: int, n_items: int, alpha: float = 0.0):
        self._core = _core.NegativeSampler(
            plain_array(users), plain_array(items), n_users, n_items, alpha
        )

    def possible(self, users: Any) -> np.ndarray:
        """Whether there is an item that the user has not met, [n] bool."""
        return self._core.possible(plain_array(users)).numpy()

    def draw(self, users: Any, n: int, seed: int = 0, epoch: int = 0) -> np.ndarray:
        """n items for each user, [len(users), n] int64: a function of (seed, epoch, place).

        Errors:
            andiron.Error for a user who has met every item (see `possible`).
        """
        return self._core.draw(plain_array(users), n, seed, epoch).numpy()
