# Shared by install.sh, deploy.sh and uninstall.sh; sourced, never run.
# shellcheck shell=bash disable=SC2034

# Everything below one directory, for trying it out; nothing else is touched then.
ROOT="${ROOT:-}"
DRY_RUN="${DRY_RUN:-}"

# What the templates name as @NAME@.
lay_out() {
    ACCOUNT="memory-server"
    CODE="$ROOT/opt/memory-server"
    CONF="$ROOT/etc/memory-server"
    DATA="$ROOT/var/lib/memory-server"
    RUN="$ROOT/run/memory-server"
    LOGS="$ROOT/var/log/memory-server"
    BACKUPS="$ROOT/var/backups/memory-server"
    UNITS="$ROOT/etc/systemd/system"
}
TEMPLATE_NAMES=(ACCOUNT CODE CONF DATA RUN LOGS BACKUPS HTTPS_PORT HTTP_PORT NAMES NETWORKS)

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command, or says that it would.
run() {
    if [ -n "$DRY_RUN" ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

# The same for what concerns the whole machine, which a directory cannot have.
on_machine() {
    [ -n "$ROOT" ] || run "$@"
}

have() { command -v "$1" >/dev/null 2>&1; }

# A template's text with its @NAME@s filled in.
rendered() {
    local text name
    text="$(cat "$1")"
    for name in "${TEMPLATE_NAMES[@]}"; do
        text="${text//"@$name@"/"${!name:-}"}"
    done
    printf '%s\n' "$text"
}

# Writes standard input to a file, unless it says that already: put PATH MODE [OWNER]
put() {
    local path="$1" mode="$2" owner="${3:-root:root}" new
    new="$(cat && printf x)"
    new="${new%x}"
    if [ -f "$path" ] && [ "$(cat "$path" && printf x)" = "${new}x" ]; then
        return 0
    fi
    if [ -n "$DRY_RUN" ]; then
        say "would write: $path ($mode $owner)"
        return 0
    fi
    mkdir -p "$(dirname "$path")"
    (umask 077 && printf '%s' "$new" >"$path.new")
    chmod "$mode" "$path.new"
    [ -n "$ROOT" ] || chown "$owner" "$path.new"
    mv -f "$path.new" "$path"
    say "wrote $path"
}

# directory PATH MODE [OWNER]
directory() {
    [ -d "$1" ] || run mkdir -p "$1"
    run chmod "$2" "$1"
    [ -n "$ROOT" ] || run chown "${3:-root:root}" "$1"
}

# The value of a setting in one of the environment files.
setting() {
    sed -n "s/^$2='\(.*\)'\$/\1/p" "$CONF/$1" 2>/dev/null | tail -n 1
}

# systemctl, or what stands for it where there is no systemd.
control() { run "${SYSTEMCTL:-systemctl}" "$@"; }

# Becomes a command as the service's user, with its settings: RELEASE COMMAND...
become_server() {
    cd "$1" || return 1
    shift
    set -a
    # shellcheck source=/dev/null
    . "$CONF/server.env"
    set +a
    umask 077
    if [ -O "$DATA" ]; then
        exec "$@"
    fi
    HOME="$DATA" exec setpriv --reuid "$ACCOUNT" --regid "$ACCOUNT" --init-groups "$@"
}

as_server() { (become_server "$@"); }
