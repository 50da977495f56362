"""Texts and missing numbers where numbers are needed: errors that say how to mend them."""

import numpy as np
import pandas as pd
import pytest

import andiron
from andiron import Input, Sequential, data, layers

FRAME = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "income": [1.0, 2.0, 3.0, 4.0]})
FRAME["churned"] = ["no", "yes", "no", "yes"]
X, Y = FRAME[["age", "income"]].to_numpy("float32"), np.float32([0, 1, 0, 1])


def model(classes=1, inputs=2):
    made = Sequential(
        [Input((inputs,)), layers.Dense(classes, "sigmoid" if classes == 1 else "softmax")]
    )
    loss = "binary_crossentropy" if classes == 1 else "sparse_categorical_crossentropy"
    made.compile("sgd", loss)
    return made


@pytest.mark.parametrize(
    "texts", [FRAME.churned, FRAME[["churned"]], FRAME.churned.to_numpy("U"), list(FRAME.churned)]
)
def test_targets_of_two_texts_say_the_comparison(texts):
    with pytest.raises(TypeError) as error:
        model().fit(X, texts, verbose=0)
    cure = "(y == 'yes').astype('float32')"
    assert f"such as 'yes': {cure} makes 0 of 'no' and 1 of 'yes'" in str(error.value)
    np.testing.assert_array_equal(eval(cure, {"y": FRAME.churned}), Y)


def test_targets_of_several_texts_say_the_codes():
    y = np.array(["b", "c", "a", "a"])
    with pytest.raises(TypeError, match=r"such as 'a': pandas.Categorical\(y\).codes"):
        model(3).fit(X, y, verbose=0)
    model(3).fit(X, pd.Categorical(y).codes, verbose=0)


def test_a_label_of_texts_in_a_table_says_the_vocabulary():
    with pytest.raises(andiron.Error) as error:
        model().fit(FRAME, "churned", verbose=0)
    call = str(error.value).split(": ", 2)[2].removesuffix(" makes 0 of 'no' and 1 of 'yes'")
    assert call.startswith("data.from_arrow(table, label='churned', vocabulary=")
    rows = eval(call, {"data": data, "table": FRAME})
    model().fit(rows, verbose=0)
    np.testing.assert_array_equal(rows.arrays(["churned"])[0].reshape(-1), Y)


@pytest.mark.parametrize("classes", [1, 2])
def test_a_vocabulary_with_an_entry_for_unknown_texts_says_why_a_label_is_too_great(classes):
    rows = data.from_arrow(FRAME, label="churned", vocabulary={"churned": ["no", "yes"]})
    with pytest.raises(andiron.Error, match=r"row 1 is 2.*\(\['no', 'yes'\], unknown=False\)"):
        model(classes).fit(rows, verbose=0)


def test_texts_among_features_name_the_layer_and_the_choice():
    frame = FRAME.assign(city="Rome", churned=Y)
    with pytest.raises(andiron.Error, match=r"'city' is string.*StringLookup.*features=\["):
        model(inputs=3).fit(frame, "churned", verbose=0)
    with pytest.raises(andiron.Error, match=r"'city' is string.*StringLookup"):
        model(inputs=3).predict(data.from_arrow(frame, ["age", "income", "city"]))
    with pytest.raises(TypeError, match="column 'city'.*such as 'Rome'.*StringLookup"):
        model(inputs=3).fit(frame[["age", "income", "city"]], Y, verbose=0)


def test_nulls_of_a_table_say_how_to_fill_or_drop_them():
    frame = FRAME.assign(churned=Y)
    frame.loc[2, "age"] = np.nan
    with pytest.raises(andiron.Error) as error:
        model().fit(frame, "churned", verbose=0)
    assert "row 2 is null" in str(error.value)
    assert "data.from_arrow(table, ..., nulls={'age': 0})" in str(error.value)
    model().fit(data.from_arrow(frame, label="churned", nulls={"age": 0}), verbose=0)
    with pytest.raises(andiron.Error, match=r"row 2 is null.*dropna\(subset=\['age'\]\)"):
        model().fit(frame, "age", verbose=0)


def holed(value=np.nan, row=2, column=1):
    x = X.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (holed(), "x is nan in row 2, column 1, and so is the model's output"),
        (
            pd.DataFrame(holed(), columns=["age", "income"], dtype="float64"),
            "x is nan in row 2, column 'income', and",
        ),
        (
            np.where(np.arange(4)[:, None] == 0, X, np.nan),
            r"row 1, column 0 \(3 rows of 4 are not finite\)",
        ),
    ],
    ids=["array", "frame", "rows"],
)
def test_nan_among_the_inputs_is_named_before_the_first_step(x, words):
    made = model()
    before = made.get_weights()
    with pytest.raises(andiron.Error, match=words):
        made.fit(x, Y, verbose=0)
    np.testing.assert_array_equal(made.get_weights()[0], before[0])
    assert np.isnan(made.fit(x, Y, verbose=0, on_nan="ignore").history["loss"][0])


def test_one_of_several_inputs_is_named():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    made = andiron.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    made.compile("sgd", "mse")
    with pytest.raises(andiron.Error, match="input 'b' is nan in row 3, column 0"):
        made.fit([X, holed(row=3, column=0)], Y, verbose=0)


def test_a_network_that_knows_what_nan_means_is_trained():
    made = Sequential([Input((2,)), layers.Lambda(andiron.ops.nan_to_num), layers.Dense(1)])
    made.compile("sgd", "mse")
    assert np.isfinite(made.fit(holed(), Y, verbose=0).history["loss"][0])


def test_sums_that_overflow_are_no_nan():
    made = Sequential([Input((2,)), layers.Rescaling(1e-38), layers.Dense(1)])
    made.compile("sgd", "mse")
    assert np.isfinite(made.fit(np.full_like(X, 3e38), Y, verbose=0).history["loss"][0])
