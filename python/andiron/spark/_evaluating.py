"""Loss and metrics of a trained model over a DataFrame, by workers."""

from __future__ import annotations

import pickle
from typing import Any

from andiron import _core
from andiron.spark import _cluster, _columns, _launch, _memory, _schema, _shards, _training


class Task(_training.Task):
    """The function of each worker; all give the figures of all rows."""

    what = "evaluation"

    def __call__(self, worker: Any) -> dict:
        from andiron.data import Shards

        model = pickle.loads(self.packed)
        rows, _ = self._read(worker, model)
        return model.evaluate(
            Shards(rows), batch_size=self.settings["batch_size"], return_dict=True,
            workers=worker.communicator,
        )  # fmt: skip


def figures(stage: Any, frame: Any, label: Any, sample_weight: str | None, vocabulary: dict | None,
            num_workers: int) -> dict[str, float]:  # fmt: skip
    """What `Model.evaluate` returns."""
    native, session = stage.native, _cluster.session_of(frame)
    if native._compiled_with is None:
        raise _core.Error("[spark] evaluate needs a model that is compiled")
    native._require_compiled()
    features, nulls = stage.getFeatures(), stage.getNulls()
    names = _columns.named([given for given in (features, label, sample_weight) if given])
    known = {**(stage.getVocabulary() or {}), **(vocabulary or {})}
    labels = set(_columns.named(label)) - set(_columns.named(features))
    known = _columns.vocabularies(known, labels)
    nulls = _columns.by_column("nulls", nulls, names, frame.columns)
    texts = _schema.text_columns(native, features)
    columns = _columns.selected(frame, names, known, [features, label], labels, texts)
    told = {"features": features, "label": label, "sample_weight": sample_weight,
            "vocabulary": known, "nulls": nulls}  # fmt: skip
    schema = _schema.Schema(frame, native, told)
    schema.check()
    settings = {
        **told, "rules": schema.rules(), "class_weight": None, "validation": None,
        "batch_size": stage.getPredictBatchSize() or 1024, "memory_budget": 0, "spill_dir": None,
        "parts": -(-_shards.shards_for(num_workers) // num_workers),
        "memory": _memory.of_executors(session),
    }  # fmt: skip
    own = [metric for _, (_, _, metric, _) in native._own_metrics()]
    task = Task(_launch.dumps_by_value(native, *own), settings)
    rows = _shards.dealt(frame.select(*columns), num_workers, _shards.shards_for(num_workers))
    waits = {"heartbeat_timeout": 30.0, "operation_timeout": 3600.0, "tls": False}
    return _launch.run(session, task, num_workers, rows, 2, 60.0, waits)[0]
