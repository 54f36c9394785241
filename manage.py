#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memory_server.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        reason = str(error).splitlines()[0]
        sys.exit(f"{reason}\nStart the server (`make run`) or set DATABASE_URL.")


if __name__ == "__main__":
    main()
