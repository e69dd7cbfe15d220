// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Divides work among threads, each of which takes the next piece when it has finished one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Result;

/// What the threads share.
struct Shared<T> {
    pieces: Mutex<VecDeque<(usize, T)>>,
    stop: AtomicBool,
}

/// A thread's way to tell what it has done, and to hear that it is to end.
pub struct Report<'a, E> {
    events: Sender<Result<E>>,
    stop: &'a AtomicBool,
}

impl<E> Report<'_, E> {
    /// Tells. Nobody may listen any more; then the thread is about to hear that it is to end.
    pub fn tell(&self, event: E) {
        let _ = self.events.send(Ok(event));
    }

    /// Whether something else has gone wrong, so that the rest need not be done.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl<T> Shared<T> {
    fn next(&self) -> Option<(usize, T)> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.pop_front()
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Does all pieces in order on up to `jobs` threads. `work` is given the thread's number, the piece's and
/// the piece; what it tells arrives in `hear`, on the caller's thread. The first error ends everything:
/// pieces that have not begun are left, and those that have are told so.
///
/// # Errors
/// The first of `work` or `hear`.
pub fn divide<T: Send, E: Send>(
    jobs: usize,
    pieces: Vec<T>,
    work: impl Fn(usize, usize, T, &Report<'_, E>) -> Result<()> + Sync,
    mut hear: impl FnMut(E) -> Result<()>,
) -> Result<()> {
    let threads = jobs.clamp(1, pieces.len().max(1));
    let shared = Shared {
        pieces: Mutex::new(pieces.into_iter().enumerate().collect()),
        stop: AtomicBool::new(false),
    };
    let (sender, events) = channel();
    let (shared, work) = (&shared, &work);
    thread::scope(|scope| {
        for thread in 0..threads {
            let events = sender.clone();
            scope.spawn(move || {
                let stop = &shared.stop;
                let report = Report { events, stop };
                while let Some((number, piece)) = shared.next() {
                    if let Err(error) = work(thread, number, piece, &report) {
                        shared.stop();
                        // Only a caller that has failed itself does not listen.
                        let _ = report.events.send(Err(error));
                    }
                }
            });
        }
        drop(sender);
        let mut result = Ok(());
        for event in events {
            let heard = event.and_then(&mut hear);
            if result.is_ok() && heard.is_err() {
                shared.stop();
                result = heard;
            }
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::collections::BTreeMap;
    use std::sync::Barrier;
    use std::time::Duration;

    #[test]
    fn every_piece_is_done_once_and_no_thread_waits_for_another() {
        // Thread numbers by piece. The first two pieces wait for each other, so two threads are at work.
        let meet = Barrier::new(2);
        let mut done = BTreeMap::new();
        divide(
            2,
            (100..150).collect(),
            |thread, number, piece, report| {
                if number < 2 {
                    meet.wait();
                }
                if number == 0 {
                    thread::sleep(Duration::from_millis(50));
                }
                report.tell((piece, thread));
                Ok(())
            },
            |(piece, thread)| {
                assert_eq!(done.insert(piece, thread), None);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(
            done.keys().copied().collect::<Vec<_>>(),
            (100..150).collect::<Vec<_>>()
        );
        assert!(done.values().all(|thread| *thread < 2));
        assert_ne!(done[&100], done[&101]);
        // While the first one slept, the other thread went on.
        assert_eq!(done[&102], done[&101]);
    }

    #[test]
    fn there_are_no_more_threads_than_pieces() {
        let mut threads = Vec::new();
        let work = |thread, _, (), report: &Report<'_, usize>| {
            report.tell(thread);
            Ok(())
        };
        divide(8, vec![()], work, |thread| {
            threads.push(thread);
            Ok(())
        })
        .unwrap();
        assert_eq!(threads, [0]);
        let nothing: Result<()> = divide(8, Vec::new(), work, |_| bail!("nothing is to be told"));
        nothing.unwrap();
    }

    #[test]
    fn the_first_error_ends_everything_and_what_was_done_is_heard() {
        let mut heard = Vec::new();
        let result = divide(
            1,
            vec![0, 1, 2, 3],
            |_, _, piece, report| {
                report.tell(piece);
                match piece {
                    1 => bail!("piece 1"),
                    _ => Ok(()),
                }
            },
            |piece| {
                heard.push(piece);
                Ok(())
            },
        );
        assert_eq!(result.unwrap_err().to_string(), "piece 1");
        assert_eq!(heard, [0, 1]);
    }

    #[test]
    fn a_thread_hears_that_the_caller_has_failed() {
        let result = divide(
            2,
            vec![(); 2],
            |_, _, (), report| {
                report.tell(());
                for _ in 0..2000 {
                    if report.is_over() {
                        return Ok(());
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                bail!("it never heard")
            },
            |()| bail!("the disk is full"),
        );
        assert_eq!(result.unwrap_err().to_string(), "the disk is full");
    }
}
