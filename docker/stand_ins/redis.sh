#!/bin/sh
# What the official image's entry point does, as far as the kit needs it: run redis-server as a user
# of its own, in /data.
set -eu

if [ "${1#-}" != "$1" ]; then
  set -- redis-server "$@"
fi
mkdir -p /data
cd /data
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis /data
  exec gosu redis "$@" --protected-mode no
fi
exec "$@"
