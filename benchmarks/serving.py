"""The server that benchmarks run on."""

from __future__ import annotations

from memory_server.scratch import PROJECT, Server, services, serving

__all__ = ["PROJECT", "Server", "services", "serving"]
