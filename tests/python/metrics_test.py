"""Metrics against scikit-learn, else Keras (goldens) or NumPy: streamed, merged, weighted."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, _core, callbacks, layers, load_model, metrics

sk = pytest.importorskip("sklearn.metrics")
GOLDENS = json.loads((Path(__file__).parent / "loss_goldens.json").read_text())
RNG = np.random.default_rng(0)
N, K = 600, 4
CLASS = RNG.integers(0, K, N)
SCORES = np.round(np.eye(K)[CLASS] * 0.35 + RNG.random((N, K)), 2)
SCORES /= SCORES.sum(1, keepdims=True)
SEEN = SCORES.argmax(1)
YES = RNG.integers(0, 2, N)
P = np.round(np.clip(RNG.normal(0.4 + 0.2 * YES, 0.25), 0, 1), 2)
W = RNG.random(N) + 0.1
T, Q = RNG.normal(size=(N, 3)) * [1, 5, 9] + [0, 50, 1e4], None
Q = T + RNG.normal(size=T.shape)
LABELS = (RNG.random((N, K)) < [0.2, 0.4, 0.6, 0.1]).astype("f")
CHANCES = np.round(np.clip(LABELS * 0.3 + RNG.random((N, K)) * 0.7, 0, 1), 2).astype("f")


def streamed(make, y, p, w):
    """In one update, in pieces, merged, through bytes and a pickle: one figure."""
    whole = make()
    whole.update_state(y, p, w)
    found = whole.result()
    parts = [make(), make()]
    for i, rows in enumerate(np.array_split(np.arange(len(p)), 5)):
        part = parts[i % 2]
        part.update_state(None if y is None else y[rows], p[rows], None if w is None else w[rows])
        part.result()
    parts[0].merge_state(parts[1:])
    np.testing.assert_allclose(parts[0].result(), found, rtol=1e-9, atol=1e-12)
    copy = make()
    copy._core.deserialize(parts[0]._core.serialize())
    np.testing.assert_array_equal(copy.result(), parts[0].result())
    fresh = pickle.loads(pickle.dumps(whole))
    fresh.update_state(y, p, w)
    np.testing.assert_allclose(fresh.result(), found, rtol=1e-12)
    whole.reset_state()
    whole.update_state(y, p, w)
    np.testing.assert_array_equal(whole.result(), found)
    return found


def of_scores(function, **settings):
    return lambda w: function(CLASS, SEEN, sample_weight=w, **settings)


def averages(kind, function):
    rows = []
    for average in ("micro", "macro", "weighted", None):
        more = {"average": average}
        rows.append((lambda kind=kind, more=more: kind(**more), CLASS, SCORES,
                     of_scores(function, zero_division=0, **more)))  # fmt: skip
        if kind in (metrics.Precision, metrics.Recall):
            continue
        rows.append(
            (lambda kind=kind, more=more: kind(threshold=0.4, **more), LABELS, CHANCES,
             lambda w, function=function, more=more: function(
                 LABELS, CHANCES > 0.4, sample_weight=w, zero_division=0, **more)))  # fmt: skip
    return rows


CASES = {
    "balanced": (metrics.BalancedAccuracy, CLASS, SCORES, of_scores(sk.balanced_accuracy_score)),
    "balanced, adjusted": (lambda: metrics.BalancedAccuracy(True), CLASS, SEEN,
                           of_scores(sk.balanced_accuracy_score, adjusted=True)),
    "kappa": (metrics.CohenKappa, CLASS, SCORES, of_scores(sk.cohen_kappa_score)),
    "kappa, linear": (lambda: metrics.CohenKappa("linear"), CLASS, SCORES,
                      of_scores(sk.cohen_kappa_score, weights="linear")),
    "kappa, quadratic": (lambda: metrics.CohenKappa("quadratic"), CLASS, SEEN.astype("i4"),
                         of_scores(sk.cohen_kappa_score, weights="quadratic")),
    "matthews": (metrics.MatthewsCorrelation, CLASS, SCORES, of_scores(sk.matthews_corrcoef)),
    "matthews, binary": (metrics.MatthewsCorrelation, YES, P,
                         lambda w: sk.matthews_corrcoef(YES, P > 0.5, sample_weight=w)),
    "confusion": (metrics.ConfusionMatrix, CLASS, SCORES, of_scores(sk.confusion_matrix)),
    "confusion, ids as floats": (lambda: metrics.ConfusionMatrix(K), CLASS, SEEN.astype("f"),
                                 of_scores(sk.confusion_matrix)),
    **{f"confusion by {by}": (lambda by=by: metrics.ConfusionMatrix(normalize=by), CLASS, SCORES,
                              of_scores(sk.confusion_matrix, normalize=by))
       for by in ("true", "pred", "all")},
    "f1 binary": (lambda: metrics.F1Score("binary"), YES, P,
                  lambda w: sk.f1_score(YES, P > 0.5, sample_weight=w)),
    "f1 by name": (lambda: metrics.get("f1_score"), YES, P,
                   lambda w: sk.f1_score(YES, P > 0.5, sample_weight=w)),
    "f1 by name, classes": (lambda: metrics.get("f1"), CLASS, SCORES,
                            of_scores(sk.f1_score, average="macro")),
    "f2": (lambda: metrics.FBetaScore("macro", 2.0), CLASS, SCORES,
           of_scores(sk.fbeta_score, beta=2.0, average="macro")),
    "brier": (metrics.BrierScore, YES, P, lambda w: sk.brier_score_loss(YES, P, sample_weight=w)),
    "brier, classes": (metrics.BrierScore, CLASS, SCORES,
                       lambda w: sk.brier_score_loss(CLASS, SCORES, sample_weight=w)),
    "r2": (metrics.R2Score, T, Q, lambda w: sk.r2_score(T, Q, sample_weight=w)),
    "r2, by variance": (lambda: metrics.R2Score("variance_weighted_average"), T, Q,
                        lambda w: sk.r2_score(T, Q, sample_weight=w,
                                              multioutput="variance_weighted")),
    "r2, each": (lambda: metrics.R2Score(None), T, Q,
                 lambda w: sk.r2_score(T, Q, sample_weight=w, multioutput="raw_values")),
    "mape": (metrics.MeanAbsolutePercentageError, T, Q,
             lambda w: 100 * sk.mean_absolute_percentage_error(T, Q, sample_weight=w)),
    "msle": (metrics.MeanSquaredLogarithmicError, P + 0.1, P[::-1] + 0.1,
             lambda w: sk.mean_squared_log_error(P + 0.1, P[::-1] + 0.1, sample_weight=w)),
    "pinball": (lambda: metrics.MeanPinballLoss(0.3), T, Q,
                lambda w: sk.mean_pinball_loss(T, Q, sample_weight=w, alpha=0.3)),
    "hinge": (metrics.Hinge, YES, P, lambda w: sk.hinge_loss(YES, P, sample_weight=w)),
    "jaccard binary": (lambda: metrics.JaccardScore("binary"), YES, P,
                       lambda w: sk.jaccard_score(YES, P > 0.5, sample_weight=w)),
    "areas, one against the rest": (lambda: metrics.AUC(multi_label=True), CLASS, SCORES,
                                    lambda w: sk.roc_auc_score(CLASS, SCORES, sample_weight=w,
                                                               multi_class="ovr")),
    "areas of labels": (lambda: metrics.AUC(multi_label=True, average="weighted"), LABELS, CHANCES,
                        lambda w: sk.roc_auc_score(LABELS, CHANCES, sample_weight=w,
                                                   average="weighted")),
    "average precisions": (lambda: metrics.AUC("PR", multi_label=True, average=None), LABELS,
                           CHANCES, lambda w: sk.average_precision_score(
                               LABELS, CHANCES, sample_weight=w, average=None)),
    "false negatives": (metrics.FalseNegatives, YES, P,
                        lambda w: sk.confusion_matrix(YES, P > 0.5, sample_weight=w)[1, 0]),
}  # fmt: skip
for kind, function in (
    (metrics.F1Score, sk.f1_score),
    (metrics.JaccardScore, sk.jaccard_score),
    (metrics.Precision, sk.precision_score),
    (metrics.Recall, sk.recall_score),
):
    for i, row in enumerate(averages(kind, function)):
        if kind in (metrics.Precision, metrics.Recall) and i == 3:
            continue  # without average they are Keras's, of all elements
        CASES[f"{kind.__name__} {i}"] = row


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_figures_are_scikit_learns(name, weighted):
    make, y, p, expected = CASES[name]
    w = W if weighted else None
    np.testing.assert_allclose(streamed(make, y, p, w), expected(w), rtol=1e-9, atol=1e-12)


def test_top_k_equals_scikit_learn():
    scores = RNG.permutation(N * K).reshape(N, K) / (N * K)
    for k in (1, 2, 3):
        expected = sk.top_k_accuracy_score(CLASS, scores, k=k, sample_weight=W)
        sparse = metrics.SparseTopKCategoricalAccuracy(k)
        assert streamed(lambda s=sparse, k=k: type(s)(k), CLASS, scores, W) == pytest.approx(
            expected
        )
        hot = metrics.TopKCategoricalAccuracy(k)
        hot.update_state(np.eye(K)[CLASS], scores, W)
        assert hot.result() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_calibration_error_has_the_bins_of_scikit_learn(bins):
    from sklearn.calibration import calibration_curve

    metric = metrics.ExpectedCalibrationError(bins)
    streamed(lambda: metrics.ExpectedCalibrationError(bins), YES, P, W)
    metric.update_state(YES, P)
    happened, mean = calibration_curve(YES, P, n_bins=bins)
    table = metric.bins()
    some = table[:, 0] > 0
    np.testing.assert_allclose(table[some, 1], mean, rtol=1e-12)
    np.testing.assert_allclose(table[some, 2], happened, rtol=1e-12)
    share = table[some, 0] / N
    assert metric.result() == pytest.approx((share * abs(mean - happened)).sum())
    for norm, expected in (("max", abs(mean - happened).max()),
                           ("l2", np.sqrt((share * (mean - happened) ** 2).sum()))):  # fmt: skip
        other = metrics.ExpectedCalibrationError(bins, norm)
        other.update_state(YES, P)
        assert other.result() == pytest.approx(expected)


@pytest.mark.parametrize("mark", [-1, 255, 2])
def test_iou_leaves_out_the_ignored_label(mark):
    """Keras's ignore_class: marked rows weigh nothing, also where the mark is no class."""
    keep = CLASS != 2
    labels = np.where(keep, CLASS, mark)
    expected = sk.jaccard_score(
        CLASS[keep], SEEN[keep], average="macro", labels=np.unique([*CLASS[keep], *SEEN[keep]])
    )
    for seen in (SEEN, SCORES):
        make = lambda: metrics.MeanIoU(K, ignore_class=mark)  # noqa: E731
        assert streamed(make, labels, seen, None) == pytest.approx(expected)
    if mark != 2:
        with pytest.raises(_core.Error, match=f"class id {mark} is not in"):
            metrics.MeanIoU(K).update_state(labels, SEEN)


