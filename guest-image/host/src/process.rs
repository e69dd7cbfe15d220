// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs programs of the host: with a deadline, and without losing anything that they say.
//!
//! What a program wrote before its end is in its pipes when it has ended, however busy the machine
//! is. So the pipes are read without blocking: once after the end, until they are empty, and that
//! was all. Whoever inherited the pipes and goes on writing is not waited for.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a program may take to end when asked to, and to disappear when killed.
const END_LIMIT: Duration = Duration::from_secs(2);
/// How often a program that says nothing is checked for its end.
const STEP: Duration = Duration::from_millis(5);
/// How much is read at once.
const CHUNK: usize = 64 * 1024;
/// After a program's end its pipes hold no more than this (`/proc/sys/fs/pipe-max-size`); who reads
/// more is fed by somebody else.
const MOST_IN_A_PIPE: usize = 1 << 20;

/// Where the loader looks for libraries first.
pub const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";
/// The libraries of a private Rust toolchain, where this program was started by one: those of another
/// release than the host's, and for that toolchain alone.
pub const PRIVATE_LIBRARIES: &str = "TX_ISP_RUST_LIBRARIES";

/// Keeps libraries of a private toolchain from every program that does not ask for some itself.
fn keep_libraries_apart(command: &mut Command, is_private: bool) {
    let asks = command.get_envs().any(|(name, _)| name == LIBRARY_PATH);
    if is_private && !asks {
        command.env_remove(LIBRARY_PATH);
    }
}

/// What becomes of a program when the one that started it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphan {
    /// The kernel kills it.
    IsKilled,
    /// It goes on: a package manager must not be cut off halfway.
    GoesOn,
}

