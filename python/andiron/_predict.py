"""`andiron predict MODEL PHOTO...`: the likeliest classes of photos."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from andiron import _zoo
from andiron._commands import said
from andiron._keras.file import is_keras

if TYPE_CHECKING:
    from andiron import images

_AT_ONCE = 256  # photos whose pixels are in memory: 150 MB of 224 x 224


def model_of(name: str, where: str = "predict"):
    """A saved model; or a network of andiron.models with ImageNet's weights, by its name."""
    from andiron import models

    if name in _zoo.PACKAGES and not os.path.exists(name):
        return getattr(models, name)(weights="imagenet")
    if not os.path.isfile(name):
        if name in _zoo.__all__:
            what = f"{name} comes without ImageNet's weights: give the file of a model"
        elif os.path.isdir(name):
            what = f"'{name}' is a folder; the file of a model is wanted"
        else:
            what = f"there is no file '{name}'"
        raise ValueError(
            f"[{where}] {what}. Networks with weights, by name: {', '.join(_zoo.PACKAGES)}"
        )
    if is_keras(name) or name.lower().endswith(".onnx"):
        return models.load(name)
    return models.load_model(name, compile=False)


def labels_of(file: str | None, classes: int) -> list[str]:
    """The names of the classes: one a line, or ImageNet's, or their numbers."""
    if file is not None:
        labels = Path(file).read_text("utf-8").splitlines()
        if len(labels) != classes:
            raise ValueError(f"[predict] the model has {classes} classes, '{file}' {len(labels)}")
        return labels
    if classes == 1000:
        from andiron._imagenet import imagenet_classes

        return [names.split(", ")[0] for _, names in imagenet_classes()]
    return [f"class {i}" for i in range(classes)]


def photos_in(given: Sequence[str]) -> list[str]:
    """Paths of photos; of a folder those of the photos in it and below."""
    from andiron.images._sources import files_in

    found: list[str] = []
    for path in given:
        if not os.path.isdir(path):
            found.append(path)
            continue
        below = files_in(path)
        if not below:
            raise ValueError(f"[predict] there is no photo below '{path}'")
        found += below
    return found


def read_photos(paths: list[str], input_shape: tuple) -> images.Loaded:
    """Pixels of 0 to 255, without photos that cannot be read: the short side is resized to the
    input's size and 32 more (224: 256), and the middle is cut out, as ImageNet's networks are
    tested."""
    from andiron import images

    last = input_shape[-1] in (1, 3) and input_shape[1] not in (1, 3)
    channels, height, width = input_shape[1:] if not last else (input_shape[-1], *input_shape[1:3])
    steps = images.Pipeline(
        [images.Resize(max(height, width) + 32), images.CenterCrop((height, width))],
        color_mode="grayscale" if channels == 1 else "rgb",
        data_format="channels_last" if last else "channels_first",
    )
    return steps.load(paths, "skip")


def likeliest(scores: np.ndarray, labels: list[str], top: int) -> list[tuple[str, float]]:
    """(label, score), the highest first."""
    order = np.argsort(-scores, kind="stable")[:top]
    return [(labels[i], float(scores[i])) for i in order]


def scores_of(model: Any, pixels: np.ndarray) -> np.ndarray:
    """[n, classes]."""
    out = model.predict(pixels, verbose=0)
    scores = out[0] if isinstance(out, list) else out  # auxiliary heads stand behind the first
    if scores.ndim != 2:
        raise ValueError(f"[predict] takes a classifier; the model's output is {scores.shape}")
    return scores


def predict_photos(model: Any, paths: list[str], labels: str | None, top: int) -> list[dict]:
    """photo, top [(label, score)], error (None, or why it cannot be read) of each."""
    if len(model.inputs) != 1 or len(model.input_shape) != 4:
        raise ValueError(f"[predict] takes a model of one photo; its input is {model.input_shape}")
    found: list[dict] = []
    names: list[str] | None = None
    for begin in range(0, len(paths), _AT_ONCE):
        some = paths[begin : begin + _AT_ONCE]
        loaded = read_photos(some, model.input_shape)
        rows: list[dict] = [{"photo": path, "top": [], "error": None} for path in some]
        for row, why in loaded.errors:
            rows[row]["error"] = why
        if len(loaded.rows):
            scores = scores_of(model, loaded.images)
            names = names or labels_of(labels, scores.shape[1])
            for row, one in zip(loaded.rows.tolist(), scores, strict=True):
                rows[row]["top"] = likeliest(one, names, top)
        found += rows
    return found


@click.command()
@click.argument("model")
@click.argument("photos", nargs=-1, required=True, type=click.Path())
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--labels", type=click.Path(exists=True, dir_okay=False), help="Names, one a line.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@said
def predict(
    model: str, photos: tuple[str, ...], top: int, labels: str | None, as_json: bool
) -> None:
    """The likeliest classes of PHOTOS; of a folder, of the photos in it and below. A photo that
    cannot be read gets a line that says why, and the command ends with 1.

    MODEL is a file that Model.save wrote, or EfficientNetLite0, 1 or 2 with ImageNet's weights.
    """
    network = model_of(model)
    found = predict_photos(network, photos_in(photos), labels, top)
    bad = sum(row["error"] is not None for row in found)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for row in found:
            click.echo(row["photo"])
            if row["error"] is not None:
                click.echo(f"  {row['error']}")
            for label, score in row["top"]:
                click.echo(f"  {score:7.4f}  {label}")
    if bad:
        click.echo(f"{bad} of {len(found)} photos could not be read", err=True)
        raise click.exceptions.Exit(1)