def test_calibration_of_classes_looks_at_the_highest():
    rows, best = metrics.ExpectedCalibrationError(), metrics.ExpectedCalibrationError()
    rows.update_state(CLASS, SCORES)
    best.update_state(SEEN == CLASS, SCORES.max(1))
    assert rows.result() == pytest.approx(best.result())


def points(curve, keep, bound, w=None):
    """By scikit-learn's curves: the best `keep` where the other is at least `bound`."""
    if curve == "roc":
        fpr, tpr, _ = sk.roc_curve(YES, P, sample_weight=w, drop_intermediate=False)
        a, b = (tpr, 1 - fpr) if keep == "sensitivity" else (1 - fpr, tpr)
    else:
        precision, recall, _ = sk.precision_recall_curve(YES, P, sample_weight=w)
        precision[-1] = 0.0  # nothing is predicted there
        a, b = (precision, recall) if keep == "precision" else (recall, precision)
    return a[b >= bound - 1e-12].max(initial=0.0)


@pytest.mark.parametrize("bound", [0.0, 0.3, 0.731, 0.99])
def test_best_points_of_curves_are_those_of_scikit_learns_curves(bound):
    for kind, curve, keep in (
        (metrics.SensitivityAtSpecificity, "roc", "sensitivity"),
        (metrics.SpecificityAtSensitivity, "roc", "specificity"),
        (metrics.PrecisionAtRecall, "pr", "precision"),
        (metrics.RecallAtPrecision, "pr", "recall"),
    ):
        for w in (None, W):
            found = streamed(lambda kind=kind: kind(bound), YES, P, w)
            assert found == pytest.approx(points(curve, keep, bound, w), abs=1e-9), kind.__name__
    of_column = metrics.PrecisionAtRecall(0.5, class_id=1)
    of_column.update_state(LABELS, CHANCES)
    alone = metrics.PrecisionAtRecall(0.5)
    alone.update_state(LABELS[:, 1], CHANCES[:, 1])
    assert of_column.result() == alone.result()


