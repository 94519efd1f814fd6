# shellcheck shell=sh
# Shared by the scripts of this folder. Source it with $root set to the project's folder.
#
#   environment run    $venv can run threadkeep
#   environment dev    and has the tools of development
#   need CMD=PKG ...   system programs that the tests use, by their Debian packages
#
# The environment is .venv in the project, or $THREADKEEP_VENV. It is installed again only when
# pyproject.toml, the project's place or the Python changed. $PYTHON picks another interpreter.

venv=${THREADKEEP_VENV:-$root/.venv}
log=$venv.log

say() { printf 'threadkeep: %s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}

# die with the end of the log, where the reason stands
fail() {
    tail -n 20 "$log" >&2
    die "$* (all of it is in $log)"
}

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
    say "installing the Debian packages: $*"
    {
        apt-get update &&
            DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
                install -y --no-install-recommends "$@"
    } >>"$log" 2>&1 || fail "apt-get could not install $*"
}

need() {
    missing=
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || return 0
    if can_apt; then
        # shellcheck disable=SC2086 # one word a package
        apt_install $missing
    elif [ "${CI:-}" = true ]; then
        die "missing:$missing. Install them, or run as root on Debian."
    else
        say "missing:$missing. Tests that need them are skipped; install them with your package" \
            "manager, or use the service \`test\` of compose.yaml."
    fi
}

fingerprint() {
    {
        printf '%s\n' "$root"
        "$venv/bin/python" -V 2>&1
        cat "$root/pyproject.toml"
    } | cksum
}

# dev is all of run and more
fits() {
    [ -x "$venv/bin/python" ] || return 1
    now=$(fingerprint)
    for kind in "$1" dev; do
        [ "$(cat "$venv/threadkeep-$kind" 2>/dev/null)" = "$now" ] && return 0
    done
    return 1
}

find_python() {
    for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
    done
    die "Python 3.11 or newer is needed and was not found. On Debian 12 or newer:" \
        "apt-get install python3 python3-venv. Or name one: PYTHON=/path/to/python $0"
}

# Debian keeps ensurepip, without which a venv has no pip, in a package of its own
find_ensurepip() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return 0
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    can_apt || die "$python has no ensurepip. On Debian, as root: apt-get install $package"
    apt_install "$package"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python still has no ensurepip"
}

# $venv.made says that the folder is ours to clear, and for which place of the project it was made:
# an environment that was moved or copied calls the Python of the old place.
make_venv() {
    works=no
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 && works=yes
    if [ -e "$venv.made" ]; then
        [ "$works" = yes ] && [ "$(cat "$venv.made")" = "$root" ] && return 0
    elif [ "$works" = yes ]; then
        return 0 # somebody else made it: used, never cleared
    elif [ -n "$(ls -A "$venv" 2>/dev/null)" ]; then
        die "$venv is in the way: it is not empty and no working environment of Python"
    fi
    find_python
    find_ensurepip
    printf '%s\n' "$root" >"$venv.made"
    "$python" -m venv --clear "$venv" >>"$log" 2>&1 || fail "$python could not make $venv"
}

install() {
    case $1 in
    run) extras=cli,crypto,server,http ;;
    dev) extras=dev ;;
    *) die "environment $1 is unknown" ;;
    esac
    say "preparing $venv with the extras $extras (log: $log)"
    : >"$log"
    make_venv
    (cd "$root" && "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
        -e ".[$extras]") >>"$log" 2>&1 || fail "pip could not install threadkeep[$extras]"
    fingerprint >"$venv/threadkeep-$1"
}

# One process at a time. flock where there is one: it ends with its holder, whatever kills that.
lock() {
    mkdir -p "$(dirname "$venv")"
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$venv.lock"
        flock -n 9 && return 0
        say "waiting for another process that prepares $venv"
        flock 9
        return 0
    fi
    until mkdir "$venv.lock.d" 2>/dev/null; do
        holder=$(cat "$venv.lock.d/pid" 2>/dev/null || :)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
            rm -rf "$venv.lock.d"
        else
            say "waiting for another process that prepares $venv (or remove $venv.lock.d)"
            sleep 2
        fi
    done
    trap 'rm -rf "$venv.lock.d"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '%s\n' "$$" >"$venv.lock.d/pid"
}

unlock() {
    if command -v flock >/dev/null 2>&1; then
        exec 9>&-
    else
        rm -rf "$venv.lock.d"
        trap - EXIT HUP INT TERM
    fi
}

environment() {
    fits "$1" && return 0
    lock
    fits "$1" || install "$1"
    unlock
}
