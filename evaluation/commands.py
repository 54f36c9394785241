"""What the commands that measure and train have in common."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from evaluation import data
from search import masking


def add_data(parser: CommandParser, *, required: bool = False) -> None:
    """`--data FORM=FILE`, as (form, path) pairs."""
    parser.add_argument(
        "--data",
        action="append",
        required=required,
        type=_form_and_file,
        metavar="FORM=FILE",
        help=f"Conversations in the form {' or '.join(data.FORMS)}; .gz is read.",
    )


def add_keep(parser: CommandParser) -> None:
    """`--keep DIRECTORY`, for the scratch server."""
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIRECTORY",
        help="Leave files and database there and go on with them the next time.",
    )


def name_of(path: Path) -> str:
    """The name that tables have for a file of conversations."""
    return path.name.partition(".")[0]


def compiled_rules() -> dict[str, str]:
    """Settings that let a scratch server use the secret rules compiled here."""
    return {"CACHE_ROOT": str(settings.CACHE_ROOT)} if masking.is_compiled() else {}


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM, too, leave nothing behind."""

    def end(*_: Any) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _form_and_file(text: str) -> tuple[str, Path]:
    form, _, path = text.partition("=")
    if form not in data.FORMS or not path:
        raise ArgumentTypeError(f"{text!r} is not {'|'.join(data.FORMS)}=FILE")
    return form, Path(path)
