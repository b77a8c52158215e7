# shellcheck shell=sh
# The beginning of every script that runs on a host, by any POSIX shell. Its arguments are the node's key and the
# directory of the agents, "-" for the usual one. What follows a script on standard input is its own to read.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
key=$1
base=$2

# The controller reads lines "WORD VALUE" of standard output.
say() { printf '%s %s\n' "$1" "$2"; }
die() {
  say failure "$1"
  exit 1
}

user=$(id -u) || die "id(1) is missing"
if [ "$base" = - ]; then
  if [ "$user" = 0 ]; then
    base=/var/lib/muster-agents
  else
    [ -n "$HOME" ] || die "HOME is not set, so there is no place for the agent; set the key \"directory\""
    base=$HOME/.muster-agents
  fi
fi
home=$base/nodes/$key
service=muster-agent-$key
if [ "$user" = 0 ]; then state=/run/$service; else state=$home/run; fi

under_systemd() { [ "$user" = 0 ] && [ -d /run/systemd/system ] && command -v systemctl > /dev/null; }

# pause: a tenth of a second where sleep(1) knows fractions.
pause() { sleep 0.1 2> /dev/null || sleep 1; }

# agent_pids: the processes of this node's agent: keeper, front, and the shims of its detached jobs.
agent_pids() {
  for process in /proc/[0-9]*; do
    words=
    { IFS= read -r words < "$process/cmdline"; } 2> /dev/null
    case $words in
      "$home/nodeagent"* | "setsid$home/nodeagent"* | "nohup$home/nodeagent"*) echo "${process#/proc/}" ;;
    esac
  done
}
