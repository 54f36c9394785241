#!/usr/bin/env bash
# Sets up a server on Debian 12 or newer, or Ubuntu 22.04 or newer; run as root, from a
# checkout or an unpacked release. Safe to run again: what is there already stays, and
# what changed in the release is brought up to date. docs/deploy.md explains it.
#
#   --host NAMES         names and addresses clients use, comma-separated; the first one
#                        is in PUBLIC_URL (this machine's name)
#   --database KIND      system, embedded, or postgres://... of another machine
#   --redis KIND         system, embedded, or redis://...
#                        (both: system where the distribution's is new enough)
#   --web N  --workers N processes (by the machine's cores)
#   --https-port N       7443      --http-port N   7444, for machines of the same network
#   --network KIND       what the processes reach beside Unix sockets: none, private
#                        (this machine and private addresses), any; needed for an embedder,
#                        a blob store or sign-in elsewhere (private with a database or
#                        Redis by URL, else none)
#   --no-start           set up everything and start nothing
#   --dry-run            say what would be done and change nothing
#   --root DIR           below a directory, without packages, users or systemd: to look
#                        at, and for tests
set -euo pipefail
SOURCE="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"

main() {
    read_arguments "$@"
    lay_out
    check_machine
    choose_sizes
    install_packages
    make_account
    make_directories
    choose_services
    write_environment
    make_certificate
    write_configuration
    first_release
    start_everything
    say_how_to_connect
}

read_arguments() {
    NAMES="" DATABASE="" REDIS="" WEB="" WORKERS="" START=1 NETWORK=""
    HTTPS_PORT=7443 HTTP_PORT=7444
    while [ $# -gt 0 ]; do
        case "$1" in
            --dry-run) DRY_RUN=1 ;;
            --no-start) START="" ;;
            --help | -h) sed -n '2,/^set -e/{s/^# \{0,1\}//p}' "$0"; exit ;;
            --host | --database | --redis | --web | --workers | --https-port | \
                --http-port | --network | --root)
                [ $# -ge 2 ] || die "$1 needs a value"
                case "$1" in
                    --host) NAMES="${2//,/ }" ;;
                    --database) DATABASE="$2" ;;
                    --redis) REDIS="$2" ;;
                    --web) WEB="$2" ;;
                    --workers) WORKERS="$2" ;;
                    --https-port) HTTPS_PORT="$2" ;;
                    --http-port) HTTP_PORT="$2" ;;
                    --network) NETWORK="$2" ;;
                    --root) ROOT="$(realpath -m "$2")" ;;
                esac
                shift
                ;;
            *) die "unknown argument $1; see --help" ;;
        esac
        shift
    done
    local number
    for number in "${WEB:-1}" "${WORKERS:-1}" "$HTTPS_PORT" "$HTTP_PORT"; do
        [[ "$number" =~ ^[1-9][0-9]{0,4}$ ]] || die "$number is no number of these"
    done
    NAMES="${NAMES:-$(hostname -f 2>/dev/null || hostname)}"
    [[ "$NAMES" =~ ^[A-Za-z0-9.:\ _-]+$ ]] || die "--host takes names and addresses"
    PUBLIC_NAME="${NAMES%% *}"
    # The machine itself may always ask; each name once.
    NAMES="$(printf '%s\n' "${NAMES// /$'\n'}" localhost 127.0.0.1 | awk '!seen[$0]++' | paste -sd ' ')"
}

check_machine() {
    [ -z "$ROOT" ] || return 0
    [ "$(id -u)" = 0 ] || [ -n "$DRY_RUN" ] || die "run as root"
    have apt-get || die "this sets up Debian and Ubuntu; docs/deploy.md has containers"
    # shellcheck source=/dev/null
    . /etc/os-release
    case "$ID:${VERSION_ID:-99}" in
        debian:1[2-9] | debian:99 | ubuntu:2[2-9].* | ubuntu:[3-9]*) ;;
        *) die "Debian 12 or Ubuntu 22.04 is needed; this is ${PRETTY_NAME:-unknown}" ;;
    esac
    [ -d /run/systemd/system ] || [ -z "$START" ] || [ -n "$DRY_RUN" ] ||
        die "systemd does not run here; --no-start sets up without starting"
}

