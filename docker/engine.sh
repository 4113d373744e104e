#!/bin/sh
# A Docker engine for one command, where none runs: started, used, gone with all it holds.
#
#   docker/engine.sh run COMMAND...   run COMMAND with an engine that answers
#   docker/engine.sh start FOLDER     start an engine that keeps everything in FOLDER; needs root
#   docker/engine.sh stop FOLDER      end it and remove FOLDER
#
# DOCKER_HOST of a started engine is unix://FOLDER/docker.sock. `run` uses an engine that answers
# already, and starts none then. Exit code 3: no engine could be started.
set -eu

start() {
  folder=$1
  command -v dockerd >/dev/null || { echo "engine: dockerd is not installed" >&2; return 3; }
  [ "$(id -u)" = 0 ] || { echo "engine: only root can start dockerd" >&2; return 3; }
  mkdir -p "$folder"
  echo '{}' >"$folder/daemon.json" # what this machine says of its own engine is not for this one
  # No bridge of its own and no rule for packets: they would outlive it, or disturb another engine.
  for driver in overlay2 vfs; do # a data folder that lies on an overlay itself needs the slow one
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
      --config-file "$folder/daemon.json" --pidfile "$folder/pid" \
      --bridge none --iptables=false --ip6tables=false --ip-forward=false --host "unix://$folder/docker.sock" --storage-driver "$driver" \
      >"$folder/log" 2>&1 </dev/null &
    if answers "$folder" $!; then
      return
    fi
  done
  tail -n 5 "$folder/log" >&2
  stop "$folder"
  return 3
}

answers() {
  tries=0
  until docker --host "unix://$1/docker.sock" version >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 150 ] || ! kill -0 "$2" 2>/dev/null; then
      kill "$2" 2>/dev/null || true
      return 1
    fi
    sleep 0.2
  done
}

stop() {
  folder=$1
  export DOCKER_HOST="unix://$folder/docker.sock"
  containers=$(docker ps --all --quiet 2>/dev/null || true)
  # shellcheck disable=SC2086 # one word for each container
  [ -z "$containers" ] || docker rm --force --volumes $containers >/dev/null
  docker network prune --force >/dev/null 2>&1 || true # their bridges would stay on this machine
  if [ -e "$folder/pid" ]; then
    pid=$(cat "$folder/pid")
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  fi
  for mounted in $(awk -v under="$folder/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo); do
    umount -l "$mounted"
  done
  rm -rf "$folder"
}

run() {
  if docker version >/dev/null 2>&1; then
    exec "$@"
  fi
  folder=$(mktemp -d "${TMPDIR:-/tmp}/lab-engine-XXXXXX")
  trap 'stop "$folder"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start "$folder"
  DOCKER_HOST="unix://$folder/docker.sock" "$@"
}

case ${1:-} in
run | start | stop) "$@" ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
