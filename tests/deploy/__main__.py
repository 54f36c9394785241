"""The deploy kit, checked and run: see the targets of the Makefile that call this.

python tests/deploy check            tools' checks, then served for real
python tests/deploy drill            good and bad releases under a polling client
python tests/deploy soak --clients 50 --minutes 10
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import check
import deploys
import served
import soak
from installation import archive, installed, running


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/deploy", description=__doc__)
    parser.add_argument("what", choices=("check", "drill", "soak"))
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    if missing := check.missing_packages():
        print(f"Missing: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    began = time.monotonic()
    with installed() as here:
        packed = archive(here.root / "release.tar.gz")
        if asked.what == "check":
            for each in (check.units, check.firewall, check.rotation, check.jail):
                each(here)
                print(f"{each.__name__}: ok", flush=True)
            check.scripts()
            check.repeating_changes_nothing(here)
        with running(here, packed):
            if asked.what == "check":
                served.main(here)
                soak.main(here, clients=5, minutes=0.1)
                deploys.bad_release_is_never_served(here, packed)
            elif asked.what == "drill":
                deploys.good_release_is_served(here, packed)
                deploys.bad_release_is_never_served(here, packed)
                deploys.failing_migration_changes_nothing(here, packed)
                deploys.release_without_worker_is_taken_back(here, packed)
                deploys.an_operator_goes_back(here)
            else:
                soak.main(here, clients=asked.clients, minutes=asked.minutes)
        if asked.what == "check":
            uninstalling_leaves_nothing(here)
    print(f"{asked.what}: done in {time.monotonic() - began:.0f} s")
    return 0


def uninstalling_leaves_nothing(here) -> None:
    data = here.root / "var/lib/memory-server"
    done = here.script("uninstall.sh")
    assert done.returncode == 0, done.stdout
    assert (data / "blobs").is_dir()
    assert not (here.root / "opt/memory-server").exists()
    assert not list((here.root / "etc/systemd/system").glob("memory-*"))
    assert here.script("uninstall.sh", "--purge").returncode == 0
    assert not data.exists()


if __name__ == "__main__":
    sys.exit(main())
