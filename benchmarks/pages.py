"""The first page of a huge transcript against one far inside it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import corpus, options, printing, timing, wire
from benchmarks.filling import sync
from memory_server.scratch import serving

LINES = 20
FAR_PAGE = 10_000


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=500.0, calls=30).parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED="0") as server:
        session = corpus.transcript(
            number=0, wanted_bytes=int(wanted.megabytes * 1e6), seed=wanted.seed
        )
        home = server.root / "home"
        session.write(home / "claude" / "projects")
        sync(server, home)
        lines = session.content.count(b"\n")
        far = min(FAR_PAGE, lines // LINES)
        ((slug,),) = server.query("SELECT slug FROM workspaces_workspace")
        mcp = wire.Mcp(server.url, server.ai_token)
        rows = []
        for view in ("lines", "conversation"):
            taken = {
                page: wire.latencies(
                    mcp,
                    "read_session",
                    [
                        {
                            "workspace_id": slug,
                            "session_id": session.session_id,
                            "view": view,
                            "first_line": (page - 1) * LINES + 1,
                            "line_count": LINES,
                        }
                    ]
                    * wanted.calls,
                )
                for page in (1, far)
            }
            first, last = (timing.quantile(taken[page], 0.5) for page in (1, far))
            rows.append((view, far, first * 1e3, last * 1e3, last / first))
    printing.heading(
        "Pages",
        f"One transcript of {len(session.content) / 1e6:.0f} MB, {lines} lines, "
        f"{LINES} lines a page, {wanted.calls} calls each.",
    )
    printing.table(["view", "page N", "page 1 p50 ms", "page N p50 ms", "N ÷ 1"], rows)


if __name__ == "__main__":
    main()
