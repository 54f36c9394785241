"""Puts the demo into the store, by the verbs that clients use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.trail import Actor
from knowledge import publishing
from memory_server.demo import scripts, shapes
from sessions import uploads
from workspaces import registering
from workspaces.models import Workspace

STORY = Path(__file__).parent / "story"
ACTOR = Actor(name="demo")
_SHAPES = {"claude-code": shapes.claude_code, "codex": shapes.codex}


@dataclass(frozen=True)
class Loaded:
    """How much was read; what was there already is counted too."""

    workspaces: int
    documents: int
    transcripts: int


def is_wanted() -> bool:
    """Only an empty store gets the demo unasked."""
    return not Workspace.objects.exists()


def load(*, at: datetime) -> Loaded:
    """Register the demo's workspaces and fill them; may run twice."""
    documents = transcripts = 0
    told = json.loads((STORY / "workspaces.json").read_text(encoding="utf-8"))
    for each in told:
        workspace, _ = registering.register(
            machine=each["machine"],
            tool=each["tool"],
            project=each["project"],
            cwd=each["cwd"],
            description=each["description"],
            actor=ACTOR,
            at=at,
        )
        documents += _publish(workspace, STORY / each["story"], at=at)
        transcripts += _upload(workspace, STORY / each["story"], each, at=at)
    return Loaded(len(told), documents, transcripts)


def _publish(workspace: Workspace, story: Path, *, at: datetime) -> int:
    paths = sorted(story.rglob("*.md"))
    for path in paths:
        name = path.relative_to(story).as_posix()
        is_overview = name == "overview.md"
        try:
            publishing.publish(
                workspace=workspace,
                kind="overview" if is_overview else "knowledge",
                path=name.removeprefix("knowledge/"),
                text=path.read_text(encoding="utf-8"),
                expected_version=0,
                channel="assistant" if is_overview else "sync",
                actor=ACTOR,
                at=at,
            )
        except publishing.VersionConflict:
            # There already, perhaps changed by somebody since.
            continue
    return len(paths)


def _upload(
    workspace: Workspace, story: Path, told: dict[str, Any], *, at: datetime
) -> int:
    paths = sorted(story.glob("sessions/*.txt"))
    for path in paths:
        script = scripts.read(path, cwd=told["cwd"])
        main = script.parent or script.name
        session = shapes.session_id(told["tool"], told["project"], main)
        agent = script.name if script.parent else ""
        uploads.receive(
            workspace=workspace,
            session_id=session,
            agent_id=agent,
            chunks=_SHAPES[told["tool"]](script, session, agent),
            actor=ACTOR,
            at=at,
        )
    return len(paths)
