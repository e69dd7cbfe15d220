// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The register reference: one Markdown page for each block, and the index with the counts.
//!
//! A page is a [`fmt::Display`]: nothing is allocated, nothing is read but the definitions. The pages
//! are kept in `driver/abi/registers/`; `cargo lab registers --write` renews them.

use super::facts::{FACTS, SECTIONS};
use super::{Access, BLOCKS, Block, Fidelity, Field, Register, RegisterId};
use crate::PhysAddr;
use core::fmt;

/// The page of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockPage(pub &'static Block);

/// The page that lists the blocks.
#[derive(Clone, Copy, Debug)]
pub struct IndexPage;

/// How many registers there are, by how much of them is modelled; each instance counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registers whose effect is modelled.
    pub modelled: u32,
    /// Registers that hold their value.
    pub storage: u32,
    /// Registers of unknown meaning.
    pub unknown: u32,
}

/// The name of the index page's file.
pub const INDEX_FILE: &str = "README.md";

impl Counts {
    /// The registers of one block.
    #[must_use]
    pub fn of(block: &Block) -> Self {
        let mut counts = Self::default();
        for register in block.registers {
            *match register.fidelity {
                Fidelity::Modelled => &mut counts.modelled,
                Fidelity::Storage => &mut counts.storage,
                Fidelity::Unknown => &mut counts.unknown,
            } += block.instances;
        }
        counts
    }

    /// The registers of all blocks.
    #[must_use]
    pub fn all() -> Self {
        BLOCKS
            .into_iter()
            .map(Self::of)
            .fold(Self::default(), |sum, block| Self {
                modelled: sum.modelled + block.modelled,
                storage: sum.storage + block.storage,
                unknown: sum.unknown + block.unknown,
            })
    }

    /// All of them.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.modelled + self.storage + self.unknown
    }
}

/// How many of the addresses that a section of the reference names are registers here, and how many
/// it names.
#[must_use]
pub fn coverage(section: &str) -> (usize, usize) {
    let addresses = || {
        let named = FACTS.iter().filter(|named| named.section == section);
        named.flat_map(|named| {
            named
                .offsets
                .iter()
                .map(|offset| PhysAddr(named.base + offset))
        })
    };
    (
        addresses().filter(|address| is_declared(*address)).count(),
        addresses().count(),
    )
}

/// Whether a register of its own is at `address`, not just a word of a table.
fn is_declared(address: PhysAddr) -> bool {
    RegisterId::decode(address).is_some_and(|id| !matches!(id, RegisterId::Parameter(_)))
}

impl BlockPage {
    /// The name of the page's file.
    #[must_use]
    pub fn file(self) -> impl fmt::Display {
        FileName(self.0.name)
    }
}

struct FileName(&'static str);

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            let letter = if letter == '_' {
                '-'
            } else {
                letter.to_ascii_lowercase()
            };
            write!(f, "{letter}")?;
        }
        f.write_str(".md")
    }
}

impl fmt::Display for BlockPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Block {
            name,
            doc,
            base,
            stride,
            instances,
            registers,
        } = self.0;
        writeln!(f, "<!-- Written by `cargo lab registers --write`. -->")?;
        writeln!(f, "# {name}\n\n{}\n", doc.trim())?;
        write!(f, "At {base}, {stride:#x} bytes")?;
        match instances {
            1 => writeln!(f, ".")?,
            _ => writeln!(f, " each, {instances} times.")?,
        }
        writeln!(f, "{}\n", Summary(Counts::of(self.0)))?;
        writeln!(
            f,
            "| address | name | access | reset | fidelity | meaning | source |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        registers
            .iter()
            .try_for_each(|register| row(f, *base, register))?;
        let mut with_fields = registers
            .iter()
            .filter(|register| !register.fields.is_empty());
        with_fields.try_for_each(|register| fields(f, register))
    }
}

fn row(f: &mut fmt::Formatter<'_>, base: PhysAddr, register: &Register) -> fmt::Result {
    writeln!(
        f,
        "| {} | {} | {} | {:#010x} | {} | {} | {} |",
        PhysAddr(base.0 + register.offset),
        register.name,
        access(register.access),
        register.reset,
        fidelity(register.fidelity),
        register.doc.trim(),
        register.source,
    )
}

