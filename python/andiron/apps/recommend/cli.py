"""The command `andiron recommend`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from andiron._commands import said

# As lineup.MODELS, which would import what `--help` need not.
MODELS = ["popularity", "ItemKNN", "MatrixFactorization", "ALS", "NeuralCF", "WideAndDeep"]


@click.group(name="recommend", context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train, compare and use recommenders on (user, item) tables."""


def _columns(command: Callable) -> Callable:
    for option in (
        click.option("--user", default="user", show_default=True, help="Column of user ids."),
        click.option("--item", default="item", show_default=True, help="Column of item ids."),
        click.option("--rating", default=None, help="Column of ratings; none: implicit feedback."),
        click.option("--time", default=None, help="Column of times (numbers or dates)."),
    ):
        command = option(command)
    return command


@cli.command()
@click.option(
    "--out", default="build/demo", show_default=True, help="Folder for report and models."
)
@click.option("--seed", default=0, show_default=True)
@said
def demo(out: str, seed: int) -> None:
    """MovieLens: NCF and Wide & Deep beside Spark's ALS and popularity."""
    from andiron.apps.recommend.demo import run

    run(out, seed, echo=click.echo)


@cli.command()
@click.option("--results", default="build/study/results.jsonl", show_default=True,
              help="One line a trained model; what is there is not trained again.")  # fmt: skip
@click.option("--seeds", default=3, show_default=True, help="How many.")
@click.option("--settings", default="tuned,published", show_default=True)
@click.option("--protocols", default="user-temporal,leave-one-out", show_default=True)
@click.option("--models", default=",".join(MODELS), show_default=True)
@click.option("--tune/--no-tune", default=False, help="First the same trials for every model.")
@click.option("--minutes", default=None, type=float, help="Starts nothing new after so long.")
@said
def study(results, seeds, settings, protocols, models, tune, minutes) -> None:
    """The whole protocol, resumably: several seeds, tuned and published settings."""
    from andiron.apps.recommend import study as a_study
    from andiron.apps.recommend import tune as tuning

    path = Path(results)
    tuned = None
    if tune:
        trials = path.with_name("trials.jsonl")
        tuned = {
            protocol: tuning.run(
                trials, models.split(","), protocol, echo=click.echo, minutes=minutes
            )
            for protocol in protocols.split(",")
        }
    a_study.run(path, range(seeds), settings.split(","), protocols.split(","), models.split(","),
                tuned=tuned, minutes=minutes, echo=click.echo)  # fmt: skip
    click.echo(a_study.markdown(path))


@cli.command()
@click.argument("folder", type=click.Path())
@click.option("--users", default=675_000, show_default=True)
@click.option("--merchants", default=2_000, show_default=True)
@click.option("--events", default=20_000_000, show_default=True, help="To be expected.")
@click.option("--days", default=365.0, show_default=True, help="Length of the period.")
@click.option("--test-days", default=73.0, show_default=True,
              help="Length of the window whose best reachable scores are printed.")  # fmt: skip
@click.option("--files", default=8, show_default=True)
@click.option("--seed", default=0, show_default=True)
@said
def generate(folder, users, merchants, events, days, test_days, files, seed) -> None:
    """Write events with planted structure into FOLDER, as Parquet files: user, merchant, time.

    For sizing a cluster. The best that any model can reach on them is known, and printed.
    """
    from andiron.apps.recommend.study_events import StudyEvents

    planted = StudyEvents(users, merchants, events, days, seed=seed)
    written = planted.write(folder, files)
    size = sum(path.stat().st_size for path in Path(folder).glob("*.parquet"))
    click.echo(
        f"{written:,} events of {users:,} users at {merchants:,} merchants in {days:g} days, "
        f"{size / 1e6:,.0f} MB: {folder}"
    )
    best = planted.optimum(test_days, users=20_000)
    click.echo(f"Who meets whom within {test_days:g} days, at best: {best}")


@cli.command()
@click.argument("table", type=click.Path())
@click.option("--model", type=click.Choice(MODELS),
              default="WideAndDeep", show_default=True)  # fmt: skip
