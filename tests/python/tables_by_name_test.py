"""Tables are taken by the names of their columns, in whatever order they come."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import andiron
from andiron import Input, Model, Sequential, data, layers, models

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": RNG.normal(40, 10, 64), "income": RNG.normal(3, 1, 64)})
FRAME["churned"] = (FRAME.age > 40).astype("float32")
BOTH = ["age", "income"]
SWAPPED = FRAME[["churned", "income", "age"]]


def fitted(*given, built=True, **options):
    model = Sequential(([Input((2,))] if built else []) + [layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    model.fit(*given, epochs=1, verbose=0, **options)
    return model


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(
    "given", [(FRAME, "churned"), (FRAME[BOTH], FRAME.churned)], ids=["named", "frame"]
)
def test_columns_in_another_order_are_taken_by_name(given, built, tmp_path):
    model = fitted(*given, built=built)
    right, turned = model.predict(FRAME[BOTH].to_numpy()), FRAME[["income", "age"]]
    loss = model.evaluate(FRAME, "churned")
    model.save(tmp_path / "net.safetensors")
    loaded = models.load_model(tmp_path / "net.safetensors")
    bare = models.load_model(tmp_path / "net.safetensors", compile=False)
    for one in (model, loaded, bare, model.frozen()):
        np.testing.assert_allclose(one.predict(turned), right, rtol=1e-5)
    np.testing.assert_array_equal(model.predict(pa.Table.from_pandas(turned)), right)
    np.testing.assert_array_equal(
        model.predict(data.from_arrow(SWAPPED, features=["income", "age"])), right
    )
    for x, y in ((SWAPPED, "churned"), (turned, FRAME.churned), (pa.table(SWAPPED), "churned")):
        assert loaded.evaluate(x, y) == loss
    assert model.evaluate(data.from_arrow(SWAPPED, label="churned")) == loss


def test_other_columns_are_an_error_that_names_both():
    model = fitted(FRAME, "churned")
    with pytest.raises(andiron.Error) as error:
        model.predict(FRAME[BOTH].rename(columns={"income": "salary"}))
    assert "['salary'], which fit did not see, and it lacks ['income']" in str(error.value)
    with pytest.raises(andiron.Error, match="it has .'churned'., which fit did not see"):
        model.predict(FRAME)
    with pytest.raises(andiron.Error, match="it lacks .'income'., which fit saw"):
        model.evaluate(FRAME[["age", "churned"]], "churned")
    renamed = data.from_arrow(
        FRAME.rename(columns={"income": "salary"}), features=["age", "salary"]
    )
    np.testing.assert_array_equal(model.predict(renamed), model.predict(FRAME[BOTH]))


def test_validation_and_a_second_fit_are_by_name():
    model = fitted(FRAME, "churned", validation_data=(SWAPPED, "churned"), seed=1)
    other = fitted(FRAME, "churned", validation_data=(FRAME, "churned"), seed=1)
    other.set_weights(model.get_weights())
    assert model.evaluate(FRAME, "churned") == model.history.history["val_loss"][-1]
    model.fit(SWAPPED, "churned", shuffle=False, verbose=0)
    other.fit(FRAME, "churned", shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_without_names_columns_go_by_place():
    model = fitted(FRAME[BOTH].to_numpy(), FRAME.churned)
    turned = FRAME[["income", "age"]]
    np.testing.assert_array_equal(model.predict(turned), model.predict(turned.to_numpy()))
    model = fitted(FRAME[BOTH].set_axis([0, 1], axis=1), FRAME.churned)
    assert model.predict(turned).shape == (64, 1)


def test_inputs_of_their_own_go_by_name_as_before():
    x = {name: Input((), name=name) for name in BOTH}
    joined = layers.Concatenate()([layers.Reshape((1,))(one) for one in x.values()])
    model = Model(x, layers.Dense(1, "sigmoid")(joined))
    model.compile("sgd", "binary_crossentropy")
    model.fit(FRAME, "churned", verbose=0)
    assert model.evaluate(SWAPPED, "churned") == model.evaluate(FRAME, "churned")
    assert model.predict(SWAPPED).shape == (64, 1)


@pytest.mark.parametrize("kind", ["frame", "arrow", "csv"])
def test_validation_data_may_be_a_table_alone(kind, tmp_path):
    path = tmp_path / "rows.csv"
    SWAPPED.to_csv(path, index=False)
    table = {"frame": SWAPPED, "arrow": pa.table(SWAPPED), "csv": str(path)}[kind]
    for given in ((FRAME, "churned"), (data.from_arrow(FRAME, BOTH, "churned"),)):
        model = fitted(*given, validation_data=table)
        loss = model.history.history["val_loss"][-1]
        assert loss == pytest.approx(model.evaluate(FRAME, "churned"), rel=1e-5)


def test_a_validation_table_keeps_vocabularies_and_weights():
    frame = FRAME.assign(churned=np.where(FRAME.churned > 0, "yes", "no"), weight=FRAME.age)
    label = {"churned": data.Vocabulary(["no", "yes"], unknown=False)}
    rows = data.from_arrow(frame, BOTH, "churned", "weight", vocabulary=label)
    model = fitted(rows, validation_data=frame[::-1])
    assert model.history.history["val_loss"][-1] == pytest.approx(model.evaluate(rows), rel=1e-5)
    weighted = FRAME.assign(weight=FRAME.age)
    model = fitted(weighted, "churned", sample_weight="weight", validation_data=weighted)
    wanted = model.evaluate(weighted, "churned", sample_weight="weight")
    assert model.history.history["val_loss"][-1] == pytest.approx(wanted, rel=1e-5)


def test_a_validation_table_without_a_label_is_an_error():
    with pytest.raises(andiron.Error, match="no name says which column is its label"):
        fitted(FRAME[BOTH], FRAME.churned, validation_data=FRAME)
