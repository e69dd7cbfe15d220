# One queue has one owner; other nodes have queues of their own.
background
stream 3 && fail "two clients stream from one node"
grep -q "Device or resource busy" /tmp/stream.log || fail "the second client was told: $(cat /tmp/stream.log)"
stream 3 /dev/video1 || fail "on another node: $(cat /tmp/stream.log)"
kill "$CLIENT"
ends "$CLIENT"
stream 3 || fail "after the first one: $(cat /tmp/stream.log)"
