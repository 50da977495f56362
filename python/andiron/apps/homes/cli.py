"""The command `andiron style`."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator

import click

from andiron._commands import check_target, said


@click.group(name="style", context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Styles of houses (or any classes of photos) by a pretrained network."""


_photos = click.option("--photos", required=True, type=click.Path(exists=True),
                       help="A folder with one folder for each class; or a CSV table with the "
                       "columns photo, classes (separated by |) and maybe group.")  # fmt: skip
_group = click.option("--group", default=None, metavar="REGEX",
                      help="What of a file's name says which house it is of, for instance "
                      "'^[0-9]+': a house's photos stay together.")  # fmt: skip
_report = click.option("--report", default=None, type=click.Path(), help="A page of HTML.")
_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")


@contextlib.contextmanager
def _warnings_told() -> Iterator[None]:
    """Warnings as lines, each once; bad photos are told with the figures."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(w.message) for w in heard):
        if "could not be read and are left out" not in text:
            click.echo(text, err=True)


def _read(photos: str, group: str | None, several: bool = False):
    from andiron.apps.images import Photos
    from andiron.apps.images.photos import groups_of

    with _warnings_told():
        found = Photos.of(photos)
    if several:
        found = found.with_lists()
    if found.without_class:
        click.echo(
            f"{found.without_class} of {len(found)} photos have no class (an empty cell): none of "
            "the classes is there",
            err=True,
        )
    if group is not None:
        found.groups = groups_of(found.sources, group)
    return found


def _check_targets(command: str, out: str | None, report: str | None) -> None:
    if out is not None:
        check_target(command, out)
    if report is not None:
        check_target(command, report, model=False)


def _echo(evaluation, report: str | None, as_json: bool) -> None:
    click.echo(json.dumps(evaluation.figures(), indent=2) if as_json else str(evaluation))
    if report:
        evaluation.report(report)
        click.echo(f"report: {report}", err=as_json)


def _conflicts(model) -> list[str]:
    return [f"the same photo in two classes: {a}, {b}" for a, b in model.conflicts_[:10]]


@cli.command()
@_photos
@click.option("--out", required=True, type=click.Path(), help="The file of the model.")
@click.option("--network", default="EfficientNetLite0", show_default=True)
@click.option("--weights", default="imagenet", show_default=True, help="Or a file's path.")
@click.option("--loss", default="logistic", show_default=True,
              type=click.Choice(["logistic", "squared_hinge"]))  # fmt: skip
@click.option("--folds", default=5, show_default=True, help="Of cross-validation.")
@click.option("--fine-tune", is_flag=True, help="Train the network's upper blocks, too.")
@click.option("--int8", is_flag=True, help="The network in 8 bits: less time for each photo.")
@click.option("--several", is_flag=True, help="A photo may have several classes, even where each "
              "of these has one.")  # fmt: skip
@click.option("--cache", default=None, type=click.Path(), help="Folder of features.")
@click.option("--seed", default=0, show_default=True)
@_group
@_report
@_json
@said
def train(photos, out, network, weights, loss, folds, fine_tune, int8, several, cache, seed, group,
          report, as_json) -> None:  # fmt: skip
    """Train on PHOTOS: features of NETWORK, a linear classifier on top.

    A photo has one class, or, where the table has several (or none) for one of them, any number of
    classes: each is judged by itself then."""
    from andiron.apps.homes import StyleClassifier
    from andiron.apps.images.tuning import recommendation

    _check_targets("style train", out, report)
    found = _read(photos, group, several)
    if fine_tune and found.multi_label:
        raise ValueError("[style train] fine-tuning is for photos of one class each")
    model = StyleClassifier(network, weights=weights, loss=loss, cv=folds, seed=seed, cache=cache)
    with _warnings_told():
        model.fit(found)
        if fine_tune:
            click.echo(model.fine_tune(found)["verdict"], err=as_json)
        if int8:
            click.echo(model.quantize(found)["verdict"], err=as_json)
    model.save(out)
    judged = model.cross_validation_
    if judged is not None:
        judged.bad, judged.sources = model.bad_, model.learned.names
        _echo(judged, report, as_json)
    advice = recommendation(model.learned.truth.sum(0))
    for line in (
        f"{len(model.learned.names)} photos, {len(model.classes_)} classes, "
        f"{'several classes a photo' if model.multi_label_ else 'one class a photo'}, C = "
        f"{model.linear_.C_:g}: {out}",
        f"{len(model.duplicates_)} pairs of photos are the same; they stayed on one side of each "
        "split" if model.duplicates_ else "",
        *_conflicts(model),
        advice.text,
    ):  # fmt: skip
        if line:
            click.echo(line, err=as_json)


@cli.command()
@click.argument("model", type=click.Path(exists=True, dir_okay=False))
@click.argument("photos", nargs=-1, required=True, type=click.Path())
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="How many.")
@_json
@said
def predict(model, photos, top, as_json) -> None:
    """The classes of PHOTOS by the file MODEL; of a folder, of the photos in it and below. A photo
    that cannot be read gets a line that says why, and the command ends with 1."""
    from andiron.apps.homes import StyleClassifier
    from andiron.apps.images import Photos

    sources = [s for given in photos for s in Photos.to_predict(given).sources]
    rows = StyleClassifier.load(model, cache=False).predict(sources, top)
    bad = sum(r.error is not None for r in rows)
    if as_json:
        click.echo(json.dumps([r._asdict() for r in rows], indent=2))
    else:
        for r in rows:
            said = r.error or ", ".join(map(str, r.classes)) or "none"
            click.echo(f"{r.photo}: {said}")
            for name, chance in r.top:
                click.echo(f"  {chance:7.4f}  {name}")
    if bad:
        click.echo(f"{bad} of {len(rows)} photos could not be read", err=True)
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("model", type=click.Path(exists=True, dir_okay=False))
@_photos
@click.option("--keep-duplicates", is_flag=True, help="Count photos of the training set, too.")
@click.option("--cache", default=None, type=click.Path(), help="Folder of features.")
@_report
@_json
@said
def evaluate(model, photos, keep_duplicates, cache, report, as_json) -> None:
    """Judge the file MODEL by PHOTOS that training did not see."""
    from andiron.apps.homes import StyleClassifier

    _check_targets("style evaluate", None, report)
    classifier = StyleClassifier.load(model, cache=cache)
    _echo(classifier.evaluate(_read(photos, None), keep_duplicates=keep_duplicates), report,
          as_json)  # fmt: skip


@cli.command()
@click.argument("model", type=click.Path(exists=True, dir_okay=False))
@_photos
@click.option("--out", default=None, type=click.Path(), help="Default: MODEL itself.")
@click.option("--cache", default=None, type=click.Path(), help="Folder of features.")
@said
def add(model, photos, out, cache) -> None:
    """Teach the file MODEL more PHOTOS, of known or of new classes."""
    from andiron.apps.homes import StyleClassifier

    _check_targets("style add", out or model, None)
    classifier = StyleClassifier.load(model, cache=cache)
    before = set(classifier.classes_)
    with _warnings_told():
        classifier.add(_read(photos, None))
    classifier.save(out or model)
    new = [str(c) for c in classifier.classes_ if c not in before]
    click.echo(
        f"{len(classifier.learned.names)} photos, {len(classifier.classes_)} classes"
        f"{', new: ' + ', '.join(new) if new else ''}: {out or model}"
    )
    again = classifier.repeated_
    if again:
        click.echo(
            f"{len(again)} photos were learned already, with the same class: left out (the first: "
            f"{again[0]})"
        )
    for line in _conflicts(classifier):
        click.echo(line)
    judged = classifier.cross_validation_
    if judged is not None:
        judged.bad = classifier.bad_
        click.echo(str(judged))
    elif classifier.bad_:
        click.echo(
            f"{len(classifier.bad_)} photos could not be read, the first: {classifier.bad_[0][1]}"
        )
