"""The same seed gives the same bits, in another process, with one and with two threads."""

import subprocess
import sys

import pytest

FIT = """
import hashlib, sys
import numpy as np
import andiron
from andiron import Input, Model, layers
andiron.set_threads(int(sys.argv[1]))
{seed}
x = np.random.default_rng(0).normal(size=(300, 8)).astype("f")
ids = np.random.default_rng(1).integers(0, 50, 300).astype("i")
a, b = Input((8,)), Input((), dtype="int32")
y = layers.Concatenate()([a, layers.Embedding(50, 4)(b)])
y = layers.Dropout(0.3)(layers.BatchNormalization()(layers.Dense(64, "relu")(y)))
m = Model([a, b], layers.Dense(3, "softmax")(y))
m.compile("adam", "sparse_categorical_crossentropy")
m.fit([x, ids], ids % 3, batch_size=32, epochs=2, verbose=0)
print(hashlib.sha256(b"".join(w.tobytes() for w in m.get_weights())).hexdigest())
"""


def digest(threads, seed):
    code = f"import sys; sys.path[:0] = {sys.path!r}\n" + FIT.format(seed=seed)
    done = subprocess.run(
        [sys.executable, "-c", code, str(threads)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("threads", [1, 2])
def test_fitting_twice_gives_the_same_bits(threads):
    assert digest(threads, "") == digest(threads, "andiron.set_random_seed(0)")


def test_another_seed_gives_others():
    assert digest(1, "") != digest(1, "andiron.set_random_seed(1)")
