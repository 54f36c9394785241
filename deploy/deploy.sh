#!/usr/bin/env bash
# Puts a release into service, or takes it back when it does not work:
#
#   deploy.sh SOURCE          a checkout, a directory, or a .tar.gz of one
#   deploy.sh --rollback      to the release before
#
#   --keep N     releases that stay on the disk (3)
#   --no-start   build and prepare only
#   --root DIR   as install.sh was told
#
# The new release is built beside the old one, migrates the database while the old one
# serves (migrations only add), and has to answer on a socket of its own before anything
# is switched. Then web processes are restarted in turn, and workers after them. If any
# of this fails, the old release goes on, or comes back; the exit status is 1.
set -euo pipefail
# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HEALTH_SECONDS="${HEALTH_SECONDS:-60}"

main() {
    read_arguments "$@"
    lay_out
    [ -f "$CONF/deploy.env" ] || die "there is no installation; run install.sh first"
    # shellcheck source=/dev/null
    . "$CONF/deploy.env"
    exec 9>"$CODE/.deploying"
    flock -n 9 || die "another deploy is under way"
    PREVIOUS="$(readlink "$CODE/current" || true)"
    if [ -n "$ROLLBACK" ]; then
        RELEASE="$(release_before)"
        say "going back to ${RELEASE##*/}"
    else
        RELEASE="$CODE/releases/$(date -u +%Y%m%d-%H%M%S)"
        build || give_up "it could not be built"
    fi
    # The first of all has nothing to protect, and the embedded services start from it.
    [ -n "$PREVIOUS" ] || point_to "$RELEASE"
    ensure_tokens || give_up "it could not make tokens"
    if [ -n "$START" ]; then
        start_services || give_up "the database or Redis did not start"
        prepare || give_up "the database could not be prepared"
        answers_by_itself || give_up "it does not answer"
        switch || roll_back
    else
        point_to "$RELEASE"
    fi
    forget_old
    say "${RELEASE##*/} is in service"
}

read_arguments() {
    SOURCE="" KEEP=3 START=1 ROLLBACK=""
    while [ $# -gt 0 ]; do
        case "$1" in
            --rollback) ROLLBACK=1 ;;
            --no-start) START="" ;;
            --keep) KEEP="${2:?--keep needs a number}"; shift ;;
            --root) ROOT="$(realpath -m "${2:?--root needs a directory}")"; shift ;;
            --help | -h) sed -n '2,/^set -e/{s/^# \{0,1\}//p}' "$0"; exit ;;
            -*) die "unknown argument $1; see --help" ;;
            *) SOURCE="$(realpath -e "$1")" ;;
        esac
        shift
    done
    [[ "$KEEP" =~ ^[1-9][0-9]?$ ]] || die "--keep takes a number from 1 to 99"
    [ -n "$SOURCE$ROLLBACK" ] || die "name a checkout or an archive; see --help"
}

release_before() {
    local each found=""
    for each in "$CODE"/releases/*/; do
        each="${each%/}"
        [ "$each" != "$PREVIOUS" ] || break
        [ ! -f "$each/.good" ] || found="$each"
    done
    [ -n "$found" ] || die "there is no release before this one"
    echo "$found"
}

build() {
    say "building ${RELEASE##*/}"
    mkdir -p "$RELEASE" && unpack && make_venv &&
        "$RELEASE/.venv/bin/python" -m compileall -q -x '/\.venv/' "$RELEASE" >/dev/null &&
        chmod -R go+rX "$RELEASE"
}

