"""One HTML page that shows how the models did; it needs no other file."""

from __future__ import annotations

import html
import io
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import andiron
from andiron.apps.recommend import metrics
from andiron.apps.recommend.lineup import WHY_NDCG, Judged, verdicts

COLOURS = {
    "popularity": "#8a8a8a",
    "ItemKNN": "#7a5aa6",
    "MatrixFactorization": "#a6175c",
    "ALS": "#c4600a",
    "NeuralCF": "#1763a6",
    "WideAndDeep": "#1a7f4b",
}
TITLES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "recall": "recall",
    "precision": "precision",
    "precision@20": "precision@20",
    "hit_rate@10": "HR@10",
    "ndcg@10": "NDCG@10",
}
MEANINGS = (
    "AUROC and AUPRC: all open (user, item) pairs pooled. Recall and precision: pairs called "
    "positive at the threshold that was best for F1 on validation data. precision@20, HR@10 and "
    "NDCG@10: over all items that a user has not yet met, mean over users. Seconds: of training."
)
STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #222; background: #fff;
       max-width: 1060px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.7em; margin-bottom: .2em } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .35em .6em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
td small { display: block; color: #555 } tr.naive td { background: #f5f5f5 }
.best { font-weight: 600 } .plots { display: grid; grid-template-columns: 1fr 1fr; gap: 1em }
.plots svg { width: 100%; height: auto } .note { color: #555 }
@media (max-width: 700px) { .plots { grid-template-columns: 1fr } }
"""


def _figure(draw, title: str, x: str, y: str) -> str:
    """An inline SVG of what `draw(axes)` draws."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.7), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=9)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    prefix = re.sub(r"\W", "", title)  # ids are unique in the page
    svg = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
    label = html.escape(title)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _thinned(*curves: np.ndarray, most: int = 400) -> list[np.ndarray]:
    n = len(curves[0])
    if n <= most:
        return list(curves)
    steep = np.geomspace(1, n, most // 2).astype(int) - 1  # the start of a curve bends most
    at = np.unique(np.concatenate([steep, np.linspace(0, n - 1, most // 2).astype(int)]))
    return [curve[at] for curve in curves]


def _plots(judged: Sequence[Judged]) -> list[str]:
    plots = []
    for key, title in (("loss", "Training loss"), ("ndcg@10", "NDCG@10 on validation data")):
        for j in judged:
            values = j.curves.get(key)
            if not values:
                continue

            def curve(axes, j=j, values=values):
                epochs = np.arange(1, len(values) + 1)
                axes.plot(epochs, values, "o-", ms=4, color=COLOURS[j.name])
                axes.set_xticks(epochs[:: 1 + len(epochs) // 12])

            plots.append(_figure(curve, f"{title}: {j.name}", "epoch", TITLES.get(key, key)))
    kept = [j for j in judged if j.scores is not None]
    if not kept:
        return plots

    def roc(axes):
        for j in kept:
            x, y = _thinned(*metrics.roc_curve(j.labels, j.scores))
            label = f"{j.name} ({j.figures['auroc']:.3f})"
            axes.plot(x, y, label=label, color=COLOURS[j.name])
        axes.plot([0, 1], [0, 1], ":", color="#999", lw=1)

    def precision_recall(axes):
        for j in kept:
            precision, recall, _ = metrics.precision_recall_curve(j.labels, j.scores)
            first = np.searchsorted(recall, 0.002)  # before, a handful of pairs decides
            x, y = _thinned(recall[first:], precision[first:])
            label = f"{j.name} ({j.figures['auprc']:.3f})"
            axes.plot(x, y, label=label, color=COLOURS[j.name])
        axes.axhline(np.mean(kept[0].labels), ls=":", color="#999", lw=1)
        axes.set_xscale("log")

    def calibration(axes):
        low, high = 1.0, 0.0
        for j in kept:
            order = np.argsort(j.chances, kind="stable")
            sizes = np.geomspace(1, 4**6, 7)  # equally many positives rather than pairs
            cuts = (len(order) * np.cumsum(sizes[::-1]) / sizes.sum()).astype(int)[:-1]
            parts = [p for p in np.split(order, cuts) if len(p)]
            x = np.array([j.chances[p].mean() for p in parts])
            y = np.array([j.labels[p].mean() for p in parts])
            there = (x > 0) & (y > 0)
            axes.plot(x[there], y[there], "o-", ms=4, label=j.name, color=COLOURS[j.name])
            if there.any():
                low = min(low, x[there].min(), y[there].min())
                high = max(high, x[there].max(), y[there].max())
        axes.plot([low, high], [low, high], ":", color="#999", lw=1)
        axes.set_xscale("log")
        axes.set_yscale("log")

    plots.append(_figure(roc, "ROC (area)", "false positive rate", "true positive rate"))
    plots.append(
        _figure(precision_recall, "Precision-recall (average precision)", "recall", "precision")
    )
    plots.append(_figure(calibration, "Calibration", "predicted", "share of positives"))
    return plots


def _table(judged: Sequence[Judged]) -> str:
    names = list(judged[0].figures)
    best = {n: max(j.figures[n] for j in judged) for n in names}
    base = {j.name: j for j in judged}.get("ALS")
    rows = []
    for j in judged:
        cells = []
        for n in names:
            error = f"<small>± {j.errors[n]:.4f}</small>" if n in j.errors else ""
            mark = ' class="best"' if j.figures[n] == best[n] else ""
            gain = "&nbsp;"
            if base is not None and j is not base and base.figures[n]:
                gain = f"{100 * (j.figures[n] / base.figures[n] - 1):+.0f} % to ALS"
            cells.append(f"<td{mark}>{j.figures[n]:.4f}{error}<small>{gain}</small></td>")
        kind = ' class="naive"' if j.name == "popularity" else ""
        label = f"{j.name} (naive baseline)" if j.name == "popularity" else j.name
        rows.append(f"<tr{kind}><td>{label}</td>{''.join(cells)}<td>{j.seconds:.1f}</td></tr>")
    head = "".join(f"<th>{TITLES.get(n, n)}</th>" for n in names)
    return (
        f"<table><thead><tr><th>model</th>{head}<th>seconds</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def page(
    judged: Sequence[Judged], about: str, examples: Sequence[tuple[str, Sequence[str]]] = ()
) -> str:
    """The page's HTML.

    Args:
        judged: one a model; with the naive baseline, and ALS where it ran.
        about: a sentence about data and split.
        examples: (heading, titles) of some users' recommendations.
    """
    sentences = "".join(f"<li>{html.escape(s)}</li>" for s in verdicts(list(judged)))
    lists = "".join(
        f"<div><h3>{html.escape(heading)}</h3><ol>"
        + "".join(f"<li>{html.escape(t)}</li>" for t in titles)
        + "</ol></div>"
        for heading, titles in examples
    )
    shown = f'<h2>Recommended, not yet seen</h2><div class="plots">{lists}</div>' if lists else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Recommenders compared</title><style>{STYLE}</style></head><body>"
        f"<h1>Recommenders compared</h1><p>{html.escape(about)}</p>{_table(judged)}"
        f'<p class="note">{MEANINGS}</p><h2>Is it worth having?</h2><ul>{sentences}</ul>'
        f'<p class="note">{html.escape(WHY_NDCG)}</p>'
        f'<h2>Curves</h2><div class="plots">{"".join(_plots(judged))}</div>'
        '<p class="note">Calibration: scores became probabilities by validation data, alike for '
        "every model; on the dotted line they would be exact.</p>"
        f"{shown}"
        f'<p class="note">Andiron {andiron.__version__}, {time.strftime("%Y-%m-%d %H:%M")}.</p>'
        "</body></html>\n"
    )


def write(path: str | Path, judged: Sequence[Judged], about: str, examples=()) -> Path:
    """Writes the page; folders that are missing are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(judged, about, examples), encoding="utf-8")
    return path
