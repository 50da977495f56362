"""How chances of meetings did on a window that training did not see."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from andiron.calibration import Reliability


@dataclasses.dataclass(frozen=True)
class PropensityReport:
    """How chances did on a window that training did not see.

    Attributes:
        pairs, positives: how many pairs of known users and items were judged, and met.
        expected: the sum of the chances; `positives` if they are right on the whole.
        auroc, auprc: of the pairs. before, after: reliability without and with calibration.
    """

    pairs: int
    positives: int
    expected: float
    auroc: float
    auprc: float
    before: Reliability
    after: Reliability

    def __str__(self) -> str:
        return (
            f"{self.pairs:,} pairs, {self.positives:,} met, {self.expected:,.0f} expected; AUROC "
            f"{self.auroc:.4f}, AUPRC {self.auprc:.4f}; expected calibration error "
            f"{self.after.error:.5f} (without calibration {self.before.error:.5f}), Brier "
            f"{self.after.brier:.6f} ({self.before.brier:.6f})"
        )

    def save_plot(self, path: str | Path) -> None:
        """Writes the reliability plot (.svg, .png or .pdf)."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        axes = figure.add_subplot()
        self.before.plot(axes, "network")
        self.after.plot(axes, "calibrated")
        axes.legend()
        figure.savefig(path)