# One web process and one worker for each two cores; the smallest machine meant has one
# core and 512 MB.
choose_sizes() {
    local cores megabytes
    cores="$(nproc)"
    megabytes="$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)"
    IS_SMALL=""
    [ "$megabytes" -ge 1500 ] || IS_SMALL=1
    if [ -n "$IS_SMALL" ]; then
        WEB="${WEB:-1}" WORKERS="${WORKERS:-1}"
    else
        WEB="${WEB:-$((cores < 4 ? 2 : cores / 2))}"
        WORKERS="${WORKERS:-$((cores < 4 ? 1 : cores / 4))}"
    fi
}

install_packages() {
    local wanted=(nginx fail2ban python3-systemd logrotate curl ca-certificates openssl)
    have nft || have iptables || wanted+=(nftables)
    PYTHON="$(newest_python)"
    if [ -z "$PYTHON" ]; then
        # Ubuntu 22.04's own is 3.10.
        wanted+=(python3.11 python3.11-venv)
    elif ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        wanted+=("${PYTHON##*/}-venv")
    fi
    choose_kinds
    [ "$DATABASE" != system ] || wanted+=(postgresql)
    [ "$REDIS" != system ] || wanted+=(redis-server)
    on_machine apt-get -qq update
    on_machine env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends "${wanted[@]}"
    PYTHON="$(newest_python)"
    [ -n "$PYTHON" ] || [ -n "$DRY_RUN" ] || die "Python 3.11 or newer is needed"
}

newest_python() {
    local each
    for each in python3.13 python3.12 python3.11 python3; do
        if have "$each" &&
            "$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$each"
            return
        fi
    done
}

# PostgreSQL 15 and Redis 7 are the oldest that the server knows.
choose_kinds() {
    [ -n "$DATABASE" ] || DATABASE="$(system_or_embedded postgresql 15)"
    [ -n "$REDIS" ] || REDIS="$(system_or_embedded redis-server 7)"
    case "$DATABASE" in
        system | embedded | postgres://* | postgresql://*) ;;
        *) die "--database takes system, embedded or postgres://..." ;;
    esac
    case "$REDIS" in
        system | embedded | redis://* | rediss://* | unix://*) ;;
        *) die "--redis takes system, embedded or redis://..." ;;
    esac
    [[ "$DATABASE$REDIS" != *[\'\"]* ]] || die "quotes in an address must be %27 or %22"
    if [[ "$DATABASE" == *://*@[!/]* || "$REDIS" == redis* ]]; then
        NETWORK="${NETWORK:-private}"
    fi
    case "${NETWORK:-none}" in
        none) NETWORKS="" ;;
        private) NETWORKS="localhost 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7" ;;
        any) NETWORKS="any" ;;
        *) die "--network takes none, private or any" ;;
    esac
}

system_or_embedded() {
    local found
    found="$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([0-9]*:\)\{0,1\}\([0-9]*\).*/\2/p')"
    if [ -z "$ROOT" ] && [ "${found:-0}" -ge "$2" ]; then
        echo system
    else
        echo embedded
    fi
}

make_account() {
    getent passwd "$ACCOUNT" >/dev/null ||
        on_machine useradd --system --user-group --home-dir "$DATA" \
            --shell /usr/sbin/nologin "$ACCOUNT"
}

make_directories() {
    directory "$CODE" 0755
    directory "$CODE/releases" 0755
    directory "$CONF" 0755
    directory "$DATA" 0700 "$ACCOUNT:$ACCOUNT"
    directory "$BACKUPS" 0700 "$ACCOUNT:$ACCOUNT"
    directory "$LOGS" 0750 www-data:adm
    directory "$RUN" 0755
}

# Sets DATABASE_URL and REDIS_URL; all but those of other machines are Unix sockets.
choose_services() {
    case "$DATABASE" in
        embedded) DATABASE_URL="postgres://memory@/memory?host=$DATA/services/run/postgres" ;;
        system) DATABASE_URL="postgres://$ACCOUNT@/memory?host=/var/run/postgresql" ;;
        *) DATABASE_URL="$DATABASE" ;;
    esac
    case "$REDIS" in
        embedded) REDIS_URL="unix://$DATA/services/run/valkey/valkey.sock?db=0" ;;
        system) REDIS_URL="unix:///run/redis-memory/redis-server.sock?db=0" ;;
        *) REDIS_URL="$REDIS" ;;
    esac
    [ "$DATABASE" != system ] || make_system_database
    [ "$REDIS" != system ] || make_system_redis
}

