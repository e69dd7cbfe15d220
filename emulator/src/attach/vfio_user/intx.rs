// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A level-triggered interrupt over a protocol of events.
//!
//! A trigger makes QEMU assert the function's pin. QEMU takes it back at the guest's next access to the
//! window, whatever that is, and says so (UNMASK): in most cases the guest's handler has just begun, and
//! the line is still high. To trigger again then would interrupt the guest once more when it is done. So:
//!
//! | what happens | what follows |
//! |---|---|
//! | the line rises | a trigger, at once |
//! | the line is still high after QEMU took the pin back | a trigger, when the guest has left the window alone for [`QUIET`] |
//! | the line falls before QEMU has read the trigger | the trigger is taken back |
//! | the line falls | nothing: QEMU takes the pin back after the guest's access that made it fall |
//!
//! QEMU reads triggers on another thread than the guest's CPU runs on. Without the third of these rules one
//! that is read late asserts the pin when the guest's handler is done, for nothing.

use crate::interrupt_timer::InterruptTimer;
use crate::lock::lock;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the guest must have left the window alone before a line that stays high is told again: longer
/// than between two accesses of a handler, on a busy host, too.
const QUIET: Duration = Duration::from_millis(1);

/// The pin.
#[derive(Debug, Default)]
pub struct Intx {
    state: Mutex<State>,
    /// The state has changed.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What makes QEMU assert the pin.
    trigger: Option<File>,
    /// A trigger that QEMU has not yet read can be read here: it does not wait where there is none.
    can_retract: bool,
    level: bool,
    /// QEMU has asserted the pin and not yet taken it back, or does not want to hear of it.
    masked: bool,
    /// The guest has forbidden it in the command register.
    disabled: bool,
    /// When a line that stays high is to be told again.
    again: Option<Instant>,
    triggers: u64,
    repeats: u64,
    retracted: u64,
    /// Triggers of all connections.
    told: Arc<AtomicU64>,
    /// Since when the guest has not looked.
    timer: Option<Arc<InterruptTimer>>,
    ended: bool,
}

/// How often QEMU was told of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Triggers that it has read or will read.
    pub triggers: u64,
    /// Those of them that told of the same line again.
    pub repeats: u64,
    /// Triggers that were taken back.
    pub retracted: u64,
}

/// Whether a read of the file returns at once also where there is nothing.
fn does_not_wait(file: &File) -> bool {
    let flags = fcntl(file, FcntlArg::F_GETFL).map(OFlag::from_bits_retain);
    flags.is_ok_and(|flags| flags.contains(OFlag::O_NONBLOCK))
}

impl State {
    fn fire(&mut self) {
        self.again = None;
        if self.masked || self.disabled {
            return;
        }
        let Some(trigger) = &mut self.trigger else {
            return;
        };
        if let Some(timer) = &self.timer {
            timer.signal();
        }
        match trigger.write_all(&1u64.to_ne_bytes()) {
            Ok(()) => {
                self.masked = true;
                self.triggers += 1;
                self.told.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => log::error!("the guest cannot be interrupted: {error}"),
        }
    }

    /// Takes a trigger back that QEMU has not yet read.
    fn retract(&mut self) {
        if !self.masked || !self.can_retract {
            return;
        }
        let Some(trigger) = &mut self.trigger else {
            return;
        };
        if trigger.read_exact(&mut [0; size_of::<u64>()]).is_ok() {
            self.masked = false;
            self.triggers -= 1;
            self.retracted += 1;
            self.told.fetch_sub(1, Ordering::Relaxed);
            if let Some(timer) = &self.timer {
                timer.cancel();
            }
        }
    }
}

impl Intx {
    /// A pin that adds its triggers to `told`, and says when they are.
    pub fn counting(told: Arc<AtomicU64>, timer: Arc<InterruptTimer>) -> Self {
        Self {
            state: Mutex::new(State {
                told,
                timer: Some(timer),
                ..State::default()
            }),
            changed: Condvar::default(),
        }
    }

    /// How QEMU is told.
    pub fn set_trigger(&self, trigger: Option<File>) {
        let mut state = lock(&self.state);
        state.can_retract = trigger.as_ref().is_some_and(does_not_wait);
        state.trigger = trigger;
        state.masked = false;
        if state.level {
            state.fire();
        }
    }

    /// The line's level now. `accessed` says that the guest has just accessed the window.
    pub fn set_level(&self, level: bool, accessed: bool) {
        let mut state = lock(&self.state);
        let rises = level && !state.level;
        state.level = level;
        if !level {
            state.again = None;
            state.retract();
        } else if rises {
            state.fire();
        } else if accessed && state.again.is_some() {
            state.again = Some(Instant::now() + QUIET);
        }
    }

