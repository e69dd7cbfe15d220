# A client that is killed has no time to stop its stream.
for round in 1 2 3 4 5 6 7 8 9 10; do
	background
	kill -9 "$CLIENT"
	ends "$CLIENT"
done
stream 3 || fail "$(cat /tmp/stream.log)"
