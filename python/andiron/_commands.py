"""What the commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click


def said(command: Callable) -> Callable:
    """A user's mistake ends in one line, not in a traceback."""

    @wraps(command)
    def run(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except (ValueError, OSError, ImportError) as error:
            raise click.ClickException(str(error)) from error

    return run


def check_target(where: str, path: str, model: bool = True) -> None:
    """Refuses, before the work, the name of a file that could not be written after it. Folders that
    are missing are made when it is written.

    Args:
        where: the command, for messages.
        path: of the file.
        model: whether it is Andiron's own format, which has no other one's name.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(f"[{where}] '{path}' is a folder; the name of a file is wanted")
    if model:
        from andiron._refuse import refuse_foreign

        refuse_foreign(where, path)
    folder = Path(path).absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(f"[{where}] '{path}' cannot be written: '{folder}' is a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"[{where}] '{path}' cannot be written: no permission for '{folder}'")


def make_parent(path: str) -> None:
    """The folders of a file that will be written."""
    Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