make_system_database() {
    on_machine systemctl enable --now postgresql
    [ -z "$DRY_RUN$ROOT" ] || return 0
    local ask=(runuser -u postgres -- psql -Atqc)
    cd /
    [ "$("${ask[@]}" 'SHOW server_version_num')" -ge 150000 ] ||
        die "the system's PostgreSQL is older than 15; use --database embedded"
    [ -n "$("${ask[@]}" "SELECT 1 FROM pg_roles WHERE rolname = '$ACCOUNT'")" ] ||
        runuser -u postgres -- createuser "$ACCOUNT"
    [ -n "$("${ask[@]}" "SELECT 1 FROM pg_database WHERE datname = 'memory'")" ] ||
        runuser -u postgres -- createdb --owner "$ACCOUNT" --template template0 \
            --encoding UTF8 memory
}

# An instance of its own beside whatever Redis the machine has, over a socket.
make_system_redis() {
    rendered "$SOURCE/deploy/redis/memory.conf" |
        put "$ROOT/etc/redis/redis-memory.conf" 0640 redis:redis
    on_machine usermod --append --groups redis "$ACCOUNT"
    on_machine systemctl enable --now redis-server@memory
}

# Written once: afterwards it is the operator's. Secrets never leave it.
write_environment() {
    [ -f "$CONF/server.env" ] || put "$CONF/server.env" 0640 "root:$ACCOUNT" <<END
# Settings of every process; docs/operations.md names all. Then: systemctl restart memory-server.target
MEMORY_ROOT='$DATA'
DATABASE_URL='$DATABASE_URL'
REDIS_URL='$REDIS_URL'
PUBLIC_URL='https://$PUBLIC_NAME:$HTTPS_PORT'
ALLOWED_HOSTS='${NAMES// /,}'
BEHIND_PROXY='on'
SECRET_KEY='$(random_text)'
BACKUP_DIRECTORY='$BACKUPS'
END
    [ -f "$CONF/web.env" ] || put "$CONF/web.env" 0644 <<END
# Settings of the web processes alone.
DATABASE_POOL_SIZE='$(pool_size)'
$([ -z "$IS_SMALL" ] || printf "MCP_THREADS='4'\nVECTOR_CACHE_MB='32'\nSEARCH_VOCABULARY_MB='16'\n")
END
    [ -f "$CONF/worker.env" ] || put "$CONF/worker.env" 0644 <<END
# Settings of the workers alone. A small machine has one, which is beat as well.
WORKER_CONCURRENCY='1'
WORKER_OPTIONS='$([ -z "$IS_SMALL" ] || echo --beat)'
$([ -z "$IS_SMALL" ] || echo "WORKER_MAX_MEMORY_KB='200000'")
END
}

# A request waits ten seconds for a connection, then it is a 503; PostgreSQL has 100, the
# embedded one 60, for all processes together.
pool_size() {
    if [ -n "$IS_SMALL" ]; then
        echo 4
    else
        echo $((WEB <= 2 ? 20 : 10))
    fi
}

random_text() { openssl rand -base64 48 | tr -d '\n=+/'; }

# Ten years, for this machine's names, until a real one takes its place.
make_certificate() {
    local names=() each
    [ ! -e "$CONF/tls/fullchain.pem" ] || return 0
    directory "$CONF/tls" 0750 root:www-data
    for each in $NAMES; do
        if [[ "$each" =~ ^[0-9.]+$|: ]]; then names+=("IP:$each"); else names+=("DNS:$each"); fi
    done
    run openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 3650 -subj "/CN=$PUBLIC_NAME" \
        -addext "subjectAltName=$(IFS=,; echo "${names[*]}")" \
        -keyout "$CONF/tls/privkey.pem" -out "$CONF/tls/fullchain.pem" 2>/dev/null
    run chmod 0640 "$CONF/tls/privkey.pem"
}

write_configuration() {
    write_units
    local each
    for each in locations tls upstream; do
        rendered "$SOURCE/deploy/nginx/$each.conf" | put "$CONF/nginx/$each.conf" 0644
    done
    rendered "$SOURCE/deploy/nginx/memory-server.conf" |
        put "$ROOT/etc/nginx/conf.d/memory-server.conf" 0644
    rendered "$SOURCE/deploy/fail2ban/filter.conf" |
        put "$ROOT/etc/fail2ban/filter.d/memory-server.conf" 0644
    rendered "$SOURCE/deploy/fail2ban/jail.conf" |
        put "$ROOT/etc/fail2ban/jail.d/memory-server.conf" 0644
    rendered "$SOURCE/deploy/logrotate/memory-server" |
        put "$ROOT/etc/logrotate.d/memory-server" 0644
    write_firewall
    rendered "$SOURCE/deploy/memory-server" |
        put "$ROOT/usr/local/sbin/memory-server" 0755
    # What deploy.sh needs to know about this machine.
    put "$CONF/deploy.env" 0644 <<END
PYTHON='$PYTHON'
WEB='$WEB'
WORKERS='$WORKERS'
BEAT='$([ -n "$IS_SMALL" ] || echo 1)'
DATABASE='${DATABASE%%:*}'
REDIS='${REDIS%%:*}'
SHARED_EMBEDDER='1'
END
}

