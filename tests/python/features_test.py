"""docs/features.md: every name of Keras, PyTorch and BigDL has a status, as the code is."""

import importlib.util
import inspect
import shutil
from pathlib import Path

import pytest

from andiron import losses, metrics

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "make_features.py"
if not SCRIPT.exists():
    pytest.skip("the scripts are not here", allow_module_level=True)
SPEC = importlib.util.spec_from_file_location("make_features", SCRIPT)
features = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(features)
TABLES = features.Tables()


def test_every_name_has_a_status_and_what_is_said_to_exist_does():
    assert features.problems(TABLES) == []


def test_the_page_is_that_of_the_code():
    if features.PAGE.read_text() != features.page(TABLES):
        pytest.fail("docs/features.md is old: run scripts/make_features.py")


def test_a_name_that_only_says_later_is_not_here():
    verdict, words = features.judged(TABLES, "keras", "layers", "TextVectorization")
    assert (verdict, words) == ("later", "sequences")


def test_a_name_without_status_is_a_problem(tmp_path):
    folder = shutil.copytree(features.TABLES, tmp_path / "features")
    table = folder / "keras.tsv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(line for line in lines if "\tCTC\t" not in line))
    (folder / "torch.tsv").write_text(
        (folder / "torch.tsv").read_text().replace("losses.Triplet;", "losses.Tripled;")
        + "losses\tNoSuchLoss\tno: reason\n"
    )
    found = features.problems(features.Tables(folder))
    assert found == [
        "keras: losses.CTC has no status",
        "torch: losses.TripletMarginLoss is said to be losses.Tripled, which does not exist",
        "torch: losses.TripletMarginWithDistanceLoss is said to be losses.Tripled, which does not "
        "exist",
        "torch.tsv has losses.NoSuchLoss, which torch does not have",
    ]


# What Keras has as one argument, and Andiron has otherwise.
OTHERWISE = {"AUC": {"num_thresholds"}, "Metric": {"dtype", "name"}}


@pytest.mark.parametrize("kind", ["losses", "metrics"])
def test_arguments_and_defaults_are_keras(kind):
    """Of all losses and metrics that both have."""
    stored = features.json.loads((features.TABLES / "names.json").read_text())["keras"]["arguments"]
    module = {"losses": losses, "metrics": metrics}[kind]
    for name, wanted in stored[kind].items():
        if not hasattr(module, name):
            continue
        parameters = inspect.signature(getattr(module, name).__init__).parameters
        for argument, default in wanted.items():
            if argument in OTHERWISE.get(name, ()):
                continue
            assert argument in parameters, f"{name}.{argument}"
            ours = parameters[argument].default
            ours = "required" if ours is inspect.Parameter.empty else ours
            ours = list(ours) if isinstance(ours, tuple) else ours
            assert ours == default, f"{name}.{argument}"
