# Ends the agent and what its jobs have left, and removes everything that was put on the host for it. It works at any
# state of things, and says what is left nevertheless.

# An up that was killed may have left a script at work here, which would start the agent later.
for process in /proc/[0-9]*; do
  words=
  { IFS= read -r words < "$process/cmdline"; } 2> /dev/null
  [ "${process#/proc/}" != $$ ] || continue
  case $words in "/bin/sh-ceval "*"sh$key$2"*) kill -9 "${process#/proc/}" 2> /dev/null ;; esac
done

# Lists the environments that may have the mark of a job; a grep(1) that stops at NUL cannot choose.
environments() {
  if printf 'a\000NODEAGENT_JOB=' | grep -q NODEAGENT_JOB; then
    grep -l NODEAGENT_JOB /proc/[0-9]*/environ 2> /dev/null
  else
    ls -d /proc/[0-9]*/environ 2> /dev/null
  fi
}

# job_pids: processes of jobs, which carry the agent's socket or the name of its group in their environment.
job_pids() {
  for file in $(environments); do
    mark=$({ tr '\0' '\n' < "$file"; } 2> /dev/null | sed -n 's/^NODEAGENT_JOB=//p')
    pid=${file#/proc/}
    case $mark in
      '') ;;
      *"@$state/sync.sock"*) echo "${pid%/environ}" ;;
      # A detached job has a group of its own, whose name begins with the agent's.
      "${group##*/}".* | "${group##*/}"-*) [ -n "$group" ] && echo "${pid%/environ}" ;;
    esac
  done
}

keeper_lives() { agent_pids | grep -qx "$keeper"; }

group=
[ -r "$home/group" ] && group=$(cat "$home/group")

if under_systemd; then
  if systemctl -q is-active "$service" 2> /dev/null || [ -e "/etc/systemd/system/$service.service" ] ||
    [ -e "/run/systemd/system/$service.service" ] || [ -e "/run/systemd/transient/$service.service" ]; then
    systemctl stop "$service" > /dev/null 2>&1
    # Detached jobs outlive the agent on purpose.
    systemctl kill -s KILL "$service" > /dev/null 2>&1
    systemctl -q disable "$service" > /dev/null 2>&1
  fi
fi
if [ -e "/etc/init.d/$service" ]; then
  "/etc/init.d/$service" stop > /dev/null 2>&1
  if command -v update-rc.d > /dev/null; then
    rm -f "/etc/init.d/$service"
    update-rc.d -f "$service" remove > /dev/null 2>&1
  elif command -v chkconfig > /dev/null; then
    chkconfig --del "$service" > /dev/null 2>&1
  fi
  rm -f "/etc/init.d/$service"
fi

# The keeper ends its sessions and their jobs. What is left then are shims of detached jobs, and what a killed keeper left.
keeper=
[ -r "$home/pid" ] && keeper=$(cat "$home/pid")
if [ -n "$keeper" ] && keeper_lives; then
  kill "$keeper"
  tenths=450
  while keeper_lives && [ "$tenths" -gt 0 ]; do
    pause
    tenths=$((tenths - 1))
  done
fi
rounds=0
while [ "$rounds" -lt 50 ]; do
  all="$(agent_pids) $(job_pids)"
  [ "$all" != " " ] || break
  for pid in $all; do kill -9 "$pid" 2> /dev/null; done
  pause
  rounds=$((rounds + 1))
done

if [ -n "$group" ]; then
  for each in "$group" "$group"-*; do
    [ -d "$each" ] && find "$each" -depth -type d -exec rmdir '{}' ';' 2> /dev/null
  done
  rmdir "${group%/*}" 2> /dev/null
fi
if under_systemd; then
  rm -f "/etc/systemd/system/$service.service" "/run/systemd/system/$service.service"
  systemctl daemon-reload > /dev/null 2>&1
  systemctl reset-failed "$service" > /dev/null 2>&1
fi

# Nothing is removed through a mount: what is mounted below is somebody's.
mounted=$(cut -d ' ' -f 2 /proc/mounts | grep -e "^$home/" -e "^$state/")
if [ -z "$mounted" ]; then
  rm -rf "$state" "$home" 2> /dev/null
fi
for program in "$base"/agents/*; do
  [ -f "$program" ] || continue
  # The second field counts the links: an agent that uses the program has one of its own.
  # shellcheck disable=SC2012,SC2046
  set -- $(ls -ln "$program")
  [ "$2" = 1 ] && rm -f "$program"
done
rmdir "$base/nodes" "$base/agents" "$base" 2> /dev/null

for path in $mounted; do say left "the mount $path"; done
for path in "$home" "$state" "/etc/systemd/system/$service.service" "/run/systemd/system/$service.service" \
  "/etc/systemd/system/multi-user.target.wants/$service.service" "/etc/init.d/$service"; do
  [ -e "$path" ] && say left "$path"
done
for pid in $(agent_pids) $(job_pids); do say left "process $pid"; done
if under_systemd && systemctl -q is-active "$service" 2> /dev/null; then say left "the unit $service"; fi
say stopped yes
