# The device goes away under a client that streams, and comes back.
for round in 1 2 3; do
	background
	echo "$DEVICE" >$DRIVER/unbind
	ends "$CLIENT"
	[ ! -e $NODE ] || fail "round $round: $NODE is still there"
	echo "$DEVICE" >$DRIVER/bind
	wait_until test -c $NODE || fail "round $round: $NODE does not come back"
	stream 3 || fail "round $round: $(cat /tmp/stream.log)"
done
