"""Setting up the database is killed again and again, and ends well at last."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from stand import in_make_faults

from memory_server.scratch import PROJECT, empty_beside


@in_make_faults
def test_f23_migrations_killed_at_any_moment_go_on_where_they_were(stand):
    with empty_beside(stand.server) as server:
        kills = 0
        wait_seconds = 1.0
        while True:
            migrating = subprocess.Popen(
                [sys.executable, "manage.py", "migrate", "-v0"],
                cwd=PROJECT,
                env=server.environment,
            )
            try:
                assert migrating.wait(wait_seconds) == 0
                break
            except subprocess.TimeoutExpired:
                migrating.send_signal(signal.SIGKILL)
                migrating.wait()
                kills += 1
            # Longer each time: starting takes most of it.
            wait_seconds += 0.4
            time.sleep(0.1)

        assert kills >= 3
        same = (
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        assert server.query(same) == stand.server.query(same)
        server.manage("migrate", "--check")
