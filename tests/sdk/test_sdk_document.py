"""What docs/sdk.md shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys

import bridging
import pytest

from memory_server.scratch import PROJECT

DOCUMENT = (PROJECT / "docs" / "sdk.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        (EXAMPLES[0], ["needs three kilos", "True", "# Memory of", "NOT_FOUND"]),
        (EXAMPLES[1], ["Anna likes quinces.", "Ben likes medlars."]),
    ],
    ids=["blocking", "async"],
)
def test_an_example_runs(server, example, shown):
    done = subprocess.run(
        [sys.executable, "-c", example],
        env=bridging.environment(
            MCP_MEMORY_URL=server.base, MCP_MEMORY_TOKEN=server.ai_token
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert [each for each in shown if each not in done.stdout] == []


def test_every_method_is_documented():
    from federated_memory import AsyncClient, Client

    public = {name for name in vars(Client) if not name.startswith("_")}
    documented = set(re.findall(r"`(\w+)\(", DOCUMENT))

    assert public - {"close"} <= documented
    assert public - {"close"} == {
        name for name in vars(AsyncClient) if not name.startswith("_")
    } - {"aclose"}


def test_every_error_is_documented():
    import federated_memory
    from federated_memory import MemoryServerError

    errors = [
        name
        for name, each in vars(federated_memory).items()
        if isinstance(each, type) and issubclass(each, MemoryServerError)
    ]

    assert [name for name in errors if f"`{name}`" not in DOCUMENT] == []