/// A running program; dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a program that the kernel kills when this one dies. It also does when the thread ends
    /// that started the program, so that thread must be the one that waits for the program's end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        Self::spawn_as(command, Orphan::IsKilled)
    }

    fn spawn_as(command: &mut Command, orphan: Orphan) -> io::Result<Self> {
        if orphan == Orphan::IsKilled {
            // SAFETY: the closure makes one system call between fork and exec and allocates nothing.
            unsafe {
                command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?));
            }
        }
        keep_libraries_apart(command, std::env::var_os(PRIVATE_LIBRARIES).is_some());
        let child = command.spawn()?;
        Ok(Self {
            child,
            status: None,
        })
    }

    /// The program's pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            // It fails only if somebody else had waited for it, and nobody does.
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Waits for its end, at most `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        while self.ended().is_none() && Instant::now() < end {
            thread::sleep(STEP);
        }
        self.status
    }

    /// Asks it to end, and ends it if it does not.
    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It fails if the program has just ended, or belongs to another user (sudo).
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if self.wait(END_LIMIT).is_none() {
            // Likewise; then nobody can end it, and it is not waited for.
            let _ = self.child.kill();
            self.wait(END_LIMIT);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A line that a program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// On its standard output.
    Out(String),
    /// On its standard error.
    Err(String),
}

impl Line {
    /// The line itself.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Out(text) | Self::Err(text) => text,
        }
    }
}

/// Runs a program to its end, and hands over each line that it says.
///
/// # Errors
/// What the operating system says, or [`io::ErrorKind::TimedOut`]; then the program is ended.
pub fn run(
    command: &mut Command,
    limit: Duration,
    on_line: impl FnMut(Line),
) -> io::Result<ExitStatus> {
    run_as(command, Orphan::IsKilled, limit, on_line)
}

/// The same, and says what becomes of the program if this one dies.
///
/// # Errors
/// Those of [`run`].
pub fn run_as(
    command: &mut Command,
    orphan: Orphan,
    limit: Duration,
    mut on_line: impl FnMut(Line),
) -> io::Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process::spawn_as(command, orphan)?;
    let mut out = Pipe::open(process.child.stdout.take(), Line::Out)?;
    let mut err = Pipe::open(process.child.stderr.take(), Line::Err)?;
    let end = Instant::now() + limit;
    loop {
        // The order matters: what is in the pipes after the end has been seen is all there is.
        let status = process.ended();
        let most = if status.is_some() {
            MOST_IN_A_PIPE
        } else {
            CHUNK
        };
        err.read(most, &mut on_line)?;
        out.read(most, &mut on_line)?;
        if let Some(status) = status {
            err.flush(&mut on_line);
            out.flush(&mut on_line);
            return Ok(status);
        }
        if Instant::now() > end {
            process.stop();
            let text = format!("no end within {} s", limit.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        wait_for_output(&[&out, &err])?;
    }
}

/// Waits until one of the pipes has something to read, at most [`STEP`].
fn wait_for_output(pipes: &[&Pipe]) -> io::Result<()> {
    let mut open: Vec<PollFd<'_>> = pipes
        .iter()
        .filter_map(|pipe| pipe.descriptor())
        .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
        .collect();
    let step = PollTimeout::try_from(STEP).unwrap_or(PollTimeout::ZERO);
    match poll(&mut open, step) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// One of a program's outputs, cut into lines.
struct Pipe {
    file: Option<Box<dyn PipeEnd>>,
    kind: fn(String) -> Line,
    begun: Vec<u8>,
}

trait PipeEnd: Read + AsFd {}
impl<T: Read + AsFd> PipeEnd for T {}

impl Pipe {
    fn open(
        file: Option<impl Read + AsFd + 'static>,
        kind: fn(String) -> Line,
    ) -> io::Result<Self> {
        if let Some(file) = &file {
            let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
            fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        Ok(Self {
            file: file.map(|file| Box::new(file) as Box<dyn PipeEnd>),
            kind,
            begun: Vec::new(),
        })
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(|file| file.as_fd())
    }

    /// Reads what is there, `most` bytes or a little more.
    fn read(&mut self, most: usize, on_line: &mut impl FnMut(Line)) -> io::Result<()> {
        let mut chunk = [0; 4096];
        let mut taken = 0;
        while taken < most {
            let Some(file) = &mut self.file else {
                return Ok(());
            };
            let count = match file.read(&mut chunk) {
                Ok(0) => {
                    self.file = None;
                    return Ok(());
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            taken += count;
            for &byte in chunk.iter().take(count) {
                if byte == b'\n' {
                    self.end_line(on_line);
                } else {
                    self.begun.push(byte);
                }
            }
        }
        Ok(())
    }

    /// Hands over a line that has begun and will not be ended any more.
    fn flush(&mut self, on_line: &mut impl FnMut(Line)) {
        if !self.begun.is_empty() {
            self.end_line(on_line);
        }
    }

    fn end_line(&mut self, on_line: &mut impl FnMut(Line)) {
        let text = String::from_utf8_lossy(&self.begun).trim_end().to_owned();
        self.begun.clear();
        on_line((self.kind)(text));
    }
}

/// Runs a program that answers at once; gives how it ended and its standard output.
///
/// # Errors
/// Those of [`run`].
pub fn ask(command: &mut Command, limit: Duration) -> io::Result<(ExitStatus, String)> {
    let mut answer = String::new();
    let status = run(command, limit, |line| {
        if let Line::Out(text) = line {
            answer.push_str(&text);
            answer.push('\n');
        }
    })?;
    Ok((status, answer))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_private_toolchains_libraries_are_for_who_asks_for_them() {
        let path_of = |command: &Command| {
            let mut set = command.get_envs();
            set.find(|(name, _)| *name == LIBRARY_PATH)
                .map(|(_, value)| value.map(ToOwned::to_owned))
        };
        let mut qemu = sh("true");
        keep_libraries_apart(&mut qemu, false);
        assert_eq!(path_of(&qemu), None, "what the user has set stays");
        keep_libraries_apart(&mut qemu, true);
        assert_eq!(path_of(&qemu), Some(None));
        let mut cargo = sh("true");
        cargo.env(LIBRARY_PATH, "/private/lib");
        keep_libraries_apart(&mut cargo, true);
        assert_eq!(path_of(&cargo), Some(Some("/private/lib".into())));
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// Many threads that want the processor, and the test's own at the end of the queue.
    fn on_a_busy_machine(work: impl FnOnce()) {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..48 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            work();
            over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn nothing_is_lost_on_a_busy_machine() {
        let mut lost = 0;
        on_a_busy_machine(|| {
            for _ in 0..30 {
                let (_, answer) = ask(&mut sh("echo amd64"), MINUTE).unwrap();
                lost += u32::from(answer != "amd64\n");
            }
        });
        assert_eq!(lost, 0, "of 30 answers");
    }

    #[test]
    fn a_program_that_is_dropped_is_gone() {
        let mut process = Process::spawn(&mut sh("exec sleep 600")).unwrap();
        let pid = Pid::from_raw(i32::try_from(process.child().id()).unwrap());
        assert!(process.ended().is_none());
        drop(process);
        assert!(kill(pid, None).is_err());
    }

    #[test]
    fn one_that_does_not_listen_is_killed() {
        let mut process = Process::spawn(
            sh("trap '' TERM; echo ready; while :; do sleep 0.05; done").stdout(Stdio::piped()),
        )
        .unwrap();
        let mut ready = [0; 5];
        let stdout = process.child().stdout.as_mut().unwrap();
        io::Read::read_exact(stdout, &mut ready).unwrap();
        process.stop();
        assert!(process.child().try_wait().unwrap().is_some());
    }

    #[test]
    fn an_answer_comes_and_silence_ends() {
        let (status, answer) = ask(&mut sh("echo yes; echo no >&2; exit 3"), MINUTE).unwrap();
        assert_eq!((status.code(), answer.as_str()), (Some(3), "yes\n"));
        let error = ask(&mut sh("exec sleep 600"), Duration::from_millis(50));
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_program_whose_children_keep_its_output_is_over_when_it_is() {
        let begin = Instant::now();
        let (status, answer) = ask(&mut sh("sleep 50 & echo $$"), MINUTE).unwrap();
        assert!(status.success() && !answer.is_empty());
        assert!(begin.elapsed() < Duration::from_secs(40));
    }

    #[test]
    fn neither_long_output_nor_a_last_line_without_an_end_is_cut() {
        let (_, answer) = ask(&mut sh("seq 100000; printf '%s' the-end"), MINUTE).unwrap();
        assert_eq!(answer.lines().count(), 100_001);
        assert!(answer.ends_with("100000\nthe-end\n"));
    }

    #[test]
    fn empty_lines_are_lines() {
        let (_, answer) = ask(&mut sh("echo; echo a; echo"), MINUTE).unwrap();
        assert_eq!(answer, "\na\n\n");
    }
}
