from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.requirements import Requirement
from evaluation import archive, commands, data, measuring, printing
from evaluation.client import Client, Failed
from evaluation.conversations import BadEvaluationFile, Conversation
from evaluation.measuring import Archived, Measured
from evaluation.needles import needles
from memory_server import scratch
from memory_server.embedded.refusing import CannotStart
from memory_server.scratch import Server
from search.question import MODES

OURS = "ours"

_LINES_WAITING = """
SELECT coalesce(sum(line_count - indexed_line_count), 0) FROM transcripts_transcript
"""
_VECTORS_WAITING = """
SELECT coalesce(sum(prose_count), 0) FROM search_block b
WHERE NOT EXISTS (SELECT FROM search_vectors v WHERE v.block_id = b.id)
"""


class Command(BaseCommand):
    help = (
        "Measures what search finds: puts conversations with known answers on a server"
        " of its own, asks every question over MCP and prints how well the answers"
        " ranked. Without --data the set that ships with the project."
    )
    requirement = Requirement(staff=True)
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands.add_data(parser)
        parser.add_argument(
            "--mode",
            action="append",
            choices=MODES,
            help="May be given several times; the usual is hybrid.",
        )
        parser.add_argument(
            "--split",
            choices=("all", "dev", "test"),
            default="all",
            help="Only the conversations for tuning on, or those kept for checking.",
        )
        parser.add_argument(
            "--needles",
            type=int,
            default=0,
            metavar="N",
            help="Also ask for N names and N phrases of each role that stand in one"
            " message only.",
        )
        parser.add_argument(
            "--floor",
            action="append",
            default=[],
            metavar="[MODE.]LEVEL.METRIC=PERCENT",
            help="Exit with 1 if less is reached, e.g. hybrid.message.hit@10=80.",
        )
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="Write every figure there."
        )
        commands.add_keep(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        modes = options["mode"] or ["hybrid"]
        sets = _sets(options["data"], options["split"])
        given = commands.compiled_rules()
        if not {"hybrid", "semantic"} & set(modes):
            given["EMBEDDINGS_ENABLED"] = "0"
        try:
            with (
                commands.ended_in_order(),
                scratch.serving(kept=options["keep"], **given) as server,
            ):
                found = self._measure(
                    server, sets, modes=modes, most_needles=options["needles"]
                )
        except (CannotStart, Failed) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            options["json"].write_bytes(_json(found))
        self._hold({name: found[name] for name in sets}, options["floor"])

    def _measure(
        self,
        server: Server,
        sets: dict[str, list[Conversation]],
        *,
        modes: list[str],
        most_needles: int,
    ) -> dict[str, dict[str, Measured]]:
        with closing(Client(server.base, server.ai_token, server.sync_token)) as client:
            archived = {
                name: [self._upload(client, each, name) for each in conversations]
                for name, conversations in sets.items()
            }
            if most_needles:
                archived |= {
                    f"{name} needles": [
                        replace(
                            each,
                            conversation=needles(each.conversation, most=most_needles),
                        )
                        for each in some
                    ]
                    for name, some in archived.items()
                }
            server.run_jobs(watch=lambda: self._say(_waiting(server)))
            return {
                name: {mode: self._ask(client, name, some, mode) for mode in modes}
                for name, some in archived.items()
            }

    def _ask(
        self, client: Client, name: str, some: list[Archived], mode: str
    ) -> Measured:
        measured = measuring.ask_all(client, some, mode=mode, say=self._say)
        for line in printing.lines(f"{name} · {mode}", measured):
            self.stdout.write(line)
        return measured

    def _upload(
        self, client: Client, conversation: Conversation, name: str
    ) -> Archived:
        archived = archive.archived(conversation)
        self._say(
            f"Uploading {conversation.id}: {len(archived.transcripts)} transcripts,"
            f" {len(conversation.messages)} messages"
        )
        workspace_id = client.upload(archived, tool=name)
        return Archived(conversation, archived, workspace_id)

    def _say(self, line: str) -> None:
        self.stderr.write(line, self.style.NOTICE)

    def _hold(self, found: dict[str, dict[str, Measured]], floors: list[str]) -> None:
        try:
            below = [
                f"{name}: {line}"
                for name, by_mode in found.items()
                for floor in floors
                for line in printing.missed(by_mode, floor)
            ]
        except ValueError as error:
            raise CommandError(f"--floor {error}") from error
        if below:
            raise CommandError("\n".join(below))


def _sets(
    asked: list[tuple[str, Path]] | None, split: data.Split
) -> dict[str, list[Conversation]]:
    if not asked:
        return {OURS: data.chosen("qa", data.ours(), split)}
    try:
        return {
            commands.name_of(path): data.chosen(form, data.read(form, path), split)
            for form, path in asked
        }
    except BadEvaluationFile as error:
        raise CommandError(str(error)) from error


def _waiting(server: Server) -> str:
    to_go = f"{server.query(_LINES_WAITING)[0][0]} lines"
    if server.environment.get("EMBEDDINGS_ENABLED") != "0":
        to_go += f" and {server.query(_VECTORS_WAITING)[0][0]} vectors"
    return f"Indexing: {to_go} to go"


def _json(found: dict[str, dict[str, Measured]]) -> bytes:
    return orjson.dumps(
        {
            name: {mode: printing.as_json(each) for mode, each in by_mode.items()}
            for name, by_mode in found.items()
        },
        option=orjson.OPT_INDENT_2,
    )