def large_scores(kind):
    r = np.random.default_rng(5)
    p = r.normal(size=150_000)
    return {
        "spread": p,
        "float32": p.astype("f"),
        "ties": np.round(p, 2).astype("f"),
        "equal": np.full(len(p), 0.25),
        "last bits": 0.5 + np.round(p * 1e3) * np.finfo("f8").eps,
        "few and far": np.round(p) * 1e300,
    }[kind]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("kind", ["spread", "float32", "ties", "equal", "last bits", "few and far"])
def test_areas_of_many_scores_in_parts(kind, threads):
    p = large_scores(kind)
    y = (np.random.default_rng(6).random(len(p)) < 0.3).astype("f")
    before = andiron.get_threads()
    andiron.set_threads(threads)
    try:
        for curve, expected in (
            ("ROC", sk.roc_auc_score(y, p)),
            ("PR", sk.average_precision_score(y, p)),
        ):
            metric = metrics.AUC(curve)
            metric.update_state(y, p)
            assert metric.result() == pytest.approx(expected, abs=1e-12)
    finally:
        andiron.set_threads(before)


def rows_of(values):
    return None if values is None else np.array(values, "i4" if isinstance(values[0], int) else "f")


@pytest.mark.parametrize("case", GOLDENS["metrics"], ids=lambda c: f"{c[0]}-{json.dumps(c[1])}")
def test_figures_are_keras(case):
    name, config, y, p, plain, weighted = case
    y, p = rows_of(y), rows_of(p)
    for w, expected in ((None, plain), (np.array(GOLDENS["metric_weight"]), weighted)):
        if expected is None:
            continue
        metric = getattr(metrics, name)(**config)
        if name == "Sum":
            metric.update_state(p, w)
        else:
            metric.update_state(y, p, w)
        # Keras computes in float32 and adds 1e-7 here and there.
        np.testing.assert_allclose(metric.result(), expected, rtol=3e-5, atol=3e-6)


