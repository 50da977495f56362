"""Preprocessing layers beside scikit-learn's ColumnTransformer, interleaved.

    .venv/bin/python -m benchmarks.preprocessing [--rows 1000000] [--rounds 5]

A table of drawn rows: four floats are standardized, two put into ten intervals of equal counts, a
text of 50 values becomes a vector, one of 10,000 values an id. Both sides begin with the same
DataFrame and end with one float32 array; scikit-learn's vectors are dense. Hashing is measured by
itself beside FeatureHasher, which makes sparse rows. `fit` is adapt beside fit.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from benchmarks.harness import Row, compare, table

FLOATS, BINNED = ["f0", "f1", "f2", "f3"], ["b0", "b1"]


def drawn(rows: int, seed: int = 0) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    frame = pd.DataFrame({name: r.normal(i, 1 + i, rows) for i, name in enumerate(FLOATS)})
    for name in BINNED:
        frame[name] = r.gamma(2.0, 10.0, rows)
    few = np.array([f"group {i}" for i in range(50)], dtype=object)
    many = np.array([f"item-{i:05d}" for i in range(10_000)], dtype=object)
    frame["few"] = few[r.integers(0, len(few), rows)]
    frame["many"] = many[np.minimum(r.zipf(1.3, rows) - 1, len(many) - 1)]
    return frame


class Ours:
    """The layers as a model: one pass over the columns."""

    def fit(self, frame: pd.DataFrame) -> Ours:
        from andiron import Input, Model, layers

        scale = layers.Normalization()
        scale.adapt(frame[FLOATS])
        bins = [layers.Discretization(num_bins=10, output_mode="one_hot") for _ in BINNED]
        for layer, name in zip(bins, BINNED, strict=True):
            layer.adapt(frame[name].to_numpy())
        few = layers.StringLookup(output_mode="one_hot", num_oov_indices=1)
        few.adapt(frame["few"])
        many = layers.StringLookup()
        many.adapt(frame["many"])

        floats = Input((len(FLOATS),), name="floats")
        binned = [Input((), name=name) for name in BINNED]
        words = [Input((), dtype="string", name=name) for name in ("few", "many")]
        as_float = layers.Lambda(lambda ids: _column(ids))
        parts = [scale(floats), *(layer(x) for layer, x in zip(bins, binned, strict=True)),
                 few(words[0]), as_float(many(words[1]))]  # fmt: skip
        self.model = Model([floats, *binned, *words], layers.Concatenate()(parts))
        return self

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        return self.model.predict({
            "floats": frame[FLOATS],
            **{name: frame[name] for name in (*BINNED, "few", "many")},
        })  # fmt: skip


def _column(ids):
    from andiron import ops

    return ops.expand_dims(ops.cast(ids, "float32"), 1)


def scikit_learns():
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import (
        KBinsDiscretizer,
        OneHotEncoder,
        OrdinalEncoder,
        StandardScaler,
    )

    bins = KBinsDiscretizer(
        10, encode="onehot-dense", subsample=None, quantile_method="averaged_inverted_cdf"
    )
    return ColumnTransformer(
        [
            ("scale", StandardScaler(), FLOATS),
            ("bins", bins, BINNED),
            ("few", OneHotEncoder(sparse_output=False, dtype=np.float32), ["few"]),
            ("many", OrdinalEncoder(dtype=np.float32), ["many"]),
        ]
    )


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Both sides did the same work: scaled columns are equal, vectors have one 1 each."""
    np.testing.assert_allclose(ours[:, :4], theirs[:, :4], atol=1e-3)
    np.testing.assert_array_equal(ours[:, 4:24].sum(1), theirs[:, 4:24].sum(1))
    same = (ours[:, 4:24].argmax(1) == theirs[:, 4:24].argmax(1)).mean()
    assert same > 0.98, same  # boundaries are estimated within 1 %
    np.testing.assert_array_equal(ours[:, 24:75].sum(1), theirs[:, 24:74].sum(1))


def rows_of(n: int, rounds: int) -> list[Row]:
    from sklearn.feature_extraction import FeatureHasher

    from andiron import layers

    frame = drawn(n)
    ours, theirs = Ours().fit(frame), scikit_learns().fit(frame)
    agree(ours.transform(frame[:5000]), theirs.transform(frame[:5000]))

    def done(work):
        def run():
            work()
            return n

        return run

    hashing, hasher = layers.Hashing(1000), FeatureHasher(1000, input_type="string")
    words = frame["many"]
    bags = [[word] for word in words]  # what FeatureHasher takes
    small = frame[: n // 4]

    def fit_ours():
        Ours().fit(small)
        return len(small)

    def fit_theirs():
        scikit_learns().fit(small)
        return len(small)

    return [
        compare("preprocessing: transform", "ColumnTransformer", "rows/s",
                done(lambda: ours.transform(frame)), done(lambda: theirs.transform(frame)), rounds),
        compare("preprocessing: adapt", "ColumnTransformer", "rows/s", fit_ours, fit_theirs,
                rounds),
        compare("preprocessing: Hashing", "FeatureHasher", "rows/s", done(lambda: hashing(words)),
                done(lambda: hasher.transform(bags)), min(rounds, 3)),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(table(rows_of(arguments.rows, arguments.rounds)))


if __name__ == "__main__":
    main()
