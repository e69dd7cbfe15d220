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
/// What is said of a step that did not succeed.
const FAILED: &str = "failed";

/// The steps of one run, on standard error.
///
/// A step may be made of others: those that begin within [`Steps::step`] do not end it.
#[derive(Debug)]
pub struct Steps {
    target: Target,
    /// Those under way, the innermost last.
    open: Arc<Mutex<Vec<Current>>>,
    /// What was said of steps that ended.
    #[cfg(test)]
    ended: Mutex<Vec<String>>,
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
    /// It ends where it began: what begins meanwhile is a part of it.
    has_parts: bool,
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
        let steps = Self::with_target(target);
        if target == Target::Plain {
            let watched = Arc::downgrade(&steps.open);
            thread::spawn(move || speak_while_there(&watched));
        }
        steps
    }

    /// Steps that nobody is to see, as part of one that somebody does.
    pub fn silent() -> Self {
        Self::with_target(Target::Nobody)
    }

    fn with_target(target: Target) -> Self {
        Self {
            target,
            open: Arc::default(),
            #[cfg(test)]
            ended: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Current>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` as a step; what it gives is described by `detail`. Steps that begin meanwhile are parts
    /// of it.
    ///
    /// # Errors
    /// Those of `work`; then the step ends as failed.
    pub fn step<T, E>(
        &self,
        step: &str,
        work: impl FnOnce() -> Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        self.fail(); // of the step before, which has not been finished
        self.begin(step, true);
        let result = work();
        self.fail(); // of a part that has not been finished
        match &result {
            Ok(value) => self.end('✓', &detail(value)),
            Err(_) => self.end('✗', FAILED),
        }
        result
    }

    fn begin(&self, step: &str, has_parts: bool) {
        let now = Instant::now();
        let mut open = self.lock();
        if let Some(outer) = open.last() {
            outer.bar.finish_and_clear();
        }
        open.push(Current {
            step: step.to_owned(),
            has_parts,
            text: step.to_owned(),
            begin: now,
            spoke: now,
            bar: self.bar(step, Duration::ZERO),
        });
    }

    /// What moves on a terminal.
    fn bar(&self, text: &str, elapsed: Duration) -> ProgressBar {
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
        bar.set_message(text.to_owned());
        bar.set_elapsed(elapsed);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Ends the innermost step; the one around it goes on.
    fn end(&self, mark: char, detail: &str) {
        let mut open = self.lock();
        let Some(Current {
            step, begin, bar, ..
        }) = open.pop()
        else {
            return;
        };
        bar.finish_and_clear();
        if self.target != Target::Nobody {
            eprintln!("{mark} {step:<24} {detail} ({})", seconds(begin.elapsed()));
        }
        #[cfg(test)]
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{mark} {step} {detail}"));
        if let Some(outer) = open.last_mut() {
            outer.bar = self.bar(&outer.text, outer.begin.elapsed());
            outer.spoke = Instant::now();
        }
    }

    /// Ends the innermost step unless it ends where it began.
    fn end_part(&self, mark: char, detail: &str) {
        let is_part = self.lock().last().is_some_and(|step| !step.has_parts);
        if is_part {
            self.end(mark, detail);
        }
    }

    /// The step that was started last and is under way, if any, did not succeed.
    pub fn fail(&self) {
        self.end_part('✗', FAILED);
    }
}

impl Progress for Steps {
    fn start(&self, step: &str) {
        self.fail(); // of the step before, which has not been finished
        self.begin(step, false);
    }

    fn advance(&self, done: u64, total: Option<u64>, unit: &str) {
        let mut open = self.lock();
        let Some(current) = open.last_mut() else {
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
        self.end_part('✓', detail);
    }

    fn line(&self, text: &str) {
        match self.lock().last() {
            Some(current) => current.bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

/// Says what is being done for as long as there are steps: a step that is silent for minutes looks like
/// one that hangs.
fn speak_while_there(open: &Weak<Mutex<Vec<Current>>>) {
    while let Some(open) = open.upgrade() {
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = open.last_mut().and_then(Current::due) {
            eprintln!("{text}");
        }
        drop(open);
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
        let mut open = steps.lock();
        let current = open.last_mut().unwrap();
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
        assert!(steps.lock().is_empty());
    }

    fn ended(steps: &Steps) -> Vec<String> {
        std::mem::take(&mut *steps.ended.lock().unwrap())
    }

    #[test]
    fn a_step_within_a_step_does_not_end_it() {
        let steps = Steps::silent();
        let boot = || steps.step("boot", || Ok::<_, String>(()), |()| "debian".to_owned());
        let measured = steps.step(
            "bench",
            || {
                steps.start("build");
                steps.finish("done");
                boot().and_then(|()| boot())
            },
            |()| "3 rounds".to_owned(),
        );
        assert_eq!(measured, Ok(()));
        assert_eq!(
            ended(&steps),
            [
                "✓ build done",
                "✓ boot debian",
                "✓ boot debian",
                "✓ bench 3 rounds"
            ]
        );
    }

    #[test]
    fn only_what_failed_is_told_as_failed() {
        let steps = Steps::silent();
        let failed = steps.step(
            "bench",
            || {
                // A part fails and is tried once more; another one is left by an error.
                let first: Result<(), &str> = steps.step("boot", || Err("hangs"), |()| "".into());
                assert_eq!(first, Err("hangs"));
                // Whoever hears of an error says so once more.
                steps.fail();
                steps.start("build");
                Err::<(), _>("no compiler")
            },
            |()| "3 rounds".to_owned(),
        );
        assert_eq!(failed, Err("no compiler"));
        assert_eq!(
            ended(&steps),
            ["✗ boot failed", "✗ build failed", "✗ bench failed"]
        );
        steps.start("one");
        steps.start("two");
        steps.finish("done");
        assert_eq!(ended(&steps), ["✗ one failed", "✓ two done"]);
        assert!(steps.lock().is_empty());
    }
}
