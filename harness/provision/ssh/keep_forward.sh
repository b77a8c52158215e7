# shellcheck shell=sh
# Opens a forward again when its connection has ended, such as by a host that was off for a while. It runs on the
# controller until it is killed. Arguments: the control socket, the forward as for ssh -L, and the command that connects.
socket=$1
forward=$2
shift 2
while :; do
  sleep 5
  "$1" -F none -S "$socket" -O check -- x && continue
  # A dead connection leaves its socket, and no other one would take its place.
  rm -f "$socket"
  "$@" && "$1" -F none -S "$socket" -O forward -L "$forward" -- x
done