write_units() {
    local path name
    for path in "$SOURCE"/deploy/systemd/memory-*.*; do
        [ -f "$path" ] || continue
        rendered "$path" | put "$UNITS/${path##*/}" 0644
    done
    for path in "$SOURCE"/deploy/systemd/memory-*.d/*.conf; do
        rendered "$path" | put "$UNITS/${path#"$SOURCE/deploy/systemd/"}" 0644
    done
    for name in web@ worker@ beat backup; do
        if [ -n "$NETWORKS" ]; then
            rendered "$SOURCE/deploy/systemd/network.conf" |
                put "$UNITS/memory-server-$name.service.d/network.conf" 0644
        else
            run rm -rf "$UNITS/memory-server-$name.service.d/network.conf"
        fi
    done
}

write_firewall() {
    local kind=iptables verb
    if have nft || ! have iptables; then kind=nft; fi
    rendered "$SOURCE/deploy/firewall/memory-server.nft" |
        put "$CONF/firewall/memory-server.nft" 0644
    for verb in apply remove; do
        rendered "$SOURCE/deploy/firewall/$verb-$kind" | put "$CONF/firewall/$verb" 0755
    done
}

first_release() {
    local options=()
    [ -z "$DRY_RUN" ] || { say "would run: deploy.sh $SOURCE"; return 0; }
    [ -z "$ROOT" ] || options+=(--root "$ROOT")
    [ -n "$START" ] || options+=(--no-start)
    [ -z "$START" ] || [ -n "$ROOT" ] || enable_services
    "$SOURCE/deploy/deploy.sh" "${options[@]}" "$SOURCE"
}

# Before the first release starts its processes.
enable_services() {
    control daemon-reload
    local units=(memory-server.target memory-server-web.socket memory-server-backup.timer
        memory-server-embedder.socket memory-server-embedder.service) i
    for ((i = 1; i <= WEB; i++)); do units+=("memory-server-web@$i.service"); done
    for ((i = 1; i <= WORKERS; i++)); do units+=("memory-server-worker@$i.service"); done
    [ -n "$IS_SMALL" ] || units+=(memory-server-beat.service)
    [ "$DATABASE" != embedded ] || units+=(memory-server-postgres.service)
    [ "$REDIS" != embedded ] || units+=(memory-server-redis.service)
    control enable --quiet "${units[@]}"
}

start_everything() {
    [ -n "$START" ] && [ -z "$ROOT" ] || return 0
    control start memory-server.target memory-server-backup.timer
    run nginx -t -q
    control restart nginx
    control restart fail2ban || say "fail2ban did not start: fail2ban-client -t says why"
    # A container may not be allowed to.
    control enable --quiet --now memory-firewall.service ||
        say "no connection limits: journalctl -u memory-firewall says why"
}

say_how_to_connect() {
    [ -z "$DRY_RUN" ] || return 0
    say ""
    say "MCP      https://$PUBLIC_NAME:$HTTPS_PORT/mcp   (same network: http://$PUBLIC_NAME:$HTTP_PORT/mcp)"
    say "Console  https://$PUBLIC_NAME:$HTTPS_PORT/      user admin"
    if [ -z "$START" ]; then
        say "Nothing was started: deploy.sh $SOURCE does that."
    elif [ -e "$CONF/.secrets-shown" ]; then
        say "Tokens are in $CONF/server.env, the first password in $DATA/secrets."
    else
        say "Shown once; kept in $CONF/server.env and $DATA/secrets:"
        say "  AI token    $(setting server.env MCP_TOKEN)"
        say "  Sync token  $(setting server.env SYNC_TOKEN)"
        say "  Password    $(cat "$DATA/secrets/admin_password" 2>/dev/null)"
        : >"$CONF/.secrets-shown"
    fi
}

# On one line: the file may change while this runs.
main "$@"; exit
