"""What is compiled as one with ANDIRON_UNITY."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "cmake" / "unity_groups.py"
spec = importlib.util.spec_from_file_location("unity_groups", SCRIPT)
unity = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unity)

FILE = """
#include <vector>
namespace andiron {{
namespace {{

{declared}

}}  // namespace

using Row = std::vector<float>;

int visible() {{ return 1; }}
}}  // namespace andiron
"""


def grouped(tmp_path, *declared: str, size: int = 12) -> list[list[int]]:
    files = [tmp_path / f"{i}.cpp" for i in range(len(declared))]
    for file, lines in zip(files, declared, strict=True):
        file.write_text(FILE.format(declared=lines))
    return [
        [int(Path(member).stem) for member in members]
        for members in unity.groups_of([str(file) for file in files], size)
    ]


def test_what_a_file_declares_for_itself():
    names = unity.names_of(
        FILE.format(
            declared="constexpr int64_t kBlock = 64, kRows = 4;\n"
            "template <class T>\n"
            "std::vector<T> numbers(const Tensor& t) {\n  return rest(t);\n}\n"
            "struct Entry final : Base {};\n"
            "bool operator==(const Entry& a, const Entry& b) { return true; }\n"
            "using Ints = std::vector<int64_t>;"
        )
    )
    assert set(names) == {"kBlock", "kRows", "numbers", "Entry", "Ints", "Row"}


def test_files_with_the_same_name_are_kept_apart(tmp_path):
    same = "void infer(int x) {}"
    assert grouped(tmp_path, same, "void other() {}", same, "int infer = 3;") == [[0, 1], [2], [3]]


def test_the_same_alias_is_no_clash(tmp_path):
    ints, floats = "using List = std::vector<int>;", "using List = std::vector<float>;"
    assert grouped(tmp_path, ints, floats, ints) == [[0, 2], [1]]


def test_groups_have_a_limit(tmp_path):
    assert grouped(tmp_path, "", "", "", "", "", size=2) == [[0, 1], [2, 3], [4]]
