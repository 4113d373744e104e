#!/bin/sh
# Starts the service, or says what it lacks.
if ! command -v node >/dev/null; then
  echo "This solution needs Node.js 18 or newer. On Debian and Ubuntu: apt install nodejs" >&2
  exit 127
fi
exec node server.js
