"""Which columns of a DataFrame a model takes, and in which form they travel."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from andiron import _core
from andiron._table_columns import refuse_unknown
from andiron.data import Column, Vocabulary
from andiron.images import Pipeline

_LOOKED_AT = 100  # texts


def named(given: Any) -> list[str]:
    """The columns in a column, a list or a dict of them; each once, in order."""
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, Column):
        return [given.name]
    items = given.values() if isinstance(given, dict) else given
    return list(dict.fromkeys(name for item in items for name in named(item)))


def quoted(name: str) -> str:
    """A column's name in an expression."""
    return "`" + name.replace("`", "``") + "`"


def selected(frame: Any, names: list[str], vocabulary: dict, given: Any = (),
             labels: Any = (), texts: Any = ()) -> list:  # fmt: skip
    """Expressions for these columns: ML vectors as arrays, decimals as doubles.

    `given`: the Columns among which a text's own vocabulary may stand. `labels`: which of the
    columns are labels, `texts` which ones inputs of texts take.
    """
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    fields = {f.name: f.dataType for f in frame.schema}
    own = {c.name for c in columns_in(given) if c.vocabulary is not None}
    pictures = {c.name for c in columns_in(given) if c.image is not None}
    own |= pictures  # texts are paths
    out = []
    for name in names:
        if name not in fields:
            raise _core.Error(f"[spark] there is no column {name!r}; there are {list(fields)}")
        kind, column = fields[name], F.col(quoted(name))
        inner = kind.elementType if isinstance(kind, T.ArrayType) else kind
        if isinstance(inner, T.StringType) and name not in {*vocabulary, *own, *texts}:
            raise _core.Error(f"[spark] {_of_text(frame, name, kind, name in labels)}")
        if isinstance(kind, VectorUDT):
            column = vector_to_array(column, "float32")
        elif isinstance(kind, T.DecimalType):
            column = column.cast("double")
        elif isinstance(kind, (T.MapType, T.StructType)) and name not in pictures:
            raise _core.Error(
                f"[spark] column {name!r} is of type {kind.simpleString()}; models take numbers, "
                "booleans, texts, times, arrays, vectors and binaries"
            )
        out.append(column.alias(name))
    return out


def _of_text(frame: Any, name: str, kind: Any, is_label: bool) -> str:
    """What there is to do about a column of texts; looks at some."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    text, is_array = F.col(quoted(name)), isinstance(kind, T.ArrayType)
    try:
        some = frame.select((F.explode(text) if is_array else text).alias("t")).where(
            "t is not null"
        )
        texts = [row["t"] for row in some.limit(_LOOKED_AT).collect()]
    except Exception:  # the advice is not worth another error
        texts = []
    more = ", unknown=False" * is_label
    made = f"vocabulary=andiron.spark.build_vocabularies(frame, [{name!r}]{more})"
    made += " (unknown=False: class ids count from 0)" * is_label
    if texts and all(map(_is_number, texts)):
        wanted = "array<double>" if is_array else "double"
        return (
            f"column {name!r} is text, and all of its texts that were looked at are numbers: cast "
            f"to {wanted} (frame.withColumn({name!r}, frame[{name!r}].cast({wanted!r}))), or, "
            f"where they are names of something, {made}"
        )
    what = "label" if is_label else "column"
    return f"{what} {name!r} is text and needs a vocabulary: {made}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def vectors_of(frame: Any) -> list[str]:
    """The columns of ML vectors."""
    from pyspark.ml.linalg import VectorUDT

    return [f.name for f in frame.schema if isinstance(f.dataType, VectorUDT)]


def refuse_there(frame: Any, names: list[str]) -> None:
    """As Spark's own stages do, columns that are there already are not written over."""
    exact = frame.sparkSession.conf.get("spark.sql.caseSensitive", "false") == "true"
    there = {name if exact else name.lower() for name in frame.columns}
    for name in names:
        if (name if exact else name.lower()) in there:
            raise _core.Error(
                f"[spark] there is a column {name!r} already: drop it, or name the new one "
                "otherwise (prediction_col, class_col)"
            )


