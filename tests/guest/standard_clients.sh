# The tool that everybody has, with each kind of memory.
v4l2-ctl -d $NODE --set-fmt-video=width=1280,height=720,pixelformat=NV12 || fail "no format"
for memory in mmap user; do
	v4l2-ctl -d $NODE --stream-$memory=4 --stream-count=10 >/tmp/stream.log 2>&1 ||
		fail "--stream-$memory: $(cat /tmp/stream.log)"
done
v4l2-ctl -d /dev/video1 --set-fmt-video=width=1280,height=720,pixelformat=NV12 || fail "no format"
v4l2-ctl -d $NODE --stream-dmabuf -E /dev/video1 --stream-count=10 >/tmp/stream.log 2>&1 ||
	fail "--stream-dmabuf: $(cat /tmp/stream.log)"
