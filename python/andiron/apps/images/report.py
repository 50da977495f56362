"""One HTML page that shows how a classifier of photos did; it needs no other file."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from andiron import images
from andiron.apps.images.evaluation import Evaluation
from andiron.apps.recommend.report import STYLE, _figure

_THUMBNAIL = 128
_MOST_CELLS = 40  # classes whose confusion is shown as numbers
_OWN_STYLE = """
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 1em }
.photos figure { margin: 0 } .photos img { width: 100%; image-rendering: auto }
.photos figcaption { font-size: .85em; overflow-wrap: anywhere }
.confusion { width: auto }
.confusion td, .confusion th { text-align: center; padding: .25em .4em; border: 1px solid #eee }
.confusion th:first-child { text-align: right } .scroll { overflow-x: auto }
"""


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 [height, width, 3]."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1)

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
        + chunk(b"IEND", b"")
    )


def _thumbnail(source: Any) -> str:
    steps = images.Pipeline(
        [images.Resize(_THUMBNAIL), images.CenterCrop(_THUMBNAIL)], data_format="channels_last"
    )
    loaded = steps.load([source], "null")
    if loaded.errors:
        return ""
    data = base64.b64encode(png(loaded.images[0].round().clip(0, 255).astype(np.uint8))).decode()
    return f'<img alt="" src="data:image/png;base64,{data}">'


def _share(x: float | None) -> str:
    return "–" if x is None else f"{100 * x:.1f} %"


def _summary(e: Evaluation) -> str:
    rows = [f'<tr><td>this classifier</td><td class="best">{_share(e.accuracy)}'
            f"<small>± {100 * e.error:.1f}</small></td></tr>"]  # fmt: skip
    rows += [
        f'<tr class="naive"><td>{html.escape(name)} (baseline)</td><td>{_share(a)}</td></tr>'
        for name, a in e.baselines.items()
    ]
    head = "photos whose styles are all right" if e.multi_label else "right"
    return f"<table><thead><tr><th></th><th>{head}</th></tr></thead>{''.join(rows)}</table>"


def verdict(e: Evaluation) -> str:
    """Whether the classifier is worth having, in a sentence."""
    if not len(e):
        return "There are no photos to judge by."
    if not e.baselines:
        return "There is no baseline to compare with."
    name, best = max(e.baselines.items(), key=lambda item: item[1])
    gain = e.accuracy - best
    if gain > 2 * e.error:
        return f"It is better than the best baseline ({name}) by {100 * gain:.1f} points."
    return (
        f"It is not shown to be better than the best baseline ({name}, {_share(best)}): the "
        f"difference is {100 * gain:+.1f} points, within twice the standard error."
    )


def _confusion(e: Evaluation) -> str:
    counts, names = e.confusion, [html.escape(str(c)) for c in e.classes]
    if len(names) > _MOST_CELLS:
        off = counts.copy()
        np.fill_diagonal(off, 0)
        order = np.argsort(-off, axis=None, kind="stable")[:_MOST_CELLS]
        rows = "".join(
            f"<tr><td>{names[i]}</td><td>{names[j]}</td><td>{off[i, j]}</td></tr>"
            for i, j in zip(*np.unravel_index(order, off.shape), strict=True)
            if off[i, j]
        )
        return (
            "<table><thead><tr><th>class</th><th>taken for</th><th>photos</th></tr></thead>"
            f"{rows}</table>"
        )
    totals = np.maximum(counts.sum(1), 1)
    rows = []
    for i, name in enumerate(names):
        cells = []
        for j in range(len(names)):
            share = counts[i, j] / totals[i]
            colour = "23,99,166" if i == j else "196,60,10"
            cells.append(
                f'<td style="background: rgba({colour},{0.75 * share:.2f})">'
                f"{counts[i, j] or ''}</td>"
            )
        rows.append(f"<tr><th>{name}</th>{''.join(cells)}</tr>")
    head = "".join(f"<th>{name}</th>" for name in names)
    return (
        '<div class="scroll"><table class="confusion"><thead><tr><th>class \\ predicted</th>'
        f"{head}</tr></thead>{''.join(rows)}</table></div>"
    )


def _classes(e: Evaluation) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(str(r['class']))}</td><td>{r['photos']}</td>"
        f"<td>{_share(r['precision'])}</td><td>{_share(r['recall'])}</td>"
        f"<td>{_share(r['f1'])}</td></tr>"
        for r in e.by_class()
    )
    return (
        "<table><thead><tr><th>class</th><th>photos</th><th>precision</th><th>recall</th>"
        f"<th>F1</th></tr></thead>{rows}</table>"
    )


def _calibration(e: Evaluation) -> str:
    mean, share, n = e.calibration()

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], ":", color="#999", lw=1)
        axes.plot(mean, share, "-", color="#1763a6", lw=1)
        axes.scatter(mean, share, s=10 + 150 * n / n.max(), color="#1763a6")
        axes.set_xlim(0, 1.03)
        axes.set_ylim(0, 1.03)

    return _figure(draw, "Chances and what came of them", "predicted chance", "share that is right")


def _mistakes(e: Evaluation, most: int = 24) -> str:
    figures = []
    for m in e.mistakes(most):
        picture = _thumbnail(e.sources[m["row"]]) if e.sources else ""
        said = ", ".join(map(str, m["predicted"])) or "nothing"
        truth = ", ".join(map(str, m["classes"])) or "nothing"
        figures.append(
            f"<figure>{picture}<figcaption><b>{html.escape(said)}</b> ({_share(m['chance'])}); is "
            f"{html.escape(truth)}<br>{html.escape(Path(m['photo']).name)}</figcaption></figure>"
        )
    return f'<div class="photos">{"".join(figures)}</div>' if figures else "<p>None.</p>"


def _listed(title: str, rows: list[str]) -> str:
    if not rows:
        return ""
    shown = "".join(f"<li>{html.escape(r)}</li>" for r in rows[:50])
    more = f"<p>and {len(rows) - 50} more</p>" if len(rows) > 50 else ""
    return f"<h2>{html.escape(title)} ({len(rows)})</h2><ul>{shown}</ul>{more}"


def page(e: Evaluation, title: str = "Photos into classes") -> str:
    """The page's HTML."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}{_OWN_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(e.about)}</p>{_summary(e)}"
        f"<h2>Is it worth having?</h2><p>{html.escape(verdict(e))}</p>"
    ]
    if len(e):
        parts.append(
            f'<p class="note">Log loss {e.log_loss:.4f}; calibration error '
            f"{e.calibration_error:.4f}.</p><h2>By class</h2>{_classes(e)}"
        )
        if not e.multi_label:
            parts.append(f"<h2>Confusion</h2>{_confusion(e)}")
        parts.append(f'<h2>Calibration</h2><div class="plots">{_calibration(e)}</div>')
        parts.append(f"<h2>Worst mistakes</h2>{_mistakes(e)}")
    parts.append(_listed("Photos that could not be read", [f"{n}: {w}" for n, w in e.bad]))
    parts.append(
        _listed(
            "In the training set, too: left out",
            [f"{a} = {b}{'' if exact else ' (nearly)'}" for a, b, exact in e.duplicates],
        )
    )
    parts.append(_listed("Of unknown classes: left out", [f"{n}: {c}" for n, c in e.unknown]))
    return "".join(parts) + "</body></html>\n"


def write(path: Any, e: Evaluation, title: str = "Photos into classes") -> Path:
    """Writes the page; folders that are missing are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(e, title), encoding="utf-8")
    return path
