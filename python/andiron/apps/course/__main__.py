"""python -m andiron.apps.course: all lessons, with a report."""

from __future__ import annotations

from pathlib import Path

import click

import andiron
from andiron.apps.course import data, report
from andiron.apps.course.lessons import FULL, QUICK, Course

LESSONS = {
    "nearest": lambda c: c.nearest(),
    "search_or_slope": lambda c: c.search_or_slope(),
    "softmax": lambda c: c.linear(hinge=False),
    "svm": lambda c: c.linear(hinge=True),
    "optimizers": lambda c: c.optimizers(),
    "learning_rates": lambda c: c.learning_rates(),
    "fully connected": lambda c: c.fully_connected(),
    "VGG-small": lambda c: c.convolutional("VGG-small"),
    "ResNet-20": lambda c: c.convolutional("ResNet-20"),
}


def take(course: Course, names: list[str], folder: Path, about: str) -> dict:
    """The lessons of these names, in their order; the report is written after each."""
    found = {}
    for name in (n for n in LESSONS if n in names):
        found[name] = LESSONS[name](course)
        report.write(found, folder, about)
    return found


@click.command()
@click.option("--data", "folder", required=True, type=click.Path(exists=True, file_okay=False),
              help="With CIFAR-10: the binary version, or train/ and test/ with a folder for each "
              "class, packed or not.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False), help="For the report.")
@click.option("--quick", is_flag=True, help="A tenth of the images, for a few epochs.")
@click.option("--only", multiple=True, type=click.Choice(list(LESSONS)), help="These lessons.")
@click.option("--seed", default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Of both convolutional networks.")
@click.option("--threads", type=click.IntRange(1), help="Default: all.")
@click.option("--doc", type=click.Path(exists=True, dir_okay=False),
              help="A Markdown file that takes the tables, between <!-- course --> and "
              "<!-- /course -->.")  # fmt: skip
def main(
    folder: str, out: str, quick: bool, only: tuple[str, ...], seed: int, epochs: int | None,
    threads: int | None, doc: str | None,
) -> None:  # fmt: skip
    """From nearest neighbours to convolutional networks on CIFAR-10."""
    if threads:
        andiron.set_threads(threads)
    sizes = QUICK if quick else FULL
    if epochs:
        sizes = sizes._replace(vgg_epochs=epochs, resnet_epochs=epochs)
    try:
        course = Course(data.read(folder), sizes, seed, click.echo)
    except (ValueError, OSError) as e:
        raise click.ClickException(str(e)) from e
    about = (
        f"{len(course.train.x):,} training, {len(course.validation.x):,} validation and "
        f"{len(course.test.x):,} test images of CIFAR-10 (its {course.data.source}); seed {seed}."
    )
    found = take(course, list(only or LESSONS), Path(out), about)
    for name, value, how in report.table(found):
        click.echo(f"{name:<34} {value:6.1%}  {how}")
    click.echo(str(Path(out) / "report.html"))
    if doc:
        report.write_between(Path(doc), "course", report.markdown(found, about))


if __name__ == "__main__":
    main(prog_name="python -m andiron.apps.course")
