"""Images as batches for fit, evaluate and predict."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron.images._pipeline import Pipeline
from andiron.images._sources import classes_in, files_in, store_of
from andiron.images._transforms import CenterCrop, Resize, Step, pair


class ImageDataset:
    """Batches of images (and labels), decoded and augmented on several threads ahead of the
    training step: for `fit`, `evaluate` and `predict`, or to walk over.

    What becomes of an image is a function of (seed, epoch, image): batches are the same on any
    number of threads, and a training resumes with the same ones. Made by
    `image_dataset_from_directory`, `dataset_from_paths` and `dataset_from_table`.
    """

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        pipeline: Pipeline | None = None,
        *,
        rows: Sequence[int] | None = None,
        n_classes: int = 0,
        class_names: Sequence[str] | None = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        drop_last: bool = False,
        errors: str = "raise",
        threads: int = 0,
        mixup: float = 0.0,
        cutmix: float = 0.0,
    ):
        store = store_of(images)
        chosen = range(len(store)) if rows is None else rows
        if labels is not None:
            labels = np.ascontiguousarray(labels)
            if n_classes:
                labels = labels.astype(np.int64)
        seed = _core.next_seed() % 2**62 if seed is None else int(seed)
        self._made_of = (store, labels, n_classes)
        self._options = {
            "errors": errors, "threads": threads or _core.get_threads(), "mixup": mixup,
            "cutmix": cutmix, "batch_size": int(batch_size), "seed": seed, "drop_last": drop_last,
        }  # fmt: skip
        self._shuffle = bool(shuffle)
        self._rows = [int(i) for i in chosen]
        self.pipeline = pipeline
        self.class_names = None if class_names is None else list(class_names)
        self._epoch = 0
        self._batch_source = self._source(self._shuffle)

    def _source(self, shuffle: bool):
        store, labels, n_classes = self._made_of
        return _core.image_source(
            store, self._rows, labels, self.pipeline._core, n_classes, shuffle=shuffle,
            **self._options,
        )  # fmt: skip

    def _specs(self) -> list:
        """For models that are built by what they first see."""
        return [("float32", (None, *self.pipeline.shape))]

    @property
    def file_paths(self) -> list[str]:
        """The paths (or rows) of the images, in the order that they have without shuffling."""
        store = self._made_of[0]
        return [store.name(i) for i in self._rows]

    @property
    def labels(self) -> np.ndarray | None:
        """The labels in the order of `file_paths`, as given."""
        labels = self._made_of[1]
        return None if labels is None else labels[self._rows]

    @property
    def n_samples(self) -> int:
        """Images of an epoch."""
        return self._batch_source.rows

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._batch_source.batches

    def _batches(self, epoch: int, shuffle: bool) -> Iterator[tuple]:
        source = self._batch_source if shuffle == self._shuffle else self._source(shuffle)
        source.start(epoch)
        try:
            while (batch := source.next()) is not None:
                x, y, _ = batch
                # The next batch takes the same memory.
                yield tuple(np.array(t.numpy()) for t in (*x, *y))
        finally:
            source.stop()
            self._errors_of(source)

    def __iter__(self) -> Iterator:
        """(images, labels), or images where there are no labels; each walk is another epoch."""
        epoch, self._epoch = self._epoch, self._epoch + 1
        for batch in self._batches(epoch, self._shuffle):
            yield batch if len(batch) > 1 else batch[0]

    def _in_order(self) -> Iterator[list]:
        """For predict: the inputs in order."""
        for batch in self._batches(0, False):
            yield [batch[0]]

    # Images that cannot be read.

    _seen: tuple = (0, [])
    _warned = 0

    def _errors_of(self, source: Any) -> None:
        found = _core.bad_images(source)
        if found[0] >= self._seen[0]:
            self._seen = found

    @property
    def n_bad(self) -> int:
        """Images that could not be read so far (errors="skip": others stood in their places)."""
        self._errors_of(self._batch_source)
        return self._seen[0]

    @property
    def bad_messages(self) -> list[str]:
        """The first ten, with the reasons."""
        self._errors_of(self._batch_source)
        return list(self._seen[1])

    def _report(self) -> None:
        """Warns of images that were skipped, once for each."""
        if self.n_bad > self._warned:
            self._warned = self.n_bad
            listed = "\n  ".join(self.bad_messages)
            warnings.warn(
                f"[images] {self.n_bad} of {self.n_samples} images could not be read and were "
                f"skipped; the first:\n  {listed}",
                stacklevel=3,
            )


def _pipeline(steps: Any, image_size: Any, interpolation: str, keep_ratio: bool,
              **options: Any) -> Pipeline:  # fmt: skip
    if isinstance(steps, Pipeline):
        return steps
    if steps is None:
        height, width = pair(image_size, "image_size")
        steps = [Resize((height, width), interpolation)]
        if keep_ratio and height == width:
            steps = [Resize(height, interpolation), CenterCrop(height)]
        elif keep_ratio:
            raise _core.Error(
                "[images] crop_to_aspect_ratio takes a square image_size; for another one give "
                "steps=[...]"
            )
    if not all(isinstance(s, Step) for s in steps):
        raise TypeError(f"[images] steps are of andiron.images, or a Pipeline; got {steps!r}")
    return Pipeline(steps, **options)


def _labels(given: np.ndarray, label_mode: str | None, n_classes: int) -> tuple[Any, int]:
    """(labels, classes of one-hot rows) as Keras's label_mode says."""
    if label_mode is None:
        return None, 0
    if label_mode == "int":
        return given.astype(np.int32), 0
    if label_mode == "categorical":
        return given.astype(np.int64), n_classes
    if label_mode == "binary":
        if n_classes != 2:
            raise _core.Error(f'[images] label_mode="binary" is for 2 classes; got {n_classes}')
        return given.astype(np.float32).reshape(-1, 1), 0
    raise _core.Error(
        f'[images] label_mode is "int", "categorical", "binary" or None; got {label_mode!r}'
    )


