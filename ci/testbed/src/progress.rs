// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Shows what is being done: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use guest_image::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Elsewhere than on a terminal, a long step speaks this often.
const PLAIN_EVERY: Duration = Duration::from_secs(15);
/// How often it is looked whether it is time to speak.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The steps of one run, on standard error.
#[derive(Debug)]
pub struct Steps {
    target: Target,
    current: Arc<Mutex<Option<Current>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Terminal,
    Plain,
    Nobody,
}

#[derive(Debug)]
struct Current {
    step: String,
    /// The step, and how far it is.
    text: String,
    begin: Instant,
    spoke: Instant,
    bar: ProgressBar,
}

impl Default for Steps {
    fn default() -> Self {
        Self::new()
    }
}

impl Steps {
    /// Nothing has begun.
    pub fn new() -> Self {
        let target = match std::io::stderr().is_terminal() {
            true => Target::Terminal,
            false => Target::Plain,
        };
        let current = Arc::default();
        if target == Target::Plain {
            let watched = Arc::downgrade(&current);
            thread::spawn(move || speak_while_there(&watched));
        }
        Self { target, current }
    }

    /// Steps that nobody is to see, as part of one that somebody does.
    pub fn silent() -> Self {
        Self {
            target: Target::Nobody,
            current: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` as a step; what it gives is described by `detail`.
    ///
    /// # Errors
    /// Those of `work`; then the step ends as failed.
    pub fn step<T, E>(
        &self,
        step: &str,
        work: impl FnOnce() -> Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        self.start(step);
        let result = work();
        match &result {
            Ok(value) => self.finish(&detail(value)),
            Err(_) => self.fail(),
        }
        result
    }

    fn end(&self, mark: char, detail: &str) {
        let Some(Current {
            step, begin, bar, ..
        }) = self.lock().take()
        else {
            return;
        };
        bar.finish_and_clear();
        if self.target != Target::Nobody {
            eprintln!("{mark} {step:<24} {detail} ({})", seconds(begin.elapsed()));
        }
    }

    /// The step that is under way, if any, did not succeed.
    pub fn fail(&self) {
        self.end('✗', "failed");
    }
}

impl Progress for Steps {
    fn start(&self, step: &str) {
        self.fail(); // of the step before, which has not been finished
        let bar = ProgressBar::with_draw_target(
            None,
            match self.target {
                Target::Terminal => ProgressDrawTarget::stderr(),
                Target::Plain | Target::Nobody => ProgressDrawTarget::hidden(),
            },
        );
        // The template is fixed; if it were wrong, the default style shows the same.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(step.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        let now = Instant::now();
        *self.lock() = Some(Current {
            step: step.to_owned(),
            text: step.to_owned(),
            begin: now,
            spoke: now,
            bar,
        });
    }

    fn advance(&self, done: u64, total: Option<u64>, unit: &str) {
        let mut current = self.lock();
        let Some(current) = current.as_mut() else {
            return;
        };
        let count = match total {
            Some(total) => format!("{done} of {total} {unit}"),
            None => format!("{done} {unit}"),
        };
        let text = format!("{:<24} {count}", current.step);
        current.bar.set_message(text.clone());
        current.text = text;
    }

    fn finish(&self, detail: &str) {
        self.end('✓', detail);
    }

    fn line(&self, text: &str) {
        match self.lock().as_ref() {
            Some(current) => current.bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

/// Says what is being done for as long as there are steps: a step that is silent for minutes looks like
/// one that hangs.
fn speak_while_there(current: &Weak<Mutex<Option<Current>>>) {
    while let Some(current) = current.upgrade() {
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = current.as_mut().and_then(Current::due) {
            eprintln!("{text}");
        }
        drop(current);
        thread::sleep(LOOK_EVERY);
    }
}

impl Current {
    /// What it says now, if it is time.
    fn due(&mut self) -> Option<String> {
        if self.spoke.elapsed() < PLAIN_EVERY {
            return None;
        }
        self.spoke = Instant::now();
        Some(format!(
            "  {}, {}",
            self.text,
            HumanDuration(self.begin.elapsed())
        ))
    }
}

/// A time as people read it.
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.2} s", time.as_secs_f64()),
        10..120 => format!("{:.0} s", time.as_secs_f64()),
        secs => format!("{} min {:02} s", secs / 60, secs % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_they_need_to_be() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.23 s");
        assert_eq!(seconds(Duration::from_millis(12_345)), "12 s");
        assert_eq!(seconds(Duration::from_secs(192)), "3 min 12 s");
    }

    #[test]
    fn a_step_that_hears_nothing_speaks_all_the_same() {
        let steps = Steps::silent();
        steps.start("build");
        let mut current = steps.lock();
        let current = current.as_mut().unwrap();
        assert_eq!(current.due(), None);
        current.spoke -= PLAIN_EVERY;
        current.begin -= PLAIN_EVERY;
        assert_eq!(current.due().as_deref(), Some("  build, 15 seconds"));
        assert_eq!(current.due(), None);
    }

    #[test]
    fn a_step_gives_what_its_work_gives() {
        let steps = Steps::silent();
        let number = steps.step("count", || Ok::<_, String>(3), |n| format!("{n}"));
        assert_eq!(number, Ok(3));
        let failed: Result<(), &str> = steps.step("fall", || Err("down"), |()| String::new());
        assert_eq!(failed, Err("down"));
        assert!(steps.lock().is_none());
    }
}
