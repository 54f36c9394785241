"""Send what nobody foresaw to a server made for it, and hold its answers to its word.

    make fuzz                  a minute; EXAMPLES=100 for an hour's thought

For every operation of the published OpenAPI and every kind of token, requests are made
up, right and wrong. No answer may be a fault of ours (5xx), or have a status, a content
type or a body that the document does not tell. Exits with 1 otherwise, and shows the
request as a line for curl.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from memory_server.scratch import Server, serving

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
)
# For each kind of token; the examples are what is made up beside the systematic cases.
SECONDS = 25
HERE = Path(__file__).resolve().parent
# Made-up ids are small numbers, and so is that of the token that asks.
WOULD_END_IT = "/v1/api-keys/revoke"


def main() -> None:
    examples = os.environ.get("EXAMPLES", "4")
    # Nothing is loaded that these requests would wait for.
    with serving(EMBEDDINGS_ENABLED="0", MAX_TRANSCRIPT_BYTES="1000000") as server:
        server.manage("load_demo")
        server.run_jobs()
        admin = server.manage("create_token", "fuzz", "--kind", "admin").split()[0]
        tokens = {"ai": server.ai_token, "sync": server.sync_token, "admin": admin}
        failed = [
            kind
            for kind, token in tokens.items()
            if not passes(server, token, examples)
        ]
    if failed:
        sys.exit(f"These kinds of token got answers that must not be: {failed}")


def passes(server: Server, token: str, examples: str) -> bool:
    bearer = f"Authorization: Bearer {token}"
    ran = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--no-color", "run"),
            *(f"{server.base}/api/v1/schema", "--header", bearer),
            *("--checks", ",".join(CHECKS), "--max-examples", examples),
            *("--phases", "examples,coverage,fuzzing", "--generation-deterministic"),
            *("--max-time", str(SECONDS * max(1, int(examples) // 4))),
            *("--exclude-path", WOULD_END_IT, "--request-timeout", "30"),
            *("--suppress-health-check", "all", "--warnings", "off"),
            *("--continue-on-failure", "--no-shrink"),
        ],
        cwd=HERE,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "serializers"},
    )
    me = urllib.request.Request(
        f"{server.base}/api/v1/me", headers=dict([bearer.split(": ")])
    )
    # A token that a request ended would have hidden everything after it.
    with urllib.request.urlopen(me, timeout=30) as answer:
        return ran.returncode == 0 and answer.status == 200


if __name__ == "__main__":
    main()
