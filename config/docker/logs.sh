# Keeps Asterisk's logs in a container small: `sh logs.sh FOLDER`, for as long as Asterisk runs.
# Its own log is put away by itself (`logger rotate`), so that no line is lost; the file of CDRs it
# opens for each line. The four newest of each stay.
set -eu
cd "$1"
most=16384 # KB
kept=4

grown() { [ -n "$(find . -maxdepth 2 -path "./$1" -size +${most}k)" ]; }

only_the_newest() {
  ls -t "$1".* 2>/dev/null | tail -n +$((kept + 1)) | while read -r old; do rm -f "$old"; done
}

while sleep 5; do
  if grown messages.log; then
    asterisk -C /asterisk/asterisk.conf -rx 'logger rotate' >/dev/null 2>&1 || true
    # The number it gave is the first that was free, not the newest.
    for file in messages.log.?; do
      [ ! -f "$file" ] || mv "$file" "messages.log.$(date +%s%N)"
    done
  fi
  if grown cdr-csv/Master.csv; then
    mv cdr-csv/Master.csv "cdr-csv/Master.csv.$(date +%s%N)"
  fi
  only_the_newest messages.log
  only_the_newest cdr-csv/Master.csv
done
