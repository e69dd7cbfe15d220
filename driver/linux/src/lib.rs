// SPDX-License-Identifier: GPL-2.0-only
//! The Rust half of tx-isp.ko.
//!
//! Built without std for the kernel (`target_os = "none"`) and with std for the host's tests.
#![cfg_attr(target_os = "none", no_std)]

/// Proves that Rust code runs in the module: sums 1 to `count` through 64-bit division, which the
/// kernel has no helper for.
// SAFETY: the name starts with `tx_isp_`, which no other code of the kernel uses.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_selftest(count: u64) -> u64 {
    let twice = core::hint::black_box(count).saturating_mul(count.saturating_add(1));
    twice.saturating_mul(7) / core::hint::black_box(14)
}

/// Hands a panic to the kernel, which reports it and stops the calling thread.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn tx_isp_panic() -> !;
    }
    // SAFETY: defined in tx_isp_main.c, takes nothing and never returns.
    unsafe { tx_isp_panic() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn selftest_sums_the_first_numbers() {
        assert_eq!(super::tx_isp_selftest(100), 5050);
    }
}
