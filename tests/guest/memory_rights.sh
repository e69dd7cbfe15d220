# What clients of the carve-out may not do to one another is tried, and refused.
guest-agent rights || fail "a right does not hold"
stream 3 || fail "$(cat /tmp/stream.log)"
