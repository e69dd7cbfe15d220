# Handles that are open while the device goes away stay harmless, and can be closed later. They keep
# the nodes' numbers: the device comes back under others, and under the old ones when they are closed.
first_node() {
	for node in /sys/class/video4linux/video*; do
		[ "$(cat "$node/name" 2>/dev/null)" = "tx-isp channel 0" ] && echo "/dev/$(basename "$node")" && return
	done
	return 1
}

exec 3<>$NODE 4<>/dev/video1 5<>/dev/rmem 6<>/dev/media0
echo "$DEVICE" >$DRIVER/unbind
[ ! -e $NODE ] || fail "$NODE is still there"
cat <&3 >/dev/null 2>/tmp/read.log && fail "a read from a device that is gone succeeded"
echo "$DEVICE" >$DRIVER/bind || fail "it cannot be bound again: $(dmesg | tail -n 3)"
wait_until first_node >/dev/null || fail "no node comes back"
stream 3 "$(first_node)" || fail "with old handles open: $(cat /tmp/stream.log)"
exec 3>&- 4>&- 5>&- 6>&-
stream 3 "$(first_node)" || fail "with old handles closed: $(cat /tmp/stream.log)"
echo "$DEVICE" >$DRIVER/unbind
echo "$DEVICE" >$DRIVER/bind
wait_until test -c $NODE || fail "$NODE does not come back"
stream 3 || fail "bound once more: $(cat /tmp/stream.log)"
