# Clients of random sizes come and go while another process fragments the pool.
guest-agent pressure 20 60 || fail "seed 20"
guest-agent pressure 26 60 || fail "seed 26"
