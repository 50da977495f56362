"""ImageClassifier and `andiron style` on small generated photos and a tiny network."""

from __future__ import annotations

import json
import os
import pickle

import numpy as np
import pytest
from andiron.apps.homes import StyleClassifier
from andiron.apps.images import ImageClassifier, Photos, duplicates, evaluation, tuning
from andiron.apps.images.report import page, png
from andiron.cli import main
from click.testing import CliRunner

import andiron
from andiron import Input, Model, layers, models

COLOURS = {"blue": (40, 60, 200), "green": (50, 180, 60), "red": (200, 50, 40)}


def picture(colour, seed: int) -> bytes:
    r = np.random.default_rng(seed)
    blocks = r.integers(-60, 60, (6, 5, 1)).repeat(8, 0).repeat(8, 1)
    pixels = np.clip(np.array(colour) + blocks + r.integers(-9, 9, (48, 40, 3)), 0, 255)
    return b"P6 40 48 255\n" + pixels.astype(np.uint8).tobytes()


def network() -> Model:
    andiron.set_random_seed(3)
    x = Input((3, 16, 16))
    y = x * (1 / 255.0)
    y = layers.Conv2D(8, 3, strides=2, activation="relu")(y)
    return Model(x, layers.GlobalAveragePooling2D()(y))


def write_photos(folder, n: int = 12, classes=COLOURS, first: int = 0):
    for k, (name, colour) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            (folder / name / f"{i}_{name}.ppm").write_bytes(picture(colour, first + 100 * k + i))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


def classifier(tmp_path, **settings) -> ImageClassifier:
    settings = {"C": [0.1, 10.0, 1000.0], "cv": 3, **settings}
    return StyleClassifier(network(), cache=tmp_path / "cache", **settings)


def test_learns_from_folders_and_says_how_well(tmp_path, folder):
    made = classifier(tmp_path).fit(folder)
    assert made.classes_ == ["blue", "green", "red"]
    held_out = made.cross_validation_
    assert len(held_out) == 36 and held_out.accuracy > 0.9
    assert 0.2 < held_out.baselines["majority class"] < 0.4
    (row,) = made.predict(picture(COLOURS["red"], 999))
    assert row.classes == ("red",) and row.error is None
    assert sum(chance for _, chance in row.top) == pytest.approx(1.0, abs=1e-5)
    assert made.predict_proba([picture(COLOURS["red"], 999)]).shape == (1, 3)


def test_features_come_from_the_cache_by_content(tmp_path, folder, monkeypatch):
    classifier(tmp_path).fit(folder)
    again = classifier(tmp_path)
    asked = []
    real = again.extractor.compute
    monkeypatch.setattr(again.extractor, "compute", lambda s: asked.append(len(s)) or real(s))
    again.fit(folder)
    assert asked == [0]
    assert again.features(folder)[2] == 36
    other = StyleClassifier(Model(*_other()), cache=tmp_path / "cache")
    assert other.features(folder)[2] == 0  # another network has features of its own


def _other():
    x = Input((3, 16, 16))
    return x, layers.GlobalMaxPooling2D()(x)


def test_a_damaged_cache_is_passed_over(tmp_path, folder):
    made = classifier(tmp_path)
    before, _, _ = made.features(folder)
    for path in (tmp_path / "cache" / made.extractor.key).glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    after, _, there = made.features(folder)
    assert there == 0
    np.testing.assert_array_equal(before, after)


def test_new_classes_and_photos_are_added_as_if_learned_at_once(tmp_path, folder):
    two = {k: COLOURS[k] for k in ("blue", "green")}
    some = write_photos(tmp_path / "some", classes=two)
    made = classifier(tmp_path, C=1.0)
    made.fit(some)
    red = sorted((folder / "red").glob("*.ppm"))
    made.add(red, ["red"] * len(red))
    once = classifier(tmp_path, C=1.0).fit(folder)
    assert made.classes_ == once.classes_
    photos = [picture(c, 500 + i) for i, c in enumerate(COLOURS.values())]
    np.testing.assert_allclose(made.predict_proba(photos), once.predict_proba(photos), atol=5e-3)


