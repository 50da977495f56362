"""Images from folders, paths, tables and arrays of bytes, into fit, evaluate and predict."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from images_testing import encoded, picture

import andiron
from andiron import images, layers

KINDS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


@pytest.fixture
def folder(tmp_path):
    """Three classes in folders whose names are not in the order of their making."""
    for c, name in enumerate(["wasp", "ant", "bee"]):
        inner = tmp_path / name / "deeper" if name == "bee" else tmp_path / name
        inner.mkdir(parents=True)
        for i in range(7):
            suffix = list(KINDS)[i % 3]
            data = encoded(picture(40 + i, 30, seed=10 * c + i), KINDS[suffix])
            (inner / f"{i}.{suffix}").write_bytes(data)
    (tmp_path / "ant" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def test_folders_become_classes(folder):
    data = andiron.image_dataset_from_directory(folder, image_size=(8, 10), shuffle=False,
                                                batch_size=4)  # fmt: skip
    assert data.class_names == ["ant", "bee", "wasp"]
    assert data.n_samples == 21 and len(data) == 6
    assert [p.split("/")[-1] for p in data.file_paths[:3]] == ["0.jpg", "1.png", "2.webp"]
    batches = list(data)
    assert [len(x) for x, _ in batches] == [4, 4, 4, 4, 4, 1]
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert x.shape == (21, 3, 8, 10) and x.dtype == np.float32 and y.dtype == np.int32
    np.testing.assert_array_equal(y, np.repeat([0, 1, 2], 7))
    one_by_one = images.Pipeline([images.Resize((8, 10))])(data.file_paths)
    np.testing.assert_array_equal(x, one_by_one)


def test_label_modes_and_class_names(folder):
    def first(**options):
        data = andiron.image_dataset_from_directory(
            folder, image_size=(4, 4), shuffle=False, batch_size=21, **options
        )
        return data, next(iter(data))

    data, (_, y) = first(label_mode="categorical", class_names=["wasp", "ant", "bee"])
    assert data.class_names == ["wasp", "ant", "bee"]
    np.testing.assert_array_equal(y, np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], 7)])
    assert first(label_mode=None)[1].shape == (21, 3, 4, 4)
    assert first(labels=None)[1].shape == (21, 3, 4, 4)
    assert first(labels=list(range(21)))[1][1].tolist() == list(range(21))
    assert first(data_format="channels_last", color_mode="grayscale")[1][0].shape == (21, 4, 4, 1)
    with pytest.raises(andiron.Error, match="for 2 classes; got 3"):
        first(label_mode="binary")
    with pytest.raises(andiron.Error, match="class_names must name folders"):
        first(class_names=["wasp", "hornet"])
    with pytest.raises(andiron.Error, match="20 labels were given for 21"):
        first(labels=[0] * 20)
    with pytest.raises(andiron.Error, match="categorical"):
        first(mixup=0.2)
    with pytest.raises(andiron.Error, match='errors is "raise" or "skip"'):
        first(errors="null")


def test_binary_labels(folder):
    data = andiron.image_dataset_from_directory(
        folder, label_mode="binary", class_names=["bee", "ant"], image_size=(4, 4), shuffle=False
    )
    _, y = next(iter(data))
    assert y.shape == (14, 1) and y.dtype == np.float32 and y.ravel().tolist() == [0] * 7 + [1] * 7


def test_the_split_is_by_seed_and_complete(folder):
    def parts(seed):
        train, held_out = andiron.image_dataset_from_directory(
            folder, validation_split=0.3, subset="both", seed=seed, image_size=(4, 4)
        )
        return train.file_paths, held_out.file_paths

    train, held_out = parts(1)
    assert len(train) == 15 and len(held_out) == 6
    assert len(set(train) | set(held_out)) == 21
    assert parts(1) == (train, held_out) and parts(2)[1] != held_out
    for subset, wanted in (("training", train), ("validation", held_out)):
        data = andiron.image_dataset_from_directory(
            folder, validation_split=0.3, subset=subset, seed=1, image_size=(4, 4)
        )
        assert data.file_paths == wanted
    with pytest.raises(andiron.Error, match="needs a seed"):
        andiron.image_dataset_from_directory(folder, validation_split=0.3, subset="both")


def network(classes=3):
    return andiron.Sequential([layers.Flatten(), layers.Dense(classes, activation="softmax")])


def test_fit_evaluate_and_predict(folder):
    andiron.set_random_seed(3)
    train, held_out = andiron.image_dataset_from_directory(
        folder, validation_split=0.3, subset="both", seed=1, batch_size=5,
        steps=[images.RandomResizedCrop(8, scale=(0.7, 1)), images.RandomHorizontalFlip(),
               images.ToTensor()],
        validation_steps=[images.Resize(9), images.CenterCrop(8), images.ToTensor()],
    )  # fmt: skip
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=held_out, epochs=3, verbose=0).history
    assert len(history["val_accuracy"]) == 3 and np.isfinite(history["loss"]).all()
    # The same figures from arrays.
    x = held_out.pipeline(held_out.file_paths)
    of_files = model.evaluate(held_out)
    np.testing.assert_allclose(of_files, model.evaluate(x, held_out.labels), rtol=1e-5)
    np.testing.assert_allclose(model.predict(held_out), model.predict(x), rtol=1e-5)
    assert len(model.predict(train)) == 15


def test_training_resumes_with_the_same_bits(folder, tmp_path_factory):
    def fitted(epochs, **more):
        andiron.set_random_seed(3)
        data = andiron.image_dataset_from_directory(
            folder, seed=2, batch_size=4, label_mode="categorical", mixup=0.3, cutmix=0.3,
            steps=[images.RandomResizedCrop(8), images.RandAugment(), images.ToTensor()],
        )  # fmt: skip
        model = andiron.Sequential(
            [andiron.Input((3, 8, 8)), layers.Flatten(), layers.Dense(3, activation="softmax")]
        )
        model.compile("adam", "categorical_crossentropy")
        model.fit(data, epochs=epochs, verbose=0, **more)
        return model.get_weights()

    whole = fitted(3)
    where = tmp_path_factory.mktemp("checkpoints")
    fitted(1, checkpoint_dir=where)
    resumed = fitted(3, checkpoint_dir=where, resume=True)
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_images_are_skipped_counted_and_named(folder):
    (folder / "ant" / "3.jpg").write_bytes(b"<html>not found</html>")
    (folder / "wasp" / "0.jpg").write_bytes((folder / "wasp" / "0.jpg").read_bytes()[:400])
    (folder / "wasp" / "1.png").write_bytes(b"")
    options = {"image_size": (8, 8), "seed": 0, "batch_size": 4}
    raising = andiron.image_dataset_from_directory(folder, **options)
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(andiron.Error, match=r"'.*/(ant|wasp)/"):
        model.fit(raising, verbose=0)
    skipping = andiron.image_dataset_from_directory(folder, errors="skip", **options)
    with pytest.warns(UserWarning, match="3 of 21 images could not be read") as caught:
        model.fit(skipping, epochs=2, verbose=0)
    text = str(caught[0].message)
    assert "ant/3.jpg': 22 bytes are a text" in text and "wasp/1.png': the image has 0" in text
    assert skipping.n_bad == 3 and len(skipping.bad_messages) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(skipping, verbose=0)  # they were named


def test_load_tells_bad_images_apart(folder):
    good = encoded(picture(), "PNG")
    steps = images.Pipeline([images.Resize((4, 4))])
    given = [good, b"", good, None, good[:50]]
    found = steps.load(given)
    assert found.images.shape == (5, 3, 4, 4) and found.rows.tolist() == [0, 1, 2, 3, 4]
    assert [row for row, _ in found.errors] == [1, 3, 4]
    assert not found.images[[1, 3, 4]].any()
    assert "is null" in found.errors[1][1] and "truncated" in found.errors[2][1]
    skipped = steps.load(given, "skip")
    assert skipped.rows.tolist() == [0, 2]
    np.testing.assert_array_equal(skipped.images, found.images[[0, 2]])
    with pytest.raises(andiron.Error, match=r"'row 1': the image has 0 bytes \(and 2 more\)"):
        steps.load(given, "raise")
    with pytest.raises(andiron.Error, match="No such file"):
        images.Pipeline([images.Resize((4, 4))])(["/nowhere/photo.jpg"])
    assert steps.load([]).images.shape == (0, 3, 4, 4)
    with pytest.raises(TypeError, match="row 1 is int"):
        steps([good, 3])


@pytest.mark.parametrize("form", ["pandas", "arrow", "arrow sliced", "chunked", "parquet"])
def test_tables_of_bytes(form, tmp_path):
    photos = [encoded(picture(seed=i), "JPEG") for i in range(6)]
    kinds = ["b", "a", "c", "a", "b", "a"]
    table = pa.table({"photo": pa.array(photos, pa.binary()), "kind": kinds})
    if form == "pandas":
        given = pd.DataFrame({"photo": photos, "kind": kinds})
    elif form == "arrow sliced":
        first = table.slice(0, 2)
        given = pa.concat_tables([first, table]).slice(2)
    elif form == "chunked":
        given = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    elif form == "parquet":
        import pyarrow.parquet as pq

        given = tmp_path / "photos.parquet"
        pq.write_table(table, given)
    else:
        given = table
    data = images.dataset_from_table(given, "photo", "kind", image_size=(6, 6), shuffle=False)
    x, y = next(iter(data))
    assert data.class_names == ["a", "b", "c"] and y.tolist() == [1, 0, 2, 0, 1, 0]
    np.testing.assert_array_equal(x, images.Pipeline([images.Resize((6, 6))])(photos))


def test_tables_of_paths_and_of_sparks_images(folder):
    paths = sorted(str(p) for p in folder.rglob("*.png"))
    steps = images.Pipeline([images.Resize((6, 6))])
    of_paths = images.dataset_from_table(
        pd.DataFrame({"image": paths, "label": range(len(paths))}), steps=steps, shuffle=False
    )
    x, _ = next(iter(of_paths))
    np.testing.assert_array_equal(x, steps(paths))
    rows = []
    for path in paths:
        rgb = images.read(path)
        rows.append(
            {"origin": path, "height": rgb.shape[0], "width": rgb.shape[1], "nChannels": 3,
             "mode": 16, "data": rgb[..., ::-1].tobytes()}
        )  # fmt: skip
    rows += [None, {**rows[0], "height": -1, "data": b""}]
    structs = pa.array(rows)
    np.testing.assert_array_equal(steps(images.spark_image_bytes(structs)[:-2]), steps(paths))
    assert [r for r, _ in steps.load(structs).errors] == [len(paths), len(paths) + 1]


def test_real_photos_train(folder):
    import os

    data = os.environ.get("ANDIRON_TEST_DATA")
    if not data:
        pytest.skip("ANDIRON_TEST_DATA does not name the folder of real data")
    train = andiron.image_dataset_from_directory(
        os.path.join(data, "hymenoptera", "train"), seed=0, image_size=(32, 32)
    )
    assert train.class_names == ["ants", "bees"]
    model = network(2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(train, verbose=0)
    assert train.n_bad == 0


def test_columns_of_images_in_tables(folder):
    paths = sorted(str(p) for p in folder.rglob("*.png"))
    photos = [open(p, "rb").read() for p in paths]
    steps = images.Pipeline([images.Resize((6, 6)), images.ToTensor()])
    table = pa.table(
        {"photo": photos, "kind": [i % 3 for i in range(len(photos))], "size": [1.0] * len(photos)}
    )
    column = andiron.data.Column("photo", image=steps)
    rows = andiron.data.from_arrow(table, column, "kind")
    assert len(rows) == len(photos)
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(rows, epochs=2, batch_size=3, verbose=0)
    np.testing.assert_allclose(model.predict(rows), model.predict(steps(paths)), rtol=1e-5)
    # Beside numbers, in a model of two inputs; bad images give NaN.
    x, size = andiron.Input((3, 6, 6), name="x"), andiron.Input((1,), name="size")
    h = layers.Concatenate()([layers.Flatten()(x), size])
    two = andiron.Model([x, size], layers.Dense(1)(h))
    broken = table.set_column(0, "photo", pa.array([b"", *photos[1:]]))
    column = andiron.data.Column("photo", image=steps, errors="null")
    found = two.predict(andiron.data.from_arrow(broken, {"x": column, "size": "size"}))
    wanted = two.predict([steps(paths), np.ones((len(paths), 1), np.float32)])
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], wanted[1:], rtol=1e-5)
    with pytest.raises(andiron.Error, match="an input of its own"):
        two.predict(andiron.data.from_arrow(broken, {"x": [column, "size"], "size": "size"}))
    with pytest.warns(UserWarning, match="1 of 6 images could not be read"):
        model.fit(andiron.data.from_arrow(broken, column, "kind"), verbose=0)
