"""The table in README.md and the tests agree."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
ROW = re.compile(r"^\| (F\d+) \|.*\|$", re.MULTILINE)


def rows() -> dict[str, str]:
    return {row[1]: row[0] for row in ROW.finditer((HERE / "README.md").read_text())}


def test_every_fault_has_a_row():
    assert list(rows()) == [f"F{number}" for number in range(1, 26)]


def test_every_row_names_tests_that_are_there_and_every_test_has_its_row():
    defined = {
        f"{path.relative_to(TESTS)}::{name}"
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    for fault, row in rows().items():
        named = set(re.findall(r"`(\w+/test_\w+\.py::test_\w+)`", row))
        assert named, fault
        assert named <= defined, fault
        prefix = f"::test_f{int(fault[1:]):02d}_"
        ours = {
            each for each in defined if each.startswith("faults/") and prefix in each
        }
        assert ours <= named, fault