def test_saved_and_loaded_predicts_the_same(tmp_path, folder):
    made = classifier(tmp_path).fit(folder)
    made.save(tmp_path / "model")
    loaded = StyleClassifier.load(tmp_path / "model", cache=tmp_path / "cache")
    photos = [picture(COLOURS["green"], 77)]
    np.testing.assert_allclose(made.predict_proba(photos), loaded.predict_proba(photos), atol=1e-6)
    assert loaded.predict(photos)[0].classes == ("green",)
    assert loaded.evaluate(folder, keep_duplicates=True).accuracy > 0.9
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []
    (tmp_path / "model").write_bytes((tmp_path / "model").read_bytes()[:500])
    with pytest.raises(andiron.Error, match="no classifier"):
        StyleClassifier.load(tmp_path / "model")


def test_bad_photos_are_counted_and_left_out(tmp_path, folder):
    photos = Photos.from_folder(folder)
    photos = Photos([*photos.sources, b"", b"<html>", str(tmp_path / "none.jpg")],
                    [*photos.labels, "red", "red", "blue"])  # fmt: skip
    made = classifier(tmp_path)
    with pytest.warns(UserWarning, match="3 photos could not be read"):
        made.fit(photos)
    assert len(made.bad_) == 3 and len(made.learned.names) == 36
    good, bad = made.predict([photos.sources[0], b"<html>"])
    assert good.error is None and bad.error and bad.classes == ()
    judged = made.evaluate([b"", picture(COLOURS["red"], 5000)], ["red", "red"])
    assert len(judged.bad) == 1 and len(judged) == 1


def test_duplicates_are_found_and_kept_together(tmp_path, folder):
    photos = Photos.from_folder(folder)
    twin = photos.read(0)
    pixels = np.frombuffer(twin[13:], np.uint8).astype(int)
    near = twin[:13] + np.clip(pixels + 2, 0, 255).astype(np.uint8).tobytes()
    sources, labels = [*photos.sources, twin, near], [*photos.labels, "blue", "red"]
    made = classifier(tmp_path).fit(sources, labels)
    assert {(a, b) for a, b, _ in made.duplicates_} == {
        (photos.name(0), "photo 36"), (photos.name(0), "photo 37"), ("photo 36", "photo 37"),
    }  # fmt: skip
    assert sorted(exact for _, _, exact in made.duplicates_) == [False, False, True]
    assert made.conflicts_  # blue and red
    fold = made.linear_.cv_["fold"]
    assert fold[0] == fold[36] == fold[37]
    judged = made.evaluate([near, picture(COLOURS["red"], 4000)], ["blue", "red"])
    assert len(judged) == 1 and len(judged.duplicates) == 1
    assert len(made.evaluate([near], ["blue"], keep_duplicates=True)) == 1


def test_several_classes_a_photo_with_thresholds_of_their_own(tmp_path, folder):
    photos = Photos.from_folder(folder)
    labels = [[y, "warm"] if y == "red" else [y] for y in photos.labels]
    made = classifier(tmp_path).fit(photos.sources, labels)
    assert made.multi_label_ and made.classes_ == ["blue", "green", "red", "warm"]
    assert set(made.predict(picture(COLOURS["red"], 999))[0].classes) == {"red", "warm"}
    assert made.cross_validation_.accuracy > 0.8
    made.save(tmp_path / "several")
    loaded = StyleClassifier.load(tmp_path / "several")
    np.testing.assert_allclose(loaded.thresholds_, made.thresholds_)
    assert loaded.predict(picture(COLOURS["blue"], 998))[0].classes == ("blue",)


def test_thresholds_maximise_f1():
    chances = np.array([[0.9], [0.4], [0.35], [0.3], [0.1]])
    truth = np.array([[1], [1], [0], [1], [0]])
    (t,) = evaluation.thresholds(chances, truth)
    assert 0.1 < t < 0.3  # F1 6/7 with four, 4/5 with two


def test_figures_by_hand():
    truth = np.eye(2)[[0, 0, 0, 1]]
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    chosen = chances > 0.5
    e = evaluation.Evaluation(["a", "b"], truth, chances, chosen, False, list("wxyz"))
    assert e.accuracy == 0.75 and e.confusion.tolist() == [[2, 1], [0, 1]]
    a, b = e.by_class()
    assert a["precision"] == 1.0 and a["recall"] == pytest.approx(2 / 3)
    assert b["precision"] == 0.5 and b["recall"] == 1.0
    assert e.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.3, 0.6]).mean())
    assert [m["photo"] for m in e.mistakes()] == ["y"]
    assert e.calibration_error == pytest.approx((0.1 + 0.2 + 0.7 + 0.4) / 4)