fn fields(f: &mut fmt::Formatter<'_>, register: &Register) -> fmt::Result {
    writeln!(
        f,
        "\n## {}\n\n| bits | field | meaning |\n|---|---|---|",
        register.name
    )?;
    register.fields.iter().try_for_each(|field| {
        let Field {
            name,
            lsb,
            width,
            doc,
        } = field;
        match width {
            1 => write!(f, "| {lsb} ")?,
            _ => write!(f, "| {}:{lsb} ", lsb + width - 1)?,
        }
        writeln!(f, "| {name} | {doc} |")
    })
}

impl fmt::Display for IndexPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<!-- Written by `cargo lab registers --write`. -->")?;
        writeln!(f, "# Registers of the T31's ISP\n")?;
        writeln!(
            f,
            "*Modelled* registers have their effect in the chip model, *storage* holds what is written, of\n\
             *unknown* ones only the address and sampled values are known. Sources are sections of the T31 reference.\n"
        )?;
        writeln!(f, "| block | base | modelled | storage | unknown | |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for block in BLOCKS {
            let Counts {
                modelled,
                storage,
                unknown,
            } = Counts::of(block);
            writeln!(
                f,
                "| [{}]({}) | {} | {modelled} | {storage} | {unknown} | {} |",
                block.name,
                BlockPage(block).file(),
                block.base,
                block.doc.trim(),
            )?;
        }
        writeln!(f, "\n{}\n", Summary(Counts::all()))?;
        writeln!(
            f,
            "Words of ISP_TUNING and ISP_STATISTICS without a name hold what is written: the driver's\n\
             parameter tables (T31 2.6).\n"
        )?;
        writeln!(
            f,
            "| section | addresses that it names | registers here |\n|---|---|---|"
        )?;
        SECTIONS.iter().try_for_each(|section| {
            let (declared, named) = coverage(section);
            writeln!(f, "| T31 {section} | {named} | {declared} |")
        })
    }
}

struct Summary(Counts);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            modelled,
            storage,
            unknown,
        } = self.0;
        write!(
            f,
            "{} registers: {modelled} modelled, {storage} storage, {unknown} unknown.",
            self.0.total()
        )
    }
}

const fn access(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read",
        Access::ReadWrite => "read, write",
        Access::Command => "command",
        Access::Acknowledge => "write 1 to clear",
        Access::FifoPush => "FIFO push",
        Access::FifoPop => "FIFO pop",
        Access::FifoClear => "FIFO clear",
    }
}

const fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Modelled => "modelled",
        Fidelity::Storage => "storage",
        Fidelity::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::string::ToString;

    #[test]
    fn every_address_that_the_reference_names_is_declared() {
        for named in FACTS {
            for offset in named.offsets {
                let address = PhysAddr(named.base + offset);
                assert!(is_declared(address), "T31 {}: {address}", named.section);
            }
            assert!(SECTIONS.contains(&named.section), "{}", named.section);
        }
        for section in SECTIONS {
            let (declared, named) = coverage(section);
            assert!(named > 0 && declared == named, "T31 {section}");
        }
    }

    #[test]
    fn the_kept_pages_are_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("registers");
        let check = |file: &str, page: &str| {
            let kept = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            assert!(
                kept == page,
                "{file} is not current: run `cargo lab registers --write`"
            );
        };
        check(INDEX_FILE, &IndexPage.to_string());
        for block in BLOCKS {
            let page = BlockPage(block);
            check(&page.file().to_string(), &page.to_string());
        }
    }

    #[test]
    fn a_page_shows_registers_with_their_fields() {
        let page = BlockPage(super::super::Vic::BLOCK).to_string();
        assert!(page.contains("# VIC\n"));
        assert!(page.contains(
            "| 0x133e0100 | LINE_WORDS | read, write | 0x000002d0 | storage | 32-bit words in a line: "
        ));
        assert!(page.contains("## IRQ_STATUS_0\n"));
        assert!(page.contains("| 0 | VIC_FRAME_DONE | A frame has come in. |"));
        assert!(page.contains("| 13:10 | VIC_HORIZONTAL_ERROR |"));
    }
}
