// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab registers`: the register reference, printed, written or checked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use tx_isp_abi::registers::reference::{BlockPage, INDEX_FILE, IndexPage};
use tx_isp_abi::registers::{BLOCKS, Block};

use testbed::prepare::repository;

/// Where the pages are kept, from the project's folder.
const FOLDER: &str = "driver/abi/registers";

/// `cargo lab registers`
#[derive(Debug, Clone, Args)]
pub struct RegistersOptions {
    /// Writes all pages into driver/abi/registers
    #[arg(long, conflicts_with_all = ["check", "block"])]
    pub write: bool,
    /// Fails if a page in driver/abi/registers is not current
    #[arg(long, conflicts_with = "block")]
    pub check: bool,
    /// The block to print; without it the list of blocks
    #[arg(value_name = "BLOCK", value_parser = parse_block)]
    pub block: Option<&'static Block>,
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
    if let Some(block) = options.block {
        print!("{}", BlockPage(block));
        return Ok(true);
    }
    if !options.write && !options.check {
        print!("{IndexPage}");
        return Ok(true);
    }
    let folder = repository()?.join(FOLDER);
    if options.write {
        return write(&folder).map(|()| true);
    }
    let stale = stale(&folder);
    for page in &stale {
        println!("{} is not current", page.display());
    }
    if !stale.is_empty() {
        println!("run `cargo lab registers --write`");
    }
    Ok(stale.is_empty())
}

fn parse_block(text: &str) -> Result<&'static Block> {
    let found = BLOCKS
        .into_iter()
        .find(|block| block.name.eq_ignore_ascii_case(text));
    let Some(block) = found else {
        let names = BLOCKS.map(|block| block.name);
        bail!("the blocks are {}", names.join(", "));
    };
    Ok(block)
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
    fn a_block_is_found_by_its_name_in_any_case() {
        assert_eq!(parse_block("msca_ch").unwrap().name, "MSCA_CH");
        let message = parse_block("isp").unwrap_err().to_string();
        assert!(message.contains("CPM, MIPI_PHY"), "{message}");
    }
}