def test_neighbours_are_scikit_learns():
    neighbors = pytest.importorskip("sklearn.neighbors")
    r = np.random.default_rng(0)
    x, y = r.normal(size=(60, 4)).astype("float32"), r.integers(0, 3, 60)
    z = r.normal(size=(40, 4)).astype("float32")
    ours = evaluation.nearest(x, np.eye(3)[y], z, k=1).argmax(1)
    theirs = neighbors.KNeighborsClassifier(1).fit(x, y).predict(z)
    assert (ours == theirs).all()


def test_the_page_stands_alone(tmp_path, folder):
    made = classifier(tmp_path).fit(folder)
    wrong = made.evaluate([picture(COLOURS["red"], 3000)], ["blue"])
    path = wrong.report(tmp_path / "new" / "report.html")
    text = path.read_text()
    assert "Confusion" in text and "Worst mistakes" in text and "data:image/png;base64" in text
    assert not any(word in text for word in ('src="http', 'href="http', "<script", "<link"))
    assert "majority class" in page(made.cross_validation_)
    pixels = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    np.testing.assert_array_equal(andiron.images.decode(png(pixels)), pixels)


def test_recommends_by_the_rarest_class():
    assert tuning.recommendation([5, 500]).stages == ("head",)
    assert tuning.recommendation([150, 500]).stages == ("head", "upper blocks")


def test_fine_tuning_keeps_what_is_better(tmp_path, folder, monkeypatch):
    made = classifier(tmp_path, C=1.0).fit(folder)
    few = made.fine_tune(folder)
    assert not few["kept"] and few["before"] is None
    assert "not fine-tuned: 8 of 36 photos would be held out" in few["verdict"]
    monkeypatch.setattr(tuning, "JUDGED_BY", 8)
    found = made.fine_tune(folder, epochs=1, part=1.0)
    assert found["kept"] == (found["after"] < found["before"])
    assert ("kept" in found["verdict"]) == found["kept"]
    assert made.predict(picture(COLOURS["red"], 999))[0].classes == ("red",)


def test_the_network_goes_into_8_bits_and_into_the_file(tmp_path, folder):
    made = classifier(tmp_path)
    made.fit(folder)
    exact = made.learned.features
    found = made.quantize(folder, limit=20)
    assert found["calibrated"] == 20 and found["before"] > 0.9 and found["after"] > 0.9
    assert made.extractor.in_bytes and "in 8 bits, calibrated on 20 photos" in found["verdict"]
    small = made.learned.features
    assert 0 < np.abs(small - exact).max() < 0.02 * np.abs(exact).max()
    made.save(tmp_path / "model")
    photos = [picture(c, 700 + i) for i, c in enumerate(COLOURS.values())]
    chances = made.predict_proba(photos)
    loaded = StyleClassifier.load(tmp_path / "model", cache=tmp_path / "cache")
    assert loaded.extractor.in_bytes and loaded.extractor.key == made.extractor.key
    np.testing.assert_array_equal(loaded.predict_proba(photos), chances)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).predict_proba(photos), chances)
    loaded.add(photos, list(COLOURS))
    assert len(loaded.learned.names) == 39
    with pytest.raises(andiron.Error, match="in 8 bits already"):
        loaded.quantize(folder)
    with pytest.raises(andiron.Error, match="fine-tune, then quantize"):
        loaded.fine_tune(folder)


def test_calibration_passes_bad_photos_over(tmp_path, folder):
    made = classifier(tmp_path, C=1.0).fit(folder)
    photos = Photos.from_folder(folder)
    some = Photos([*photos.sources, b"<html>"], [*photos.labels, "red"])
    with pytest.warns(UserWarning, match="1 photos could not be read"):
        assert made.quantize(some)["calibrated"] == 36
    other = classifier(tmp_path, C=1.0).fit(folder)
    with pytest.raises(andiron.Error, match="no photo that can be read"):
        other.quantize([b"<html>", b""], ["red", "blue"])
    with pytest.raises(andiron.Error, match="got limit=0"):
        other.quantize(folder, limit=0)
    assert not other.extractor.in_bytes