def _split(n: int, validation_split: float | None, subset: str | None, shuffle: bool,
           seed: int | None) -> list[np.ndarray]:  # fmt: skip
    """The rows of the wanted subsets. Shuffled by the seed before, as Keras does, so that classes
    that stand one after another come to both."""
    order = np.arange(n)
    if validation_split is None:
        if subset is not None:
            raise _core.Error("[images] subset needs a validation_split")
        return [order]
    if not 0 < validation_split < 1:
        raise _core.Error(f"[images] validation_split must be in (0, 1); got {validation_split}")
    if subset not in ("training", "validation", "both"):
        raise _core.Error(f'[images] subset is "training", "validation" or "both"; got {subset!r}')
    if shuffle:
        if seed is None:
            raise _core.Error("[images] a validation_split needs a seed (or shuffle=False)")
        order = np.random.RandomState(seed % 2**32).permutation(n)
    at = n - int(validation_split * n)
    parts = {"training": order[:at], "validation": order[at:]}
    chosen = ["training", "validation"] if subset == "both" else [subset]
    for name in chosen:
        if not len(parts[name]):
            raise _core.Error(f"[images] validation_split leaves no images for {name}")
    return [parts[name] for name in chosen]


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    *,
    steps: Any = None,
    validation_steps: Any = None,
    data_format: str = "channels_first",
    errors: str = "raise",
    threads: int = 0,
    mixup: float = 0.0,
    cutmix: float = 0.0,
    **pipeline_options: Any,
) -> Any:
    """A folder with one folder of images for each class, as batches.

    Args:
        directory: the folder. Images are found at any depth below a class's folder.
        labels: "inferred" (classes numbered in the order of their sorted names), None (no labels;
            images stand anywhere below), or a label for each file in the order of the sorted paths.
        label_mode: "int" (int32 [batch]), "categorical" (one-hot float32), "binary" (float32
            [batch, 1]) or None.
        class_names: another order of the classes.
        color_mode: "rgb" or "grayscale".
        batch_size: images of a batch. Default: 32.
        image_size: (height, width). Default: (256, 256).
        shuffle: another order in each epoch. Default: True.
        seed: of order, split and random steps. Default: from andiron.set_random_seed's stream.
        validation_split: the part that is held out, chosen by the seed.
        subset: "training", "validation" or "both" (a pair of datasets).
        interpolation: as in images.Resize; antialiased, other than in Keras.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether the middle is cut out instead of squeezing the image.
        steps: instead of image_size: a list of steps of andiron.images, or a Pipeline.
        validation_steps: those of the validation subset. Default: `steps`.
        data_format: "channels_first" (the engine's own) or "channels_last".
        errors: what an image that cannot be read does: "raise", or "skip": the next image stands in
            its place, and a warning at the end of `fit` counts them.
        threads: that decode. Default: andiron.get_threads().
        mixup, cutmix: alpha of the Beta distribution; need label_mode="categorical". Default: off.
        pipeline_options: max_pixels, exif, background, allow_truncated, scaled_decode of Pipeline.

    Returns:
        An ImageDataset, or (training, validation) for subset="both". Pixels are 0 to 255 unless
        steps say otherwise, as in Keras.
    """
    directory = os.fspath(directory)
    if not os.path.isdir(directory):
        raise NotADirectoryError(f"[images] '{directory}' is no folder")
    if isinstance(labels, str) and labels == "inferred":
        names = classes_in(directory, class_names)
        paths, numbers = [], []
        for number, name in enumerate(names):
            files = files_in(os.path.join(directory, name), follow_links)
            paths += files
            numbers += [number] * len(files)
    else:
        names = list(class_names) if class_names is not None else None
        paths = files_in(directory, follow_links)
        numbers = labels
        if labels is None:
            label_mode = None
        elif len(labels) != len(paths):
            raise _core.Error(
                f"[images] {len(labels)} labels were given for {len(paths)} images in {directory!r}"
            )
        elif names is None:
            names = [str(i) for i in range(int(max(labels)) + 1)]
    if not paths:
        raise _core.Error(
            f"[images] there are no images in '{directory}' (or its classes' folders)"
        )
    options = {"data_format": data_format, "color_mode": color_mode, **pipeline_options}
    return dataset_from_paths(
        paths, numbers, label_mode, names, batch_size, image_size, shuffle, seed, validation_split,
        subset, interpolation, crop_to_aspect_ratio, steps=steps, validation_steps=validation_steps,
        errors=errors, threads=threads, mixup=mixup, cutmix=cutmix, **options,
    )  # fmt: skip


