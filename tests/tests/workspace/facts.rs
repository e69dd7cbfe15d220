// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The tables of `driver/abi/T31.md` that say what the model makes of each fact: every row says it, and every
//! register that a row names is known to the model.

use std::fs;

use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::RegisterId;

use super::root;

/// What a row may say.
const STATES: [&str; 5] = ["modelled", "stored", "open", "front", "5.5"];

/// Where the offsets of the second column count from.
const BLOCKS: [(&str, u32); 8] = [
    ("core", 0x1330_0000),
    ("ch", 0x1330_9900),
    ("vic", 0x133e_0000),
    ("csi", 0x1002_3000),
    ("phy", 0x1002_2000),
    ("cpm", 0x1000_0000),
    ("gpio", 0x1001_1000),
    ("i2c", 0x1005_0000),
];

/// The rows of chapters 2a and 2b: registers, and what the model makes of them.
fn rows(facts: &str) -> Vec<(&str, &str)> {
    let chapter = facts.lines().skip_while(|line| !line.starts_with("## 2a"));
    let chapter = chapter.take_while(|line| !line.starts_with("## 2c"));
    let rows = chapter.filter(|line| line.starts_with("| ") && !line.starts_with("| fact"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, registers, model] = cells.as_slice() else {
            panic!("{} cells: {row}", cells.len());
        };
        (*registers, *model)
    })
    .collect()
}

/// The addresses in a cell such as `core 04, 08; csi 10`.
fn addresses(cell: &str) -> Vec<u32> {
    let groups = cell.split(';').map(str::trim).filter(|group| *group != "-");
    groups
        .flat_map(|group| {
            let (block, offsets) = group.split_once(' ').unwrap_or_else(|| panic!("{cell}"));
            let base = BLOCKS.iter().find(|(name, _)| *name == block);
            let (_, base) = base.unwrap_or_else(|| panic!("no block {block}: {cell}"));
            offsets.split(',').map(move |offset| {
                let offset = u32::from_str_radix(offset.trim(), 16);
                base + offset.unwrap_or_else(|_| panic!("{group}"))
            })
        })
        .collect()
}

#[test]
fn every_row_says_what_the_model_makes_of_it_and_its_registers_are_known() {
    let facts = fs::read_to_string(root().join("driver/abi/T31.md")).unwrap();
    let rows = rows(&facts);
    assert!(rows.len() > 60, "{} rows", rows.len());
    let mut unknown = Vec::new();
    for (registers, model) in rows {
        assert!(
            STATES.iter().any(|state| model.starts_with(state)),
            "{model}"
        );
        for address in addresses(registers) {
            let address = PhysAddr(address);
            if RegisterId::decode(address).is_none() {
                unknown.push(format!("{address} in {registers}"));
            }
        }
    }
    assert!(unknown.is_empty(), "not known:\n{}", unknown.join("\n"));
}
