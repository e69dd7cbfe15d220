# Without a carve-out: buffers come from system memory, and its free blocks say whether it is short.
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

# There is room for large pictures, too, although none of them is in one piece with the next.
v4l2-ctl -d $NODE --set-fmt-video=width=1920,height=1080,pixelformat=NV12 || fail "no format"
grep -q '^video0: buffers of 3133440, none' $PRESSURE || fail "pressure: $(cat $PRESSURE)"
v4l2-ctl -d $NODE --stream-mmap=4 --stream-count=10 >/tmp/stream.log 2>&1 ||
	fail "1920x1080: $(cat /tmp/stream.log)"
# More than there is: as many as fit.
v4l2-ctl -d $NODE --stream-mmap=32 --stream-count=40 >/tmp/stream.log 2>&1 ||
	fail "32 buffers: $(cat /tmp/stream.log)"
# With the memory in somebody else's hands there is pressure, and the control follows at the next look.
pressed() {
	v4l2-ctl -d $NODE --get-ctrl=memory_pressure | grep -q ' 1$'
}
mkdir -p /tmp/full
mount -t tmpfs -o size=90% none /tmp/full || fail "no tmpfs"
# In small pieces, so that the kernel need not end anybody for want of memory.
pieces=0
until pressed; do
	pieces=$((pieces + 1))
	[ $pieces -le 128 ] || fail "the control says nothing: $(cat $PRESSURE)"
	[ "$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)" -gt 4096 ] ||
		fail "no pressure with 4 MiB available: $(cat $PRESSURE)"
	dd if=/dev/zero of=/tmp/full/$pieces bs=1M count=1 2>/dev/null
	usleep 50000
done
umount /tmp/full
grep -q '^no carve-out' /sys/kernel/debug/tx-isp/pool ||
	fail "a pool: $(cat /sys/kernel/debug/tx-isp/pool)"

rmmod tx_isp || fail "rmmod failed"
load
stream 3 || fail "$(cat /tmp/stream.log)"