def dataset_from_paths(
    images: Any,
    labels: Any = None,
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    crop_to_aspect_ratio: bool = False,
    *,
    steps: Any = None,
    validation_steps: Any = None,
    errors: str = "raise",
    threads: int = 0,
    mixup: float = 0.0,
    cutmix: float = 0.0,
    **pipeline_options: Any,
) -> Any:
    """Images at paths, or their bytes, as batches.

    Args:
        images: paths or bytes: a list, or a column of pandas or pyarrow.
        labels: numbers of classes, or texts (numbered in their sorted order), or with
            label_mode=None None; or arrays of any numbers with label_mode="raw".
        class_names: of the numbers; for texts, the order of the classes.
        others: as in image_dataset_from_directory.
    """
    store = store_of(images)
    n = len(store)
    numbers, n_classes = None, 0
    if labels is not None and label_mode is not None:
        given = np.asarray(labels)
        if len(given) != n:
            raise _core.Error(f"[images] {len(given)} labels were given for {n} images")
        if label_mode == "raw":
            numbers = given
        else:
            numbers, class_names = _numbered(given, class_names)
            numbers, n_classes = _labels(numbers, label_mode, len(class_names))
    seed = None if seed is None else int(seed)
    parts = _split(n, validation_split, subset, shuffle, seed)
    made = []
    for i, rows in enumerate(parts):
        held_out = subset == "validation" or i == 1
        chosen = validation_steps if held_out and validation_steps is not None else steps
        pipeline = _pipeline(chosen, image_size, interpolation, crop_to_aspect_ratio,
                             **pipeline_options)  # fmt: skip
        mixed = {} if held_out else {"mixup": mixup, "cutmix": cutmix}
        made.append(
            ImageDataset(
                store,
                numbers,
                pipeline,
                rows=rows,
                n_classes=n_classes,
                class_names=class_names,
                batch_size=batch_size,
                shuffle=shuffle and not held_out,
                seed=seed,
                errors=errors,
                threads=threads,
                **mixed,
            )  # fmt: skip
        )
    return made[0] if len(made) == 1 else tuple(made)


def _numbered(given: np.ndarray, class_names: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    """Labels as numbers of classes, and the classes' names."""
    if given.dtype.kind in "OUS":
        texts = [str(x) for x in given]
        names = sorted(set(texts)) if class_names is None else list(class_names)
        places = {name: i for i, name in enumerate(names)}
        unknown = sorted(set(texts) - set(places))
        if unknown:
            raise _core.Error(f"[images] label {unknown[0]!r} is none of the classes {names}")
        return np.array([places[t] for t in texts], np.int64), names
    if given.dtype.kind not in "iub" or given.ndim != 1:
        raise _core.Error(
            "[images] labels are whole numbers of classes or texts, [images]; for other numbers "
            f'label_mode="raw"; got {given.dtype} {given.shape}'
        )
    numbers = given.astype(np.int64)
    least = int(numbers.min()) if len(numbers) else 0
    most = int(numbers.max()) + 1 if len(numbers) else 0
    names = [str(i) for i in range(most)] if class_names is None else list(class_names)
    if least < 0 or most > len(names):
        raise _core.Error(
            f"[images] labels must be in [0, {len(names)}); got {least} to {most - 1}"
        )
    return numbers, names


def dataset_from_table(
    table: Any, image: str = "image", label: str | None = "label", **options: Any
) -> Any:
    """A table of images as batches.

    Args:
        table: a pandas DataFrame, a pyarrow Table, or the path of a Parquet file.
        image: the column of images: bytes, texts that are paths, or Spark's image structs.
        label: the column of labels; None for none.
        options: as in dataset_from_paths.

    Example:
        >>> import pandas as pd
        >>> from andiron import images
        >>> photo = b"P5 2 2 255 " + bytes([1, 2, 3, 4])
        >>> rows = pd.DataFrame({"image": [photo, photo], "label": ["ant", "bee"]})
        >>> batches = images.dataset_from_table(rows, image_size=(2, 2), shuffle=False)
        >>> x, y = next(iter(batches))
        >>> x.shape, y.tolist(), batches.class_names
        ((2, 3, 2, 2), [0, 1], ['ant', 'bee'])
    """
    if isinstance(table, (str, os.PathLike)):
        import pyarrow.parquet as pq

        wanted = [image] if label is None else [image, label]
        table = pq.read_table(os.fspath(table), columns=wanted)
    names = list(getattr(table, "column_names", None) or table.columns)
    for name in (image, label):
        if name is not None and name not in names:
            raise _core.Error(f"[images] there is no column {name!r}; there are {names}")
    labels = None
    if label is not None:
        column = table[label]
        labels = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    return dataset_from_paths(table[image], labels, **options)
