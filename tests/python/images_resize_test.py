"""Resizing, adjusting and whole pipelines beside Pillow: equal bit for bit."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL
import pytest
from images_testing import encoded, picture
from PIL import Image, ImageEnhance, ImageOps

import andiron
from andiron import images

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
# Before 13 Pillow always resized across first; since then the order depends on the sizes.
of_pillow_13 = pytest.mark.skipif(
    int(PIL.__version__.split(".")[0]) < 13, reason=f"Pillow {PIL.__version__} has another order"
)


def by_pillow(image, size, name, box=None):
    return np.asarray(
        Image.fromarray(image).resize(size[::-1], getattr(Image.Resampling, name.upper()), box)
    )


@of_pillow_13
@pytest.mark.parametrize("name", FILTERS)
def test_resizes_as_pillow(name):
    rng = np.random.default_rng(0)
    for i in range(60):
        height, width, new_height, new_width = (int(n) for n in rng.integers(1, 190, 4))
        shape = (height, width, 3) if i % 2 else (height, width)
        image = rng.integers(0, 256, shape, np.uint8)
        if i % 3 == 0:  # the largest overshoots
            image = np.where(image > 127, 255, 0).astype(np.uint8)
        box = None
        if i % 4 == 0 and min(height, width) > 4:
            left, top = rng.uniform(0, 2, 2)
            box = tuple(float(np.float32(b)) for b in (left, top, width - left, height - top / 2))
        ours = images.resize(image, (new_height, new_width), name, box)
        wanted = by_pillow(image, (new_height, new_width), name, box).reshape(ours.shape)
        np.testing.assert_array_equal(ours, wanted, str((shape, new_height, new_width, box)))


@of_pillow_13
def test_the_older_instruction_set_gives_the_same_bits():
    code = (
        "import sys, hashlib, numpy as np; from andiron import images\n"
        "a = np.random.default_rng(0).integers(0, 256, (97, 83, 3), np.uint8)\n"
        "for n in ('box', 'bilinear', 'bicubic', 'lanczos'):\n"
        "    for size in ((31, 40), (200, 30), (50, 190)):\n"
        "        print(hashlib.sha256(images.resize(a, size, n).tobytes()).hexdigest())\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env={**os.environ, **more}).stdout
        for more in ({}, {"ANDIRON_ISA": "avx2"})
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(runs[0].split()) == 12


ADJUSTMENTS = {
    "brightness": (images.adjust_brightness, ImageEnhance.Brightness),
    "contrast": (images.adjust_contrast, ImageEnhance.Contrast),
    "saturation": (images.adjust_saturation, ImageEnhance.Color),
    "sharpness": (images.adjust_sharpness, ImageEnhance.Sharpness),
}


@pytest.mark.parametrize("what", ADJUSTMENTS)
@pytest.mark.parametrize("factor", [0.0, 0.3, 0.77, 1.0, 1.4, 2.5])
def test_adjusts_as_pillow(what, factor):
    ours, pillows = ADJUSTMENTS[what]
    image = np.random.default_rng(1).integers(0, 256, (37, 61, 3), np.uint8)
    wanted = np.asarray(pillows(Image.fromarray(image)).enhance(factor))
    np.testing.assert_array_equal(ours(image, factor), wanted)


@pytest.mark.parametrize("turn", [-0.5, -0.2, 0.0, 0.1, 0.37, 0.5])
def test_turns_the_hue_as_torchvision(turn):
    """torchvision's adjust_hue of a PIL image: HSV, the hue's byte moved, and back."""
    every_fifth = np.arange(0, 256, 5)
    image = np.stack(np.meshgrid(*[every_fifth] * 3, indexing="ij"), -1).reshape(52, -1, 3)
    image = image.astype(np.uint8)
    h, s, v = Image.fromarray(image).convert("HSV").split()
    moved = np.array(h) + np.int32(turn * 255).astype(np.uint8)
    turned = Image.merge("HSV", (Image.fromarray(moved), s, v)).convert("RGB")
    np.testing.assert_array_equal(images.adjust_hue(image, turn), np.asarray(turned))


@pytest.mark.parametrize("kind", ["noise", "dull", "tiny", "one colour"])
def test_operations_of_randaugment_as_pillow(kind):
    noise = np.random.default_rng(2).integers(0, 256, (37, 61, 3), np.uint8)
    image = {
        "noise": noise,
        "dull": (noise // 3 + 40).astype(np.uint8),
        "tiny": noise[:3, :4],
        "one colour": np.full((5, 5, 3), 7, np.uint8),
    }[kind]
    pil = Image.fromarray(image)
    np.testing.assert_array_equal(images.equalize(image), np.asarray(ImageOps.equalize(pil)))
    np.testing.assert_array_equal(
        images.autocontrast(image), np.asarray(ImageOps.autocontrast(pil))
    )
    for bits in range(1, 9):
        np.testing.assert_array_equal(
            images.posterize(image, bits), np.asarray(ImageOps.posterize(pil, bits))
        )
    for threshold in (0, 100, 178.5, 255):
        np.testing.assert_array_equal(
            images.solarize(image, threshold), np.asarray(ImageOps.solarize(pil, threshold))
        )
    for matrix in ([1, 0.2, 0, 0, 1, 0], [1, 0, -7, 0, 1, 0], [1, 0, 0, 0, 1, 12],
                   [0.9, 0.3, -4, -0.3, 0.9, 5.5]):  # fmt: skip
        wanted = pil.transform(pil.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)
        np.testing.assert_array_equal(images.affine(image, matrix), np.asarray(wanted))


def as_chw(pil):
    return np.asarray(pil).astype(np.float32).transpose(2, 0, 1)


@of_pillow_13
@pytest.mark.parametrize("size", [(400, 300), (300, 400), (240, 240), (100, 90)])
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_resize_crop_and_normalize_as_torchvision_on_pillow(size, name):
    pil = picture(*size)
    data = encoded(pil, "PNG")
    steps = [images.Resize(120, name), images.CenterCrop((96, 104)),
             images.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]  # fmt: skip
    ours = images.Pipeline(steps)([data])[0]
    w, h = size
    new = (120, int(120 * h / w)) if w <= h else (int(120 * w / h), 120)
    small = pil.resize(new, getattr(Image.Resampling, name.upper()))
    left, top = round((new[0] - 104) / 2), round((new[1] - 96) / 2)
    pixels = as_chw(small.crop((left, top, left + 104, top + 96))) / 255
    mean = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
    std = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]
    np.testing.assert_allclose(ours, (pixels - mean) / std, rtol=0, atol=2e-6)


def test_center_crop_of_a_smaller_image_has_black_around_it():
    data = encoded(picture(5, 4), "PNG")
    ours = images.Pipeline([images.CenterCrop((7, 9))])([data])[0]
    wanted = np.zeros((3, 7, 9), np.float32)
    wanted[:, 1:5, 2:7] = as_chw(picture(5, 4))
    np.testing.assert_array_equal(ours, wanted)


@of_pillow_13
def test_random_resized_crop_is_some_part_resized():
    data = encoded(picture(90, 70), "PNG")
    steps = images.Pipeline([images.RandomResizedCrop((20, 30), scale=(0.3, 0.3), ratio=(1, 1))])
    found = 0
    side = round((90 * 70 * 0.3) ** 0.5)
    parts = {
        as_chw(picture(90, 70).crop((x, y, x + side, y + side)).resize(
            (30, 20), Image.Resampling.BILINEAR)).tobytes()
        for x in range(90 - side + 1) for y in range(70 - side + 1)
    }  # fmt: skip
    samples = [steps([data], seed=s)[0] for s in range(12)]
    found = sum(s.tobytes() in parts for s in samples)
    assert found == 12
    assert len({s.tobytes() for s in samples}) > 8


def test_random_parameters_have_their_distributions():
    """Over many samples: areas and proportions of crops, flips, the jitter's range."""
    ramp = np.zeros((64, 64, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(64), np.arange(64)[:, None]
    data = encoded(Image.fromarray(ramp), "PNG")
    crop = images.Pipeline([images.RandomResizedCrop(8, interpolation="nearest")])
    out = np.stack([crop([data], seed=s)[0] for s in range(2000)])
    # A pixel of the result stands (k + 1/2) / 8 of the part's side from its edge, on the ramp.
    width = (out[:, 0, 0, 7] - out[:, 0, 0, 0]) * 8 / 7
    height = (out[:, 1, 7, 0] - out[:, 1, 0, 0]) * 8 / 7
    area = width * height / 64**2
    assert 0.05 < area.min() < 0.13 and 0.85 < area.max() < 1.1
    assert abs(np.log(width / height).mean()) < 0.03
    assert np.log(width / height).std() == pytest.approx(np.log(4 / 3) / 3**0.5, rel=0.15)
    flip = images.Pipeline([images.RandomHorizontalFlip(0.3), images.CenterCrop(64)])
    flipped = [flip([data], seed=s)[0][0, 0, 0] > 0 for s in range(2000)]
    assert np.mean(flipped) == pytest.approx(0.3, abs=0.04)
    grey = encoded(Image.new("RGB", (8, 8), (100, 100, 100)), "PNG")
    jitter = images.Pipeline([images.ColorJitter(brightness=0.5), images.CenterCrop(8)])
    values = np.array([jitter([grey], seed=s)[0][0, 0, 0] for s in range(2000)])
    assert values.min() < 53 and values.max() > 147 and values.mean() == pytest.approx(100, abs=3)


def test_a_sample_is_a_function_of_seed_epoch_and_place():
    files = [encoded(picture(80, 60, seed=i), "JPEG") for i in range(9)]
    steps = images.Pipeline(
        [images.RandomResizedCrop(16), images.RandomHorizontalFlip(),
         images.ColorJitter(0.4, 0.4, 0.4, 0.1), images.RandAugment(), images.ToTensor()]
    )  # fmt: skip
    assert steps.random
    first = steps(files, seed=5, epoch=2, threads=1)
    np.testing.assert_array_equal(steps(files, seed=5, epoch=2, threads=3), first)
    assert not np.array_equal(steps(files, seed=5, epoch=3), first)
    assert not np.array_equal(steps(files, seed=6, epoch=2), first)
    again = pickle.loads(pickle.dumps(steps))
    assert again == steps and again.description() == steps.description()
    np.testing.assert_array_equal(again(files, seed=5, epoch=2), first)


@pytest.mark.parametrize("magnitude", [0, 9, 30])
def test_randaugment_at_any_magnitude(magnitude):
    data = encoded(picture(40, 30), "PNG")
    steps = images.Pipeline([images.RandAugment(3, magnitude), images.CenterCrop((30, 40))])
    out = np.stack([steps([data], seed=s)[0] for s in range(60)])
    assert out.min() >= 0 and out.max() <= 255
    assert len({o.tobytes() for o in out}) > (3 if magnitude == 0 else 30)


def test_channels_last_and_grey():
    data = encoded(picture(30, 20), "PNG")
    first = images.Pipeline([images.Resize((8, 9)), images.Normalize(0.5, 0.5)])([data])
    last = images.Pipeline(
        [images.Resize((8, 9)), images.Normalize(0.5, 0.5)], data_format="channels_last"
    )([data])
    np.testing.assert_array_equal(last, first.transpose(0, 2, 3, 1))
    grey = images.Pipeline([images.Resize((8, 9))], color_mode="grayscale")
    assert grey.shape == (1, 8, 9) and grey([data]).shape == (1, 1, 8, 9)


def test_scaled_decode_stays_close_to_the_full_one():
    data = encoded(picture(1600, 1200), "JPEG", quality=92)
    for short, crop in [(256, 224), (128, 112), (500, 448)]:
        steps = [images.Resize(short), images.CenterCrop(crop)]
        fast = images.Pipeline(steps)([data])
        full = images.Pipeline(steps, scaled_decode=False)([data])
        assert np.abs(fast - full).mean() < 2.0
        assert not np.array_equal(fast, full)


FIRST_STEPS = [
    [images.Resize(96), images.CenterCrop((90, 81))],
    [images.Resize((96, 104), "lanczos"), images.CenterCrop(50)],
    [images.Resize(200, "nearest"), images.CenterCrop(77)],
    [images.CenterCrop((71, 60))],
    [images.CenterCrop(300)],
    [images.RandomCrop(45)],
    [images.RandomCrop(60, padding=70)],
    [images.RandomResizedCrop(40)],
    [images.RandomHorizontalFlip(), images.CenterCrop(30)],
]


@pytest.mark.parametrize("size", [(401, 299), (160, 233), (96, 104), (64, 50)])
@pytest.mark.parametrize("sampling", [0, 1, 2])
@pytest.mark.parametrize("orientation", [1, 6])
def test_what_is_taken_of_a_jpeg_is_what_is_taken_of_its_pixels(size, sampling, orientation):
    """Of a JPEG only the pixels that the first step takes are decoded; of a PNG all are."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = encoded(picture(*size), "JPEG", quality=90, subsampling=sampling, exif=exif)
    whole = encoded(Image.fromarray(images.decode(jpeg)), "PNG", compress_level=0)
    for steps in FIRST_STEPS:
        pipeline = images.Pipeline(steps, scaled_decode=False)
        for seed in range(6 if pipeline.random else 1):
            np.testing.assert_array_equal(
                pipeline([jpeg], seed=seed), pipeline([whole], seed=seed), f"{steps}, {seed}"
            )


@pytest.mark.parametrize("short", [256, 120, 60, 31])
@pytest.mark.parametrize("name", ["bilinear", "nearest", "lanczos"])
def test_what_is_taken_of_a_scaled_decode(short, name):
    data = encoded(picture(601, 523), "JPEG", quality=92)
    size = (short, int(short * 601 / 523))
    wanted = images.resize(images.decode(data, min_size=size), size, name)
    crop = short - 7
    top, left = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
    ours = images.Pipeline([images.Resize(short, name), images.CenterCrop(crop)])([data])[0]
    np.testing.assert_array_equal(
        ours, wanted[top : top + crop, left : left + crop].transpose(2, 0, 1)
    )


def test_photos(tmp_path):
    folder = os.environ.get("ANDIRON_TEST_DATA")
    if not folder:
        pytest.skip("ANDIRON_TEST_DATA does not name the folder of real data")
    found = sorted(Path(folder, "houses").rglob("*.jpg"))[::40]
    found += sorted(Path(folder, "hymenoptera").rglob("*.jpg"))[::10]
    assert len(found) > 50
    for path in found:
        wanted = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        np.testing.assert_array_equal(images.read(path), np.asarray(wanted), str(path))
    steps = [images.Resize(256), images.CenterCrop(224)]
    fast = images.Pipeline(steps)(found)
    full = images.Pipeline(steps, scaled_decode=False)(found)
    assert np.abs(fast - full).mean() < 1.5


@pytest.mark.parametrize(
    ("steps", "options", "said"),
    [
        ([images.Resize(5)], {}, "need one size"),
        ([], {}, "need one size"),
        ([images.Resize((5, 5), "cubic")], {}, "interpolation is"),
        ([images.ToTensor(), images.Resize((5, 5))], {}, "last step"),
        ([images.Resize((5, 5)), images.Normalize(0.5, 0)], {}, "std finite and not 0"),
        ([images.RandomResizedCrop(5, scale=(0.5, 2))], {}, "scale must be a range"),
        ([images.ColorJitter(hue=0.7), images.CenterCrop(3)], {}, "hue must be a range"),
        ([images.RandAugment(magnitude=31), images.CenterCrop(3)], {}, "magnitude must be"),
        ([images.RandomHorizontalFlip(1.5), images.CenterCrop(3)], {}, "must be in"),
        ([images.CenterCrop(3)], {"color_mode": "cmyk"}, "color is"),
        ([images.CenterCrop(3)], {"data_format": "NHWC"}, "data_format is"),
        ([images.CenterCrop(3)], {"background": (1, 2)}, "not understood"),
    ],
)
def test_pipelines_that_make_no_sense(steps, options, said):
    with pytest.raises(andiron.Error, match=said):
        images.Pipeline(steps, **options)


def test_sizes_are_checked_where_they_are_given():
    for size in [(0, 5), (3,), "large", (2.5, 2)]:
        with pytest.raises((andiron.Error, TypeError), match="size|height"):
            images.Resize(size)


def test_a_line_is_not_resized_to_gigabytes():
    line = b"P5 60000 1 255 " + bytes(60000)
    steps = images.Pipeline([images.Resize(256), images.RandomCrop(224)])
    with pytest.raises(andiron.Error, match="resized to 15360000 x 256, more than max_pixels"):
        steps([line])
    # The middle alone is made where a centre crop follows.
    middle = images.Pipeline([images.Resize(256), images.CenterCrop(224)])
    assert middle([line]).shape == (1, 3, 224, 224)


def test_single_functions_check_their_arguments():
    image = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(andiron.Error, match="uint8"):
        images.resize(image.astype(np.float32), (2, 2))
    with pytest.raises(andiron.Error, match="uint8"):
        images.resize(np.zeros((0, 5, 3), np.uint8), (2, 2))
    with pytest.raises(andiron.Error, match="box must be"):
        images.resize(image, (2, 2), box=(0, 0, 6, 4))
    with pytest.raises(andiron.Error, match="width and height"):
        images.resize(image, (0, 2))
    with pytest.raises(andiron.Error, match="turn must be"):
        images.adjust_hue(image, 0.6)