def columns_in(given: Any) -> list[Column]:
    """The columns in a column, a list or a dict of them, as Columns."""
    if given is None:
        return []
    if isinstance(given, (str, Column)):
        return [given if isinstance(given, Column) else Column(given)]
    items = given.values() if isinstance(given, dict) else given
    return [column for item in items for column in columns_in(item)]


def by_column(option: str, given: Any, used: list[str], there: list[str]) -> Any:
    """Of an option that may be given by column, what concerns the columns in use."""
    if not isinstance(given, dict):
        return given
    refuse_unknown(option, given, there, "spark")
    return {name: value for name, value in given.items() if name in used}


def vocabularies(given: Any, labels: Any = ()) -> dict[str, Vocabulary]:
    """{column: Vocabulary} from vocabularies, lists of texts or paths of saved ones. The texts in a
    list for one of the `labels` are classes from 0 on, and there are no others."""
    return {
        name: Vocabulary._from(found, unknown=name not in labels)
        for name, found in (given or {}).items()
    }


def of_paths(given: Any) -> Any:
    """The same for files: what lies under paths is read, as it may be another file later."""
    return {
        name: list(found) if isinstance(found, (list, tuple)) else Vocabulary._from(found)
        for name, found in (given or {}).items()
    }


def build_vocabularies(
    frame: Any,
    columns: Iterable[str],
    max_size: int = 0,
    min_count: int = 1,
    unknown: bool = True,
) -> dict[str, Vocabulary]:
    """Vocabularies of text columns (plain or in arrays) of a DataFrame, counted by Spark.

    Args:
        frame: the DataFrame.
        columns: their names.
        max_size: the most frequent so many texts are kept. Default: all.
        min_count: texts that come less often are left out.
        unknown: whether id 0 stands for texts that are not kept.

    Returns:
        {column: andiron.data.Vocabulary}, the most frequent text first; equally frequent ones in
        the order of their letters.
    """
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    out = {}
    for name in columns:
        text = F.col(quoted(name))
        if isinstance(frame.schema[name].dataType, T.ArrayType):
            text = F.explode(text)
        counts = frame.select(text.alias("text")).where("text is not null").groupBy("text").count()
        kept = counts.where(F.col("count") >= min_count).orderBy(F.desc("count"), "text")
        rows = (kept.limit(max_size) if max_size else kept).collect()
        out[name] = Vocabulary([row["text"] for row in rows], unknown)
    return out


# Params as JSON: what metadata of saved stages keep.


def to_json(given: Any) -> Any:
    """Features, labels and vocabularies as JSON values."""
    if isinstance(given, Vocabulary):
        return {"__vocabulary__": given.to_json()}
    if isinstance(given, Column):
        fields = ("name", "dtype", "nulls", "vocabulary", "length", "pad", "unit", "image",
                  "errors", "truncate")  # fmt: skip
        return {"__column__": {f: to_json(getattr(given, f)) for f in fields}}
    if isinstance(given, Pipeline):
        return {"__image_pipeline__": json.dumps(given.description())}
    if isinstance(given, dict):
        return {key: to_json(value) for key, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [to_json(item) for item in given]
    if given is None or isinstance(given, (str, int, float, bool)):
        return given
    return str(given)


def from_json(given: Any) -> Any:
    """What `to_json` wrote."""
    if isinstance(given, dict):
        if "__vocabulary__" in given:
            return Vocabulary.from_json(given["__vocabulary__"])
        if "__image_pipeline__" in given:
            return Pipeline.from_description(given["__image_pipeline__"])
        if "__column__" in given:
            return Column(**{k: from_json(v) for k, v in given["__column__"].items()})
        return {key: from_json(value) for key, value in given.items()}
    if isinstance(given, list):
        return [from_json(item) for item in given]
    return given
