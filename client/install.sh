#!/usr/bin/env bash
# Sets this machine up for a memory server, for Linux and macOS:
#
#   bash install.sh AI_TOKEN --sync-token SYNC_TOKEN --url http://HOST:7444/mcp --machine NAME
#
# Tokens may also come from MCP_MEMORY_TOKEN and SYNC_TOKEN, where no list of processes
# shows them. Every other argument goes to `memory_sync.py install`; see its --help.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --sync-token) export SYNC_TOKEN="${2:?--sync-token needs a token}"; shift 2 ;;
    --sync-token=*) export SYNC_TOKEN="${1#*=}"; shift ;;
    --*=*) arguments+=("$1"); shift ;;
    --dry-run|--no-hooks|--keyring|--json|--help) arguments+=("$1"); shift ;;
    --*) arguments+=("$1" "${2:?$1 needs a value}"); shift 2 ;;
    *) export MCP_MEMORY_TOKEN="$1"; shift ;;
  esac
done

python=""
for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
  if command -v "$candidate" >/dev/null 2>&1 &&
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    python="$candidate"
    break
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.10 or newer is needed." >&2
  exit 2
fi

program="$here/memory_sync.py"
[ -f "$program" ] || program="$here/memory_sync"
exec "$python" "$program" install ${arguments[@]+"${arguments[@]}"}
