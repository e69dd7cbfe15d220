// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Coverage as tables.

use comfy_table::Table;
use tx_isp_emulator::trace::{Access, BlockCoverage, Coverage, SEQUENCES};

/// What a trace exercises: registers and fields by block, then sequences.
pub fn report(trace: &[Access], untouched: bool) -> String {
    let coverage = Coverage::of(trace);
    let mut text = format!("{}\n\n{}\n", blocks(&coverage), sequences(&coverage));
    for (address, times) in &coverage.undefined {
        text += &format!("undefined register {address:#010x}: {times} accesses\n");
    }
    if untouched {
        for covered in &coverage.blocks {
            let names: Vec<&str> = covered.untouched().map(|register| register.name).collect();
            if !names.is_empty() {
                text += &format!(
                    "untouched in {}: {}\n",
                    covered.block.name,
                    names.join(", ")
                );
            }
        }
    }
    text
}

fn blocks(coverage: &Coverage) -> Table {
    let mut table = testbed::table::table();
    table.set_header([
        "block",
        "registers",
        "read",
        "written",
        "untouched",
        "fields seen set",
    ]);
    for covered in &coverage.blocks {
        let BlockCoverage {
            block,
            read,
            written,
            fields,
        } = covered;
        table.add_row([
            block.name.to_owned(),
            block.registers.len().to_string(),
            read.len().to_string(),
            written.len().to_string(),
            covered.untouched().count().to_string(),
            format!("{} of {}", fields.len(), covered.all_fields()),
        ]);
    }
    table
}

fn sequences(coverage: &Coverage) -> Table {
    let mut table = testbed::table::table();
    table.set_header(["sequence", "times", "what it is"]);
    for ((name, what), times) in SEQUENCES.iter().zip(coverage.sequences) {
        table.add_row([(*name).to_owned(), times.to_string(), (*what).to_owned()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_emulator::trace::parse;

    #[test]
    fn what_is_touched_and_what_is_not_is_told() {
        let trace = parse("W 133e0000 1\nR 133e0000 1\nR 12340000 0\n").unwrap();
        let text = report(&trace, true);
        let vic = text.lines().find(|line| line.contains(" VIC ")).unwrap();
        let numbers: Vec<&str> = vic.split_whitespace().collect();
        assert_eq!(numbers[3..5], ["1", "1"], "{vic}");
        assert!(
            text.contains("undefined register 0x12340000: 1 accesses"),
            "{text}"
        );
        assert!(
            text.contains("untouched in CPM: CPAPCR, CPMPCR, CLKGR0"),
            "{text}"
        );
        assert!(text.contains("recovery"), "{text}");
    }
}