def test_groups_come_from_names(folder):
    photos = Photos.from_folder(folder, group="^([0-9]+)_")
    assert photos.groups[:3] == ["0", "10", "11"]
    with pytest.raises(andiron.Error, match="matches nothing"):
        Photos.from_folder(folder, group="house")


def test_duplicates_within_blocks_and_across():
    r = np.random.default_rng(0)
    small = r.integers(0, 255, (5, 768)).astype(np.uint8)
    features = r.normal(size=(5, 8)).astype(np.float32)
    small[4], features[4] = small[1], features[1]
    hashes = np.arange(80, dtype=np.uint8).reshape(5, 16)
    assert [p[:3] for p in duplicates.find(hashes, small, features)] == [(1, 4, False)]
    others = (hashes[:2], small[:2], features[:2])
    found = duplicates.find(hashes[3:], small[3:], features[3:], others)
    assert [p[:3] for p in found] == [(1, 1, False)]


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """EfficientNetLite0 by name is the tiny network, with weights in a file."""
    monkeypatch.setenv("ANDIRON_CACHE", str(tmp_path / "cache"))
    network().save(tmp_path / "weights")

    def build(weights=None, include_top=True, pooling=None, **options):
        made = network()
        made.load_weights(weights)
        return made

    monkeypatch.setattr(models, "EfficientNetLite0", build)
    return str(tmp_path / "weights")


def run(*arguments):
    return CliRunner().invoke(main, ["style", *map(str, arguments)])


def test_the_command(tiny, folder, tmp_path):
    out, report = tmp_path / "model", tmp_path / "report.html"
    found = run("train", "--photos", folder, "--out", out, "--weights", tiny, "--group", "^[0-9]+",
                "--report", report, "--folds", 3)  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "36 photos, 3 classes" in found.output and "train the head only" in found.output
    assert "data:" in report.read_text() or "None." in report.read_text()
    photo, bad = tmp_path / "new.ppm", tmp_path / "bad.jpg"
    photo.write_bytes(picture(COLOURS["green"], 4321))
    bad.write_bytes(b"nothing")
    found = run("predict", out, photo, bad)
    assert found.exit_code == 1 and f"{photo}: green" in found.output
    assert "1 of 2 photos could not be read" in found.output
    assert run("predict", out, bad).exit_code == 1
    rows = json.loads(run("predict", out, photo, "--json").output)
    assert rows[0]["classes"] == ["green"]
    test = write_photos(tmp_path / "test", 3, first=7000)
    found = run("evaluate", out, "--photos", test, "--json")
    assert json.loads(found.output)["accuracy"] > 0.8
    more = write_photos(tmp_path / "more", 6, {"white": (230, 230, 230)}, first=9000)
    found = run("add", out, "--photos", more)
    assert found.exit_code == 0 and "new: white" in found.output
    assert run("evaluate", out, "--photos", tmp_path / "cache").exit_code == 1
    os.unlink(tiny)
    assert run("predict", out, photo).exit_code == 1


def test_an_interrupted_run_keeps_what_it_has_computed(tmp_path, folder, monkeypatch):
    from andiron.apps.images import features

    monkeypatch.setattr(features, "_A_FILE", 10)
    made = classifier(tmp_path)
    real, calls = made.extractor.compute, []

    def compute(sources):
        calls.append(len(sources))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(sources)

    monkeypatch.setattr(made.extractor, "compute", compute)
    with pytest.raises(KeyboardInterrupt):
        made.features(folder)
    found, _, there = made.features(folder)
    assert there == 20 and calls == [10, 10, 10, 10, 6]
    np.testing.assert_allclose(found, real(Photos.from_folder(folder).sources)[0], atol=1e-5)


def test_the_command_in_8_bits_needs_no_weights_where_it_is_used(tiny, folder, tmp_path):
    out, photo = tmp_path / "model", tmp_path / "new.ppm"
    photo.write_bytes(picture(COLOURS["green"], 4321))
    found = run(
        "train", "--photos", folder, "--out", out, "--weights", tiny, "--folds", 3, "--int8"
    )
    assert found.exit_code == 0, found.output
    assert "in 8 bits, calibrated on 36 photos; accuracy in cross-validation" in found.output
    os.unlink(tiny)
    found = run("predict", out, photo)
    assert found.exit_code == 0 and f"{photo}: green" in found.output


