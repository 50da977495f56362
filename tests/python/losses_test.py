"""Losses against Keras and PyTorch (goldens), scikit-learn and loops in NumPy."""

import json
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, _core, layers, load_model, losses, ops

GOLDENS = json.loads((Path(__file__).parent / "loss_goldens.json").read_text())
RNG = np.random.default_rng(3)
MINE = [name for name in losses.__all__ if isinstance(getattr(losses, name), type)]
MINE.remove("Loss")


def arrays(case):
    ids = isinstance(case["y_true"][0], int)
    return np.array(case["y_true"], "int32" if ids else "f"), np.array(case["y_pred"], "f")


def loss_and_gradient(loss, y, p):
    leaves = [_core.placeholder("y", y.shape, str(y.dtype)),
              _core.placeholder("p", p.shape, "float32")]  # fmt: skip
    value = loss(*leaves)
    slope = _core.grad_values(value, [leaves[1]])[0]
    return [np.asarray(t) for t in _core.Graph(leaves, [value, slope])(y, p)]


@pytest.mark.parametrize(
    "case", GOLDENS["losses"], ids=lambda c: f"{c['name']}-{json.dumps(c['config'])}"
)
def test_values_and_gradients_are_those_of_keras_and_pytorch(case):
    make = getattr(losses, case["name"])
    y, p = arrays(case)
    value, slope = loss_and_gradient(make(**case["config"]), y, p)
    scale = max(1.0, abs(case["loss"]))
    assert float(value) == pytest.approx(case["loss"], abs=3e-6 * scale)
    expected = np.array(case["gradient"])
    np.testing.assert_allclose(slope, expected, rtol=2e-4, atol=3e-6 * max(1, abs(expected).max()))
    total = float(make(reduction="sum", **case["config"])(y, p))
    assert total == pytest.approx(case["sum"], rel=1e-5, abs=1e-5)
    if case["weighted"] is not None:
        weight = np.array(GOLDENS["weight"], "f")
        weighted = float(make(**case["config"])(y, p, weight))
        assert weighted == pytest.approx(case["weighted"], rel=1e-5, abs=3e-6)


def test_every_loss_of_keras_and_pytorch_that_is_here_has_a_golden():
    without = {"Quantile", "CrammerSinger", "Contrastive", "TripletMining"}  # below
    assert {c["name"] for c in GOLDENS["losses"]} >= set(MINE) - without


def test_quantiles_equal_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    y, p = RNG.normal(size=200).astype("f"), RNG.normal(size=(200, 3)).astype("f")
    levels = [0.1, 0.5, 0.9]
    expected = [sk.mean_pinball_loss(y, p[:, i], alpha=q) for i, q in enumerate(levels)]
    for i, q in enumerate(levels):
        assert float(losses.Quantile(q)(y, p[:, i])) == pytest.approx(expected[i], rel=1e-5)
    for labels in (y, y[:, None]):
        assert float(losses.Quantile(levels)(labels, p)) == pytest.approx(
            np.mean(expected), rel=1e-5
        )


def test_crammer_singer_equals_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    y, s = RNG.integers(0, 4, 100), RNG.normal(size=(100, 4)).astype("f")
    expected = sk.hinge_loss(y, s, labels=[0, 1, 2, 3])
    assert float(losses.CrammerSinger()(y, s)) == pytest.approx(expected, rel=1e-5)


def test_contrastive_by_its_formula():
    y, d = RNG.integers(0, 2, 50).astype("f"), RNG.uniform(0, 2, 50).astype("f")
    expected = np.mean(y * d**2 + (1 - y) * np.maximum(1.5 - d, 0) ** 2)
    assert float(losses.Contrastive(1.5)(y, d)) == pytest.approx(expected, rel=1e-5)


def mined(y, x, margin, mining):
    """Each anchor's loss, triplet by triplet."""
    far = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    found = []
    for a in range(len(y)):
        positives = [far[a, j] for j in range(len(y)) if y[j] == y[a] and j != a]
        negatives = [far[a, j] for j in range(len(y)) if y[j] != y[a]]
        if not positives or not negatives:
            found.append(0.0)
        elif mining == "hard":
            found.append(max(max(positives) - min(negatives) + margin, 0))
        else:
            pick = [min([n for n in negatives if n > p], default=max(negatives)) for p in positives]
            pairs = zip(positives, pick, strict=True)
            found.append(np.mean([max(p - n + margin, 0) for p, n in pairs]))
    return np.array(found)


