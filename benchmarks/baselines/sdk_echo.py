"""An echo tool on the Python SDK, as plain as its documentation shows it."""

from __future__ import annotations

import sys

from mcp.server.fastmcp import FastMCP


def main(port: int) -> None:
    server = FastMCP(
        "echo",
        host="127.0.0.1",
        port=port,
        stateless_http=True,
        json_response=True,
        log_level="ERROR",
    )

    @server.tool()
    def echo(text: str) -> str:
        """Say it back."""
        return text

    server.run(transport="streamable-http")


if __name__ == "__main__":
    main(int(sys.argv[1]))