@click.option("--out", required=True, help="Folder for the model.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="A setting of the model, for instance epochs=5; several times.")  # fmt: skip
@click.option("--user-feature", "user_features", multiple=True, metavar="COLUMN",
              help="A column about users; several times.")  # fmt: skip
@click.option("--item-feature", "item_features", multiple=True, metavar="COLUMN",
              help="A column about items; several times. A|B are two values.")  # fmt: skip
@click.option("--category", "categories", multiple=True, metavar="COLUMN",
              help="A feature column whose numbers are categories; several times.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@_columns
@said
def train(table, model, out, settings, user_features, item_features, categories, seed, user, item,
          rating, time) -> None:  # fmt: skip
    """Train a model on TABLE (.csv, .csv.gz or .parquet).

    NeuralCF, WideAndDeep and MatrixFactorization use features, the others do not.
    MatrixFactorization and NeuralCF with --set loss=squared_error learn the ratings of --rating.
    """
    from andiron.apps.recommend.data import Interactions
    from andiron.apps.recommend.lineup import train as train_model

    data = Interactions.read(table, user=user, item=item, rating=rating, time=time,
                             user_features=user_features, item_features=item_features,
                             categories=categories)  # fmt: skip
    chosen = dict(_setting(text) for text in settings)
    trained = train_model(model, data, chosen, seed, verbose=1)
    trained.save(out)
    click.echo(f"{model} of {len(data):,} interactions, {data.n_users:,} users, "
               f"{data.n_items:,} items: {out}")  # fmt: skip


@cli.command()
@click.argument("table", type=click.Path())
@click.option("--model", type=click.Choice(MODELS[1:]), default="MatrixFactorization",
              show_default=True)  # fmt: skip
@click.option("--try", "values", multiple=True, required=True, metavar="NAME=V1,V2,...",
              help="Values of a setting; several times.")  # fmt: skip
@click.option("--most", default=27, show_default=True,
              help="Epochs (ALS: iterations) of the last round.")  # fmt: skip
@click.option("--factor", default=3, show_default=True,
              help="Each round keeps one in so many, with so many times as much.")  # fmt: skip
@click.option("--protocol", default="user-temporal", show_default=True)
@click.option("--metric", default="ndcg@10", show_default=True,
              help="On held-out interactions; rmse: of explicit ratings.")  # fmt: skip
@click.option("--journal", default=None, help="A file that keeps the trials; goes on where it was.")
@click.option("--out", default=None, help="Folder for the best model, trained on all of TABLE.")
@click.option("--seed", default=0, show_default=True)
@_columns
@said
def tune(table, model, values, most, factor, protocol, metric, journal, out, seed, user, item,
         rating, time) -> None:  # fmt: skip
    """Search the settings of a model on TABLE by successive halving.

    Many settings are trained a little, the best of them longer, and so on.
    """
    from andiron.apps.recommend import halving
    from andiron.apps.recommend.data import Interactions
    from andiron.apps.recommend.lineup import train as train_model

    tried = {}
    for text in values:
        name, equals, listed = text.partition("=")
        if not equals or not listed:
            raise ValueError(f"[recommend] --try takes NAME=V1,V2,...; got {text!r}")
        tried[name] = [_value(v) for v in listed.split(",")]
    data = Interactions.read(table, user=user, item=item, rating=rating, time=time)
    found = halving.tune(model, data, tried, most, factor, protocol, metric, seed, journal,
                         echo=click.echo)  # fmt: skip
    best = found[0]
    given = {halving.RESOURCES[model]: best.resource} if model in halving.RESOURCES else {}
    chosen = {**best.settings, **given}
    click.echo(f"best: {json.dumps(chosen)}, {metric} {abs(best.score):.4f} on held-out data")
    if out is not None:
        train_model(model, data, chosen, seed, verbose=1).save(out)
        click.echo(f"{model} trained on all interactions: {out}")


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"[recommend] --set takes NAME=VALUE; got {text!r}")
    return name, _value(value)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


@cli.command()
@click.argument("folder", type=click.Path())
@click.argument("users", nargs=-1)
@click.option("-k", default=10, show_default=True, help="Items a user.")
@click.option("--all", "everyone", is_flag=True, help="For every user of the training table.")
@click.option("--seen/--no-seen", default=False, help="Whether met items may come. Default: no.")
@click.option("--output", default=None, help="A .csv or .parquet file instead of lines.")
@click.option("--new-items", default=None, metavar="TABLE",
              help="Items that training did not know, with their feature columns.")  # fmt: skip
@click.option("--new-users", default=None, metavar="TABLE",
              help="Users that training did not know, with their feature columns.")  # fmt: skip
@click.option("--user", default="user", show_default=True, help="Column of ids in --new-users.")
@click.option("--item", default="item", show_default=True, help="Column of ids in --new-items.")
@said
def predict(folder, users, k, everyone, seen, output, new_items, new_users, user, item) -> None:
    """The best items for USERS by the model in FOLDER.

    Beside the score, by which items are ranked, stands the chance: what Recommender.predict
    estimates of user and item, in [0, 1].
    """
    import pandas as pd

    if bool(users) == everyone:
        raise ValueError("[recommend] name users, or give --all")
    model = _loaded(folder)
    for what, path, column in (("items", new_items, item), ("users", new_users, user)):
        if path is not None:
            _add(model, what, path, column)
    wanted = model.users.ids.tolist() if everyone else list(users)
    found = model.recommend_with_chances(k, not seen, users=wanted)
    places = pd.DataFrame(
        [(u, r, *place)
         for u, *lines in zip(wanted, *(part.tolist() for part in found), strict=True)
         for r, place in enumerate(zip(*lines, strict=True), 1) if place[1] > float("-inf")],
        columns=["user", "rank", "item", "score", "chance"],
    )  # fmt: skip
    if output is None:
        click.echo(places.to_string(index=False))
    elif str(output).endswith(".csv"):
        places.to_csv(output, index=False)
    elif str(output).endswith(".parquet"):
        places.to_parquet(output)
    else:
        raise ValueError(f"[recommend] --output is a .csv or .parquet file; got {output}")


def _loaded(folder: str):
    from andiron.apps.recommend.models import load
    from andiron.apps.recommend.propensity import Propensity

    model = load(folder)
    if isinstance(model, Propensity):
        raise ValueError(
            f"[recommend] {folder} is a Propensity: andiron recommend propensity predict tells its "
            "chances"
        )
    return model


def _add(model, what: str, path: str, column: str) -> None:
    from andiron.apps.recommend.data import read_table

    table = read_table(path)
    if not hasattr(model, f"add_{what}"):
        raise ValueError(f"[recommend] {model.name} cannot take in new {what}: it uses no features")
    if column not in table.columns:
        raise ValueError(f"[recommend] {path} has no column {column!r}; name it with --{what[:-1]}")
    getattr(model, f"add_{what}")(table[column].tolist(), table)


@cli.command()
@click.argument("folder", type=click.Path())
@click.argument("item")
@click.option("-k", default=10, show_default=True, help="Items.")
@said
def similar(folder, item, k) -> None:
    """The items most like ITEM, by the model in FOLDER."""
    import pandas as pd

    found = _loaded(folder).similar_items(item, k)
    click.echo(pd.DataFrame(found, columns=["item", "similarity"]).to_string(index=False))


@cli.command()
@click.argument("folder", type=click.Path())
@click.argument("table", type=click.Path())
@click.option("-k", default=10, show_default=True)
@_columns
@said
def evaluate(folder, table, k, user, item, rating, time) -> None:
    """Rank all unmet items by the model in FOLDER and judge by the interactions in TABLE.

    Of a model of ratings first their errors, with pairs met in training, too.
    """
    from andiron.apps.recommend.baselines import Popularity
    from andiron.apps.recommend.data import Interactions
    from andiron.apps.recommend.ranking import evaluate as judged

    model = _loaded(folder)
    explicit = getattr(model, "explicit", False)
    test = Interactions.read(table, user=user, item=item, rating=rating, time=time)
    if explicit:
        from andiron.apps.recommend.ratings import rating_errors

        errors = rating_errors(model, test)
        click.echo(f"ratings: RMSE {errors.rmse:.4f}, MAE {errors.mae:.4f}, {errors.n} of them; "
                   f"the mean rating has RMSE {errors.naive_rmse:.4f}")  # fmt: skip
    try:
        seen, known, left_out = model.aligned(test)
    except ValueError as error:
        if not explicit:
            raise
        return click.echo(f"No ranking of items: {error}")  # ratings have been judged
    if left_out:
        click.echo(f"{left_out} of {len(test)} lines left out: ids unseen, or met in training")
    naive = Popularity().fit(seen)
    ours, theirs = judged(model.scores, seen, known, k), judged(naive.scores, seen, known, k)
    for name, figure in ours.figures().items():
        click.echo(f"{name:<14} {model.name} {figure}   popularity {theirs.figure(name)}")
    gain = ours.difference(theirs, f"ndcg@{k}")
    if gain.mean <= 2 * gain.error:
        click.echo("By NDCG this model is not shown to be better than popularity.")


@cli.group()
def propensity() -> None:
    """The chance that a user meets an item within the next days, from raw events."""


@propensity.command("train")
@click.argument("table", type=click.Path())
@click.option("--out", required=True, help="Folder for the model.")
@click.option("--days", default=30.0, show_default=True, help="Length of the window.")
@click.option("--user", default="user", show_default=True, help="Column of user ids.")
@click.option("--item", default="item", show_default=True, help="Column of item ids.")
@click.option("--time", default="time", show_default=True, help="Column of times.")
@click.option("--unit", type=click.Choice(["s", "ms", "D"]), default="s", show_default=True,
              help="Of times that are numbers.")  # fmt: skip
@click.option("--calibration", type=click.Choice(["isotonic", "platt", "none"]),
              default="isotonic", show_default=True)  # fmt: skip
@click.option("--backtest/--no-backtest", default=True, show_default=True,
              help="First trains without the last window, and judges by it.")  # fmt: skip
@click.option("--plot", default=None, help="File for the reliability plot of the back test (.svg).")
@click.option("--seed", default=0, show_default=True)
@said
def propensity_train(table, out, days, user, item, time, unit, calibration, backtest, plot,
                     seed) -> None:  # fmt: skip
    """Train on TABLE (.csv, .csv.gz or .parquet), one line an event."""
    from andiron.apps.recommend.events import Events
    from andiron.apps.recommend.propensity import Propensity

    if plot is not None and not backtest:
        raise ValueError("[propensity] --plot shows the back test; leave out --no-backtest")
    events = Events.read(table, user=user, item=item, time=time, unit=unit)
    settings = {"days": days, "calibration": calibration, "seed": seed}
    model = Propensity(**settings)
    if backtest:
        span = float(events.day[-1] - events.day[0])
        if span < 4 * days:
            raise ValueError(
                f"[propensity] four windows of {days:g} days are needed: the back test keeps the "
                f"last one to judge by (--no-backtest needs three); the events span {span:.1f} days"
            )
        last = float(events.day[-1]) - days
        report = model.fit(events.between(-float("inf"), last)).evaluate(events)
        click.echo(f"the last {days:g} days, by a model that did not see them: {report}")
        if plot is not None:
            report.save_plot(plot)
    Propensity(**settings).fit(events).save(out)
    click.echo(f"{len(events):,} events of {len(events.users):,} users and {len(events.items):,} "
               f"items: {out}")  # fmt: skip


@propensity.command("predict")
@click.argument("folder", type=click.Path())
@click.argument("users", nargs=-1, required=True)
@click.option("-k", default=10, show_default=True, help="Items a user.")
@click.option("--new-only", is_flag=True, help="Leaves out what the user has met.")
@said
def propensity_predict(folder, users, k, new_only) -> None:
    """The items that USERS are likeliest to meet, with their chances."""
    import pandas as pd

    from andiron.apps.recommend.propensity import Propensity

    model = Propensity.load(folder)
    lines = [
        (user, rank, item, chance)
        for user in users
        for rank, (item, chance) in enumerate(model.top(user, k, new_only), 1)
    ]
    table = pd.DataFrame(lines, columns=["user", "rank", "item", "chance"])
    click.echo(table.to_string(index=False))
