from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from access.requirements import Requirement
from evaluation import archive, commands, data, pools, tuning
from evaluation.client import Client, Failed
from evaluation.conversations import BadEvaluationFile, Conversation
from memory_server import scratch
from memory_server.embedded.refusing import CannotStart

MODES = ("hybrid", "keyword")

# What is run on the scratch server, where the ranking to be asked is.
_TAKE = """
from pathlib import Path
from django.utils import timezone
from evaluation import pools

pools.take(Path({asked!r}), at=timezone.now())
"""


class Command(BaseCommand):
    help = (
        "Fits the weights of ranking to conversations with known answers: puts them on"
        " a server of its own, takes what ranking chooses from for each question, and"
        " prints what the weights are worth on conversations they were not fitted to."
    )
    requirement = Requirement(staff=True)
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands.add_data(parser, required=True)
        parser.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help="Write the weights there, e.g. search/weights.json; else only print.",
        )
        parser.add_argument(
            "--folds", type=int, default=5, help="How often to hold some of it out."
        )
        commands.add_keep(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["folds"] < 2:
            raise CommandError("--folds must be at least 2.")
        try:
            sets = [_Set.read(form, path) for form, path in options["data"]]
            with tempfile.TemporaryDirectory() as root:
                self._take(sets, Path(root), kept=options["keep"])
                trained = {
                    mode: tuning.train(
                        {
                            each.name: pools.load(each.pools(root, mode))
                            for each in sets
                        },
                        folds=options["folds"],
                    )
                    for mode in MODES
                }
        except (BadEvaluationFile, CannotStart, Failed, ValueError) as error:
            raise CommandError(str(error)) from error
        for mode, each in trained.items():
            for line in tuning.lines(mode, each):
                self.stdout.write(line)
        if options["out"]:
            options["out"].write_bytes(tuning.as_json(trained, on=timezone.localdate()))
            self.stdout.write(f"Written to {options['out']}.")

    def _take(self, sets: list[_Set], root: Path, *, kept: Path | None) -> None:
        """Leave the pools of each set and mode in files of a directory."""
        with (
            commands.ended_in_order(),
            scratch.serving(kept=kept, **commands.compiled_rules()) as server,
        ):
            client = Client(server.base, server.ai_token, server.sync_token)
            jobs = [
                {
                    "form": each.form,
                    "file": str(each.path),
                    "mode": mode,
                    "out": str(each.pools(root, mode)),
                    "workspaces": workspaces,
                }
                for each in sets
                if (workspaces := self._upload(client, each))
                for mode in MODES
            ]
            client.close()
            self._say("Indexing, and making vectors")
            server.run_jobs()
            self._say("Asking every question")
            asked = root / "asked.json"
            asked.write_bytes(orjson.dumps(jobs))
            server.manage("shell", "-v0", "-c", _TAKE.format(asked=str(asked)))

    def _upload(self, client: Client, each: _Set) -> dict[str, str]:
        """The workspace of each conversation, by its id."""
        self._say(f"Uploading {len(each.conversations)} conversations of {each.name}")
        return {
            conversation.id: client.upload(
                archive.archived(conversation), tool=each.name
            )
            for conversation in each.conversations
        }

    def _say(self, line: str) -> None:
        self.stderr.write(line, self.style.NOTICE)


@dataclass(frozen=True)
class _Set:
    """A file of conversations, under the name that tables have for it."""

    form: str
    path: Path
    conversations: list[Conversation]

    @classmethod
    def read(cls, form: str, path: Path) -> _Set:
        return cls(form, path.resolve(), data.read(form, path))

    @property
    def name(self) -> str:
        return commands.name_of(self.path)

    def pools(self, root: str | Path, mode: str) -> Path:
        return Path(root) / f"{self.name}.{mode}.npz"