def test_r2_of_labels_far_from_zero():
    y = 1e8 + RNG.normal(size=N)
    p = y + RNG.normal(size=N) * 0.1
    found = streamed(metrics.R2Score, y, p, W)
    assert found == pytest.approx(sk.r2_score(y, p, sample_weight=W), rel=1e-6)
    flat = metrics.R2Score()
    flat.update_state([3.0, 3.0], [3.0, 3.0])
    assert flat.result() == sk.r2_score([3.0, 3.0], [3.0, 3.0]) == 1.0


def test_smape_and_relative_errors_by_their_formulas():
    found = streamed(metrics.SymmetricMeanAbsolutePercentageError, T, Q, W)
    each = 200 * abs(T - Q) / (abs(T) + abs(Q))
    assert found == pytest.approx(np.average(each, weights=np.tile(W[:, None], 3)))
    zero = metrics.SymmetricMeanAbsolutePercentageError()
    zero.update_state([0.0, 1.0], [0.0, 1.0])
    assert zero.result() == 0.0
    by = [2.0, 0.0, 5.0]
    relative = streamed(lambda: metrics.MeanRelativeError(by), T, Q, None)
    each = abs(T - Q) * [1 / 2, 0, 1 / 5]
    assert relative == pytest.approx(each.mean())