unpack() {
    if [ -f "$SOURCE" ]; then
        tar -xzf "$SOURCE" -C "$RELEASE" --no-same-owner
        # Archives hold one directory that holds everything.
        if [ ! -f "$RELEASE/manage.py" ]; then
            mv "$RELEASE"/*/* "$RELEASE"/
        fi
    elif [ -e "$SOURCE/.git" ]; then
        git -C "$SOURCE" archive HEAD | tar -x -C "$RELEASE"
    else
        tar -c -C "$SOURCE" --exclude=./.venv --exclude=./var . | tar -x -C "$RELEASE"
    fi
    [ -f "$RELEASE/manage.py" ] || { say "$SOURCE holds no manage.py"; return 1; }
}

# The packages of the release before are shared, by hard links, when the pins are the
# same; bootstrap.py looks and does nothing then. MEMORY_VENV names packages that are
# installed already.
make_venv() {
    local name has_same_pins=1
    if [ -n "${MEMORY_VENV:-}" ]; then
        ln -s "$MEMORY_VENV" "$RELEASE/.venv"
        return
    fi
    for name in constraints.txt $(cd "$RELEASE" && echo requirements*.txt); do
        cmp -s "$PREVIOUS/$name" "$RELEASE/$name" || has_same_pins=""
    done
    [ -z "$has_same_pins" ] || cp -al "$PREVIOUS/.venv" "$RELEASE/.venv"
    # Which extras are installed is a matter of these settings.
    OAUTH_ENABLED="$(setting server.env OAUTH_ENABLED)" \
        BLOB_STORE_URL="$(setting server.env BLOB_STORE_URL)" \
        UVICORN_ENABLED="$(setting server.env UVICORN_ENABLED)" \
        OTEL_EXPORTER_OTLP_ENDPOINT="$(setting server.env OTEL_EXPORTER_OTLP_ENDPOINT)" \
        VENV="$RELEASE/.venv" "$PYTHON" "$RELEASE/bootstrap.py"
}

# Made by the release itself, which knows their form.
ensure_tokens() {
    [ -z "$(setting server.env MCP_TOKEN)" ] || return 0
    as_server "$RELEASE" .venv/bin/python manage.py shell -v 0 -c "
from access import tokens
for name, kind in (('MCP_TOKEN', 'ai'), ('SYNC_TOKEN', 'sync')):
    print(f\"{name}='{tokens.new_text(kind)}'\")" >"$CONF/.tokens" || return 1
    cat "$CONF/.tokens" >>"$CONF/server.env"
    rm -f "$CONF/.tokens"
}

start_services() {
    [ "$DATABASE" != embedded ] || control start memory-server-postgres.service &&
        { [ "$REDIS" != embedded ] || control start memory-server-redis.service; }
}

prepare() {
    say "preparing the database"
    as_server "$RELEASE" .venv/bin/python manage.py check --deploy --fail-level ERROR &&
        as_server "$RELEASE" .venv/bin/python manage.py prepare --no-demo
}

# A web process that nobody is sent to, as much like the real ones as can be.
answers_by_itself() {
    local socket="$DATA/trial.sock" log process answered=""
    say "trying it"
    log="$(mktemp)"
    as_server "$RELEASE" rm -f "$socket"
    LOG_LEVEL=WARNING become_server "$RELEASE" .venv/bin/python -m memory_server.web \
        -v 0 -u "$socket" memory_server.asgi:application >"$log" 2>&1 9>&- &
    process=$!
    ! is_healthy "$socket" "$process" || answered=1
    # Nobody is served by it, so that it need not end anything first.
    kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
    as_server "$RELEASE" rm -f "$socket"
    # It says the same each time that it is asked.
    [ -n "$answered" ] || tail -n 30 "$log"
    rm -f "$log"
    [ -n "$answered" ]
}

# is_healthy SOCKET [PID]: the database answers, the console's page and an MCP client
# are answered too. With a pid: while that process lives.
is_healthy() {
    local until=$((SECONDS + HEALTH_SECONDS))
    while ! asks "$1"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        [ -z "${2:-}" ] || kill -0 "$2" 2>/dev/null || return 1
        sleep 0.3
    done
}

asks() {
    local ask=(curl -fsS -o /dev/null --max-time 30 --unix-socket "$1" -H "Host: localhost"
        -H "X-Forwarded-Proto: https")
    "${ask[@]}" http://localhost/ready 2>/dev/null &&
        "${ask[@]}" http://localhost/admin/login/ 2>/dev/null &&
        "${ask[@]}" http://localhost/mcp -H "Content-Type: application/json" \
            -H "Accept: application/json, text/event-stream" \
            -H "Authorization: Bearer $(setting server.env MCP_TOKEN)" \
            -d '{"jsonrpc":"2.0","id":1,"method":"ping"}' 2>/dev/null
}

point_to() {
    ln -sfn "$1" "$CODE/.current.new" && mv -T "$CODE/.current.new" "$CODE/current"
}

switch() {
    point_to "$RELEASE" && restart_all && : >"$RELEASE/.good"
}

restart_all() {
    local i
    control start memory-server-web.socket || return 1
    # An installation of an older release has none.
    if [ -n "${SHARED_EMBEDDER:-}" ]; then
        control start memory-server-embedder.socket &&
            control restart memory-server-embedder.service || return 1
    fi
    for ((i = 1; i <= WEB; i++)); do
        say "restarting web $i"
        control restart "memory-server-web@$i.service" &&
            is_healthy "$RUN/web-$i/own.sock" || return 1
    done
    for ((i = 1; i <= WORKERS; i++)); do
        say "restarting worker $i"
        control restart "memory-server-worker@$i.service" || return 1
    done
    [ -z "$BEAT" ] || control restart memory-server-beat.service || return 1
    work_is_done
}

# Every worker of this machine answers, and beat has not stopped in the meantime.
work_is_done() {
    local until=$((SECONDS + HEALTH_SECONDS))
    while ! workers_answer; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 1
    done
    [ -z "$BEAT" ] || control is-active --quiet memory-server-beat.service
}

workers_answer() {
    local said i
    said="$(as_server "$RELEASE" .venv/bin/python -m celery -A memory_server.celery \
        inspect ping --timeout 3 2>/dev/null)" || return 1
    for ((i = 1; i <= WORKERS; i++)); do
        grep -qF "worker$i@$(hostname):" <<<"$said" || return 1
    done
}

roll_back() {
    case "$PREVIOUS" in "" | "$RELEASE") give_up "it does not work" ;; esac
    say "${RELEASE##*/} does not work; going back to ${PREVIOUS##*/}"
    local failed="$RELEASE"
    RELEASE="$PREVIOUS"
    # Its static files and their list; the database keeps what was added.
    prepare || true
    point_to "$RELEASE"
    restart_all || die "${RELEASE##*/} does not answer either; see journalctl -u 'memory-server*'"
    discard "$failed"
    die "${failed##*/} was taken back; ${RELEASE##*/} serves"
}

# The old release was never left.
give_up() {
    discard "$RELEASE"
    die "${RELEASE##*/}: $1; ${PREVIOUS:+${PREVIOUS##*/} goes on}"
}

discard() {
    [ -n "$ROLLBACK" ] || [ "$(readlink "$CODE/current" || true)" = "$1" ] || rm -rf "$1"
}

# Never one that a process still runs from, such as an embedded service.
forget_old() {
    local old
    find "$CODE/releases" -mindepth 1 -maxdepth 1 -type d | sort | head -n "-$KEEP" |
        while read -r old; do
            if [ "$old" != "$RELEASE" ] && ! is_in_use "$old"; then
                say "removing ${old##*/}"
                rm -rf "$old"
            fi
        done
}

is_in_use() { grep -qsF "$1/" /proc/[0-9]*/maps; }

# On one line: the file may change while this runs.
main "$@"; exit
