// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What has happened, for those who have subscribed to it. Bounded: a reader that is too slow is told
//! how much it has missed.

use crate::lock::lock;
use crate::monitor::protocol::{Event, EventKind};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The most events that wait to be taken.
const MAX_EVENTS: usize = 4096;

/// Events on their way to the monitor.
#[derive(Default)]
pub(super) struct Observers {
    /// What somebody wants, a bit for each kind.
    wanted: AtomicU32,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    lost: u64,
    notify: Option<Box<dyn Fn() + Send>>,
}

const fn bit(kind: EventKind) -> u32 {
    1 << kind as u32
}

impl Observers {
    /// What is wanted from now on.
    pub(super) fn want(&self, kinds: &[EventKind]) {
        let bits = kinds.iter().fold(0, |bits, kind| bits | bit(*kind));
        self.wanted.store(bits, Ordering::Relaxed);
    }

    /// What is called when events wait.
    pub(super) fn on_events(&self, call: Box<dyn Fn() + Send>) {
        lock(&self.queue).notify = Some(call);
    }

    /// Tells of an event if somebody wants it.
    pub(super) fn tell(&self, kind: EventKind, event: impl FnOnce() -> Event) {
        if self.wanted.load(Ordering::Relaxed) & bit(kind) == 0 {
            return;
        }
        let mut queue = lock(&self.queue);
        if queue.events.len() >= MAX_EVENTS {
            queue.lost += 1;
            return;
        }
        let was_empty = queue.events.is_empty();
        queue.events.push_back(event());
        if was_empty && let Some(notify) = &queue.notify {
            notify();
        }
    }

    /// Takes the events that wait.
    pub(super) fn take(&self) -> Vec<Event> {
        let mut queue = lock(&self.queue);
        let mut events: Vec<Event> = queue.events.drain(..).collect();
        let count = std::mem::take(&mut queue.lost);
        if count > 0 {
            events.push(Event::Lost { count });
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_wants_is_not_kept_and_what_is_too_much_is_counted() {
        let observers = Observers::default();
        let begins = |at_ns| Event::Driver {
            begins: true,
            at_ns,
        };
        observers.tell(EventKind::Driver, || begins(0));
        assert!(observers.take().is_empty());
        observers.want(&[EventKind::Driver]);
        observers.tell(EventKind::Frame, || unreachable!());
        for at in 0..5000 {
            observers.tell(EventKind::Driver, || begins(at));
        }
        let events = observers.take();
        assert_eq!(events.len(), MAX_EVENTS + 1);
        assert_eq!(events[7], begins(7));
        assert_eq!(events[MAX_EVENTS], Event::Lost { count: 904 });
        assert!(observers.take().is_empty());
    }
}
