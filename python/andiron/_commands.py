"""What the commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

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
