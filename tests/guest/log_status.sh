# VIDIOC_LOG_STATUS tells controls, picture and counts.
v4l2-ctl -d $NODE --set-fmt-video=width=640,height=360,pixelformat=NV12 || fail "no format"
v4l2-ctl -d $NODE --log-status >/tmp/status.log 2>&1 || fail "$(cat /tmp/status.log)"
for words in "channel 0: 640x360 NV12" "stopped" "Memory Pressure" "quarantined 0"; do
	grep -q "$words" /tmp/status.log || fail "nothing of $words: $(cat /tmp/status.log)"
done
background
v4l2-ctl -d $NODE --log-status 2>&1 | grep -q "channel 0: 640x360 NV12.*, streaming" ||
	fail "the stream is not seen"
kill "$CLIENT"
ends "$CLIENT"
