// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A VM's memory that goes away under us.
//!
//! The memory is a file of the front end's. Who cuts it off makes the kernel send SIGBUS to whoever
//! touches what is no longer there, and that would end the process and all that others look at. Here
//! the handler puts empty memory of our own in place of the lost pages, so that the access goes on and
//! lands nowhere, and tells the attachment, which hangs up. A SIGBUS elsewhere ends the process as ever.

#![allow(unsafe_code, reason = "a signal handler that maps memory")]

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

/// The most regions that are guarded; a VM has a handful.
const MAX_REGIONS: usize = 64;

static STARTS: [AtomicUsize; MAX_REGIONS] = [const { AtomicUsize::new(0) }; MAX_REGIONS];
static ENDS: [AtomicUsize; MAX_REGIONS] = [const { AtomicUsize::new(0) }; MAX_REGIONS];
static LOST: AtomicBool = AtomicBool::new(false);
/// The event descriptor to tell, or -1.
static NOTIFY: AtomicI32 = AtomicI32::new(-1);

/// Guards the regions (address and bytes in this process) in place of those before; the event `notify`
/// is written when part of one is lost. It must stay open until others are guarded.
///
/// # Errors
/// When the handler cannot be installed.
pub fn guard(regions: &[(usize, usize)], notify: &impl AsRawFd) -> io::Result<()> {
    NOTIFY.store(notify.as_raw_fd(), Ordering::SeqCst);
    if regions.len() > MAX_REGIONS {
        log::warn!("only {MAX_REGIONS} regions of the VM's memory are guarded");
    }
    for (index, (start, end)) in STARTS.iter().zip(&ENDS).enumerate() {
        let (address, bytes) = regions.get(index).copied().unwrap_or((0, 0));
        // Never a range of both: empty in between.
        end.store(0, Ordering::SeqCst);
        start.store(address, Ordering::SeqCst);
        end.store(address.saturating_add(bytes), Ordering::SeqCst);
    }
    install()
}

/// No region is guarded any more.
pub fn release() {
    for end in &ENDS {
        end.store(0, Ordering::SeqCst);
    }
    NOTIFY.store(-1, Ordering::SeqCst);
}

/// Whether part of a region was lost since this was last asked.
pub fn take_lost() -> bool {
    LOST.swap(false, Ordering::SeqCst)
}

fn install() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| {
        let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
        let action = SigAction::new(SigHandler::SigAction(on_bus_error), flags, SigSet::empty());
        // SAFETY: the handler calls nothing but what a handler may: atomics, mmap and write.
        result = unsafe { sigaction(Signal::SIGBUS, &action) }
            .map(drop)
            .map_err(io::Error::from);
    });
    result
}

extern "C" fn on_bus_error(
    _signal: libc::c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo, whose address is set for SIGBUS.
    let address = unsafe { (*info).si_addr() } as usize;
    if !replace(address) {
        // Not ours: what faulted faults again and ends the process.
        // SAFETY: to set the default action is allowed in a handler.
        unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
        return;
    }
    LOST.store(true, Ordering::SeqCst);
    let notify: RawFd = NOTIFY.load(Ordering::SeqCst);
    let one = 1u64.to_ne_bytes();
    // SAFETY: eight bytes of our stack; a descriptor that is no longer there gives an error.
    let _ = unsafe { libc::write(notify, one.as_ptr().cast(), one.len()) };
}

/// Puts empty memory in place of a guarded region from the page of `address` on: whether it could.
fn replace(address: usize) -> bool {
    const PAGE: usize = 4096;
    for (start, end) in STARTS.iter().zip(&ENDS) {
        let (start, end) = (start.load(Ordering::SeqCst), end.load(Ordering::SeqCst));
        if !(start..end).contains(&address) {
            continue;
        }
        let page = address & !(PAGE - 1);
        // SAFETY: the range lies in a mapping of the VM's memory, to which only volatile accesses are
        // made, never references; other threads that touch it meanwhile see old or new pages.
        let mapped = unsafe {
            libc::mmap(
                page as *mut libc::c_void,
                end - page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        return mapped != libc::MAP_FAILED;
    }
    false
}
