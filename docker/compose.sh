#!/bin/sh
# The services of docker-compose.yml under one fixed project name: up, down, reset.
#
# The superuser's password is made once and kept in LAB_HOME (.lab). Ports and images come from
# LAB_POSTGRES_PORT, LAB_REDIS_PORT, LAB_POSTGRES_IMAGE and LAB_REDIS_IMAGE, if set.
set -eu

project=system-design-lab
root=$(cd "$(dirname "$0")/.." && pwd)
secret=${LAB_HOME:-$root/.lab}/services.password

compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose --project-name "$project" --file "$root/docker-compose.yml" "$@"
  elif command -v docker-compose >/dev/null; then
    docker-compose --project-name "$project" --file "$root/docker-compose.yml" "$@"
  else
    echo "Neither \`docker compose\` nor docker-compose is installed." >&2
    echo "next: install one (apt install docker-compose), or leave out --services external." >&2
    exit 2
  fi
}

need_engine() {
  docker version >/dev/null 2>&1 && return
  echo "No Docker engine answers." >&2
  echo "next: start Docker, or set DOCKER_HOST to where it listens." >&2
  exit 2
}

read_secret() {
  if [ ! -s "$secret" ]; then
    mkdir -p "$(dirname "$secret")"
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$secret")
  fi
  LAB_SERVICES_PASSWORD=$(cat "$secret")
  export LAB_SERVICES_PASSWORD
}

answers() { # by network: while it initialises, PostgreSQL listens on a Unix socket only
  case $1 in
  postgres) compose exec -T postgres pg_isready --quiet --host 127.0.0.1 --username kit ;;
  redis) compose exec -T redis redis-cli ping ;;
  esac >/dev/null 2>&1
}

up() {
  need_engine
  read_secret
  compose up --detach
  for service in postgres redis; do
    tries=0
    until answers "$service"; do
      tries=$((tries + 1))
      if [ "$tries" -gt 60 ]; then
        compose logs --tail 20 "$service" >&2
        echo "$service does not answer." >&2
        echo "next: read its last lines above." >&2
        exit 2
      fi
      sleep 0.5
    done
  done
  # The data may be older than the password: the server's own socket asks for none.
  echo "ALTER ROLE kit PASSWORD '$LAB_SERVICES_PASSWORD'" |
    compose exec -T postgres psql --quiet --username kit --dbname postgres
  echo "PostgreSQL: postgresql://submission:submission@$(compose port postgres 5432)/submission"
  echo "Redis:      redis://submission:submission@$(compose port redis 6379)/0"
  echo "Grade on them with --services external; it makes a role and a database of its own."
}

down() {
  need_engine
  read_secret
  compose down
}

reset() {
  need_engine
  read_secret
  echo "This deletes the containers and all data of the project $project:"
  docker volume ls --quiet --filter "label=com.docker.compose.project=$project" | sed 's/^/  volume /'
  if [ -z "${YES:-}" ]; then
    printf 'Delete them? [y/N] '
    read -r answer || answer=
    case $answer in
    y | Y | yes) ;;
    *) echo "Nothing was deleted."; exit 1 ;;
    esac
  fi
  compose down --volumes
  rm -f "$secret"
}

case ${1:-} in
up | down | reset) "$1" ;;
*) echo "usage: docker/compose.sh up|down|reset" >&2; exit 2 ;;
esac
