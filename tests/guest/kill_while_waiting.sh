# No frame ever comes (the clock is stepped): a client that waits in DQBUF can be killed.
# The shell makes its background jobs deaf to INT.
for signal in TERM KILL; do
	background
	kill -$signal "$CLIENT"
	ends "$CLIENT"
done
