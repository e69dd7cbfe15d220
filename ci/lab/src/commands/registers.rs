// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab registers`: the register reference, printed, written or checked.

use crate::output::{say, say_text};
use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::reference::{BlockPage, INDEX_FILE, IndexPage};
use tx_isp_abi::registers::{Access, BLOCKS, Block, Register, RegisterId};

use testbed::prepare::repository;

/// Where the pages are kept, from the project's folder.
const FOLDER: &str = "driver/abi/registers";

/// `cargo lab registers`
#[derive(Debug, Clone, Args)]
pub struct RegistersOptions {
    /// Writes all pages into driver/abi/registers
    #[arg(long, conflicts_with_all = ["check", "what"])]
    pub write: bool,
    /// Fails if a page in driver/abi/registers is not current
    #[arg(long, conflicts_with = "what")]
    pub check: bool,
    /// A block, a register's name or an address to print, as in VIC, CH_EN, MSCA.CH_EN or 0x13309904;
    /// without it the list of blocks. Lists are text in a terminal and Markdown elsewhere
    #[arg(value_name = "BLOCK|NAME|ADDRESS")]
    pub what: Option<String>,
}

/// A page and its file.
struct Page {
    file: PathBuf,
    text: String,
}

/// Runs the command; false if a page is not current.
///
/// # Errors
/// If this is no checkout, or a page cannot be written.
pub fn command(options: &RegistersOptions) -> Result<bool> {
    let layout = match stdout().is_terminal() {
        true => Layout::Text,
        false => Layout::Markdown,
    };
    if let Some(what) = &options.what {
        say_text!("{}", look_up(what, layout)?);
        return Ok(true);
    }
    if !options.write && !options.check {
        say_text!("{}", index(layout));
        return Ok(true);
    }
    let folder = repository()?.join(FOLDER);
    if options.write {
        return write(&folder).map(|()| true);
    }
    let stale = stale(&folder);
    for page in &stale {
        say!("{} is not current", page.display());
    }
    if !stale.is_empty() {
        say!("run `cargo lab registers --write`");
    }
    Ok(stale.is_empty())
}

/// For whom a list of registers is.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// A person at a terminal.
    Text,
    /// A file.
    Markdown,
}

/// All blocks.
fn index(layout: Layout) -> String {
    match layout {
        Layout::Markdown => IndexPage.to_string(),
        Layout::Text => BLOCKS
            .iter()
            .map(|block| {
                let count = block.registers.len();
                format!(
                    "{:#010x}  {:<15} {count} registers\n",
                    block.base.0, block.name
                )
            })
            .collect(),
    }
}

/// All registers of a block.
fn list(block: &'static Block, layout: Layout) -> String {
    match layout {
        Layout::Markdown => BlockPage(block).to_string(),
        Layout::Text => {
            let entries = block
                .registers
                .iter()
                .map(|register| entry(block, register));
            entries.collect()
        }
    }
}

/// What is known under a block's name, a register's name or an address.
fn look_up(what: &str, layout: Layout) -> Result<String> {
    let digits = what.strip_prefix("0x").or_else(|| what.strip_prefix("0X"));
    if let Some(digits) = digits {
        let address = u32::from_str_radix(digits, 16)
            .with_context(|| format!("{what} is no address; write one as in 0x13309904"))?;
        return at(PhysAddr(address));
    }
    let same = |name: &str| name.eq_ignore_ascii_case(what);
    if let Some(block) = BLOCKS.into_iter().find(|block| same(block.name)) {
        return Ok(list(block, layout));
    }
    let mut found = String::new();
    for block in BLOCKS {
        let is_meant = |register: &&Register| {
            same(register.name) || same(&format!("{}.{}", block.name, register.name))
        };
        for register in block.registers.iter().filter(is_meant) {
            found += &entry(block, register);
        }
    }
    if found.is_empty() {
        let names = BLOCKS.map(|block| block.name);
        bail!(
            "{what} is neither a register's name nor an address as in 0x13309904, nor a block: {}",
            names.join(", ")
        );
    }
    Ok(found)
}

