// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What process 1 does: prepares the guest, starts one process that works, reaps what is left
//! behind, and ends the guest when the work is over.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use guest_protocol::message::Failure;
use guest_protocol::{GDB_WORD, SHELL_WORD};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::command_line::says;
use crate::failure::{At, failure};
use crate::{interrupts, modules, serve, share, shell, vendor};

/// What is mounted where: type, place, options.
const MOUNTS: [(&str, &str, &str); 8] = [
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("devpts", "/dev/pts", ""),
    ("tmpfs", "/dev/shm", "size=50%"),
    ("debugfs", "/sys/kernel/debug", ""),
    ("tmpfs", "/tmp", "size=50%"),
    ("tmpfs", "/run", ""),
];

/// Runs the guest from its first process to its end.
pub fn main() -> ExitCode {
    for (kind, place, options) in MOUNTS {
        if let Err(error) = mount_one(kind, place, options) {
            // Without a console this is said to nobody; nothing better can be done.
            eprintln!("agent: {error}");
        }
    }
    shell::use_console();
    let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    interrupts::use_levels();
    let mut loaded = modules::load_all(&command_line);
    loaded.extend(share::prepare(&command_line));
    for failure in loaded.iter().filter_map(|module| module.failure.as_ref()) {
        eprintln!("agent: {failure}");
    }
    if let Err(failure) = vendor::prepare(&command_line) {
        eprintln!("agent: {failure}");
    }

    if says(&command_line, GDB_WORD) {
        for line in modules::addresses(&loaded) {
            eprintln!("gdb: {line}");
        }
    }
    let is_shell = says(&command_line, SHELL_WORD);
    let mut work = match is_shell {
        true => shell::command(),
        false => worker(&loaded),
    };
    match work.spawn() {
        Ok(child) => {
            let status = reap_until(child.id());
            match status {
                status if is_shell => {
                    if let Err(failure) = shell::tell_end(status) {
                        eprintln!("agent: {failure}");
                    }
                }
                Some(WaitStatus::Exited(_, 0)) => {}
                status => eprintln!("agent: the working process ended: {status:?}"),
            }
        }
        Err(error) => eprintln!(
            "agent: {} cannot be started: {error}",
            work.get_program().to_string_lossy()
        ),
    }
    power_off()
}

fn mount_one(kind: &str, place: &str, options: &str) -> Result<(), Failure> {
    let step = format!("mounting {kind} on {place}");
    fs::create_dir_all(place).at(&step)?;
    let options = (!options.is_empty()).then_some(options);
    match mount(Some(kind), place, Some(kind), MsFlags::empty(), options) {
        // The kernel may have mounted devtmpfs by itself.
        Err(Errno::EBUSY) => Ok(()),
        other => other.at(&step),
    }
}

/// This program again, to serve requests. It hears of the modules through its environment.
fn worker(loaded: &[guest_protocol::message::ModuleLoad]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("guest-agent")
        .arg(serve::WORD)
        .env("PATH", shell::PATH)
        .env(modules::REPORT, modules::to_report(loaded));
    command
}

/// Collects every child that ends, own and inherited, until `main` does. Gives how that ended.
fn reap_until(main: u32) -> Option<WaitStatus> {
    let main = i32::try_from(main).map(Pid::from_raw).ok();
    loop {
        match waitpid(None::<Pid>, None) {
            Ok(status) if status.pid() == main && main.is_some() => {
                return Some(status);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                eprintln!("agent: waiting for processes: {error}");
                return None;
            }
        }
    }
}

/// Ends the guest. Process 1 must not return: the kernel would panic.
fn power_off() -> ! {
    nix::unistd::sync();
    let Err(error) = reboot(RebootMode::RB_POWER_OFF);
    eprintln!("agent: {}", failure("power off", error.to_string()));
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}
