#!/usr/bin/env bash
# Takes away what install.sh set up; run as root. Data, backups, tokens and settings
# stay, so that install.sh finds them again, unless --purge is given. Packages, and a
# database of the system's PostgreSQL, stay even then: their names are printed.
#
#   --purge      also data, backups, tokens, settings and the account
#   --dry-run    say what would be done and change nothing
#   --root DIR   as install.sh was told
set -euo pipefail
# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
    PURGE=""
    while [ $# -gt 0 ]; do
        case "$1" in
            --purge) PURGE=1 ;;
            --dry-run) DRY_RUN=1 ;;
            --root) ROOT="$(realpath -m "${2:?--root needs a directory}")"; shift ;;
            --help | -h) sed -n '2,/^set -e/{s/^# \{0,1\}//p}' "$0"; exit ;;
            *) die "unknown argument $1; see --help" ;;
        esac
        shift
    done
    lay_out
    [ -n "$ROOT$DRY_RUN" ] || [ "$(id -u)" = 0 ] || die "run as root"
    stop_everything
    remove_configuration
    if [ -n "$PURGE" ]; then
        purge
    else
        say "kept: $DATA, $BACKUPS, $CONF (--purge removes them)"
    fi
}

stop_everything() {
    local units
    mapfile -t units < <(find "$UNITS" -maxdepth 1 -name 'memory-*' -type f \
        ! -name '*@*' -printf '%f\n' 2>/dev/null)
    [ "${#units[@]}" -gt 0 ] || return 0
    # Stopping one that never ran is no failure.
    control stop 'memory-server-web@*' 'memory-server-worker@*' "${units[@]}" || true
    on_machine systemctl disable --quiet 'memory-server-web@' 'memory-server-worker@' \
        "${units[@]}" || true
}

remove_configuration() {
    run rm -rf "$UNITS"/memory-server* "$UNITS/memory-firewall.service" "$CODE" "$RUN" \
        "$ROOT/etc/nginx/conf.d/memory-server.conf" \
        "$ROOT/etc/fail2ban/filter.d/memory-server.conf" \
        "$ROOT/etc/fail2ban/jail.d/memory-server.conf" \
        "$ROOT/etc/logrotate.d/memory-server" \
        "$ROOT/usr/local/sbin/memory-server"
    on_machine systemctl daemon-reload
    on_machine systemctl reload nginx fail2ban || true
}

purge() {
    if [ -f "$ROOT/etc/redis/redis-memory.conf" ]; then
        on_machine systemctl disable --quiet --now redis-server@memory || true
        run rm -f "$ROOT/etc/redis/redis-memory.conf"
    fi
    run rm -rf "$DATA" "$BACKUPS" "$LOGS" "$CONF"
    ! getent passwd "$ACCOUNT" >/dev/null || on_machine userdel "$ACCOUNT"
    say "kept: packages; if PostgreSQL was the system's, its database memory and role" \
        "$ACCOUNT (dropdb memory; dropuser $ACCOUNT)"
}

# On one line: the file may change while this runs.
main "$@"; exit
