"""What goes wrong on the workers, as the driver tells it."""

from __future__ import annotations

from typing import Any


class WorkerError(RuntimeError):
    """A worker's own error: its message is that worker's words and traceback.

    `rank` is the worker (None when Spark could not run the workers at all), `kind` the name of the
    exception there ("ValueError"), `detail` its text.
    """

    def __init__(
        self,
        message: str,
        rank: int | None = None,
        kind: str | None = None,
        detail: str | None = None,
    ):
        super().__init__(message)
        self.rank, self.kind, self.detail = rank, kind, detail

    def __reduce__(self) -> tuple:
        return WorkerError, (str(self), self.rank, self.kind, self.detail)


def of_reports(reports: list[dict[str, Any]], size: int) -> WorkerError:
    """The error of the worker that is to blame; the others only noticed.

    A report has rank, host, kind, detail, trace and `peer`: None when the error is the worker's
    own, else the rank that it blames (-1: unknown).
    """
    own = [r for r in reports if r["peer"] is None]
    blamed = {r["peer"] for r in reports}
    culprits = own or [r for r in reports if r["rank"] in blamed] or reports
    first = min(culprits, key=lambda r: r["rank"])
    where = f"[spark] worker {first['rank']} of {size} ({first['host']})"
    if first["kind"] is None:  # a sentence of ours
        return WorkerError(f"[spark] {first['detail']}", first["rank"], None, first["detail"])
    message = f"{where}: {first['kind']}: {first['detail']}\n\n{first['trace']}"
    return WorkerError(message, first["rank"], first["kind"], first["detail"])
