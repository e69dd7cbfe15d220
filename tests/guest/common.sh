# Put before each of the scripts in this folder, which run in the guest: /bin/sh is busybox's.
# A script passes if it ends with 0. Afterwards the lab looks at the pool and at the kernel's log.
set -u

NODE=/dev/video0
MODULE=/lib/modules/tx-isp.ko
# Where the carve-out is, for the module, as it was said to the kernel.
RMEM=$(tr ' ' '\n' </proc/cmdline | grep '^rmem=' | tail -n 1)
# The virtio device or, where the chip is at its own addresses, the platform's.
DEVICE=$(readlink -f /sys/class/video4linux/video0/device)
DRIVER=$(readlink -f "$DEVICE/driver")
DEVICE=$(basename "$DEVICE")
# What the driver counts of its bus, in debugfs.
case $DEVICE in
virtio*) BUS=mailbox ;;
*) BUS=registers ;;
esac

fail() {
	echo "$*"
	exit 1
}

# stream COUNT [NODE]: takes so many frames of 640x360, or until it is killed if 0.
stream() {
	v4l2-ctl -d "${2:-$NODE}" --set-fmt-video=width=640,height=360,pixelformat=NV12 \
		--stream-mmap=4 --stream-count="$1" >/tmp/stream.log 2>&1
}

# background [NODE]: starts a client that streams until it is killed, with memory of the kind $MEMORY; its
# process is $CLIENT.
background() {
	v4l2-ctl -d "${1:-$NODE}" --set-fmt-video=width=640,height=360,pixelformat=NV12 \
		--stream-${MEMORY:-mmap}=4 --stream-count=0 >/tmp/background.log 2>&1 &
	CLIENT=$!
	wait_until streaming "${1:-$NODE}" || fail "the client does not stream: $(cat /tmp/background.log)"
}

streaming() {
	grep -q "^$(basename "$1"): streaming" /sys/kernel/debug/tx-isp/queues
}

# wait_until COMMAND...: tries it for ten seconds.
wait_until() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		usleep 50000
	done
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# ends PROCESS: it must end by itself within ten seconds.
ends() {
	wait_until gone "$1" || fail "process $1 is still there: $(cat /proc/$1/wchan 2>/dev/null)"
}

load() {
	insmod $MODULE $RMEM || fail "insmod failed"
	wait_until test -c $NODE || fail "$NODE does not come"
}
