# Puts the agent's files in place and starts it. Variables: way (auto, systemd, systemd-run, init, plain),
# persistent (yes, no), files (lines "NAME MODE BYTES"); the bytes of the files are on standard input, one after the other.
[ -x "$home/nodeagent" ] || die "the agent in $home has gone meanwhile; is another controller at work on this cluster?"
while read -r name mode bytes; do
  [ -n "$name" ] || continue
  dd bs=1 count="$bytes" of="$home/$name" 2> /dev/null <&9
  [ "$(wc -c < "$home/$name")" -eq "$bytes" ] || die "cannot write $home/$name: no space is left, or the connection ended"
  chmod "$mode" "$home/$name"
done 9<&0 << FILES
$files
FILES

agent_options="--config=$home/nodeagent.yaml"
if ! said=$("$home/nodeagent" --check-config "$agent_options" 2>&1); then
  die "the agent refuses to start: $(printf '%s' "$said" | tail -n 3 | tr '\n' ' ')"
fi

# Names the group in which the agent keeps its jobs: what a killed agent leaves is found by it.
note_group() {
  for pid in $(agent_pids); do
    ls -l "/proc/$pid/fd" 2> /dev/null
  done | sed -n 's|.*-> \(/.*/nodeagent/[^/]*\)$|\1|p' | while read -r path; do
    [ -e "$path/cgroup.procs" ] && echo "$path" && break
  done > "$home/group"
}

journal_end() {
  journalctl -q --no-pager -o cat -n 3 -u "$service" 2> /dev/null | tr '\n' ' '
}

forget_unit() {
  systemctl stop "$service" > /dev/null 2>&1
  systemctl disable "$service" > /dev/null 2>&1
  rm -f "/etc/systemd/system/$service.service" "/run/systemd/system/$service.service"
  systemctl daemon-reload 2> /dev/null
  systemctl reset-failed "$service" > /dev/null 2>&1
}

# Each way_* prints nothing and succeeds, or leaves its reason in $reason.
way_systemd() {
  under_systemd || { reason="systemd does not run, or the user is not root"; return 1; }
  if [ "$persistent" = yes ]; then units=/etc/systemd/system; else units=/run/systemd/system; fi
  mkdir -p "$units" && cat "$home/unit" > "$units/$service.service" && chmod 644 "$units/$service.service" ||
    { reason="cannot write $units/$service.service"; return 1; }
  if reason=$(systemctl daemon-reload 2>&1 && { [ "$persistent" = no ] || systemctl -q enable "$service" 2>&1; } &&
    systemctl start "$service" 2>&1); then return 0; fi
  reason="$reason $(journal_end)"
  forget_unit
  return 1
}

way_systemd_run() {
  under_systemd && command -v systemd-run > /dev/null ||
    { reason="systemd-run(1) is missing, systemd does not run, or the user is not root"; return 1; }
  # The unit's own lines of [Service], each as a property.
  set --
  while IFS= read -r line; do
    case $line in
      Exec*=* | '#'* | '['* | '') ;;
      [A-Z]*=*) set -- "$@" -p "$line" ;;
    esac
  done << SERVICE
$(sed -n '/^\[Service\]/,/^\[Install\]/p' "$home/unit")
SERVICE
  if reason=$(systemd-run -q --unit="$service" --description="Muster node agent" --collect "$@" \
    "$home/nodeagent" "$agent_options" 2>&1); then return 0; fi
  reason="$reason $(journal_end)"
  forget_unit
  return 1
}

way_init() {
  [ "$user" = 0 ] && [ -d /etc/init.d ] || { reason="there is no /etc/init.d, or the user is not root"; return 1; }
  script=/etc/init.d/$service
  cat "$home/script" > "$script" && chmod 755 "$script" || { reason="cannot write $script"; return 1; }
  if command -v update-rc.d > /dev/null; then update-rc.d "$service" defaults > /dev/null 2>&1
  elif command -v chkconfig > /dev/null; then chkconfig --add "$service" > /dev/null 2>&1
  else
    reason="neither update-rc.d nor chkconfig is there"
    rm -f "$script"
    return 1
  fi
  reason=$("$script" start 2>&1) && return 0
  if command -v update-rc.d > /dev/null; then update-rc.d -f "$service" remove > /dev/null 2>&1
  else chkconfig --del "$service" > /dev/null 2>&1; fi
  rm -f "$script"
  return 1
}

way_plain() {
  [ "$persistent" = no ] || [ "$way" = plain ] ||
    { reason="systemd does not run and there is no SysV init, or the user is not root; nothing would start the agent again. Leave out \"persistent\", or say \"start: plain\""; return 1; }
  detach=setsid
  command -v setsid > /dev/null || detach=nohup
  # A session of its own, so that the agent does not end with the connection.
  "$detach" "$home/nodeagent" "$agent_options" --pidfile="$home/pid" --log-file="$home/log" \
    < /dev/null >> "$home/log" 2>&1 &
  tenths=150
  while [ ! -s "$home/pid" ] && kill -0 $! 2> /dev/null && [ "$tenths" -gt 0 ]; do
    pause
    tenths=$((tenths - 1))
  done
  [ -s "$home/pid" ] && return 0
  kill -9 $! 2> /dev/null
  reason="it does not listen; its log ends with: $(tail -n 3 "$home/log" 2> /dev/null | tr '\n' ' ')"
  return 1
}

case $way in
  systemd) ways=systemd ;;
  systemd-run) ways=systemd_run ;;
  init) ways=init ;;
  plain) ways=plain ;;
  *)
    if [ "$persistent" = yes ]; then
      if under_systemd; then ways=systemd; elif [ "$user" = 0 ] && [ -d /etc/init.d ]; then ways=init; else ways=plain; fi
    elif under_systemd; then ways="systemd_run systemd"
    else ways=plain
    fi ;;
esac
why=
for each in $ways; do
  reason=
  if "way_$each"; then
    note_group
    word=$(printf '%s' "$each" | tr _ -)
    echo "$word" > "$home/way"
    say started "$word"
    exit 0
  fi
  why="$why$each: $(printf '%s' "$reason" | tr '\n' ' '); "
done
die "the agent does not start: ${why%; }"
