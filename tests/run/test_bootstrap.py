"""The environment is made once and made again when what it holds should change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from running import BASE


@pytest.fixture
def checkout(tmp_path):
    """A project without requirements, so that nothing is fetched."""
    shutil.copy(BASE / "bootstrap.py", tmp_path)
    for extra in ("", "-oauth", "-s3", "-otel", "-uvicorn", "-dev"):
        (tmp_path / f"requirements{extra}.txt").write_text("# nothing\n")
    (tmp_path / "constraints.txt").write_text("# nothing\n")
    return tmp_path


def bootstrap(checkout, *arguments: str, **more: str) -> str:
    asks = ("OAUTH_ENABLED", "BLOB_STORE_URL", "UVICORN_ENABLED")
    ours = {"VENV", "OTEL_EXPORTER_OTLP_ENDPOINT", "BLOB_STORE_URL_FILE", *asks}
    inherited = {key: value for key, value in os.environ.items() if key not in ours}
    done = subprocess.run(
        [sys.executable, "bootstrap.py", *arguments],
        cwd=checkout,
        env={**inherited, **more},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installs_again_only_when_something_changed(checkout):
    with_development = bootstrap(checkout, "--dev")
    runtime_is_among_it = bootstrap(checkout)
    (checkout / "constraints.txt").write_text("# something\n")
    changed = bootstrap(checkout)
    (checkout / ".venv" / "bin" / "python").unlink()
    python_went_away = bootstrap(checkout)

    assert "Making" in with_development
    assert runtime_is_among_it == ""
    assert "Installing requirements.txt" in changed
    assert "Making" not in changed
    assert "Making" in python_went_away


def test_an_extra_is_installed_where_it_is_turned_on(checkout):
    assert "Installing requirements.txt" in bootstrap(checkout)
    assert bootstrap(checkout, OAUTH_ENABLED="0") == ""
    assert "Installing requirements-oauth.txt" in bootstrap(checkout, OAUTH_ENABLED="1")
    assert bootstrap(checkout, OAUTH_ENABLED="on") == ""
    both = bootstrap(checkout, OAUTH_ENABLED="1", BLOB_STORE_URL="s3://archive")
    assert "Installing requirements-s3.txt" in both
    assert "requirements-oauth.txt" not in both
    two = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    two["UVICORN_ENABLED"] = "1"
    said = bootstrap(checkout, **two)
    assert "requirements-uvicorn.txt and requirements-otel.txt" in said