def test_nothing_left_to_judge_by_says_what_was_left_out(tiny, folder, tmp_path):
    made = classifier(tmp_path, C=1.0).fit(folder)
    with pytest.raises(andiron.Error, match=r"1 cannot be read.*2 are of classes .*\(pink; it"):
        made.evaluate([b"", picture((9, 9, 9), 1), picture((9, 9, 9), 2)], ["red", "pink", "pink"])
    with pytest.raises(andiron.Error, match="there are no photos"):
        made.evaluate([], [])
    out = tmp_path / "model"
    assert run("train", "--photos", folder, "--out", out, "--weights", tiny).exit_code == 0
    found = run("evaluate", out, "--photos", folder, "--json")
    assert found.exit_code == 1 and "36 are in the training set, too" in found.output
    assert "NaN" not in found.output


def table(path, rows):
    path.write_text("photo,classes\n" + "".join(f"{photo},{cell}\n" for photo, cell in rows))
    return path


def test_a_table_of_one_class_each_trains_one_class_a_photo(tiny, folder, tmp_path):
    photos = Photos.from_folder(folder)
    rows = list(zip(photos.sources, photos.labels, strict=True))
    one = table(tmp_path / "one.csv", rows)
    assert not Photos.of(one).multi_label and Photos.from_table(one, several=True).multi_label
    out = tmp_path / "model"
    words = ("train", "--out", out, "--weights", tiny, "--folds", 3, "--photos")
    found = run(*words, one)
    assert found.exit_code == 0 and "3 classes, one class a photo" in found.output
    assert "have no class" not in found.output
    found = run(*words, one, "--several")
    assert found.exit_code == 0 and "3 classes, several classes a photo" in found.output
    more = table(tmp_path / "more.csv", [(folder / "red" / "0_red.ppm", " red ")])
    assert run("add", out, "--photos", more).exit_code == 0  # one class is a list of one
    made = StyleClassifier.load(out)
    made.quantize(one)
    assert made.multi_label_
    found = run(*words, one, "--several", "--fine-tune")
    assert found.exit_code == 1 and "one class each" in found.output
    empty = table(tmp_path / "empty.csv", [*rows[1:], (rows[0][0], " ")])
    found = run(*words, empty)
    assert found.exit_code == 0 and "several classes a photo" in found.output
    assert "1 of 36 photos have no class (an empty cell)" in found.output
    with pytest.raises(andiron.Error, match=r"one class is wanted; it has none"):
        Photos.from_table(empty, several=False)


def test_lists_of_classes_do_not_go_into_a_classifier_of_one_each(tmp_path, folder):
    made = classifier(tmp_path, C=1.0).fit(folder)
    for use in (made.add, made.evaluate):
        with pytest.raises(andiron.Error, match="one class each; these have lists"):
            use([picture(COLOURS["red"], 1)], [["red", "warm"]])
    assert len(made.evaluate([picture(COLOURS["red"], 1234)], [["red"]])) == 1
    assert len(made.add([picture(COLOURS["red"], 1234)], [("red",)]).learned.names) == 37


def test_photos_that_were_learned_are_not_learned_again(tiny, folder, tmp_path):
    out = tmp_path / "model"
    assert run("train", "--photos", folder, "--out", out, "--weights", tiny).exit_code == 0
    found = run("add", out, "--photos", folder)
    assert found.exit_code == 0 and "36 photos, 3 classes" in found.output
    assert "36 photos were learned already, with the same class: left out" in found.output
    more = tmp_path / "more" / "green"
    more.mkdir(parents=True)
    (more / "again.ppm").write_bytes((folder / "green" / "0_green.ppm").read_bytes())
    (more / "new.ppm").write_bytes(picture(COLOURS["green"], 8888))
    (more / "other.ppm").write_bytes((folder / "red" / "0_red.ppm").read_bytes())
    (more / "bad.jpg").write_bytes(b"<html>")
    found = run("add", out, "--photos", more.parent)
    assert found.exit_code == 0, found.output
    assert "38 photos, 3 classes" in found.output and "1 photos were learned" in found.output
    assert f"the same photo in two classes: {folder / 'red' / '0_red.ppm'}, " in found.output
    assert "1 photos could not be read" in found.output and "bad.jpg" in found.output


