# Makes the database at the first start; there is no password but the one that is given.
set -eu
: "${POSTGRES_PASSWORD:?}"
PATH=/opt/postgresql:$PATH
if [ ! -f /data/db/PG_VERSION ]; then
  rm -rf /data/fresh
  umask 077
  printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D /data/fresh -U ringdesk -E UTF8 --locale=C.UTF-8 -A scram-sha-256 --pwfile=/tmp/password
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> /data/fresh/pg_hba.conf
  mv /data/fresh /data/db
fi
exec postgres -D /data/db -c listen_addresses='*' -c unix_socket_directories=/tmp
