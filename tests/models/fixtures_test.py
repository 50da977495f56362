"""Files that earlier versions wrote load, predict and train on as they did then; files of newer
ones are refused in words; `andiron info` says what each is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from andiron._about import about
from andiron.cli import main
from click.testing import CliRunner

import andiron
from andiron import Input, Sequential, _core, data, layers, losses, models, optimizers
from andiron.linear import LinearClassifier

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RELEASES = sorted(p.name for p in FIXTURES.iterdir() if p.is_dir())


@pytest.fixture(params=RELEASES)
def release(request):
    folder = FIXTURES / request.param
    return folder, json.loads((folder / "expected.json").read_text())


def arrays(values, dtype="f"):
    if isinstance(values, dict):
        return {k: np.asarray(v, "i" if k == "ids" else dtype) for k, v in values.items()}
    return np.asarray(values, dtype)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_there_are_fixtures():
    assert RELEASES


def test_a_model_predicts_and_trains_on(release):
    folder, expected = release
    net, wanted = andiron.load_model(folder / "sequential.safetensors"), expected["sequential"]
    close(net.predict(arrays(wanted["x"]), verbose=0), wanted["y"])
    assert net.optimizer.iterations == 6
    train = wanted["train"]
    found = [net.train_on_batch(arrays(train["x"]), arrays(train["y"]))[0] for _ in range(2)]
    close(found, train["losses"])


def test_a_functional_model_with_code_of_its_own(release):
    folder, expected = release
    net, wanted = andiron.load_model(folder / "functional.safetensors"), expected["functional"]
    found = net.predict(arrays(wanted["x"]), verbose=0)
    for name in ("chance", "amount"):
        close(found[name], wanted["y"][name])


def test_networks_of_images_and_in_8_bits(release):
    folder, expected = release
    wanted = expected["convolution"]
    photos = arrays(wanted["x"])
    close(andiron.load_model(folder / "convolution.safetensors").predict(photos), wanted["y"])
    small = models.load(folder / "quantized.safetensors").predict(photos)
    np.testing.assert_allclose(small, wanted["quantized"], atol=0.02)


def test_weights(release):
    folder, expected = release
    net, wanted = Sequential([Input((4,)), layers.Dense(2)]), expected["weights"]
    net.load_weights(folder / "weights.safetensors")
    close(net.predict(arrays(wanted["x"]), verbose=0), wanted["y"])


def dropped_out() -> Sequential:
    return Sequential(
        [
            Input((4,)),
            layers.Dense(3, "tanh"),
            layers.Dropout(0.5, seed=7),
            layers.Dense(1),
        ]
    )


def test_a_training_is_resumed(release, tmp_path):
    folder, expected = release
    wanted = expected["checkpoints"]
    shutil.copytree(folder / "checkpoints", tmp_path / "run")
    net = Sequential(
        [Input((4,)), layers.Dense(3, "tanh"), layers.Dropout(0.5, seed=7), layers.Dense(1)]
    )
    net.compile(optimizers.Adam(0.02), losses.MeanSquaredError())
    history = net.fit(arrays(wanted["x"]), arrays(wanted["y"]), batch_size=8, epochs=3, verbose=0,
                      seed=3, checkpoint_dir=tmp_path / "run", resume=True).history  # fmt: skip
    close(history["loss"], wanted["losses"])


def test_linear_classifiers_and_vocabularies(release):
    folder, expected = release
    made, wanted = LinearClassifier.load(folder / "linear.safetensors"), expected["linear"]
    close(made.predict_proba(arrays(wanted["x"])), wanted["y"])
    assert made.classes_.tolist() == wanted["classes"] and made.class_weight == {"low": 2.0}
    ids = data.Vocabulary.load(folder / "vocabulary.json").ids(["rum", "gin", "tea"])
    assert ids.tolist() == expected["vocabulary"]["ids"]


def test_a_recommender(release):
    from andiron.apps.recommend.recommender import load

    folder, expected = release
    found = load(folder / "recommender").recommend("u1", k=3)
    assert [item for item, _ in found] == expected["recommender"]["items"]
    close([score for _, score in found], expected["recommender"]["scores"])


# What `andiron info` says.

KINDS = {
    "sequential.safetensors": ("model", r"Adam and MeanSquaredError; 6 steps"),
    "functional.safetensors": ("model", "gate"),
    "convolution.safetensors": ("model", "Conv2D"),
    "quantized.safetensors": ("quantized model", "quantized"),
    "checkpoints": ("folder of checkpoints", "step +6"),
    "linear.safetensors": ("LinearClassifier", "high, low"),
    "vocabulary.json": ("vocabulary", "entries +2"),
    "recommender": ("recommender", "users +6"),
}


@pytest.mark.parametrize("name", KINDS)
def test_info_tells_what_it_is(release, name):
    folder, _ = release
    kind, words = KINDS[name]
    said = CliRunner().invoke(main, ["info", str(folder / name)])
    assert said.exit_code == 0, said.output
    assert re.search(words, said.output), said.output
    as_json = json.loads(CliRunner().invoke(main, ["info", "--json", str(folder / name)]).output)
    assert as_json["kind"] == kind


def test_info_of_a_single_checkpoint(release):
    folder, _ = release
    [path] = (folder / "checkpoints").glob("*.safetensors")
    found = about(str(path))
    assert found["kind"] == "checkpoint" and found["step"] == 6 and found["optimizer"] == "Adam"


def test_info_of_other_peoples_files(tmp_path):
    from safetensors.numpy import save_file

    plain = tmp_path / "plain.safetensors"
    save_file({"a": np.zeros((2, 3), "f")}, plain)
    found = about(str(plain))
    assert found["kind"] == "safetensors" and "a F32 [2, 3]" in found["summary"]
    (tmp_path / "text").write_text("hello, world")
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "empty").mkdir()
    for name, words in (("text", "is no file of Andiron"), ("other.json", "does not write"),
                        ("empty", "neither checkpoints nor")):  # fmt: skip
        said = CliRunner().invoke(main, ["info", str(tmp_path / name)])
        assert said.exit_code == 1 and words in said.output, said.output


# Files of later versions.


def rewritten(path, target, key, change):
    """The file with another description under a key of its metadata."""
    tensors, metadata = _core.read_tensors(str(path))
    document = json.loads(metadata[key])
    change(document)
    metadata.pop("andiron.crc32c", None)  # the writer adds one
    _core.write_tensors(str(target), tensors, {**metadata, key: json.dumps(document)})
    return target


FILES = [
    ("sequential.safetensors", "andiron.model", andiron.load_model),
    ("quantized.safetensors", "andiron.quantized", models.load),
    ("linear.safetensors", "andiron.linear", LinearClassifier.load),
]


@pytest.mark.parametrize(("name", "key", "load"), FILES)
def test_fields_that_a_later_version_adds_do_not_matter(release, tmp_path, name, key, load):
    folder, _ = release

    def more(document):
        document["licence"] = "of a later version"
        document.setdefault("settings", {})["mood"] = "good"

    load(rewritten(folder / name, tmp_path / name, key, more))


@pytest.mark.parametrize(("name", "key", "load"), FILES)
def test_a_newer_format_is_refused_in_words(release, tmp_path, name, key, load):
    folder, _ = release
    path = rewritten(folder / name, tmp_path / name, key, lambda d: d.update(version=2))
    with pytest.raises((ValueError, OSError), match=r"version.* 2; this Andiron reads up to 1"):
        load(path)


def test_a_newer_recommender_is_refused_in_words(release, tmp_path):
    from andiron.apps.recommend.recommender import load

    folder, _ = release
    shutil.copytree(folder / "recommender", tmp_path / "r")
    path = tmp_path / "r" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(ValueError, match="format 99"):
        load(tmp_path / "r")
