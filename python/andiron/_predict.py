"""`andiron predict MODEL PHOTO...`: the likeliest classes of photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from andiron import _zoo
from andiron._keras.file import is_keras


def model_of(name: str):
    """A saved model; or a network of andiron.models with ImageNet's weights, by its name."""
    from andiron import models

    if name in _zoo.PACKAGES:
        return getattr(models, name)(weights="imagenet")
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


def read_photos(paths: list[str], input_shape: tuple) -> np.ndarray:
    """Pixels of 0 to 255: the short side is resized to the input's size and 32 more (224: 256), and
    the middle is cut out, as ImageNet's networks are tested."""
    from andiron import images

    last = input_shape[-1] in (1, 3) and input_shape[1] not in (1, 3)
    channels, height, width = input_shape[1:] if not last else (input_shape[-1], *input_shape[1:3])
    steps = images.Pipeline(
        [images.Resize(max(height, width) + 32), images.CenterCrop((height, width))],
        color_mode="grayscale" if channels == 1 else "rgb",
        data_format="channels_last" if last else "channels_first",
    )
    return steps(paths)


def likeliest(scores: np.ndarray, labels: list[str], top: int) -> list[tuple[str, float]]:
    """(label, score), the highest first."""
    order = np.argsort(-scores, kind="stable")[:top]
    return [(labels[i], float(scores[i])) for i in order]


def predict_photos(model: Any, paths: list[str], labels: str | None, top: int) -> list[dict]:
    if len(model.inputs) != 1 or len(model.input_shape) != 4:
        raise ValueError(f"[predict] takes a model of one photo; its input is {model.input_shape}")
    out = model.predict(read_photos(paths, model.input_shape), verbose=0)
    scores = out[0] if isinstance(out, list) else out  # auxiliary heads stand behind the first
    if scores.ndim != 2:
        raise ValueError(f"[predict] takes a classifier; the model's output is {scores.shape}")
    names = labels_of(labels, scores.shape[1])
    return [
        {"photo": path, "top": likeliest(row, names, top)}
        for path, row in zip(paths, scores, strict=True)
    ]


@click.command()
@click.argument("model")
@click.argument("photos", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--labels", type=click.Path(exists=True, dir_okay=False), help="Names, one a line.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def predict(
    model: str, photos: tuple[str, ...], top: int, labels: str | None, as_json: bool
) -> None:
    """The likeliest classes of PHOTOS.

    MODEL is a file that Model.save wrote, or EfficientNetLite0, 1 or 2 with ImageNet's weights.
    """
    try:
        found = predict_photos(model_of(model), list(photos), labels, top)
    except (ValueError, OSError, ImportError) as e:
        raise click.ClickException(str(e)) from e
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for row in found:
        click.echo(row["photo"])
        for label, score in row["top"]:
            click.echo(f"  {score:7.4f}  {label}")
