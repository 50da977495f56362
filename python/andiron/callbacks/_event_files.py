"""Event files, as TensorBoard reads them: all files of a folder are one run, in the order of their
names.

A training that is resumed goes on in the folder in which it was killed. What the killed process
had written beyond the checkpoint is taken back by a SessionLog START: TensorBoard forgets all
points from its step on. But epochs and batches count apart in one run, and START knows one number:
it names the epoch, and points by batch that still stand, all those up to the checkpoint's step,
are written again. (TensorBoard's other reader does not know START; it forgets what a tag has from a
step on when that step comes again. The outcome is the same.)
"""

from __future__ import annotations

import glob
import os
import struct
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from andiron.callbacks._board_images import png

# Tags that count training steps; the others count epochs.
_BY_STEP = ("batch_", "evaluation_")


def library() -> Any:
    """The package that writes event files.

    Errors:
        ImportError, with what to install, when there is none.
    """
    try:
        import tensorboardX
        import tensorboardX.event_file_writer
        import tensorboardX.proto.event_pb2
        import tensorboardX.summary  # noqa: F401 (all four are used)
    except ImportError as error:
        raise ImportError(
            f"[TensorBoard] event files are written by tensorboardX, which cannot be imported "
            f"({error}): pip install 'andiron[tensorboard]'"
        ) from error
    return tensorboardX


class EventFile:
    """A new file in a run's folder, which is made where it is missing.

    Args:
        folder: of the run.
        begins: (epoch, step) where a training begins or goes on: what the folder has of this epoch
            and later ones, and of steps after this one, is taken back. None: nothing is.
    """

    def __init__(self, folder: str, begins: tuple[int, int] | None = None):
        x = library()
        self._proto, self._summary = x.proto.event_pb2, x.summary
        older = sorted(glob.glob(os.path.join(glob.escape(folder), "*tfevents*")))
        still = _points_by_step(self._proto, older, *begins) if begins and older else []
        os.makedirs(folder, exist_ok=True)
        # The number keeps files of the same second in order, and apart.
        suffix = f".{len(older):06d}.{os.getpid()}"
        self._file = x.event_file_writer.EventsWriter(os.path.join(folder, "events"), suffix)
        self._write(file_version="brain.Event:2")  # without it, readers pass over START
        if begins and older:
            start = self._proto.SessionLog(status=self._proto.SessionLog.START)
            for _ in range(2):  # a run's first START says nothing to the server's reader
                self._write(step=begins[0], session_log=start)
        for wall_time, step, value in still:
            self._write(wall_time=wall_time, step=step, summary={"value": [value]})
        self.flush()

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """A point of each tag."""
        points = [{"tag": tag, "simple_value": float(value)} for tag, value in values.items()]
        self._write(step=step, summary={"value": points})

    def histogram(self, step: int, tag: str, values: np.ndarray) -> None:
        """How the finite ones of the values are distributed; nothing where there are none."""
        values = np.asarray(values, np.float64).ravel()
        values = values[np.isfinite(values)]
        if len(values):
            made = self._summary.make_histogram(values, bins=30)
            self._write(step=step, summary={"value": [{"tag": tag, "histo": made}]})

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        """Gray pixels [height, width]."""
        height, width = pixels.shape
        made = {"height": height, "width": width, "colorspace": 1}
        made["encoded_image_string"] = png(pixels)
        self._write(step=step, summary={"value": [{"tag": tag, "image": made}]})

    def graph(self, definition: bytes) -> None:
        """A serialized GraphDef."""
        self._write(graph_def=definition)

    def flush(self) -> None:
        """What was written outlives this process."""
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _write(self, **fields: Any) -> None:
        fields.setdefault("wall_time", time.time())
        self._file.write_event(self._proto.Event(**fields))


def _points_by_step(proto: Any, paths: list[str], epoch: int, step: int) -> list[tuple]:
    """(wall_time, step, value) of the tags that count steps, as readers see them: those that a
    START at `epoch` takes back, up to `step`."""
    points: dict[str, list[tuple]] = {}
    for path in paths:
        for event in _events(proto, path):
            if event.session_log.status == proto.SessionLog.START:
                for known in points.values():
                    _forget(known, event.step)
            for value in event.summary.value:
                if value.tag.startswith(_BY_STEP):
                    known = points.setdefault(value.tag, [])
                    _forget(known, event.step)
                    known.append((event.wall_time, event.step, value))
    still = [p for known in points.values() for p in known if epoch <= p[1] <= step]
    return sorted(still, key=lambda point: point[1])


def _forget(points: list[tuple], step: int) -> None:
    """Takes away those from the step on; they are in order."""
    while points and points[-1][1] >= step:
        points.pop()


def _events(proto: Any, path: str) -> Iterator[Any]:
    """The events of a file, as far as it was written before its process was killed."""
    with open(path, "rb") as file:
        while len(head := file.read(12)) == 12:  # the length and its checksum
            (size,) = struct.unpack("<Q", head[:8])
            body = file.read(size + 4)  # and the checksum of the event
            if len(body) < size + 4:
                return
            yield proto.Event.FromString(body[:size])