/// The register at an address.
fn at(address: PhysAddr) -> Result<String> {
    if let Some(register) = RegisterId::decode(address) {
        let instance = format!("{:#010x}\n", address.0);
        return Ok(instance + &entry(register.block(), register.describe()));
    }
    let block = BLOCKS
        .into_iter()
        .find(|block| block.offset_of(address).is_some());
    match block {
        Some(block) => bail!(
            "no register is known at {:#010x}, which lies in {}",
            address.0,
            block.name
        ),
        None => bail!("{:#010x} is no address of the ISP", address.0),
    }
}

/// What reading and writing does, in a word.
const fn access(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read only",
        Access::ReadWrite => "holds what is written",
        Access::Command => "a command",
        Access::Acknowledge => "clears what is written",
        Access::FifoPush => "a write appends to a FIFO",
        Access::FifoPop => "a read takes from a FIFO",
        Access::FifoClear => "a write of 1 empties a FIFO",
    }
}

/// One register as text.
fn entry(block: &Block, register: &Register) -> String {
    let addresses = (0..block.instances)
        .map(|instance| block.base.0 + instance * block.stride + register.offset)
        .map(|address| format!("{address:#010x}"));
    let mut text = format!(
        "{}.{} at {}: {}, reset {:#x}\n  {} ({})\n",
        block.name,
        register.name,
        addresses.collect::<Vec<_>>().join(", "),
        access(register.access),
        register.reset,
        register.doc,
        register.source
    );
    let width = register.fields.iter().map(|field| field.name.len()).max();
    for field in register.fields {
        let width = width.unwrap_or_default();
        text += &format!("  {:<width$} {}\n", field.name, field.doc);
    }
    text
}

fn pages(folder: &Path) -> Vec<Page> {
    let index = Page {
        file: folder.join(INDEX_FILE),
        text: IndexPage.to_string(),
    };
    let blocks = BLOCKS.into_iter().map(|block| Page {
        file: folder.join(BlockPage(block).file().to_string()),
        text: BlockPage(block).to_string(),
    });
    std::iter::once(index).chain(blocks).collect()
}

fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for Page { file, text } in pages(folder) {
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn stale(folder: &Path) -> Vec<PathBuf> {
    let current = |page: &Page| fs::read_to_string(&page.file).is_ok_and(|kept| kept == page.text);
    let stale = pages(folder).into_iter().filter(|page| !current(page));
    stale.map(|page| page.file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_pages_are_current_until_one_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("registers");
        assert_eq!(stale(&folder).len(), 1 + BLOCKS.len());
        write(&folder).unwrap();
        assert_eq!(stale(&folder), Vec::<PathBuf>::new());
        fs::write(folder.join("vic.md"), "something else").unwrap();
        assert_eq!(stale(&folder), [folder.join("vic.md")]);
    }

    #[test]
    fn lists_are_markdown_but_for_a_person() {
        let markdown = look_up("vic", Layout::Markdown).unwrap();
        assert!(markdown.contains("| 0x133e0000 | CTRL |"), "{markdown}");
        let text = look_up("vic", Layout::Text).unwrap();
        assert!(text.contains("VIC.CTRL at 0x133e0000"), "{text}");
        assert!(text.lines().all(|line| !line.starts_with('|')), "{text}");
        assert!(index(Layout::Text).contains("0x133e0000  VIC"));
    }

    #[test]
    fn blocks_registers_and_addresses_are_looked_up() {
        let look_up = |what: &str| look_up(what, Layout::Text);
        assert!(look_up("msca_ch").unwrap().contains("MSCA_CH"));
        assert_eq!(look_up("msca.ch_en").unwrap(), look_up("CH_EN").unwrap());
        let enable = look_up("0x13309804").unwrap();
        assert!(enable.contains("MSCA.CH_EN at 0x13309804"), "{enable}");
        assert_eq!(
            enable.lines().skip(1).collect::<Vec<_>>(),
            look_up("ch_en").unwrap().lines().collect::<Vec<_>>()
        );
        // The second channel's register is told with the addresses of all three.
        let step = look_up("0x13309a04").unwrap();
        assert!(
            step.contains("0x13309904, 0x13309a04, 0x13309b04"),
            "{step}"
        );
        for (what, right) in [
            ("isp", "MIPI_PHY"),
            ("0xzz", "as in 0x13309904"),
            ("0x20000000", "no address of the ISP"),
            ("0x13309905", "no register is known"),
        ] {
            let message = format!("{:#}", look_up(what).unwrap_err());
            assert!(message.contains(right), "{what}: {message}");
        }
    }
}
