# The driver's Rust core panics while a client streams: the client gets an error, the nodes answer with an
# error, the kernel lives, and the module that is loaded anew works.
T=/sys/kernel/debug/tx-isp
rmmod tx_isp || fail "rmmod failed"
insmod $MODULE $RMEM provoke=1 || fail "insmod failed"
wait_until test -c $NODE || fail "$NODE does not come"
background
echo 1 >$T/panic 2>/dev/null && fail "a panic is no error to who provoked it"
ends "$CLIENT"
v4l2-ctl -d $NODE --stream-mmap=4 --stream-count=1 >/tmp/stream.log 2>&1 && fail "a dead driver streams"
v4l2-ctl -d $NODE --get-fmt-video >/tmp/stream.log 2>&1
grep -q "Input/output error" /tmp/stream.log || fail "no -EIO: $(cat /tmp/stream.log)"
cat $T/health $T/queues $T/pool $T/$BUS >/dev/null || fail "debugfs does not answer"
dmesg | grep -q "panicked at" || fail "the log says nothing of the panic"
dmesg | grep -q "out of order until the module is loaded anew" || fail "the log says nothing of the end"
rmmod tx_isp || fail "rmmod of a dead driver failed"
load
stream 3 || fail "behind the reload: $(cat /tmp/stream.log)"