def test_photos_none_of_which_can_be_read_say_why(tmp_path, folder):
    made = classifier(tmp_path, C=1.0)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"<html>")
    with (
        pytest.warns(UserWarning, match="4 photos"),
        pytest.raises(andiron.Error, match=r"0 photos are too few.*4 could not.*bad.jpg.*1 more"),
    ):
        made.fit([bad] * 4, ["red", "blue"] * 2)
    made.fit(folder)
    with pytest.raises(andiron.Error, match=r"nothing to learn: 1 could not be read \(.*bad.jpg"):
        made.add([bad], ["pink"])
    assert made.classes_ == ["blue", "green", "red"] and len(made.learned.names) == 36


def test_a_class_none_of_whose_photos_can_be_read_is_left_out(tmp_path, folder):
    photos = Photos.from_folder(folder)
    made = classifier(tmp_path, C=1.0)
    bad = Photos([*photos.sources, b"", b"<html>"], [*photos.labels, "pink", "pink"])
    with pytest.warns(UserWarning, match="no photo of pink can be read"):
        made.fit(bad)
    assert made.classes_ == ["blue", "green", "red"]
    assert made.predict(picture(COLOURS["red"], 999))[0].classes == ("red",)
    with pytest.warns(UserWarning, match="no photo of pink can be read"):
        made.add([b"", picture(COLOURS["red"], 998)], ["pink", "red"])
    assert made.classes_ == ["blue", "green", "red"]
    several = Photos(bad.sources, [[y] for y in bad.labels])
    with pytest.warns(UserWarning, match="no photo of pink can be read"):
        assert classifier(tmp_path).fit(several).classes_ == ["blue", "green", "red"]


def test_folders_without_photos_are_named(tiny, tmp_path):
    photos = write_photos(tmp_path / "photos")
    (photos / "pink").mkdir()
    with pytest.warns(UserWarning, match="folders without photos, which are no classes: pink"):
        Photos.from_folder(photos)
    found = run("train", "--photos", photos, "--out", tmp_path / "m", "--weights", tiny)
    assert found.exit_code == 0 and found.output.count("no classes: pink") == 1


def test_a_folder_is_predicted_photo_by_photo(tiny, folder, tmp_path):
    out = tmp_path / "model"
    assert run("train", "--photos", folder, "--out", out, "--weights", tiny).exit_code == 0
    found = run("predict", out, folder / "red", folder / "blue" / "0_blue.ppm", "--json")
    rows = json.loads(found.output)
    assert found.exit_code == 0 and [r["classes"] for r in rows] == [["red"]] * 12 + [["blue"]]
    made = StyleClassifier.load(out)
    assert len(made.predict(folder)) == 36 and made.predict_proba(folder / "red").shape == (12, 3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(andiron.Error, match="no photo in"):
        made.predict(tmp_path / "empty")


def test_a_name_that_cannot_be_written_is_refused_before_the_work(tiny, folder, tmp_path):
    words = ("train", "--photos", folder, "--weights", tiny)
    for name, why in ((tmp_path, "is a folder"), (f"{tiny}/x", "is a file"), ("x.onnx", "foreign")):
        found = run(*words, "--out", name)
        assert found.exit_code == 1 and not (tmp_path / "cache").exists(), found.output
        assert ("under the name of another format" if why == "foreign" else why) in found.output
    found = run(*words, "--out", tmp_path / "m", "--report", tmp_path)
    assert found.exit_code == 1 and "is a folder" in found.output
    out = tmp_path / "new" / "folder" / "model"
    assert run(*words, "--out", out).exit_code == 0 and out.exists()
    with pytest.raises(andiron.Error, match="another format"):
        StyleClassifier.load(out).save(tmp_path / "model.onnx")


def test_files_of_classifiers_and_of_models_are_told_apart(tmp_path, folder):
    style, model = tmp_path / "styles", tmp_path / "model"
    classifier(tmp_path, C=1.0).fit(folder).save(style)
    network().save(model)
    for load in (models.load_model, models.load):
        with pytest.raises(andiron.Error, match=r"the file of a StyleClassifier.*style predict"):
            load(style)
    quantize = ["quantize", str(style), "--images", str(folder), "--out", str(tmp_path / "8")]
    for words in (["predict", str(style), str(folder / "red" / "0_red.ppm")], quantize):
        found = CliRunner().invoke(main, words)
        assert found.exit_code == 1 and "StyleClassifier.load reads it" in found.output, words
    with pytest.raises(andiron.Error, match=r"is a model, not a classifier .*models.load reads"):
        StyleClassifier.load(model)
