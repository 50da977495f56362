"""Decoding beside Pillow: every format and mode, orientation, bad files."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from images_testing import encoded, picture
from PIL import Image, ImageFile, ImageOps

import andiron
from andiron import images


def by_pillow(data, mode="RGB"):
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(mode))


def rgba():
    alpha = np.tile(np.arange(61) * 4, (43, 1)).astype(np.uint8)
    return Image.merge("RGBA", (*picture().split(), Image.fromarray(alpha)))


FILES = {
    "jpeg 4:2:0": lambda: encoded(picture(), "JPEG", quality=90),
    "jpeg 4:4:4": lambda: encoded(picture(), "JPEG", quality=95, subsampling=0),
    "jpeg 4:2:2": lambda: encoded(picture(), "JPEG", quality=80, subsampling=1),
    "jpeg progressive": lambda: encoded(picture(), "JPEG", quality=85, progressive=True),
    "jpeg restarts": lambda: encoded(picture(), "JPEG", restart_marker_blocks=2),
    "jpeg grey": lambda: encoded(picture().convert("L"), "JPEG", quality=90),
    "jpeg cmyk": lambda: encoded(picture().convert("CMYK"), "JPEG", quality=95),
    "jpeg 1 x 1": lambda: encoded(picture(1, 1), "JPEG"),
    "png": lambda: encoded(picture(), "PNG"),
    "png grey": lambda: encoded(picture().convert("L"), "PNG"),
    "png palette": lambda: encoded(picture().quantize(37), "PNG"),
    "png palette 2 bits": lambda: encoded(picture().quantize(4), "PNG", bits=2),
    "png black and white": lambda: encoded(picture().convert("1"), "PNG"),
    "png rgba": lambda: encoded(rgba(), "PNG"),
    "png grey alpha": lambda: encoded(rgba().convert("LA"), "PNG"),
    "png transparent palette": lambda: encoded(picture().quantize(9), "PNG", transparency=3),
    "png transparent colour": lambda: encoded(picture(), "PNG", transparency=(250, 10, 30)),
    "webp": lambda: encoded(picture(), "WEBP", quality=85),
    "webp lossless": lambda: encoded(picture(), "WEBP", lossless=True),
    "webp rgba": lambda: encoded(rgba(), "WEBP", lossless=True, exact=True),
    "webp animated": lambda: encoded(
        picture(), "WEBP", save_all=True, append_images=[picture(seed=1)], lossless=True
    ),
    "ppm": lambda: encoded(picture(), "PPM"),
    "pgm": lambda: encoded(picture().convert("L"), "PPM"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", ["rgb", "grayscale"])
def test_decodes_as_pillow(name, mode):
    data = FILES[name]()
    ours = images.decode(data, mode)
    # Grey of a colour image is made of its RGB, as convert("RGB").convert("L").
    wanted = by_pillow(data)
    if mode == "grayscale":
        grey = Image.open(io.BytesIO(data)).mode in ("L", "1", "LA")
        wanted = by_pillow(data, "L") if grey else np.asarray(Image.fromarray(wanted).convert("L"))
        wanted = wanted[..., None]
    assert ours.dtype == np.uint8 and ours.shape == wanted.shape
    np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_of_16_bits_gives_its_upper_bytes(channels):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 65536, (7, 9, channels), dtype=np.uint16)
    data = png_by_hand(pixels)
    upper = (pixels >> 8).astype(np.uint8)
    np.testing.assert_array_equal(images.decode(data), np.broadcast_to(upper, (7, 9, 3)))
    np.testing.assert_array_equal(images.decode(png_by_hand(pixels, interlace=True)),
                                  np.broadcast_to(upper, (7, 9, 3)))  # fmt: skip


def png_by_hand(pixels, interlace=False):
    """A PNG of 16 bits (Pillow writes none of three channels)."""
    import struct
    import zlib

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, channels = pixels.shape
    passes = [(0, 0, 1, 1)]
    if interlace:  # Adam7
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                  (1, 0, 2, 2), (0, 1, 1, 2)]  # fmt: skip
    rows = b""
    for x, y, dx, dy in passes:
        part = pixels[y::dy, x::dx]
        if part.size:
            rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in part)
    head = struct.pack(">IIBBBBB", width, height, 16, 0 if channels == 1 else 2, 0, 0, interlace)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)),
         chunk(b"IEND", b"")]
    )  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(picture(), kind, exif=exif, **options)
    np.testing.assert_array_equal(images.decode(data), by_pillow(data))
    plain = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(images.decode(data, exif=False), plain)
    head = images.header(data)
    assert head["orientation"] == orientation
    assert (head["height"], head["width"]) == by_pillow(data).shape[:2]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_over_a_background(kind):
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = encoded(rgba(), kind, **options)
    below = Image.new("RGBA", rgba().size, (10, 200, 77, 255))
    wanted = np.asarray(Image.alpha_composite(below, rgba()).convert("RGB"))
    np.testing.assert_array_equal(images.decode(data, background=(10, 200, 77)), wanted)


@pytest.mark.parametrize("divisor", [2, 4, 8])
def test_scaled_decode_is_libjpegs(divisor):
    data = encoded(picture(400, 300), "JPEG", quality=92)
    draft = Image.open(io.BytesIO(data))
    draft.draft("RGB", (400 // divisor, 300 // divisor))
    wanted = np.asarray(draft)
    ours = images.decode(data, min_size=(300 // divisor, 400 // divisor))
    assert ours.shape == wanted.shape
    np.testing.assert_array_equal(ours, wanted)


def test_scaled_decode_is_never_too_small():
    data = encoded(picture(401, 299), "JPEG")
    for height, width in [(1, 1), (38, 51), (37, 51), (38, 50), (150, 201), (151, 10), (299, 1)]:
        shape = images.decode(data, min_size=(height, width)).shape
        assert shape[0] >= height and shape[1] >= width


@pytest.mark.parametrize("name", [n for n in FILES if "ppm" not in n and "pgm" not in n])
def test_truncated_files_are_errors(name):
    data = FILES[name]()
    for n in [1, 2, 10, len(data) // 4, len(data) // 2, len(data) * 9 // 10]:
        with pytest.raises(OSError):
            images.decode(data[:n])


def test_what_is_left_of_a_truncated_jpeg():
    data = encoded(picture(160, 120), "JPEG", quality=95)
    half = data[: len(data) // 2]
    ours = images.decode(half, allow_truncated=True)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        wanted = np.asarray(Image.open(io.BytesIO(half)).convert("RGB"))
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    np.testing.assert_array_equal(ours[:40], wanted[:40])


def test_without_its_end_marker_a_jpeg_is_whole():
    data = encoded(picture(), "JPEG", quality=90)
    assert data.endswith(b"\xff\xd9")
    np.testing.assert_array_equal(images.decode(data[:-2]), images.decode(data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes"),
        (b"GIF89a" + bytes(20), "a GIF"),
        (b"BM" + bytes(60), "a BMP"),
        (b"II*\0" + bytes(60), "a TIFF"),
        (b"<!DOCTYPE html><html></html>", "a text"),
        (b"\0\0\0\x20ftypheic" + bytes(30), "HEIC"),
        (b"hello, world", "no image"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "truncated"),
    ],
)
def test_what_is_no_image_is_named(data, said):
    with pytest.raises(OSError, match=said):
        images.decode(data)


def test_bytes_in_a_list_need_no_arrow():
    code = (
        "import sys; from andiron import images\n"
        "steps = images.Pipeline([images.CenterCrop(2)])\n"
        "found = steps.load([b'P5 2 2 255 abcd', None, bytearray(b'P5 2 2 255 efgh')])\n"
        "print(found.images[:, 0, 0, 0].tolist(), len(found.errors), 'pyarrow' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[97.0, 0.0, 101.0] 1 False"


def test_the_suffix_does_not_matter(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(picture(), "PNG"))
    np.testing.assert_array_equal(images.read(path), np.asarray(picture()))


def huge(kind):
    """A small file that says it is 50,000 x 50,000."""
    if kind == "png":
        data = bytearray(png_by_hand(np.zeros((1, 1, 3), np.uint16)))
        import struct
        import zlib

        data[16:24] = struct.pack(">II", 50_000, 50_000)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
        return bytes(data)
    if kind == "jpeg":
        data = bytearray(encoded(picture(16, 16), "JPEG"))
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = (50_000).to_bytes(2, "big") * 2
        return bytes(data)
    return b"P6 50000 50000 255\n"


@pytest.mark.parametrize("kind", ["png", "jpeg", "ppm"])
def test_decompression_bombs_are_refused_from_the_header(kind):
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(OSError, match="50000 x 50000 pixels, more than max_pixels=89478485"):
        images.decode(huge(kind))
    tracemalloc.stop()


def test_max_pixels():
    data = encoded(picture(), "PNG")
    assert images.decode(data, max_pixels=61 * 43).shape == (43, 61, 3)
    with pytest.raises(OSError, match="max_pixels=2622"):
        images.decode(data, max_pixels=61 * 43 - 1)


def test_thousands_of_scans_are_refused():
    """A progressive file may repeat scans; each walks over the whole image."""
    data = encoded(picture(64, 64), "JPEG", progressive=True)
    starts = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xda"]
    last = data[starts[-1] : -2]
    with pytest.raises(OSError, match="JPEG"):
        images.decode(data[:-2] + last * 2000 + data[-2:])


def test_errors_name_the_settings():
    data = encoded(picture(), "PNG")
    with pytest.raises(andiron.Error, match="max_pixels must be at least 1"):
        images.decode(data, max_pixels=0)
    with pytest.raises(andiron.Error, match='"rgb" or "grayscale"'):
        images.decode(data, "hsv")