def test_recommendations_beyond_accuracy():
    users, items, k = 40, 25, 5
    scores = RNG.random((users, items))
    best = np.argsort(-scores, axis=1)[:, :k]
    popularity = RNG.integers(0, 50, items)
    features = RNG.normal(size=(items, 3))
    relevant = (RNG.random((users, items)) < 0.1).astype("f")
    w = RNG.random(users)

    assert streamed(lambda: metrics.Coverage(1), None, scores, None) == pytest.approx(
        len(np.unique(best[:, 0])) / items
    )
    share = np.maximum(popularity, 1) / np.maximum(popularity, 1).sum()
    surprise = -np.log2(share)[best].mean(1)
    found = streamed(lambda: metrics.Novelty(popularity, k), None, scores, w)
    assert found == pytest.approx(np.average(surprise, weights=w))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    upper = np.triu_indices(k, 1)
    apart = [(1 - unit[row] @ unit[row].T)[upper].mean() for row in best]
    found = streamed(lambda: metrics.IntraListDiversity(features, k), None, scores, w)
    assert found == pytest.approx(np.average(apart, weights=w))
    hits = np.take_along_axis(relevant, best, 1)
    some = relevant.sum(1) > 0
    first = np.where(hits.any(1), 1 / (hits.argmax(1) + 1), 0.0)
    found = streamed(lambda: metrics.MRR(k), relevant, scores, w)
    assert found == pytest.approx(np.average(first[some], weights=w[some]))


def test_mrr_is_label_ranking_of_single_labels():
    scores = RNG.permutation(N * K).reshape(N, K) / (N * K)
    expected = sk.label_ranking_average_precision_score(np.eye(K)[CLASS], scores)
    found = metrics.MRR(K)
    found.update_state(np.eye(K, dtype="f")[CLASS], scores)
    assert found.result() == pytest.approx(expected)


def test_workers_with_different_classes_are_merged():
    parts = [metrics.CohenKappa(), metrics.CohenKappa()]
    parts[0].update_state([0, 1, 1], [0, 1, 0])
    parts[1].update_state([5, 2, 1], [5, 2, 2])
    parts[0].merge_state(parts[1:])
    expected = sk.cohen_kappa_score([0, 1, 1, 5, 2, 1], [0, 1, 0, 5, 2, 2])
    assert parts[0].result() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "y", "p"),
    [
        (metrics.CohenKappa, [0, 1, 2], [0, 2, 2]),
        (metrics.F1Score, [0, 1], [0, 1]),
        (metrics.R2Score, [[1.0], [2.0]], [[1.0], [3.0]]),
        (lambda: metrics.Coverage(1), [[0, 0]], [[0.1, 0.2]]),
        (lambda: metrics.AUC(multi_label=True), [0, 1], [[0.2, 0.8], [0.3, 0.7]]),
        (metrics.ExpectedCalibrationError, [0, 1], [0.2, 0.7]),
    ],
)
def test_damaged_states_are_errors_or_figures(make, y, p):
    metric = make()
    metric.update_state(np.array(y), np.array(p))
    good = metric._core.serialize()
    for n in range(0, len(good), 3):
        with pytest.raises(_core.Error):
            make()._core.deserialize(good[:n])
    for at in range(0, len(good), 3):
        bad = bytearray(good)
        bad[at] ^= 255
        other = make()
        try:
            other._core.deserialize(bytes(bad))
        except _core.Error:
            continue
        other.result()


NUMBERS = ["f1_score", "balanced_accuracy", "cohen_kappa", "matthews_correlation", "brier_score",
           "expected_calibration_error", "mape", "smape", "r2_score", "true_positives", "mean_iou",
           metrics.PrecisionAtRecall(0.5)]  # fmt: skip


