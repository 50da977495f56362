"""Names that are not known: which one may have been meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from andiron import _core

_LIST = re.compile(r"^(.*?'([^']+)'.*?)(; there are |; known: )(.*)$", re.DOTALL)


def nearest(given: str, known: list[str]) -> str:
    """ "; did you mean '...'?", or "" where none is near."""
    by_letters = {name.lower().replace("_", ""): name for name in reversed(known)}
    found = difflib.get_close_matches(given.lower().replace("_", ""), by_letters, 1, 0.7)
    return f"; did you mean {by_letters[found[0]]!r}?" if found else ""


@contextmanager
def suggesting(aliases: dict[str, str] | None = None) -> Iterator[None]:
    """Puts the nearest name in front of the list in the core's errors about unknown ones.

    Args:
        aliases: short name: the listed one. They are listed behind it.
    """
    try:
        yield
    except _core.Error as error:
        parts = _LIST.match(str(error))
        if parts is None:
            raise
        before, given, _, names = parts.groups()
        known = names.split(", ")
        short = {long: alias for alias, long in (aliases or {}).items()}
        listed = ", ".join(f"{n} ({short[n]})" if n in short else n for n in known)
        hint = nearest(given, [*known, *(aliases or {})])
        between = f"{hint} There are " if hint else "; there are "
        raise _core.Error(f"{before}{between}{listed}") from None
