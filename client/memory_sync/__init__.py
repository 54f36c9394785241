"""Archive AI coding sessions and notes of this machine on a federated memory server.

Standard library only, Python 3.10 or newer, Linux, macOS and Windows. `build.py` packs
this package into one file, memory_sync.py. A client's hook or a timer starts it, it
does its work and ends: there is no daemon.

    memory_sync.py install --url http://HOST:7444/mcp --machine NAME
    memory_sync.py doctor
    memory_sync.py sync
    memory_sync.py uninstall

What is new is decided by the server: files are hashed, one request asks about many of
them, and only bytes that the server lacks travel. The state cache merely saves the
hashing. Tokens come from SYNC_TOKEN and MCP_MEMORY_TOKEN or from tokens.json (0600) or
the system's keyring; never from the command line, and they are never printed.
docs/client.md has the rest.

Exit codes: 0 done, 1 some files failed, 2 set-up or usage, 3 server away,
4 token refused, 5 another run is under way.
"""

from __future__ import annotations

VERSION = "2"
