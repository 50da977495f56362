"""`andiron quantize MODEL --images DIR --out FILE`: a network in 8 bits, calibrated on photos."""

from __future__ import annotations

import os
import random
from pathlib import Path

import click

from andiron._predict import model_of, read_photos

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def photos_below(folder: str) -> list[str]:
    """The image files below a folder, in an order that does not depend on the file system."""
    found = sorted(str(p) for p in Path(folder).rglob("*") if p.suffix.lower() in _SUFFIXES)
    random.Random(0).shuffle(found)
    return found


@click.command()
@click.argument("model")
@click.option(
    "--images",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="A folder of photos like those that will come; folders in it are looked through.",
)
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="What is written.")
@click.option(
    "--method",
    default="percentile",
    show_default=True,
    type=click.Choice(["minmax", "percentile", "entropy"]),
    help="How the range of each value is chosen.",
)
@click.option("--percentile", default=99.99, show_default=True, help="Of method percentile, in %.")
@click.option(
    "--float-layer",
    "float_layers",
    multiple=True,
    help="A layer that stays in float32; repeatable.",
)
@click.option(
    "--limit", default=200, show_default=True, type=click.IntRange(1), help="Photos that calibrate."
)
@click.option(
    "--check",
    default=100,
    show_default=True,
    type=click.IntRange(0),
    help="Other photos, on which the classes of both networks are compared.",
)
def quantize(
    model: str,
    images: str,
    out: str,
    method: str,
    percentile: float,
    float_layers: tuple[str, ...],
    limit: int,
    check: int,
) -> None:
    """Writes MODEL in 8 bits.

    MODEL is a file that Model.save wrote, an ONNX model, or EfficientNetLite0, 1 or 2 with
    ImageNet's weights; it takes one photo.
    """
    try:
        network = model_of(model)
        if not hasattr(network, "quantized"):
            raise ValueError(f"[quantize] '{model}' is quantized already")
        if len(network.inputs) != 1 or len(network.input_shape) != 4:
            raise ValueError(
                f"[quantize] takes a model of one photo; its input is {network.input_shape}"
            )
        photos = photos_below(images)
        if not photos:
            raise ValueError(f"[quantize] there is no photo below '{images}'")
        chosen, others = photos[:limit], photos[limit : limit + check]
        small = network.quantized(
            read_photos(chosen, network.input_shape),
            method=method,
            percentile=percentile,
            float_layers=float_layers,
            validation_data=read_photos(others, network.input_shape) if others else None,
        )
        small.save(out)
    except (ValueError, OSError, ImportError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(small.summary())
    click.echo(f"{out}: {os.path.getsize(out) / 1e6:.2f} MB")
