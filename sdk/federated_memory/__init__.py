"""A typed client of the federated memory server, blocking and asynchronous."""

from federated_memory.calls import Call
from federated_memory.client import AsyncClient, Client
from federated_memory.errors import (
    MemoryServerError,
    Misconfigured,
    Refused,
    TimedOut,
    Unreachable,
    UnreadableAnswer,
)
from federated_memory.records import (
    Artefact,
    Candidate,
    Citation,
    ContextPack,
    Erased,
    Hit,
    Memory,
    Page,
    Recalled,
    Saved,
    Staged,
)

__version__ = "0.1.0"

__all__ = [
    "Artefact",
    "AsyncClient",
    "Call",
    "Candidate",
    "Citation",
    "Client",
    "ContextPack",
    "Erased",
    "Hit",
    "Memory",
    "MemoryServerError",
    "Misconfigured",
    "Page",
    "Recalled",
    "Refused",
    "Saved",
    "Staged",
    "TimedOut",
    "Unreachable",
    "UnreadableAnswer",
]
