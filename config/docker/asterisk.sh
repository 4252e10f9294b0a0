# Ringdesk renders Asterisk's files into the volume /asterisk; Asterisk waits for them.
set -eu
# Logs, recordings and call records are for our own user alone (ringdesk has the same number).
umask 077
tries=0
until [ -f /asterisk/asterisk.conf ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { echo 'no configuration in /asterisk after two minutes' >&2; exit 1; }
  sleep 1
done
mkdir -p /data/recordings /data/records

console() { asterisk -C /asterisk/asterisk.conf -rx "$1"; }

# Telephones whose password has ended (`renew`, a name a line): the files are read anew, and what was
# registered with it is forgotten.
renew() {
  while sleep 2; do
    [ -s /asterisk/renew ] || continue
    console 'module reload res_pjsip.so' >/dev/null 2>&1 || continue
    mv /asterisk/renew /tmp/renewed
    console 'database show registrar' |
      sed -n 's#^/registrar/\(contact/[a-z0-9_-]*;@[^ :]*\) *:.*#\1#p' |
      while read -r key; do
        name=${key%%;*}
        if grep -qx "${name#contact/}" /tmp/renewed; then
          console "database del registrar \"$key\"" >/dev/null
        fi
      done
  done
}
renew &
sh /usr/local/bin/asterisk-logs /var/log/asterisk &
exec asterisk -C /asterisk/asterisk.conf -f -n
