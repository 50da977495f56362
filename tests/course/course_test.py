"""The course on CIFAR-10: what it reads, its distances and losses, and that its lessons run."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from andiron.apps.course import data, lessons, neighbours, networks, pictures, report, training
from andiron.apps.course.__main__ import LESSONS, main
from click.testing import CliRunner

import andiron

ROOT = Path(__file__).resolve().parents[2]


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images whose class is their brightness: uint8 [n, 3, 32, 32] and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    x = rng.integers(0, 30, (n, 3, 32, 32)) + 20 * labels.reshape(-1, 1, 1, 1)
    return x.astype(np.uint8), labels.astype(np.int64)


def binary(x: np.ndarray, y: np.ndarray) -> bytes:
    return np.concatenate([y.astype(np.uint8)[:, None], x.reshape(len(x), -1)], 1).tobytes()


def test_reads_the_binary_version_packed_or_not(tmp_path):
    x, y = rows(40)
    (tmp_path / "a").mkdir()
    for i in range(3):
        part = slice(10 * i, 10 * i + 10)
        (tmp_path / "a" / f"data_batch_{i}.bin").write_bytes(binary(x[part], y[part]))
    (tmp_path / "a" / "test_batch.bin").write_bytes(binary(x[30:], y[30:]))
    (tmp_path / "b").mkdir()
    with tarfile.open(tmp_path / "b" / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a", "cifar-10-batches-bin")
    for folder in ("a", "b"):
        found = data.read(tmp_path / folder)
        np.testing.assert_array_equal(found.x_train, x[:30])
        np.testing.assert_array_equal(found.y_test, y[30:])
        assert found.source == "binary version"


def test_reads_images_in_folders_packed_or_not(tmp_path):
    x, y = rows(20)
    (tmp_path / "images").mkdir()
    with tarfile.open(tmp_path / "images" / "all.tar.gz", "w:gz") as archive:
        for i in range(20):
            content = pictures.png(np.moveaxis(x[i], 0, -1))
            member = tarfile.TarInfo(
                f"{'train' if i < 10 else 'test'}/{data.NAMES[y[i]]}/{i:04}.png"
            )
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    found = data.read(tmp_path / "images")
    order = np.argsort(found.y_train)
    np.testing.assert_array_equal(found.x_train[order], x[:10])
    assert found.x_test.shape == (10, 3, 32, 32)


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("data_batch_1.bin", b"12345", "rows of 3073"),
        ("data_batch_1.bin", b"\x0b" * data.ROW, "label 11"),
        ("readme.txt", b"", "neither"),
    ],
)
def test_other_files_are_named(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(andiron.Error, match=words):
        data.read(tmp_path)
    with pytest.raises(andiron.Error, match="no folder"):
        data.read(tmp_path / "nowhere")


def test_numbers_have_mean_0_and_deviation_1():
    x, y = rows(60)
    train, validation, test = data.normalised(data.Cifar10(x[:50], y[:50], x[50:], y[50:], ""), 10)
    np.testing.assert_allclose(train.x.mean((0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(train.x.std((0, 2, 3)), 1, atol=1e-4)
    assert len(train.x) == 40 and len(validation.y) == 10 and len(test.x) == 10
    part = data.subset(data.Cifar10(x, y, x, y, ""), 20, 10)
    np.testing.assert_array_equal(np.bincount(part.y_train), np.full(10, 2))
    turned = data.flipped(train.x, [1, 2])
    same = (turned == train.x).all((1, 2, 3))
    np.testing.assert_array_equal(turned[~same], train.x[~same][..., ::-1])
    assert 5 < same.sum() < 35


def test_distances_and_votes_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.neighbors")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (300, 48)).astype("float32")
    y, queries = rng.integers(0, 10, 300), rng.integers(0, 256, (20, 48)).astype("float32")
    for name, metric in (("L1", "manhattan"), ("L2", "sqeuclidean")):
        near = sklearn.NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(x)
        expected, places = near.kneighbors(queries)
        ours = neighbours.DISTANCES[name](queries, x)
        np.testing.assert_allclose(np.sort(ours, 1)[:, :7], expected, rtol=1e-4)
        np.testing.assert_array_equal(neighbours.votes(ours, y, 1), y[places[:, 0]])
    # Three votes against two; among equals the nearest.
    distances = np.array([[1.0, 2, 3, 4, 5, 9]])
    assert neighbours.votes(distances, np.array([2, 7, 7, 2, 7, 1]), 5).tolist() == [7]
    assert neighbours.votes(distances, np.array([2, 7, 7, 2, 7, 1]), 4).tolist() == [2]


def test_the_svms_loss_is_the_formula():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(6, 10)).astype("float32"), rng.integers(0, 10, 6)
    right = scores[np.arange(6), labels][:, None]
    margins = np.maximum(0, scores - right + 1)
    margins[np.arange(6), labels] = 0
    model = andiron.Sequential([andiron.Input((10,)), andiron.layers.Activation("linear")])
    model.compile("sgd", networks.MulticlassHinge())
    found = model.evaluate(scores, np.eye(10, dtype="float32")[labels], verbose=0)
    assert found == pytest.approx(margins.sum(1).mean(), rel=1e-5)


def test_networks_have_their_sizes():
    def trained(model) -> int:
        return sum(int(np.prod(v.shape)) for v in model.trainable_variables)

    assert trained(networks.vgg_small()) == 814_570
    assert trained(networks.resnet20()) == 272_474
    assert trained(networks.linear()) == 30_730


TINY = lessons.Sizes(100, 20, 20, 80, 10, 2, 2, 1, 1, 1, 20)


def test_lessons_that_are_quick_learn_what_is_easy(tmp_path):
    x, y = rows(200)
    cifar = data.Cifar10(x[:150], y[:150], x[150:], y[150:], "made up")
    course = lessons.Course(cifar, TINY, say=lambda line: None)
    found = {
        "nearest": course.nearest(),
        "search_or_slope": course.search_or_slope(),
        "softmax": course.linear(hinge=False),
    }
    assert found["nearest"]["test"] == 1.0
    loss = found["search_or_slope"]["following the slope"]["loss"]
    assert loss[-1] < loss[0] and len(loss) == 20
    page = report.write(found, tmp_path, "made up")
    assert "k nearest neighbours" in page.read_text()
    assert (tmp_path / "templates_softmax.png").read_bytes()[:4] == b"\x89PNG"
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["softmax"]["tried"]) == 9
    doc = tmp_path / "doc.md"
    doc.write_text("a\n<!-- course -->\nold\n<!-- /course -->\nb\n")
    report.write_between(doc, "course", report.markdown(found, "made up"))
    assert "old" not in doc.read_text() and doc.read_text().endswith("<!-- /course -->\nb\n")
    with pytest.raises(ValueError, match="has no"):
        report.write_between(doc, "other", "")


def test_first_test_images_are_of_all_classes_where_files_come_class_by_class():
    x, y = rows(200)
    sizes = TINY._replace(train=150, test=50)
    order = np.argsort(y[150:], kind="stable")
    cifar = data.Cifar10(x[:150], y[:150], x[150:][order], y[150:][order], "made up")
    for test in (20, 50):
        course = lessons.Course(cifar, sizes._replace(test=test), say=lambda line: None)
        assert len(set(course.test.y[: sizes.queries])) > 4
        brightness = (course.data.x_test.mean((1, 2, 3)) - 14.5) / 20
        np.testing.assert_array_equal(brightness.round(), course.test.y)


def test_a_rate_that_is_too_large_ends_in_a_curve_and_otherwise_in_an_error():
    x, y = rows(1000)
    train, validation, _ = data.normalised(data.Cifar10(x, y, x[:50], y[:50], "made up"), 50)

    def run(stop):
        rate = andiron.optimizers.SGD(1e20)
        net = networks.fully_connected(16)
        return training.train(net, rate, train, validation, epochs=3, stop=stop)

    found = run(lambda loss: not np.isfinite(loss))
    assert len(found.loss) == 1 and not np.isfinite(found.loss[0])
    with pytest.raises(andiron.Error, match="learning rate that is too large"):
        run(None)


def test_losses_without_bounds_are_left_out_of_the_picture_and_named():
    found = report.with_a_scale({0.01: [2.0, 1.5], 0.1: [3.0, 1.3e15], 1.0: [float("inf")]})
    assert found == {"0.01": [2.0, 1.5], "0.1: beyond 1,000": [3.0], "1.0: beyond 1,000": []}
    assert report.with_a_scale({1.0: [float("nan")]}) == {"1.0: beyond 1,000": []}
    drawn = report.images({"learning_rates": {0.01: [2.0, 1.5], 1.0: [float("inf")]}})
    assert drawn["rates"][:4] == b"\x89PNG"


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone():
    first = training.epoch_order(50, 1, 2)
    np.testing.assert_array_equal(first, training.epoch_order(50, 1, 2))
    assert sorted(first) == list(range(50))
    assert (first != training.epoch_order(50, 1, 3)).any()


def maker():
    spec = importlib.util.spec_from_file_location("maker", ROOT / "scripts" / "make_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebook_is_its_script():
    stored = json.loads((ROOT / "notebooks" / "cifar10.ipynb").read_text())
    cells = maker().cells((ROOT / "notebooks" / "cifar10.py").read_text())
    assert [c["source"] for c in stored["cells"]] == [c["source"] for c in cells]


def cifar_folder() -> str:
    folder = os.environ.get("ANDIRON_TEST_DATA", "")
    if not folder or not Path(folder, "cifar10_subset").is_dir():
        pytest.skip("needs ANDIRON_TEST_DATA with cifar10_subset")
    return str(Path(folder, "cifar10_subset"))


@pytest.mark.slow
def test_the_notebook_runs_on_cifar_10(monkeypatch):
    monkeypatch.setenv("ANDIRON_CIFAR10", cifar_folder())
    monkeypatch.setenv("ANDIRON_QUICK", "1")
    stored = json.loads((ROOT / "notebooks" / "cifar10.ipynb").read_text())
    namespace: dict = {"__name__": "__main__"}
    maker().execute(stored["cells"], namespace)
    found = namespace["found"]
    slope = found["search_or_slope"]["following the slope"]["test"]
    assert slope > found["search_or_slope"]["random search"]["test"]
    assert found["nearest"]["test"] > 0.2 and found["softmax"]["test"] > 0.2
    assert found["fully connected"]["test"] > 0.25


@pytest.mark.slow
def test_the_program_writes_its_report(tmp_path):
    out = CliRunner().invoke(
        main,
        ["--data", cifar_folder(), "--out", str(tmp_path), "--quick", "--only", "VGG-small"],
    )
    assert out.exit_code == 0, out.output
    assert "VGG-small" in out.output and list(LESSONS)
    assert "data:image/png;base64" in (tmp_path / "report.html").read_text()
