# rmmod and insmod in turn, with a stream each time.
for round in 1 2 3 4 5 6 7 8 9 10; do
	rmmod tx_isp || fail "round $round: rmmod failed"
	load
	stream 3 || fail "round $round: $(cat /tmp/stream.log)"
done
