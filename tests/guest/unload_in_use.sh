# A module that is in use cannot be unloaded, and goes on working.
background
rmmod tx_isp 2>/tmp/rmmod.log && fail "rmmod took the module away from a client"
kill "$CLIENT"
ends "$CLIENT"
stream 3 || fail "$(cat /tmp/stream.log)"
