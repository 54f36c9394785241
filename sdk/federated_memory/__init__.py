"""A typed client of the federated memory server, blocking and asynchronous."""

from federated_memory.client import AsyncClient, Client
from federated_memory.errors import (
    ConfigurationMissing,
    MemoryServerError,
    Refused,
    Unreachable,
)
from federated_memory.records import (
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
    "AsyncClient",
    "Citation",
    "Client",
    "ConfigurationMissing",
    "ContextPack",
    "Erased",
    "Hit",
    "Memory",
    "MemoryServerError",
    "Page",
    "Recalled",
    "Refused",
    "Saved",
    "Staged",
    "Unreachable",
]
