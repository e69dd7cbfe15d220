# The way of a picture as a graph of sub-devices: each pad has the format that it has in the chip, and
# nobody can set it there.
v4l2-ctl -d $NODE --set-fmt-video=width=640,height=360,pixelformat=NV12 || fail "no format"
media-ctl -d /dev/media0 -p >/tmp/graph || fail "no graph"
subdev() {
	for node in /sys/class/video4linux/v4l-subdev*; do
		[ "$(cat "$node/name")" = "$1" ] && echo "/dev/$(basename "$node")" && return
	done
	fail "no sub-device $1: $(cat /tmp/graph)"
}
pad_is() {
	said=$(v4l2-ctl -d "$(subdev "$1")" --get-subdev-fmt "$2") || fail "$1: $said"
	echo "$said" | grep -q "Width/Height.*: $3$" || fail "pad $2 of $1 is no $3: $said"
	echo "$said" | grep -q "$4" || fail "pad $2 of $1 has no $4: $said"
}
SENSOR=$(cat /sys/class/video4linux/v4l-subdev0/name)
WHOLE=$(v4l2-ctl -d $NODE --get-selection target=crop_default |
	sed -n 's/.*Width \([0-9]*\), Height \([0-9]*\).*/\1\/\2/p')
pad_is "$SENSOR" 0 "$WHOLE" '10_1X10\|10-bit\|SRGGB10\|SBGGR10'
for block in csi vic; do
	pad_is "tx-isp $block" 0 "$WHOLE" '10_1X10'
	pad_is "tx-isp $block" 1 "$WHOLE" '10_1X10'
done
pad_is "tx-isp core" 0 "$WHOLE" '10_1X10'
pad_is "tx-isp core" 1 "$WHOLE" 'YUYV8_1X16'
pad_is "tx-isp resizer 0" 0 "$WHOLE" 'YUYV8_1X16'
pad_is "tx-isp resizer 0" 1 "640/360" 'YUYV8_1X16'
v4l2-ctl -d $NODE --set-fmt-video=width=320,height=240,pixelformat=RGBP || fail "no format"
pad_is "tx-isp resizer 0" 1 "320/240" 'RGB888_1X24'
v4l2-ctl -d "$(subdev "tx-isp resizer 0")" --set-subdev-fmt pad=1,width=64,height=64 >/tmp/set.log 2>&1
pad_is "tx-isp resizer 0" 1 "320/240" 'RGB888_1X24'
# Each resizer has its own node.
for channel in 0 1 2; do
	grep -q "\"tx-isp channel $channel\":0 \[.*ENABLED,IMMUTABLE" /tmp/graph ||
		fail "channel $channel has no link: $(cat /tmp/graph)"
done
stream 3 || fail "$(cat /tmp/stream.log)"
# A handle that is open keeps the module, and nothing breaks when the device goes away.
exec 3<>"$(subdev "tx-isp core")"
rmmod tx_isp 2>/dev/null && fail "rmmod took the module away from a sub-device's handle"
echo "$DEVICE" >$DRIVER/unbind
exec 3<&-
echo "$DEVICE" >$DRIVER/bind
wait_until test -c $NODE || fail "$NODE does not come back"
stream 3 || fail "bound again: $(cat /tmp/stream.log)"
