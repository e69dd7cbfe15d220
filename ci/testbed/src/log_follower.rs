// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The output of a running program: into a file, and its last lines in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many of the last lines an error shows.
pub const SHOWN_LINES: usize = 30;
/// How many lines are remembered.
const LINES: usize = 400;

/// Follows an output until it ends. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct LogFollower {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    ended: bool,
}

impl LogFollower {
    /// Reads `output` on a thread of its own; what it says also goes to the file `log`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn follow(output: impl Read + Send + 'static, log: &Path) -> std::io::Result<Self> {
        let tail = Self::default();
        let log = File::create(log)?;
        let follower = tail.clone();
        thread::spawn(move || follower.read(output, log));
        Ok(tail)
    }

    fn read(&self, output: impl Read, mut log: File) {
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        while let Ok(count) = output.read_until(b'\n', &mut bytes) {
            if count == 0 {
                break;
            }
            // A full disk must not stop the guest; the lines in memory still tell.
            let _ = log.write_all(&bytes);
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let mut state = self.lock();
            state.lines.push_back(line);
            if state.lines.len() > LINES {
                state.lines.pop_front();
            }
            bytes.clear();
        }
        self.lock().ended = true;
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines, at most `count`.
    pub fn last(&self, count: usize) -> Vec<String> {
        let state = self.lock();
        let from = state.lines.len().saturating_sub(count);
        state.lines.iter().skip(from).cloned().collect()
    }

    /// The remembered lines from the first on that holds `word`, at most `count`; `None` if none does.
    pub fn since(&self, word: &str, count: usize) -> Option<Vec<String>> {
        let state = self.lock();
        let from = state.lines.iter().position(|line| line.contains(word))?;
        Some(state.lines.iter().skip(from).take(count).cloned().collect())
    }

    /// Waits until the output has ended, at most `limit`.
    pub fn wait_end(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        while !state.ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.shared.1.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_goes_to_the_file_and_the_end_stays_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let text: String = (0..LINES + 100).map(|n| format!("line {n}\r\n")).collect();
        let tail = LogFollower::follow(std::io::Cursor::new(text.clone()), &log).unwrap();
        tail.wait_end(Duration::from_secs(60));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), text);
        assert_eq!(tail.last(1), ["line 499"]);
        assert_eq!(tail.last(1000).len(), LINES);
        assert_eq!(tail.since("line 49", 2).unwrap(), ["line 490", "line 491"]);
        assert_eq!(tail.since("line 5x", 2), None);
    }

    #[test]
    fn waiting_for_an_end_that_does_not_come_is_over_in_time() {
        let tail = LogFollower::default();
        tail.wait_end(Duration::from_millis(10));
        assert!(tail.last(1).is_empty());
    }
}
