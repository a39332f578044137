#!/bin/sh
# Smoke test of an installed atomic: the whole life of one container, on this host.
#
#   smoke.sh IMAGE [NEWER]
#
# IMAGE, and NEWER to update to, are anything that `atomic pull` takes: a name in a registry, or oci-archive:FILE. They
# have to be images of services; without NEWER the update is to another value. It needs root, systemd and nothing else.
# One line for each step, PASS or FAIL with what the program said; the status is 1 when a step failed. The container
# (NAME in the environment, atomic-smoke when it is absent) is removed at the end, the images stay. ARGUMENTS, separated
# by blanks, are given to `atomic install`: ARGUMENTS='--set=PORT=8090'.
set -u
image=${1:?usage: smoke.sh IMAGE [NEWER]}
newer=${2:-}
name=${NAME:-atomic-smoke}
failures=0

# step TITLE COMMAND...: runs the command and says how that went.
step() {
  title=$1
  shift
  if output=$("$@" 2>&1 </dev/null); then
    echo "PASS $title"
  else
    echo "FAIL $title: $* ended with $?"
    printf '%s\n' "$output" | sed 's/^/     /'
    failures=$((failures + 1))
  fi
}

# says TEXT COMMAND...: the command succeeds, and prints the text.
says() {
  expected=$1
  shift
  said=$("$@") || return
  printf '%s\n' "$said"
  case $said in
    *"$expected"*) ;;
    *) return 1 ;;
  esac
}

install_container() {
  # shellcheck disable=SC2086 # these are several words
  atomic install --system --system-package=no --name="$name" ${ARGUMENTS:-} "$image"
}

update() {
  if [ -n "$newer" ]; then
    atomic containers update --rebase "$newer" "$name"
  else
    atomic containers update --set=SMOKE=test "$name"
  fi
}

has_no_unit() {
  ! systemctl cat "$name.service" && ! [ -e "/var/lib/containers/atomic/$name" ]
}

is_gone() {
  atomic containers list -a -q -f container="$name" --no-trunc | { ! grep . ; }
}

if [ "$(id -u)" != 0 ]; then
  echo 'smoke.sh: run it as root' >&2
  exit 2
fi
if ! is_gone >/dev/null 2>&1; then
  echo "smoke.sh: there is a container '$name', or atomic does not run: $(is_gone 2>&1)" >&2
  exit 2
fi

step 'version' says . atomic --version
step 'pull' atomic pull --storage=ostree "$image"
step 'images list' says ostree atomic images list
step 'install' install_container
step 'run' atomic run "$name"
step 'the service is active' says active systemctl is-active "$name"
step 'containers list' says running atomic containers list -f container="$name"
step 'update' update
step 'the service is active after the update' says active systemctl is-active "$name"
step 'the second deployment is the active one' says .1 readlink "/var/lib/containers/atomic/$name"
step 'rollback' atomic containers rollback "$name"
step 'the service is active after the rollback' says active systemctl is-active "$name"
step 'the first deployment is the active one' says .0 readlink "/var/lib/containers/atomic/$name"
step 'stop' atomic stop "$name"
step 'uninstall' atomic uninstall "$name"
step 'the container is not listed any more' is_gone
step 'nothing of it is left' has_no_unit
[ "$failures" = 0 ]
