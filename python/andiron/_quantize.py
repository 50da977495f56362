"""`andiron quantize MODEL --images DIR --out FILE`: a network in 8 bits, calibrated on photos."""

from __future__ import annotations

import os
import random

import click
import numpy as np

from andiron._commands import check_target, make_parent, said
from andiron._predict import model_of, read_photos

_NAMED = 10  # photos that could not be read


def photos_below(folder: str) -> list[str]:
    """The image files below a folder, in an order that does not depend on the file system."""
    from andiron.images._sources import files_in

    found = sorted(files_in(folder))
    random.Random(0).shuffle(found)
    return found


class _Photos:
    """Photos below a folder, read one after the other; bad ones are passed over and kept in
    `bad`."""

    def __init__(self, paths: list[str], input_shape: tuple):
        self.paths, self.input_shape, self.at = paths, input_shape, 0
        self.bad: list[str] = []

    def take(self, most: int) -> np.ndarray | None:
        """The pixels of the next ones; None where none is left."""
        found: list[np.ndarray] = []
        while most and self.at < len(self.paths):
            loaded = read_photos(self.paths[self.at : self.at + most], self.input_shape)
            self.at += most
            self.bad += [why for _, why in loaded.errors]
            most -= len(loaded.rows)
            if len(loaded.rows):
                found.append(loaded.images)
        return np.concatenate(found) if found else None


@click.command()
@click.argument("model")
@click.option(
    "--images",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="A folder of photos like those that will come; folders in it are looked through.",
)
@click.option("--out", required=True, type=click.Path(), help="What is written.")
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
@said
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
    ImageNet's weights; it takes one photo. Photos that cannot be read are left out and named.
    """
    check_target("quantize", out)
    network = model_of(model, "quantize")
    if not hasattr(network, "quantized"):
        raise ValueError(f"[quantize] '{model}' is quantized already")
    if len(network.inputs) != 1 or len(network.input_shape) != 4:
        raise ValueError(
            f"[quantize] takes a model of one photo; its input is {network.input_shape}"
        )
    paths = photos_below(images)
    if not paths:
        raise ValueError(f"[quantize] there is no photo below '{images}'")
    photos = _Photos(paths, network.input_shape)
    chosen = photos.take(limit)
    if chosen is None:
        raise ValueError(
            f"[quantize] none of the {len(paths)} photos below '{images}' can be read: "
            + "; ".join(photos.bad[:3])
        )
    small = network.quantized(
        chosen,
        method=method,
        percentile=percentile,
        float_layers=float_layers,
        validation_data=photos.take(check),
    )
    make_parent(out)
    small.save(out)
    click.echo(small.summary())
    click.echo(f"{out}: {os.path.getsize(out) / 1e6:.2f} MB")
    if photos.bad:
        click.echo(f"{len(photos.bad)} photos could not be read and are left out:", err=True)
        for why in photos.bad[:_NAMED]:
            click.echo(f"  {why}", err=True)
        if len(photos.bad) > _NAMED:
            click.echo(f"  and {len(photos.bad) - _NAMED} more", err=True)
