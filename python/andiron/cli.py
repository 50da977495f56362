"""The command `andiron`. Subcommands of apps are loaded when they are called."""

from __future__ import annotations

import importlib

import click

# Subcommand -> where its click command is, and what `andiron --help` says of it.
SUBCOMMANDS = {
    "convert": ("andiron._convert:convert", "A model from one format into another."),
    "info": ("andiron._info:info", "The installation: versions, CPU, threads; or what a model is."),
    "predict": ("andiron._predict:predict", "The likeliest classes of photos."),
    "quantize": ("andiron._quantize:quantize", "A network in 8 bits, calibrated on photos."),
    "recommend": (
        "andiron.apps.recommend.cli:cli",
        "Train, compare and use recommenders on (user, item) tables.",
    ),
    "style": ("andiron.apps.homes.cli:cli", "Styles of houses, or any classes of photos."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in SUBCOMMANDS:
            return None
        module, attribute = SUBCOMMANDS[name][0].split(":")
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUBCOMMANDS[name][1]) for name in sorted(SUBCOMMANDS)])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import andiron

        click.echo(f"andiron {andiron.__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="The version.",
)  # fmt: skip
def main() -> None:
    """Andiron: deep learning on CPUs."""


if __name__ == "__main__":
    main(prog_name="andiron")