@pytest.mark.parametrize("mining", ["hard", "semi-hard"])
@pytest.mark.parametrize("y", [[0, 0, 1, 1, 2, 0, 3, 1], [4] * 8, list(range(8))])
def test_triplets_are_mined_as_triplet_by_triplet(mining, y):
    x = RNG.normal(size=(8, 3)).astype("f")
    y = np.array(y, "int32")
    each = losses.TripletMining(0.8, mining, reduction="none")(y, x)
    np.testing.assert_allclose(each, mined(y, x, 0.8, mining), atol=2e-5)
    _, slope = loss_and_gradient(losses.TripletMining(0.8, mining), y, x)
    assert np.isfinite(slope).all()


def test_names_functions_and_classes_are_one_loss():
    y, p = np.array([[0.0, 1.0, 1.0]], "f"), np.array([[0.2, 0.6, 0.9]], "f")
    for name in MINE:
        cls = getattr(losses, name)
        assert _core.get_loss(name).config() == cls().get_config()
        again = cls.from_config(cls().get_config())
        assert again.get_config() == cls().get_config()
        assert losses.core_of(cls).config() == cls().get_config()
    for name in ("mape", "MSLE", "kld", "huber", "log_cosh", "bce", "pinball", "bpr"):
        assert losses.get(name).name
    np.testing.assert_array_equal(
        losses.huber(y, p, 0.3), losses.Huber(0.3, reduction="none")(y, p)
    )
    np.testing.assert_array_equal(
        losses.binary_focal_crossentropy(y, p, gamma=1.0),
        losses.BinaryFocalCrossentropy(gamma=1.0, reduction="none")(y, p),
    )
    assert losses.core_of(losses.huber).class_name == "Huber"


def test_log_cosh_is_exact_near_zero():
    e = np.array([[1e-4], [1e-3], [0.03], [0.9999], [1.0001], [88.0], [1e30]], "f")
    found = losses.LogCosh(reduction="none")(np.zeros_like(e), e)
    d = e[:, 0].astype("f8")
    expected = np.where(d < 20, np.log1p(2 * np.sinh(np.minimum(d, 20) / 2) ** 2), d - np.log(2))
    np.testing.assert_allclose(found, expected, rtol=5e-6)
    _, slope = loss_and_gradient(losses.LogCosh("sum"), np.zeros_like(e), e)
    np.testing.assert_allclose(slope, np.tanh(e), rtol=5e-6)


@pytest.mark.parametrize(
    ("loss", "y", "p"),
    [
        (losses.CosineSimilarity(), [[0.0, 0.0]], [[0.0, 0.0]]),
        (losses.KLDivergence(), [[0.0, 1.0]], [[1.0, 0.0]]),
        (losses.BinaryFocalCrossentropy(gamma=0.5), [[0.0, 1.0]], [[0.0, 1.0]]),
        (losses.BinaryFocalCrossentropy(from_logits=True), [[0.0, 1.0]], [[300.0, -300.0]]),
        (losses.CategoricalFocalCrossentropy(gamma=0.5), [[0.0, 1.0]], [[0.0, 1.0]]),
        (losses.CategoricalFocalCrossentropy(from_logits=True), [[0.0, 1.0]], [[300.0, -300.0]]),
        (losses.Dice(), [[0.0, 0.0]], [[0.0, 0.0]]),
        (losses.Tversky(axis=1), [[0.0, 0.0]], [[0.0, 0.0]]),
        (losses.Poisson(), [[1.0, 0.0]], [[0.0, 0.0]]),
        (losses.MeanAbsolutePercentageError(), [[0.0, 0.0]], [[0.0, 1.0]]),
        (losses.Triplet(), [[0.0]], [[[1.0, 2.0]] * 3]),
        (losses.BPR(), [[0.0]], [[-1e4, 1e4]]),
    ],
    ids=lambda x: x.name if isinstance(x, losses.Loss) else "",
)
def test_edges_have_finite_values_and_gradients(loss, y, p):
    value, slope = loss_and_gradient(loss, np.array(y, "f"), np.array(p, "f"))
    assert np.isfinite(value) and np.isfinite(slope).all()


