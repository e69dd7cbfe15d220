# Without a carve-out: buffers come from system memory, and its largest block says whether it is short.
rmmod tx_isp || fail "rmmod failed"
insmod $MODULE rmem=none || fail "insmod failed"
wait_until test -c $NODE || fail "$NODE does not come"
PRESSURE=/sys/kernel/debug/tx-isp/pressure
grep -q '^system memory: ' $PRESSURE || fail "not from system memory: $(cat $PRESSURE)"
v4l2-ctl -d $NODE --set-fmt-video=width=640,height=360,pixelformat=NV12 || fail "no format"
grep -q '^video0: buffers of 356352, none' $PRESSURE || fail "pressure: $(cat $PRESSURE)"
stream 10 || fail "$(cat /tmp/stream.log)"
for index in some full; do
	grep -q "^$index avg10=" /proc/pressure/memory || fail "no $index in /proc/pressure/memory"
done

# Twice a picture of 1920x1080 is more than the largest block that the kernel gives: pressure.
v4l2-ctl -d $NODE --set-fmt-video=width=1920,height=1080,pixelformat=NV12 || fail "no format"
grep -q '^video0: buffers of 3133440, pressure' $PRESSURE || fail "no pressure: $(cat $PRESSURE)"
v4l2-ctl -d $NODE --set-fmt-video=width=1920,height=1080,pixelformat=NV12 --stream-mmap=4 \
	--stream-count=10 >/tmp/stream.log 2>&1 || fail "1920x1080: $(cat /tmp/stream.log)"
# The control follows at the next look.
pressed() {
	v4l2-ctl -d $NODE --get-ctrl=memory_pressure | grep -q ' 1$'
}
wait_until pressed || fail "the control says nothing: $(v4l2-ctl -d $NODE --get-ctrl=memory_pressure)"
grep -q '^no carve-out' /sys/kernel/debug/tx-isp/pool ||
	fail "a pool: $(cat /sys/kernel/debug/tx-isp/pool)"

rmmod tx_isp || fail "rmmod failed"
load
stream 3 || fail "$(cat /tmp/stream.log)"
