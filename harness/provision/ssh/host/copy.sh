# Takes the agent's program from standard input. Arguments: size, SHA-256.
size=$3
hash=$4
mkdir -p "$home" || die "cannot make $home"
partial=$home/nodeagent.partial
if ! said=$( (cat > "$partial") 2>&1); then
  rm -rf "$home"
  die "cannot write the agent into $base: ${said##*: }; free some space, or name another directory by the key \"directory\""
fi
received=$(wc -c < "$partial")
if [ "$received" -ne "$size" ]; then
  rm -rf "$home"
  die "$received of the agent's $size bytes have arrived; is the connection or the disk of $base at fault?"
fi
if command -v sha256sum > /dev/null; then
  digest=$(sha256sum < "$partial" | cut -d ' ' -f 1)
  if [ "$digest" != "$hash" ]; then
    rm -rf "$home"
    die "the agent has arrived with other bytes: SHA-256 $digest instead of $hash"
  fi
fi
if ! { chmod 755 "$partial" && mv -f "$partial" "$home/nodeagent"; }; then
  rm -rf "$home"
  die "cannot keep the agent in $home"
fi
# Others use it by a link of their own. Where links cannot be, each cluster has a copy.
ln -f "$home/nodeagent" "$base/agents/$hash" 2> /dev/null
say copied "$size"
