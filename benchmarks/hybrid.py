"""Hybrid search over messages with vectors, the query's own vector included.

Conversations are uploaded and indexed, then the server's own job embeds them, which
takes most of the run: a packaged model on a processor makes tens of vectors a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import corpus, goals, options, printing, timing, wire, working
from benchmarks.filling import projects, sync
from benchmarks.questions import Question
from benchmarks.search import answer
from memory_server.scratch import serving

P95_MS = 60.0
_MESSAGES_A_SESSION = 50


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, messages=50_000, queries=100)
    chosen = wanted.parse_args(arguments)
    count = max(chosen.messages // _MESSAGES_A_SESSION, 1)
    per_session = chosen.messages // count
    with serving() as server:
        home, questions = server.root / "home", []
        for number in range(count):
            session = corpus.conversation(
                number=number, messages=per_session, seed=chosen.seed
            )
            session.write(projects(home))
            question = session.planted.question
            questions.append(
                Question(question, "hybrid", [], session_id=session.session_id)
            )
        sync(server, home)
        cost = working.run(server)
        mcp = wire.Mcp(server.url, server.ai_token)
        some = questions[:: max(count // chosen.queries, 1)][: chosen.queries]
        waiting = wire.once(
            mcp, "search_sessions", {"query": some[0].query, "mode": "hybrid"}
        )["structuredContent"]["pending"]
        taken, found = answer(mcp, some, within=10)
    p50, p95 = (timing.quantile(taken, share) * 1e3 for share in (0.5, 0.95))
    printing.heading(
        "Hybrid search",
        f"{count * per_session:,} messages of {count:,} sessions; one connection; "
        f"still waiting for vectors: {waiting['vectors']}.",
    )
    printing.table(
        [
            "indexing and embedding, s",
            "worker CPU s",
            "p50 ms",
            "p95 ms",
            "in first 10",
        ],
        [(cost.wall, cost.cpu, p50, p95, f"{found} of {len(some)}")],
    )
    print()
    goals.at_most("hybrid p95", p95, P95_MS, " ms")


if __name__ == "__main__":
    main()
