# Each buffer is handed to the chip and back to the processor by the DMA API's rules, whatever memory it
# is: QEMU's processor has no caches that would show it, so the driver counts.
T=/sys/kernel/debug/tx-isp/syncs
count() {
	awk -v name="$1" '$1 == name {print $2}' $T
}
v4l2-ctl -d $NODE --set-fmt-video=width=640,height=360,pixelformat=NV12 || fail "no format"
v4l2-ctl -d /dev/video1 --set-fmt-video=width=640,height=360,pixelformat=NV12 || fail "no format"
for memory in --stream-mmap=4 --stream-user=4 "--stream-dmabuf -E /dev/video1"; do
	device=$(count for-device)
	cpu=$(count for-cpu)
	v4l2-ctl -d $NODE $memory --stream-count=10 >/tmp/stream.log 2>&1 ||
		fail "$memory: $(cat /tmp/stream.log)"
	device=$(($(count for-device) - device))
	cpu=$(($(count for-cpu) - cpu))
	# Four buffers were queued, and all but the last of ten frames once more.
	[ $device -ge 13 ] || fail "$memory: $device buffers were synced for the device"
	[ $cpu -ge 10 ] || fail "$memory: $cpu buffers were synced for the processor"
done
