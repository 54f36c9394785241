from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.requirements import Requirement
from evaluation.commands import ended_in_order
from memory_server import scratch
from memory_server.embedded.refusing import CannotStart

_APPLICATION = "mcp_api.conformance.application:application"


class Command(BaseCommand):
    help = (
        "Serves the tools, resources and prompts that the official MCP conformance"
        " suite asks for, without a token, on the loopback and on a database of its"
        " own, until it is ended. For tests; it knows nothing of what is stored here."
    )
    requirement = Requirement(staff=True)
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with (
                ended_in_order(),
                scratch.serving(
                    application=_APPLICATION,
                    EMBEDDINGS_ENABLED="0",
                    # The suite's long tools take a second.
                    MCP_TASK_AFTER_SECONDS="0.3",
                ) as server,
            ):
                self.stdout.write(server.url)
                self.stdout.flush()
                if server.process is not None:
                    server.process.wait()
        except (CannotStart, RuntimeError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            return
