# No frame ever comes (the clock is stepped): the client waits in DQBUF. The device goes away: the wait
# must end.
background
usleep 300000
gone "$CLIENT" && fail "the client did not wait: $(cat /tmp/background.log)"
echo "$DEVICE" >$DRIVER/unbind
ends "$CLIENT"
echo "$DEVICE" >$DRIVER/bind
wait_until test -c $NODE || fail "$NODE does not come back"
