// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Addresses, values and times as traces write them.

use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::Efuse;

/// KSEG0 and KSEG1 show the lowest 512 MiB again from here on (T31 1.1).
const KSEG0: u32 = 0x8000_0000;
const KSEG2: u32 = 0xc000_0000;
const PHYSICAL: u32 = 0x1fff_ffff;

/// A register's physical address; `None` inside a word.
pub(super) fn physical(address: u32) -> Option<PhysAddr> {
    let address = unmapped(address);
    address.is_multiple_of(4).then_some(PhysAddr(address))
}

/// What an address of KSEG0 or KSEG1 stands for.
pub(super) const fn unmapped(address: u32) -> u32 {
    match address {
        KSEG0..KSEG2 => address & PHYSICAL,
        physical => physical,
    }
}

/// The eFUSE is read across words, too, as the client library does (T31 1.4).
pub(super) fn in_efuse(address: u32) -> Option<PhysAddr> {
    let address = PhysAddr(unmapped(address));
    Efuse::BLOCK.offset_of(address).map(|_| address)
}

pub(super) fn hexadecimal(word: &str) -> Option<u32> {
    u32::try_from(hexadecimal_64(word)?).ok()
}

pub(super) fn hexadecimal_64(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x").or(word.strip_prefix("0X"));
    let digits = digits.unwrap_or(word);
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// Seconds with up to nine digits behind the point, as nanoseconds.
pub(super) fn seconds(word: &str) -> Option<u64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds: u64 = format!("{fraction:0<9}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}
