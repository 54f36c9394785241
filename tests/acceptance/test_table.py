"""The table of acceptance cases names a test that is there, or a reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMED = sorted(
    set(re.findall(r"`([\w/]+\.py)::(\w+)`", (HERE / "README.md").read_text()))
)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_is_there(path, name):
    assert name in functions_of(HERE.parent / path)


def test_every_case_has_a_proof_or_a_reason():
    rows = [
        line
        for line in (HERE / "README.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| Case")
    ]

    assert len(rows) > 60
    for row in rows:
        _, case, proof, _ = row.split("|")
        assert case.strip()
        told = proof.strip().startswith(("does not apply: ", "not built yet ("))
        assert told or "::test_" in proof, row
