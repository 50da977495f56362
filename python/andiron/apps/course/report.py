"""The course's results: a table, a page with pictures, and a part of docs/course.md."""

from __future__ import annotations

import base64
import html
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from andiron.apps.course import pictures
from andiron.apps.course.data import NAMES
from andiron.apps.course.training import TOO_LARGE

STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #222; background: #fff;
       max-width: 980px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.7em } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3em .8em; text-align: left; border-bottom: 1px solid #ddd }
img { max-width: 100%; image-rendering: pixelated } .note { color: #555 }
"""


def table(found: dict[str, Any]) -> list[tuple[str, float, str]]:
    """(classifier, accuracy on the test images, how) of the lessons that were taken."""
    rows = []
    if near := found.get("nearest"):
        name = near["distance"]
        rows.append((f"nearest neighbour, {name}", near["test nearest"], "pixels, k = 1"))
        rows.append((f"k nearest neighbours, {name}", near["test"],
                     f"k = {near['k']} and {name} by validation"))  # fmt: skip
    for name, lesson in found.get("search_or_slope", {}).items():
        rows.append((f"templates, {name}", lesson["test"],
                     f"{len(lesson['loss'])} steps on 500 images"))  # fmt: skip
    for key, name in (("softmax", "linear, softmax"), ("svm", "linear, SVM")):
        if lesson := found.get(key):
            rows.append((name, lesson["test"], f"rate {lesson['rate']}, L2 {lesson['l2']}"))
    for key in ("fully connected", "VGG-small", "ResNet-20"):
        if lesson := found.get(key):
            epochs = len(lesson["loss"])
            rows.append((key, lesson["test"], f"{epochs} epoch{'s' if epochs > 1 else ''}"))
    return rows


def with_a_scale(losses: dict[float, list[float]]) -> dict[str, list[float]]:
    """Losses up to `TOO_LARGE`: one of 1e15 would leave no difference between the others. The names
    say of which rates there were larger ones."""
    out = {}
    for rate, values in losses.items():
        drawn = list(itertools.takewhile(lambda loss: loss <= TOO_LARGE, values))
        beyond = "" if len(drawn) == len(values) else f": beyond {TOO_LARGE:,.0f}"
        out[f"{rate}{beyond}"] = drawn
    return out


def images(found: dict[str, Any]) -> dict[str, pictures.Png]:
    """PNG files by their names."""
    out: dict[str, pictures.Png] = {}
    for key in ("softmax", "svm"):
        if lesson := found.get(key):
            each = [pictures.picture(t) for t in lesson["templates"]]
            out[f"templates_{key}"] = pictures.png(pictures.sheet(each, 5, 3))
    for key, file in (("VGG-small", "filters_vgg_small"), ("ResNet-20", "filters_resnet_20")):
        if lesson := found.get(key):
            each = [pictures.picture(f) for f in pictures.first_filters(lesson["model"])]
            out[file] = pictures.png(pictures.sheet(each, 8, 16, 4))
    if near := found.get("nearest"):

        def draw(axes: Any) -> None:
            for name, by_k in near["validation"].items():
                axes.plot(list(by_k), list(by_k.values()), marker="o", label=name)
            axes.legend(frameon=False)

        out["k"] = pictures.drawing(draw, "k by validation", "k", "accuracy on validation images")
    if lesson := found.get("search_or_slope"):
        out["search"] = pictures.curves({n: r["loss"] for n, r in lesson.items()},
                                        "Random search and the slope", "step", "loss")  # fmt: skip
    if lesson := found.get("optimizers"):
        out["optimizers"] = pictures.curves(
            {f"{n} ({r['rate']})": r["loss"] for n, r in lesson.items()},
            "Optimizers, each at its best rate", "epoch", "loss of training", marker="o",
        )  # fmt: skip
    if lesson := found.get("learning_rates"):
        out["rates"] = pictures.curves(with_a_scale(lesson), "Learning rates", "epoch",
                                       "loss of training", log=True, marker="o")  # fmt: skip
    if any(key in found for key in ("VGG-small", "ResNet-20")):
        networks = [k for k in ("fully connected", "VGG-small", "ResNet-20") if k in found]
        out["networks"] = pictures.curves({k: found[k]["validation"] for k in networks},
                                          "Networks", "epoch", "accuracy on validation images",
                                          marker="o")  # fmt: skip
    return out


CAPTIONS = {
    "templates_softmax": f"What the softmax classifier looks for: {', '.join(NAMES)}",
    "templates_svm": "The same by the SVM's loss",
    "filters_vgg_small": "The first 3x3 filters of VGG-small",
    "filters_resnet_20": "The first 3x3 filters of ResNet-20",
}


def page(found: dict[str, Any], about: str) -> str:
    """An HTML page that needs no other file."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{value:.1%}</td><td>{html.escape(how)}</td></tr>"
        for name, value, how in table(found)
    )
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>CIFAR-10</title>"
        f"<style>{STYLE}</style><h1>From nearest neighbours to convolutional networks</h1>"
        f"<p class=note>{html.escape(about)}</p><table><tr><th>classifier</th><th>accuracy</th>"
        f"<th></th></tr>{rows}</table>"
    ]
    for name, data in images(found).items():
        caption = html.escape(CAPTIONS.get(name, ""))
        source = base64.b64encode(data).decode()
        parts.append(f"<h2>{caption}</h2><img alt='{name}' src='data:image/png;base64,{source}'>")
    return "\n".join(parts) + "</html>\n"


def plain(value: Any) -> Any:
    """Results without models and arrays, for JSON."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if k not in ("model", "templates")}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def write(found: dict[str, Any], folder: Path, about: str) -> Path:
    """report.html, results.json and the pictures; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in images(found).items():
        (folder / f"{name}.png").write_bytes(data)
    (folder / "results.json").write_text(json.dumps({"about": about, **plain(found)}, indent=1))
    (folder / "report.html").write_text(page(found, about), encoding="utf-8")
    return folder / "report.html"


def markdown(found: dict[str, Any], about: str) -> str:
    lines = [about, "", "| classifier | accuracy on test images | |", "|---|---|---|"]
    lines += [f"| {name} | {value:.1%} | {how} |" for name, value, how in table(found)]
    if lesson := found.get("optimizers"):
        lines += ["", "| optimizer | rate, of three by validation | loss of training by epoch | "
                  "accuracy on validation images |", "|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {name} | {r['rate']} | {', '.join(f'{x:.2f}' for x in r['loss'])} | "
            f"{r['validation'][-1]:.1%} |"
            for name, r in lesson.items()
        ]
    return "\n".join(lines) + "\n"


def write_between(path: Path, name: str, text: str) -> None:
    """Puts text between the lines <!-- name --> and <!-- /name --> of a file."""
    whole = path.read_text("utf-8")
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = whole.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"[course] '{path}' has no {start.strip()} ... {end}")
    path.write_text(before + start + text + end + after, encoding="utf-8")