def test_focal_losses_see_through_the_activation():
    z = np.array([[-60.0], [40.0]], "f")
    leaf = _core.placeholder("z", (2, 1), "float32")
    y = _core.placeholder("y", (2, 1), "float32")
    given = np.array([[1.0], [0.0]], "f")
    by_sigmoid = losses.BinaryFocalCrossentropy(reduction="none")(y, ops.sigmoid(leaf))
    found = _core.Graph([y, leaf], [by_sigmoid])(given, z)[0]
    np.testing.assert_allclose(found, [60.0, 40.0], rtol=1e-5)


def test_nan_is_not_hidden():
    x = np.full((4, 3), np.nan, "f")
    y = np.array([0, 0, 1, 1], "int32")
    for loss in (losses.Circle(), losses.TripletMining(), losses.WestonWatkins(), losses.Huber()):
        labels = np.zeros((4, 3), "f") if loss.name == "huber_loss" else y
        assert np.isnan(float(loss(labels, x))), loss.name


def test_ignored_labels_are_not_averaged_over():
    s = RNG.normal(size=(6, 4)).astype("f")
    y = np.array([0, -1, 3, -1, 1, 2], "int32")
    some = y >= 0
    ignoring = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    plain = losses.SparseCategoricalCrossentropy(from_logits=True)
    assert float(ignoring(y, s)) == pytest.approx(float(plain(y[some], s[some])), rel=1e-6)
    nothing = np.full(6, -1, "int32")
    assert float(ignoring(nothing, s)) == 0.0


# -- in models

X = RNG.normal(size=(96, 6)).astype("f")
CLASS = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)
W = RNG.uniform(0.1, 2.0, 96).astype("f")


def fitted(loss, y, units, activation=None, **fit):
    andiron.set_random_seed(1)
    model = Sequential([Input((6,)), layers.Dense(units, activation)])
    model.compile(andiron.optimizers.Adam(0.03), loss)
    history = model.fit(X, y, batch_size=32, epochs=5, verbose=0, **fit).history["loss"]
    return model, history


HOT = np.eye(3, dtype="f")[CLASS]
IN_MODELS = [
    ("huber", X[:, :1], 1, None),
    ("log_cosh", X[:, :1], 1, None),
    (losses.Quantile([0.2, 0.8]), X[:, 0], 2, None),
    ("poisson", np.abs(X[:, :1]), 1, "softplus"),
    ("kl_divergence", HOT, 3, "softmax"),
    ("cosine_similarity", HOT, 3, None),
    ("binary_focal_crossentropy", HOT, 3, "sigmoid"),
    ("categorical_focal_crossentropy", HOT, 3, "softmax"),
    ("categorical_generalized_cross_entropy", CLASS, 3, "softmax"),
    ("squared_hinge", HOT, 3, None),
    ("weston_watkins", CLASS, 3, None),
    ("crammer_singer", CLASS, 3, None),
    (losses.Dice(axis=-1), HOT, 3, "sigmoid"),
    (losses.Dice(), HOT, 3, "sigmoid"),
    (losses.tversky, HOT, 3, "sigmoid"),
    (losses.MarginRanking(1.0), 2 * HOT[:, :1] - 1, 2, None),
    ("bpr", np.zeros(96, "f"), 4, None),
    (losses.TripletMining(mining="hard"), CLASS, 3, None),
    (losses.TripletMining(), CLASS, 3, None),
]


