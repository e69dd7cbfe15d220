# The driver's Rust core panics in a call of the vendor's nodes while a client streams through them: the
# client gets an error, and so does every later call; the module that is loaded anew works.
T=/sys/kernel/debug/tx-isp

streams() {
	grep -q "chan status: running" /proc/jz/isp/isp-fs
}

rmmod tx_isp || fail "rmmod failed"
insmod $MODULE $RMEM vendor=on provoke=1 || fail "insmod failed"
wait_until test -c /dev/framechan0 || fail "/dev/framechan0 does not come"
vendor-client speed 120 >/tmp/client.log 2>&1 &
CLIENT=$!
wait_until streams || fail "the client does not stream: $(cat /tmp/client.log)"
echo 1 >$T/panic-vendor 2>/dev/null && fail "a panic is no error to who provoked it"
ends "$CLIENT"
grep -q "Input/output error" /tmp/client.log || fail "the client got no -EIO: $(cat /tmp/client.log)"
vendor-client dead >/tmp/dead.log 2>&1 || fail "$(cat /tmp/dead.log)"
cat /proc/jz/isp/isp-m0 >/tmp/dead.log 2>&1 && fail "isp-m0 can be read from a dead driver"
grep -q "Input/output error" /tmp/dead.log || fail "isp-m0: no -EIO: $(cat /tmp/dead.log)"
dmesg | grep -q "C passed channel 3" || fail "the log says nothing of the panic"
rmmod tx_isp || fail "rmmod of a dead driver failed"
insmod $MODULE $RMEM vendor=on || fail "insmod failed"
wait_until test -c /dev/framechan0 || fail "/dev/framechan0 does not come"
vendor-client stream 3 >/tmp/client.log 2>&1 || fail "behind the reload: $(cat /tmp/client.log)"
