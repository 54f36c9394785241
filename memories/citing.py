"""Citations of memories: where lines stand, and the digest that proves them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from memories.models import Memory, Revision
from refusals import Code, Refusal
from workspaces.models import Workspace


class CitedMemoryMissing(Refusal):
    """A citation of a memory, a revision or lines that are not here."""

    code = Code.CITATION_NOT_FOUND
    hint = "It may have been erased; recall again for what is remembered now."


def uri(memory: Memory, *, first_line: int, last_line: int) -> str:
    """Where lines of a memory's current text stand; `memory.workspace` is read."""
    revision = f"revision={memory.revision_number}"
    return f"{resource(memory)}?{revision}#L{first_line}-L{last_line}"


def resource(memory: Memory) -> str:
    """The URI of a memory, whichever revision is the newest."""
    return f"memory://{memory.workspace.slug}/memories/{memory.memory_id}"


def lines(text: str) -> list[str]:
    r"""The lines of a memory, each but the last, perhaps empty one with its "\n"."""
    found = text.split("\n")
    return [*(line + "\n" for line in found[:-1]), found[-1]]


def digest(cited: Iterable[str]) -> str:
    """The SHA-256 of lines as they were written, joined as in the text."""
    return hashlib.sha256("".join(cited).encode()).hexdigest()


def lines_sha256(
    *,
    workspace: Workspace,
    memory_id: str,
    revision: int | None = None,
    first_line: int,
    last_line: int,
) -> str:
    """Recompute the digest of cited lines; without `revision` of the current text.

    Archived and superseded memories still prove what was once cited. Raises
    CitedMemoryMissing.
    """
    cited = lines(_text(workspace, memory_id, revision))
    if not 1 <= first_line <= last_line <= len(cited):
        raise CitedMemoryMissing(f"This memory has {len(cited)} lines.")
    return digest(cited[first_line - 1 : last_line])


def _text(workspace: Workspace, memory_id: str, revision: int | None) -> str:
    try:
        memory = Memory.objects.get(workspace=workspace, memory_id=memory_id)
        if revision in (None, memory.revision_number):
            return memory.text
        return Revision.objects.get(memory=memory, number=revision).text
    except (Memory.DoesNotExist, Revision.DoesNotExist, ValueError) as error:
        raise CitedMemoryMissing("There is no such memory or revision here.") from error
