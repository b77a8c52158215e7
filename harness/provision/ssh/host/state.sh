# Says whether the agent lives.
if [ ! -d "$home" ] && [ ! -d "$state" ]; then
  say state absent
elif [ -n "$(agent_pids)" ]; then
  say state alive
else
  say state dead
fi
