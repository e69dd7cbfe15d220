// SPDX-License-Identifier: GPL-2.0-only
//! A panic ends the call from C that led to it, and no other thread is harmed.
//!
//! Every function that C calls does its work through [`guard`]. If it panics, C's side leaves its
//! frames and the call returns what says that it failed. Whatever the library knew may be half changed
//! then: no later call enters it again, and each returns its own such value at once. C resets the
//! device, so that it does no DMA any more, and its nodes answer with -EIO (tx_isp_panic.c).

use tx_isp_driver::Errno;

/// What a function returns that should have returned 0 or an errno.
pub(crate) const PANICKED: i32 = Errno::Eio.to_return_value();

/// What the action returns, or the fallback if it or an earlier one has panicked.
///
/// The action and what it calls must keep nothing that has to be dropped: on a panic it is not.
#[cfg(target_os = "none")]
pub(crate) fn guard<R>(fallback: R, action: impl FnOnce() -> R) -> R {
    use core::ffi::c_void;

    unsafe extern "C" {
        fn tx_isp_guard(call: unsafe extern "C" fn(*mut c_void), context: *mut c_void);
    }

    struct Call<R, F> {
        action: Option<F>,
        result: R,
    }

    unsafe extern "C" fn run<R, F: FnOnce() -> R>(context: *mut c_void) {
        // SAFETY: guard() passes the Call of these types, and reaches it again only afterwards.
        let call = unsafe { &mut *context.cast::<Call<R, F>>() };
        if let Some(action) = call.action.take() {
            call.result = action();
        }
    }

    fn runner<R, F: FnOnce() -> R>(_: &Call<R, F>) -> unsafe extern "C" fn(*mut c_void) {
        run::<R, F>
    }

    let mut call = Call {
        action: Some(action),
        result: fallback,
    };
    let run = runner(&call);
    // SAFETY: `run` is of the types of `call`, which outlives the C function. That comes back here
    // once, whether or not `run` has returned: frames that a panic leaves behind hold nothing that
    // would have to be dropped, since the library allocates nothing.
    unsafe { tx_isp_guard(run, (&raw mut call).cast()) };
    call.result
}

/// On the host, for lints: a panic is the test's.
#[cfg(not(target_os = "none"))]
pub(crate) fn guard<R>(_fallback: R, action: impl FnOnce() -> R) -> R {
    action()
}

/// Panics, on purpose: for whoever wants to see what becomes of it.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_provoke_panic() {
    guard((), || panic!("provoked"));
}
