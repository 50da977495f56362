"""`andiron convert`: models of Keras, PyTorch's weights and ONNX as Andiron's, and Andiron's as
ONNX."""

from __future__ import annotations

import click

from andiron._commands import check_target, make_parent, said


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False))
@click.argument("target", type=click.Path(dir_okay=False))
@click.option(
    "--into",
    "architecture",
    type=click.Path(exists=True, dir_okay=False),
    help="A model of any of these kinds that gets the weights of SOURCE, where that has weights "
    "only: a state dict of PyTorch (layers of the same names), .weights.h5.",
)
@click.option(
    "--opset", default=17, show_default=True, help="Of an ONNX file that is written: 13 to 21."
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="SYMBOL=N",
    help="The size of a symbol in an ONNX model's shapes, other than the batch.",
)
@said
def convert(
    source: str, target: str, architecture: str | None, opset: int, sizes: tuple[str, ...]
) -> None:
    """Reads SOURCE, a model of Andiron, Keras (.keras, .h5) or ONNX, and writes it as TARGET; names
    in .onnx are ONNX models, others Andiron's; those of other formats are refused."""
    from andiron import models, onnx

    is_onnx = target.lower().endswith(".onnx")
    check_target("convert", target, model=not is_onnx)
    options = {}
    if sizes:
        pairs = [s.partition("=") for s in sizes]
        if any(not n.isdigit() for _, _, n in pairs):
            raise click.BadParameter(f"--size takes SYMBOL=N; got {', '.join(sizes)}")
        options["sizes"] = {name: int(n) for name, _, n in pairs}
    model = models.load(source if architecture is None else architecture, **options)
    if architecture is not None:
        model.load_weights(source)
    make_parent(target)
    if is_onnx:
        onnx.save(model, target, opset)
    else:
        model.save(target)
    click.echo(f"{target}: {model.count_params():,} parameters")
