# Ringdesk renders Asterisk's files into the volume /asterisk; Asterisk waits for them.
set -eu
tries=0
until [ -f /asterisk/asterisk.conf ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { echo 'no configuration in /asterisk after two minutes' >&2; exit 1; }
  sleep 1
done
mkdir -p /data/recordings /data/records
exec asterisk -C /asterisk/asterisk.conf -f -n
