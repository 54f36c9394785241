"""The options that every benchmark shares."""

from __future__ import annotations

import argparse


def parser(document: str | None, **defaults: float) -> argparse.ArgumentParser:
    """A parser with a seed and the given numbers as options."""
    wanted = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("--seed", type=int, default=7)
    for name, value in defaults.items():
        wanted.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), default=value
        )
    return wanted
