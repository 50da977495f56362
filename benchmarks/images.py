"""JPEG bytes to a batch of float32 [N, 3, 224, 224], on one core: Andiron, Pillow + NumPy, OpenCV.

    .venv-peers/bin/python -m benchmarks.images [--data ../shared/data] [--rounds 15]

The short side is resized to 256, the middle of 224 x 224 cut out and normalized by ImageNet's mean
and deviation. Rounds are interleaved; figures are CPU seconds of the thread, which other processes
on the machine disturb little. Pillow with `draft` decodes at a part of the size, as Andiron does by
default; OpenCV has that with IMREAD_REDUCED_COLOR.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def of_pillow(draft):
    def load(files):
        out = np.empty((len(files), 3, 224, 224), np.float32)
        for i, data in enumerate(files):
            image = Image.open(io.BytesIO(data))
            w, h = image.size
            size = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
            if draft:
                image.draft("RGB", size)
            image = image.convert("RGB").resize(size, Image.Resampling.BILINEAR)
            left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
            pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
            out[i] = ((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)
        return out

    return load


def of_opencv(reduced, interpolation):
    import cv2

    cv2.setNumThreads(1)
    scale, shift = (1 / 255 / STD).astype(np.float32), (-MEAN / STD).astype(np.float32)
    how = getattr(cv2, interpolation)

    def load(files):
        out = np.empty((len(files), 3, 224, 224), np.float32)
        for i, data in enumerate(files):
            flag = cv2.IMREAD_COLOR
            raw = np.frombuffer(data, np.uint8)
            if reduced:
                w, h = Image.open(io.BytesIO(data)).size  # OpenCV does not tell the size before
                for d in (8, 4, 2):
                    if min(w, h) // d >= 256:
                        flag = getattr(cv2, f"IMREAD_REDUCED_COLOR_{d}")
                        break
            image = cv2.imdecode(raw, flag)
            h, w = image.shape[:2]
            size = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
            image = cv2.resize(image, size, interpolation=how)
            left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
            planes = cv2.split(image[top : top + 224, left : left + 224])
            for c in range(3):  # BGR
                cv2.multiply(planes[2 - c], float(scale[c]), out[i, c], dtype=cv2.CV_32F)
                out[i, c] += shift[c]
        return out

    return load


def of_andiron(scaled):
    from andiron import images

    steps = images.Pipeline(
        [images.Resize(256), images.CenterCrop(224), images.Normalize(MEAN, STD)],
        scaled_decode=scaled,
    )
    return lambda files: steps(files, threads=1)


def photos(data, n=32):
    sets = {}
    for name, pattern, step in (("rooms", "houses", 60), ("insects", "hymenoptera", 10)):
        paths = sorted(Path(data, pattern).rglob("*.jpg"))[::step][:n]
        if paths:
            sets[name] = [p.read_bytes() for p in paths]
    # Photos of a camera and of a portal: an enlarged one with noise, at quality 90.
    source = next(iter(sets.values()))[0] if sets else None
    rng = np.random.default_rng(0)
    base = Image.open(io.BytesIO(source)) if source else Image.effect_noise((400, 300), 90)
    for name, size, copies in (("1-megapixel photo", (1200, 900), 16),
                               ("12-megapixel photo", (4000, 3000), 2)):  # fmt: skip
        large = base.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        noisy = np.asarray(large, np.float32) + rng.normal(0, 4, (size[1], size[0], 3))
        file = io.BytesIO()
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        sets[name] = [file.getvalue()] * copies
    return sets


def rates(rounds):
    """Photos per CPU second of real files, of each side in each round, for benchmarks.vision."""
    sets = photos(os.environ.get("ANDIRON_TEST_DATA", "../shared/data"))
    files = sets.get("rooms", []) + sets.get("insects", []) or sets["1-megapixel photo"]
    loaders = {
        "Andiron": of_andiron(True),
        "Pillow + NumPy": of_pillow(False),
        "Pillow (draft) + NumPy": of_pillow(True),
        "OpenCV": of_opencv(False, "INTER_LINEAR"),
        "OpenCV (reduced)": of_opencv(True, "INTER_LINEAR"),
    }
    for load in loaders.values():
        load(files)
    measured = {side: [] for side in loaders}
    for _ in range(rounds):
        for side, load in loaders.items():
            start = time.process_time()
            load(files)
            measured[side].append(len(files) / (time.process_time() - start))
    return measured


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    loaders = {
        "Andiron": of_andiron(True),
        "Andiron, full decode": of_andiron(False),
        "Pillow + NumPy": of_pillow(False),
        "Pillow (draft) + NumPy": of_pillow(True),
        "OpenCV, linear": of_opencv(False, "INTER_LINEAR"),
        "OpenCV, area": of_opencv(False, "INTER_AREA"),
        "OpenCV (reduced), linear": of_opencv(True, "INTER_LINEAR"),
    }
    for name, files in photos(options.data).items():
        seconds = {k: [] for k in loaders}
        made = {}
        for _ in range(options.rounds):
            for k, load in loaders.items():
                start = time.process_time()
                made[k] = load(files)
                seconds[k].append((time.process_time() - start) / len(files))
        kilobytes = sum(map(len, files)) / len(files) / 1000
        print(f"\n{name} ({len(files)} files, {kilobytes:.0f} kB each): CPU ms a photo, median")
        ours = np.median(seconds["Andiron"])
        for k, s in seconds.items():
            away = np.abs(made[k] - made["Pillow + NumPy"]).mean() * 255 * STD.mean()
            print(
                f"  {k:26} {np.median(s) * 1e3:8.3f}  min {min(s) * 1e3:8.3f}  "
                f"x {np.median(s) / ours:5.2f}  mean distance from Pillow {away:.2f} levels"
            )


if __name__ == "__main__":
    main()
