"""Moving averages of the weights in the weights' place."""

from __future__ import annotations

from andiron import _core
from andiron.callbacks._protocol import InCore


class SwapEMAWeights(InCore):
    """Tests the model with the moving averages of its weights, which an optimizer with
    `use_ema=True` keeps; training goes on with the weights themselves.

    Args:
        swap_on_epoch: the averages also stand in the model from the end of an epoch to the
            beginning of the next one: a ModelCheckpoint behind this callback saves them.
            Default: False.
    """

    def __init__(self, swap_on_epoch: bool = False):
        self.swap_on_epoch = bool(swap_on_epoch)
        self._core = _core.SwapAveragesCore(self.swap_on_epoch)
