#!/bin/sh
# Stand-ins for the images of docker-compose.yml, where no registry can be reached; needs root.
#
# They are made of Debian packages from this machine's own apt sources, and hold the PostgreSQL and
# Redis of that Debian: PostgreSQL 15 on Debian 12, where docker-compose.yml asks for 16.
# What the engine has already is not made again; LAB_HOME (.lab) keeps the packed file system for
# engines that have nothing.
#
#   docker/stand_ins.sh                  make them, say which variables name them
#   docker/stand_ins.sh run COMMAND...   make them, and run COMMAND with these variables set
set -eu

here=$(cd "$(dirname "$0")" && pwd)
images=${LAB_HOME:-$here/../.lab}/cache/images
packages=postgresql,redis-server,python3,python3-venv,gosu,ca-certificates
base=lab/debian:debian

has() { docker image inspect "$1" >/dev/null 2>&1; }

pack() { # the file system all stand-ins share; written under another name until it is whole
  [ "$(id -u)" = 0 ] || { echo "stand_ins: mmdebstrap needs root here" >&2; exit 2; }
  command -v mmdebstrap >/dev/null || { echo "stand_ins: apt-get install mmdebstrap" >&2; exit 2; }
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mkdir -p "$images"
  # shellcheck disable=SC2046 # one word for each file of sources
  mmdebstrap --quiet --format=tar --variant=minbase --include="$packages" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common"' \
    --essential-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
    --customize-hook='rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap' \
    --customize-hook='rm -rf "$1"/var/lib/postgresql/* "$1"/usr/lib/*/libLLVM-*' \
    "$suite" "$images/debian.tar.part" $(sources)
  mv "$images/debian.tar.part" "$images/debian.tar"
}

sources() {
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [ -s "$file" ]; then echo "$file"; fi
  done
}

stand_in() { # NAME CMD ENV [PORT VOLUME]: the base with a way in
  if has "lab/$1:debian"; then
    return
  fi
  container=$(docker create --network none "$base" true)
  docker cp "$here/stand_ins/$1.sh" "$container:/usr/local/bin/docker-entrypoint.sh"
  docker commit --change "ENTRYPOINT [\"docker-entrypoint.sh\"]" --change "CMD [\"$2\"]" \
    --change "ENV $3" ${4:+--change "EXPOSE $4"} ${5:+--change "VOLUME $5"} "$container" "lab/$1:debian" >/dev/null
  docker rm "$container" >/dev/null
  echo "lab/$1:debian"
}

if ! has "$base"; then
  [ -e "$images/debian.tar" ] || pack
  docker import "$images/debian.tar" "$base" >/dev/null
fi
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
major=$(docker run --rm --network none "$base" ls /usr/lib/postgresql)
postgres="PATH=$path:/usr/lib/postgresql/$major/bin PG_MAJOR=$major"
data=/var/lib/postgresql/data
stand_in postgres postgres "$postgres PGDATA=$data" 5432 "$data"
stand_in redis redis-server "PATH=$path" 6379 /data
stand_in python python3 "PATH=$path"
export LAB_POSTGRES_IMAGE=lab/postgres:debian LAB_REDIS_IMAGE=lab/redis:debian
export LAB_PYTHON_IMAGE=lab/python:debian
if [ "${1:-}" = run ]; then
  shift
  exec "$@"
fi
echo "export LAB_POSTGRES_IMAGE=$LAB_POSTGRES_IMAGE LAB_REDIS_IMAGE=$LAB_REDIS_IMAGE LAB_PYTHON_IMAGE=$LAB_PYTHON_IMAGE"
