// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Debian's v4l2-compliance with the format names of the guest's kernel, beside the unmodified one.
//!
//! The names are changed in the program that apt fetched and verified: that needs neither its
//! source, which not every mirror of the binary packages has, nor a compiler; and what is left
//! alone is so to the byte.

use crate::error::{Error, Result};

/// Debian's tool as it is, in the guest.
pub const UNMODIFIED: &str = "/usr/bin/v4l2-compliance";

/// The same with [`CHANGE`] applied.
pub const CORRECTED: &str = "/usr/bin/v4l2-compliance-6.1";

/// What differs and why: prose, then lines with `-` (a whole string of the program) and `+` (what
/// stands in its place), in pairs.
pub const CHANGE: &str = include_str!("../v4l-utils/v4l2-compliance-6.1.patch");

/// The program with [`CHANGE`] applied.
pub(crate) fn corrected(program: &[u8]) -> Result<Vec<u8>> {
    replaced(program, CHANGE).map_err(|detail| Error::Unexpected {
        tool: "Debian's v4l2-compliance",
        detail,
    })
}

/// Replaces whole zero-terminated strings by ones that are not longer.
fn replaced(program: &[u8], change: &str) -> std::result::Result<Vec<u8>, String> {
    let mut changed = program.to_vec();
    for (old, new) in pairs(change)? {
        // The zero in front keeps it from being the end of a longer string.
        let pattern = [b"\0", old.as_bytes(), b"\0"].concat();
        let mut found = (0..program.len()).filter(|&at| {
            program
                .get(at..)
                .is_some_and(|rest| rest.starts_with(&pattern))
        });
        let (Some(at), None) = (found.next(), found.next()) else {
            return Err(format!("\"{old}\" is not in it exactly once"));
        };
        let mut place = changed
            .iter_mut()
            .skip(at.saturating_add(1))
            .take(old.len());
        for byte in new.bytes() {
            *place
                .next()
                .ok_or_else(|| format!("\"{new}\" is longer than \"{old}\""))? = byte;
        }
        place.for_each(|rest| *rest = 0);
    }
    Ok(changed)
}

/// The `-` and `+` lines of a change.
fn pairs(change: &str) -> std::result::Result<Vec<(&str, &str)>, String> {
    let lines: Vec<&str> = change
        .lines()
        .filter(|line| line.starts_with(['-', '+']))
        .collect();
    lines
        .chunks(2)
        .map(|pair| match pair {
            [old, new] => old.strip_prefix('-').zip(new.strip_prefix('+')),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()
        .filter(|pairs| !pairs.is_empty())
        .ok_or_else(|| "the change is no list of - and + lines in pairs".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_names_are_changed() {
        let program = b"\x7fELF\0Planar Y/CbCr 4:2:0\0Y/CbCr 4:2:0\0Y/CrCb 4:2:0\0Y/CbCr 4:2:2\0";
        let expected =
            b"\x7fELF\0Planar Y/CbCr 4:2:0\0Y/UV 4:2:0\0\0\0Y/VU 4:2:0\0\0\0Y/CbCr 4:2:2\0";
        assert_eq!(corrected(program).unwrap(), expected);
    }

    #[test]
    fn a_program_that_holds_a_name_never_or_twice_is_left_alone() {
        for program in [
            &b"\0Y/UV 4:2:0\0"[..],
            b"\0Y/CbCr 4:2:0\0\0Y/CbCr 4:2:0\0\0Y/CrCb 4:2:0\0",
        ] {
            let error = corrected(program).unwrap_err().to_string();
            assert!(
                error.contains("\"Y/CbCr 4:2:0\" is not in it exactly once"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_change_that_has_no_room_or_no_partner_is_refused() {
        let program = b"\0ab\0";
        let error = replaced(program, "why\n-ab\n+abc\n").unwrap_err();
        assert_eq!(error, "\"abc\" is longer than \"ab\"");
        for change in ["why\n", "-ab\n", "+ab\n-ab\n", "-a\n-b\n"] {
            assert!(replaced(program, change).is_err(), "{change}");
        }
    }
}
