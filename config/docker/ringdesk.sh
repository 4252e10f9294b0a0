# Renders Asterisk's files, brings the database's schema up to date, and runs all roles.
set -eu
if [ $# -gt 0 ]; then
  exec ringdesk "$@"
fi
: "${RINGDESK_AMI_PASSWORD:?}" "${RINGDESK_SIP_SECRET:?}" "${RINGDESK_COOKIE_KEY:?}"
ringdesk db migrate
ringdesk pbx render /asterisk
exec ringdesk serve
