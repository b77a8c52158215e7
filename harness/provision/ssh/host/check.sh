# Looks whether the host can have the agent, and says what it is like. Variables: agent_machine, machines (what
# "uname -m" may say), needed_kib, port, hash, size.
system=$(uname -s)
[ "$system" = Linux ] || die "the system is $system, and the agent is for Linux"
machine=$(uname -m)
case " $machines " in
  *" $machine "*) ;;
  *) die "the host is a $machine machine, and the agent is built for $agent_machine; name one that is built for $machine by the key \"agent\"" ;;
esac
for tool in cat chmod cut dd df grep kill ln ls mkdir mv rm rmdir sed sleep tail tr wc; do
  command -v "$tool" > /dev/null || die "$tool(1) is missing; install the basic tools of a POSIX system"
done
[ -r /proc/self/stat ] || die "/proc is not mounted, and the agent needs it"

if ! said=$(mkdir -p "$base/nodes" "$base/agents" 2>&1); then
  die "cannot make $base: ${said##*: }; name a directory that $(id -un) can write by the key \"directory\", or log in as another user"
fi
probe=$base/.probe.$$
if ! said=$( (printf '#!/bin/sh\nexit 0\n' > "$probe") 2>&1 && chmod 700 "$probe" 2>&1); then
  rm -f "$probe"
  rmdir "$base/nodes" "$base/agents" "$base" 2> /dev/null
  die "cannot write to $base: ${said##*: }; make it writable for $(id -un), or name another by the key \"directory\""
fi
if ! "$probe" 2> /dev/null; then
  rm -f "$probe"
  rmdir "$base/nodes" "$base/agents" "$base" 2> /dev/null
  die "programs in $base cannot be run: is it mounted noexec? Name another directory by the key \"directory\""
fi
rm -f "$probe"

if [ -d "$home" ] || [ -d "$state" ]; then
  [ -z "$(agent_pids)" ] ||
    die "an agent of this cluster and node runs on the host already, from $home; end it by \"muster down\""
  # An earlier attempt has left it: the controller removes it and asks again.
  say stale yes
  exit 0
fi

# port_taken: succeeds if somebody listens at the port, whatever the address.
port_taken() {
  hex=$(printf '%04X' "$port")
  cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | while read -r _ near _ status _; do
    [ "$status" = 0A ] && [ "${near##*:}" = "$hex" ] && echo taken
  done | grep -q taken
}
if port_taken; then
  holder=
  for about in "$base"/nodes/*/about; do
    [ -r "$about" ] || continue
    [ "$(sed -n 's/^port //p' "$about")" = "$port" ] && holder=", the agent of $(sed -n 's/^of //p' "$about")"
  done
  die "port $port is taken by another program${holder}; choose another by the key \"agent_port\""
fi

# The program is claimed by a link of one's own, since that of others may go at any moment.
mkdir -p "$home"
if [ "$(wc -c 2> /dev/null < "$base/agents/$hash")" = "$size" ] &&
  { ln "$base/agents/$hash" "$home/nodeagent" || cp -p "$base/agents/$hash" "$home/nodeagent"; } 2> /dev/null; then
  say agent present
else
  # The fields are counted from the end, since the name of a device may be on a line of its own.
  # shellcheck disable=SC2046
  set -- $(df -Pk "$base" 2> /dev/null | tail -n 1)
  while [ $# -gt 3 ]; do shift; done
  free=
  # Three are left: the free KiB, the percentage and the mount point. One with a space in it is not counted so.
  case $2 in *%) free=$1 ;; esac
  if [ -n "$free" ] && [ "$free" -lt "$needed_kib" ]; then
    rmdir "$home" "$base/nodes" "$base/agents" "$base" 2> /dev/null
    die "$base has $free KiB free, and the agent needs $needed_kib KiB; free some, or name another directory by the key \"directory\""
  fi
  say agent absent
fi
say user "$user"
say home "$home"
say state "$state"
say machine "$machine"
say connection "${SSH_CONNECTION:-}"
if [ -e /proc/net/if_inet6 ]; then say ipv6 yes; else say ipv6 no; fi
