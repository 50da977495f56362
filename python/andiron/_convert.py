"""`andiron convert`: models between Andiron's files and ONNX."""

from __future__ import annotations

import click


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False))
@click.argument("target", type=click.Path(dir_okay=False))
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
def convert(source: str, target: str, opset: int, sizes: tuple[str, ...]) -> None:
    """Reads SOURCE and writes it as TARGET; names in .onnx are ONNX models, others Andiron's."""
    from andiron import models, onnx

    try:
        options = {}
        if sizes:
            pairs = [s.partition("=") for s in sizes]
            if any(not n.isdigit() for _, _, n in pairs):
                raise click.BadParameter(f"--size takes SYMBOL=N; got {', '.join(sizes)}")
            options["sizes"] = {name: int(n) for name, _, n in pairs}
        model = models.load(source, **options)
        if target.lower().endswith(".onnx"):
            onnx.save(model, target, opset)
        else:
            model.save(target)
    except (ValueError, OSError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{target}: {model.count_params():,} parameters")
