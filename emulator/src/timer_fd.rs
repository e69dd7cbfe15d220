// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A timer for the event loop that nobody can be kept waiting by: one that was set anew since the
//! event loop saw it expire has just not expired.

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::read;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

/// A timer.
#[derive(Debug)]
pub struct Timer(TimerFd);

impl Timer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// When the system has none for us.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Self(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))
    }

    /// Expires once `after` from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn once(&self, after: Duration) -> io::Result<()> {
        self.set(Expiration::OneShot(spec(after)))
    }

    /// Expires `after` from now on, then once in a `period`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn every(&self, after: Duration, period: Duration) -> io::Result<()> {
        let expiration = Expiration::IntervalDelayed(spec(after), spec(period));
        self.set(expiration)
    }

    fn set(&self, expiration: Expiration) -> io::Result<()> {
        Ok(self.0.set(expiration, TimerSetTimeFlags::empty())?)
    }

    /// Does not expire any more.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn clear(&self) -> io::Result<()> {
        Ok(self.0.unset()?)
    }

    /// How often it has expired since this was last asked; does not wait.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn expired(&self) -> io::Result<u64> {
        let mut count = [0; 8];
        match read(&self.0, &mut count) {
            Ok(_) => Ok(u64::from_ne_bytes(count)),
            Err(nix::errno::Errno::EAGAIN) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Never 0: that would mean not at all.
fn spec(time: Duration) -> TimeSpec {
    TimeSpec::from_duration(time.max(Duration::from_nanos(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_has_not_expired_keeps_nobody_waiting() {
        let timer = Timer::new().unwrap();
        timer.once(Duration::from_secs(600)).unwrap();
        assert_eq!(timer.expired().unwrap(), 0);
        timer
            .every(Duration::ZERO, Duration::from_secs(600))
            .unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while timer.expired().unwrap() == 0 {
            assert!(std::time::Instant::now() < end, "it does not expire");
        }
        timer.clear().unwrap();
        assert_eq!(timer.expired().unwrap(), 0);
    }
}
