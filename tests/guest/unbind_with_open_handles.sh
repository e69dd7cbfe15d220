# Handles that are open while the device goes away stay harmless, and can be closed later.
exec 3<>$NODE 4<>/dev/video1 5<>/dev/rmem 6<>/dev/media0
echo "$DEVICE" >$DRIVER/unbind
[ ! -e $NODE ] || fail "$NODE is still there"
cat <&3 >/dev/null 2>/tmp/read.log && fail "a read from a device that is gone succeeded"
echo "$DEVICE" >$DRIVER/bind
wait_until test -c $NODE || fail "$NODE does not come back"
stream 3 || fail "with old handles open: $(cat /tmp/stream.log)"
exec 3>&- 4>&- 5>&- 6>&-
stream 3 || fail "with old handles closed: $(cat /tmp/stream.log)"
