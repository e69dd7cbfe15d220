# Starts and stops in quick succession, $STARTS of them: no request to the chip may take half a second,
# since each that was lost costs a look at the queue only. TX_ISP_STARTS=50000 makes it a soak.
T=/sys/kernel/debug/tx-isp
v4l2-ctl -d $NODE --set-fmt-video=width=640,height=360,pixelformat=NV12 || fail "no format"
echo 0 >$T/latency
guest-agent starts "${STARTS:-500}" || fail "a start failed"
tail -n 1 $T/latency
cat $T/$BUS
# The second column is where a bucket ends, in ns.
while read -r from to count; do
	[ "$from" -lt 500000000 ] || fail "$count requests took $from to $to ns"
done <$T/latency
grep -q "^quarantined 0" $T/health || fail "$(cat $T/health)"
grep -q "^device-resets 0" $T/health || fail "$(cat $T/health)"