    /// QEMU has taken the pin back, and wants to hear of the line again.
    pub fn unmask(&self) {
        let mut state = lock(&self.state);
        state.masked = false;
        if state.level {
            state.again = Some(Instant::now() + QUIET);
            self.changed.notify_one();
        }
    }

    /// QEMU does not want to hear of it.
    pub fn mask(&self) {
        let mut state = lock(&self.state);
        state.masked = true;
        state.again = None;
    }

    /// Whether the guest has forbidden interrupts in the command register.
    pub fn set_disabled(&self, disabled: bool) {
        let mut state = lock(&self.state);
        let was = std::mem::replace(&mut state.disabled, disabled);
        if was && !disabled && state.level {
            state.fire();
        }
    }

    /// The line's level.
    pub fn level(&self) -> bool {
        lock(&self.state).level
    }

    /// How often QEMU was told.
    pub fn counts(&self) -> Counts {
        let state = lock(&self.state);
        Counts {
            triggers: state.triggers,
            repeats: state.repeats,
            retracted: state.retracted,
        }
    }

    /// Tells again of a line that stays high, until [`Intx::end`]: for a thread of its own.
    pub fn repeat(&self) {
        let mut state = lock(&self.state);
        while !state.ended {
            let now = Instant::now();
            match state.again {
                None => {
                    let waited = self.changed.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
                Some(due) if due > now => {
                    let waited = self.changed.wait_timeout(state, due - now);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(_) => {
                    state.repeats += 1;
                    state.fire();
                }
            }
        }
    }

    /// Ends [`Intx::repeat`].
    pub fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::os::unix::fs::OpenOptionsExt;

    /// What QEMU reads triggers from, 8 bytes each: a pipe whose both ends are one file, as an eventfd's are.
    struct Pin(File);

    impl Pin {
        /// Whether there was a trigger since the last call.
        fn was_told(&mut self) -> bool {
            self.0.read_exact(&mut [0; 8]).is_ok()
        }
    }

    fn pin() -> (Arc<Intx>, Pin) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trigger");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let flags = OFlag::O_NONBLOCK.bits();
        let mut options = File::options();
        let options = options.read(true).write(true).custom_flags(flags);
        let theirs = options.open(path).unwrap();
        let intx = Arc::new(Intx::default());
        intx.set_trigger(Some(theirs.try_clone().unwrap()));
        (intx, Pin(theirs))
    }

    fn counts(triggers: u64, repeats: u64, retracted: u64) -> Counts {
        Counts {
            triggers,
            repeats,
            retracted,
        }
    }

    #[test]
    fn a_line_is_told_when_it_rises_and_not_while_it_is_masked() {
        let (intx, mut pin) = pin();
        intx.set_level(true, false);
        assert!(pin.was_told());
        intx.set_level(false, true);
        intx.set_level(true, false);
        assert!(!pin.was_told(), "QEMU's pin is still asserted");
        intx.set_level(false, true);
        intx.unmask();
        intx.set_level(true, false);
        assert!(pin.was_told());
    }

    #[test]
    fn a_line_that_stays_high_is_told_again_when_the_guest_is_quiet() {
        let (intx, mut pin) = pin();
        let thread = std::thread::spawn({
            let intx = intx.clone();
            move || intx.repeat()
        });
        intx.set_level(true, false);
        assert!(pin.was_told());
        // The handler's first access, and its last, which leaves nothing.
        intx.unmask();
        intx.set_level(true, true);
        intx.set_level(false, true);
        std::thread::sleep(QUIET * 20);
        assert!(!pin.was_told(), "nothing is left to tell");
        intx.set_level(true, false);
        assert!(pin.was_told());
        intx.unmask();
        let end = Instant::now() + Duration::from_secs(20);
        while !pin.was_told() {
            assert!(Instant::now() < end, "it was not told again");
            std::thread::sleep(QUIET);
        }
        assert_eq!(intx.counts(), counts(3, 1, 0));
        intx.end();
        thread.join().unwrap();
    }

    #[test]
    fn a_trigger_that_was_not_read_is_taken_back_when_the_line_falls() {
        let (intx, mut pin) = pin();
        intx.set_level(true, false);
        intx.set_level(false, true);
        assert!(!pin.was_told(), "the line is low");
        assert_eq!(intx.counts(), counts(0, 0, 1));
        // It is as if it had never been.
        intx.set_level(true, false);
        assert!(pin.was_told());
        // What QEMU has read cannot be taken back.
        intx.set_level(false, true);
        assert_eq!(intx.counts(), counts(1, 0, 1));
    }

    #[test]
    fn the_command_register_forbids_it() {
        let (intx, mut pin) = pin();
        intx.set_disabled(true);
        intx.set_level(true, false);
        assert!(!pin.was_told());
        intx.set_disabled(false);
        assert!(pin.was_told());
    }
}
