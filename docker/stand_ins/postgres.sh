#!/bin/sh
# What the official image's entry point does, as far as the kit needs it: POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS, /docker-entrypoint-initdb.d/*.sh and *.sql,
# options for the server as arguments. Nobody is let in by network before initialisation is done.
set -eu

if [ "${1#-}" != "$1" ]; then
  set -- postgres "$@"
fi
if [ "$1" != postgres ]; then
  exec "$@"
fi
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chown -R postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec gosu postgres "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?set it: the superuser needs a password}"
  umask 077
  printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
  # shellcheck disable=SC2086 # its words are options
  initdb --pgdata "$PGDATA" --username "$user" --pwfile /tmp/password \
    --auth-local trust --auth-host scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl --pgdata "$PGDATA" --wait --options "-c listen_addresses=''" start
  if [ "$database" != postgres ]; then
    psql --username "$user" --dbname postgres --command "CREATE DATABASE \"$database\""
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh) . "$file" ;;
    *.sql) psql --set ON_ERROR_STOP=1 --username "$user" --dbname "$database" --file "$file" ;;
    esac
  done
  pg_ctl --pgdata "$PGDATA" --wait --mode fast stop
fi
exec "$@" -c listen_addresses='*'
