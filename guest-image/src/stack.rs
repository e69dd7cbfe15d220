// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How much of the kernel's stack a module's functions take: it has 8 KB, and what runs over its end
//! is found by nobody but the memory behind it.

use std::path::Path;

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use crate::cache;
use crate::error::{Error, Result};

/// The most that one function may take: half of the stack.
pub(crate) const LIMIT: u32 = 4096;

/// `addiu $sp, $sp, immediate`, without the immediate.
const MOVE_STACK: u32 = 0x27bd_0000;

/// Fails if a function of a module takes more than [`LIMIT`].
pub(crate) fn check(module: &Path) -> Result<()> {
    let frames = frames(&cache::read(module)?).map_err(|error| Error::Unexpected {
        tool: "the kernel's build",
        detail: format!("{} is no module: {error}", module.display()),
    })?;
    match frames.into_iter().max() {
        Some((bytes, function)) if bytes > LIMIT => Err(Error::Stack {
            function,
            bytes,
            limit: LIMIT,
        }),
        _ => Ok(()),
    }
}

/// Bytes of stack and name of each function that takes any.
fn frames(module: &[u8]) -> object::read::Result<Vec<(u32, String)>> {
    let file = object::File::parse(module)?;
    let mut frames = Vec::new();
    for symbol in file.symbols() {
        let Some(section) = symbol.section_index() else {
            continue;
        };
        if symbol.kind() != SymbolKind::Text {
            continue;
        }
        let section = file.section_by_index(section)?;
        let code = section.data_range(symbol.address(), symbol.size())?;
        let bytes = code.map_or(0, deepest);
        if bytes > 0 {
            frames.push((bytes, symbol.name()?.to_owned()));
        }
    }
    Ok(frames)
}

/// The most by which one instruction of little-endian code moves the stack pointer down.
fn deepest(code: &[u8]) -> u32 {
    code.as_chunks()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .filter(|word| word & 0xffff_0000 == MOVE_STACK)
        .map(|word| (word & 0xffff).wrapping_neg() & 0xffff)
        // Upwards: a positive number.
        .filter(|bytes| *bytes <= 0x8000)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn the_deepest_move_counts_and_only_downwards() {
        // addiu sp, sp, -32; addiu sp, sp, -4016; addiu sp, sp, 32; addiu a0, sp, -5000
        let words = [0x27bd_ffe0, 0x27bd_f050, 0x27bd_0020, 0x27a4_ec78];
        assert_eq!(deepest(&code(&words)), 4016);
        assert_eq!(deepest(&code(&words[2..])), 0);
        assert_eq!(deepest(&code(&[0x27bd_8000])), 0x8000);
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = check(file.path()).unwrap_err().to_string();
        assert!(error.contains("is no module"), "{error}");
    }
}
