"""Which sources of a folder can be compiled as one (AndironLibrary.cmake).

unity_groups.py SIZE FILE...: prints the groups, a line each, its files with semicolons between
them. In a group no two files define the same name for themselves: in an unnamed namespace, as an
alias, constant or static function, or as a macro. A file that fits nowhere is a group of its own.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

UNNAMED = re.compile(r"^namespace \{\n(.*?)^\}  // namespace\n", re.MULTILINE | re.DOTALL)
# What a line at the left margin declares: the word before its first bracket, sign or end.
DECLARED = re.compile(r"^(?!template|using namespace|namespace|#|//|\})[^\s].*", re.MULTILINE)
WORD = re.compile(r"(\w+)\s*(?:$|[(\[{=;:]|final\b)")
# More constants of one declaration.
FURTHER = re.compile(r", (\w+) =")
# What else is a file's own.
OWN = re.compile(r"^(?:using|constexpr|const|static|inline) .*", re.MULTILINE)
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)


def names_of(text: str) -> dict[str, str]:
    """The names, each with the line that declares it."""
    names = {name: "" for name in MACRO.findall(text)}
    for body in ["\n".join(OWN.findall(text)), *UNNAMED.findall(text)]:
        for line in DECLARED.findall(body):
            if word := WORD.search(re.sub(r"\w+::", "", line)):
                names |= dict.fromkeys([word[1], *FURTHER.findall(line)], line)
    names.pop("operator", None)
    return names


def clash(some: dict[str, str], others: dict[str, str]) -> bool:
    """The same alias may be declared twice."""
    both = some.keys() & others.keys()
    return any(some[n] != others[n] or not some[n].startswith("using ") for n in both)


def groups_of(files: list[str], size: int) -> list[list[str]]:
    groups: list[tuple[dict[str, str], list[str]]] = []
    for file in files:
        names = names_of(Path(file).read_text())
        fitting = [g for g in groups if len(g[1]) < size and not clash(names, g[0])]
        if not fitting:
            groups.append((names, [file]))
            continue
        taken, members = fitting[0]
        taken |= names
        members.append(file)
    return [members for _, members in groups]


if __name__ == "__main__":
    for members in groups_of(sys.argv[2:], int(sys.argv[1])):
        print(";".join(members))