@pytest.mark.parametrize(
    ("loss", "y", "units", "activation"),
    IN_MODELS,
    ids=lambda x: x if isinstance(x, str) else getattr(x, "name", ""),
)
def test_models_learn_and_are_saved_with_them(loss, y, units, activation, tmp_path):
    model, history = fitted(loss, y, units, activation, sample_weight=W)
    assert np.isfinite(history).all() and history[-1] < history[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    found = again.evaluate(X, y, sample_weight=W, verbose=0)
    assert found == pytest.approx(model.evaluate(X, y, sample_weight=W, verbose=0), rel=1e-6)


def test_ids_that_are_no_class_are_an_error():
    for name in ("weston_watkins", "crammer_singer", "categorical_generalized_cross_entropy"):
        with pytest.raises(_core.Error, match="index 7 is out of range"):
            losses.get(name)(np.array([1, 7]), np.zeros((2, 3), "f"))


class Cubed(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.power(ops.absolute(y_true - y_pred), 3.0), axes=(-1,))


def cubed(y_true, y_pred):
    return ops.mean(ops.power(ops.absolute(y_true - y_pred), 3.0), axes=(-1,))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_losses_of_ones_own_take_weights_and_reductions(reduction, tmp_path):
    y = X[:, :1] * 2
    model, _ = fitted(Cubed(reduction=reduction), y, 1, sample_weight=W)
    each = np.abs(y - model.predict(X, verbose=0))[:, 0] ** 3
    expected = {"sum_over_batch_size": np.mean(W * each), "sum": np.sum(W * each),
                "mean_with_sample_weight": np.sum(W * each) / np.sum(W)}[reduction]  # fmt: skip
    found = model.evaluate(X, y, sample_weight=W, batch_size=96, verbose=0)
    assert found == pytest.approx(expected, rel=1e-4)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.evaluate(X, y, sample_weight=W, batch_size=96, verbose=0) == pytest.approx(found)


def test_losses_of_ones_own_take_class_weights():
    def own(y_true, y_pred):
        return -ops.log(ops.sum(y_true * y_pred, axes=(-1,)) + 1e-7)

    weights = {0: 2.0, 1: 0.5, 2: 1.5}
    _, mine = fitted(own, HOT, 3, "softmax", class_weight=weights)
    _, keras = fitted("categorical_crossentropy", HOT, 3, "softmax", class_weight=weights)
    np.testing.assert_allclose(mine, keras, rtol=1e-4)


def in_numpy(y_true, y_pred):
    return np.abs(np.asarray(y_true) - np.asarray(y_pred))


def of_the_batch(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def nothing(y_true, y_pred):
    ops.square(y_true - y_pred)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (in_numpy, "it is being traced"),
        (of_the_batch, r"'of_the_batch' must return one value for each sample, \[batch, ...\]"),
        (nothing, "'nothing' must return one value for each sample; got None"),
    ],
)
def test_losses_of_ones_own_that_are_none_are_refused_by_name(loss, words):
    with pytest.raises(_core.Error, match=words):
        Sequential([Input((6,)), layers.Dense(1)]).compile("adam", loss)


def test_a_loss_with_a_variable_is_not_saved_and_says_so(tmp_path):
    scale = _core.Variable(np.ones((), "f"), "scale", True, "float32")

    def scaled(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred) * scale.value, axes=(-1,))

    model, _ = fitted(scaled, X[:, :1], 1)
    with pytest.raises(_core.Error, match="'scaled' reads variables; only layers may"):
        model.save(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: losses.Huber(delta=0), r"\[Huber\] delta must be positive; got 0"),
        (lambda: losses.Quantile([0.1, 1.0]), r"\[Quantile\] quantiles must lie between 0 and 1"),
        (lambda: losses.Quantile([]), r"\[Quantile\] needs at least one quantile"),
        (lambda: losses.CosineSimilarity(axis=1), "the last axis"),
        (lambda: losses.BinaryFocalCrossentropy(alpha=2), r"alpha must be in \[0, 1\]; got 2"),
        (lambda: losses.CategoricalFocalCrossentropy(gamma=-1), "gamma must be at least 0; got -1"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1), "q must lie between 0 and 1"),
        (lambda: losses.TripletMining(mining="easy"), "mining must be semi-hard or hard"),
        (lambda: losses.WestonWatkins(margin=-1), "margin must be at least 0; got -1"),
        (lambda: losses.Tversky(alpha=-1), "alpha must be at least 0"),
        (lambda: losses.Dice(axis=0)(np.ones((2, 3)), np.ones((2, 3))), "behind the batch"),
        (lambda: losses.MarginRanking()(np.ones(2), np.ones((2, 3))), "must be two scores"),
        (lambda: losses.BPR()(np.ones(2), np.ones((2, 1))), "what was chosen"),
        (lambda: losses.Triplet()(np.ones(2), np.ones((2, 3))), "anchor, positive, negative"),
        (lambda: losses.Circle()(np.ones((2, 3), "i4"), np.ones((2, 3, 1))),
         r"embeddings \[batch, d\]"),
        (lambda: losses.Quantile([0.1, 0.9])(np.ones(2), np.ones((2, 3))), "the 2 quantiles"),
        (lambda: losses.CategoricalFocalCrossentropy(alpha=[1, 2])(np.ones((1, 3)),
                                                                   np.ones((1, 3))), "2 numbers"),
    ],
)  # fmt: skip
def test_mistakes_are_named(make, words):
    with pytest.raises(_core.Error, match=words):
        make()
