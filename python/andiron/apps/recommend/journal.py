"""Results as JSON lines, appended one by one: what a killed run has finished is not done again."""

from __future__ import annotations

import json
import os
from pathlib import Path


class Journal:
    """Lines {"key": {...}, ...} in a file. A line that was cut off by a kill is ignored."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def lines(self) -> list[dict]:
        if not self.path.exists():
            return []
        found = []
        for number, text in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if not isinstance(line, dict) or "key" not in line:
                raise ValueError(f"[study] {self.path} is not a results file: line {number}")
            found.append(line)
        return found

    def find(self, key: dict) -> dict | None:
        """The line with this key."""
        key = json.loads(json.dumps(key))
        return next((line for line in self.lines() if line["key"] == key), None)

    def add(self, key: dict, **content) -> dict:
        """Appends a line, on the disk before this returns."""
        line = json.loads(json.dumps({"key": key, **content}))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a", encoding="utf-8") as file:
            if cut and self.path.stat().st_size:
                file.write("\n")
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return line
