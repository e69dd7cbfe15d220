// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the process may still do once it is set up, whatever a guest, a front end or an operator finds
//! in it: no other file than those it needs, no program, no network, no other process.
//!
//! Two mechanisms of Linux, each where the kernel has it. **Landlock** leaves the folder of traces and
//! the removal of our own sockets. **seccomp** leaves the system calls that the program needs; others
//! fail with `EPERM`. Without Landlock seccomp refuses to open anything: traces that the operator
//! starts then need `--sandbox off`.

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus,
};
use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Whether the process is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sandbox {
    /// As far as the kernel can.
    #[default]
    On,
    /// Not at all, to debug.
    Off,
}

/// What the process still needs of the file system.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The folder in which it makes traces.
    pub traces: Option<PathBuf>,
    /// The sockets that it removes at its end.
    pub sockets: Vec<PathBuf>,
}

/// Why the process cannot be confined.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Landlock is there, but refuses.
    #[error("landlock: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// A folder is not there.
    #[error("landlock: {0}")]
    Path(#[from] landlock::PathFdError),
    /// The filter of system calls is refused.
    #[error("seccomp: {0}")]
    Seccomp(#[from] seccompiler::Error),
    /// There is no filter for this machine.
    #[error("seccomp: {0}")]
    Backend(#[from] seccompiler::BackendError),
}

/// What was confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confined {
    /// Files, by Landlock.
    pub files: bool,
    /// System calls, by seccomp.
    pub calls: bool,
}

impl fmt::Display for Confined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.files, self.calls) {
            (true, true) => "files by landlock, system calls by seccomp",
            (false, true) => "system calls by seccomp, no file can be opened (no landlock here)",
            (true, false) => "files by landlock (no seccomp here)",
            (false, false) => "nothing: the kernel has neither landlock nor seccomp",
        })
    }
}

/// Confines all threads of the process, and those that they will make. Landlock holds for this thread
/// and its children: call it before others are made that open files.
///
/// # Errors
/// [`SandboxError`]; the process may be confined in part.
pub fn confine(needs: &Needs) -> Result<Confined, SandboxError> {
    let files = confine_files(needs)?;
    let calls = confine_calls(files)?;
    Ok(Confined { files, calls })
}

/// Whether the kernel has Landlock.
fn confine_files(needs: &Needs) -> Result<bool, SandboxError> {
    let abi = ABI::V4;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .create()?;
    if let Some(folder) = &needs.traces {
        let make = AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::Truncate;
        rules = rules.add_rule(PathBeneath::new(PathFd::new(folder)?, make))?;
    }
    for socket in &needs.sockets {
        let folder = match socket.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let remove = AccessFs::RemoveFile;
        rules = rules.add_rule(PathBeneath::new(PathFd::new(folder)?, remove))?;
    }
    let status = rules.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Whether the kernel has seccomp.
fn confine_calls(files_are_confined: bool) -> Result<bool, SandboxError> {
    let mut calls: Vec<c_long> = CALLS.to_vec();
    if files_are_confined {
        calls.extend(OPENING_CALLS);
    }
    let rules: BTreeMap<i64, Vec<_>> = calls.iter().map(|&call| (call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(
        rules,
        refused,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    match apply_filter_all_threads(&program) {
        Ok(()) => Ok(true),
        Err(seccompiler::Error::Seccomp(error)) if error.raw_os_error() == Some(libc::EINVAL) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// What opens files.
const OPENING_CALLS: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    libc::SYS_openat,
];

/// What an emulator that is set up does: the event loop, threads, sockets that were opened before,
/// memory, time, and the end.
const CALLS: &[c_long] = &[
    // Descriptors that are there, or come from a peer.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_ftruncate,
    libc::SYS_ioctl,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    // The removal of our sockets.
    libc::SYS_unlinkat,
    // The event loop.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    libc::SYS_ppoll,
    // Peers.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    // Memory.
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_membarrier,
    // Threads.
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getrandom,
    // Time.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_restart_syscall,
    // Signals and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // The older names of some of these.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];