def test_fit_logs_them_and_files_hold_them(tmp_path):
    x = RNG.normal(size=(64, 3)).astype("f")
    y = (x[:, :1] > 0).astype("f")
    model = Sequential([Input((3,)), layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=NUMBERS)
    history = model.fit(x, y, epochs=2, verbose=0).history
    assert len(history) == 1 + len(NUMBERS) and np.isfinite(list(history.values())).all()
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0))


def test_arrays_are_refused_in_logs():
    model = Sequential([Input((3,)), layers.Dense(4, "softmax")])
    for metric in (metrics.ConfusionMatrix(), metrics.F1Score(), metrics.Precision([0.2, 0.4])):
        with pytest.raises(_core.Error, match="gives an array, and logs hold numbers"):
            model.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])


class Rising(metrics.Metric):
    """Higher from epoch to epoch."""

    epoch = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        np.asarray(y_pred)  # no graph

    def result(self):
        return float(Rising.epoch)

    def reset_state(self):
        Rising.epoch += 1


@pytest.mark.parametrize(
    ("name", "epochs"), [("cohen_kappa", 5), ("mrr@5", 5), ("tower2_mae", 3), ("previous_mse", 3)]
)
def test_early_stopping_knows_which_ones_should_rise(name, epochs):
    x = np.zeros((8, 1), "f")
    model = Sequential([Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Rising(name)])
    stop = callbacks.EarlyStopping(name, patience=2)
    assert len(model.fit(x, x, epochs=5, verbose=0, callbacks=[stop]).epoch) == epochs


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.FBetaScore("median"),
         "average must be none, binary, micro, macro or weighted"),
        (lambda: metrics.FBetaScore(beta=0), "beta must be positive; got 0"),
        (lambda: metrics.F1Score(threshold=2), r"threshold must be in \[0, 1\]; got 2"),
        (lambda: metrics.CohenKappa("cubic"), "weights must be linear or quadratic; got 'cubic'"),
        (lambda: metrics.ConfusionMatrix(normalize="rows"), "normalize must be true, pred or all"),
        (lambda: metrics.ConfusionMatrix(3).update_state([0, 5], [0, 1]),
         r"\[confusion_matrix\] row 1: class id 5 is not in \[0, 3\)"),
        (lambda: metrics.CohenKappa().update_state([0.5, 1], [0, 1]), "class id 0.5"),
        (lambda: metrics.BrierScore().update_state([0, 1], [0.5, 1.5]), "row 1: a probability"),
        (lambda: metrics.ExpectedCalibrationError(0), "bins must be from 1"),
        (lambda: metrics.ExpectedCalibrationError(norm="l3"), "norm must be l1, l2 or max"),
        (lambda: metrics.R2Score("mean"), "class_aggregation must be"),
        (lambda: metrics.PrecisionAtRecall(1.5), r"the bound must be in \[0, 1\]; got 1.5"),
        (lambda: metrics.SparseTopKCategoricalAccuracy(0), "k must be at least 1; got 0"),
        (lambda: metrics.Hinge().update_state([2.0], [0.3]), r"a label must be -1 \(or 0\) or 1"),
        (lambda: metrics.IoU(3, [3]), r"target class 3 is not in \[0, 3\)"),
        (lambda: metrics.Novelty([1, 2]).update_state(np.ones((1, 3)), np.ones((1, 3))), "2 items"),
        (lambda: metrics.IntraListDiversity([1.0]), r"features must be \[items, d\]"),
        (lambda: metrics.Coverage(0), "k must be a number of at least 1"),
        (lambda: metrics.AUC(num_labels=3), "multi_label=True"),
        (lambda: metrics.AUC(multi_label=True, average="micro"), "average must be macro, weighted"),
        (lambda: metrics.Precision([0.1, 0.2], average="macro"), "one threshold"),
        (lambda: metrics.CosineSimilarity(axis=1), "the last axis"),
        (lambda: metrics.R2Score().merge_state([metrics.R2Score(num_regressors=2)]), "merged"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, words):
    with pytest.raises(_core.Error, match=words):
        call()
