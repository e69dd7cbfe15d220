// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Coverage as tables.

use comfy_table::Table;
use tx_isp_abi::registers::Register;
use tx_isp_emulator::trace::{Access, BlockCoverage, Coverage, SEQUENCES};

/// What a trace exercises: registers and fields by block, then sequences.
pub fn report(trace: &[Access], untouched: bool) -> String {
    let coverage = Coverage::of(trace);
    let mut text = format!("{}\n\n{}\n", blocks(&coverage), sequences(&coverage));
    let undefined: Vec<(u32, u32)> = coverage.undefined.clone().into_iter().collect();
    for run in undefined.chunk_by(|(a, _), (b, _)| a + 4 == *b) {
        let times: u32 = run.iter().map(|(_, times)| times).sum();
        text += &match run {
            [(address, _)] => format!("undefined register {address:#010x}: {times} accesses\n"),
            [(first, _), .., (last, _)] => {
                format!("undefined registers {first:#010x} to {last:#010x}: {times} accesses\n")
            }
            [] => String::new(),
        };
    }
    if untouched {
        for covered in &coverage.blocks {
            let registers: Vec<&Register> = covered.untouched().collect();
            if !registers.is_empty() {
                text += &format!(
                    "untouched in {}: {}\n",
                    covered.block.name,
                    ranges(&registers)
                );
            }
        }
    }
    text
}

/// Registers' names, those that follow each other without a gap as a range.
fn ranges(registers: &[&Register]) -> String {
    let runs = registers.chunk_by(|a, b| a.offset + 4 == b.offset);
    let told = runs.map(|run| match run {
        [first, _, .., last] => format!(
            "{} to {} (+{:x} to +{:x}, {} registers)",
            first.name,
            last.name,
            first.offset,
            last.offset,
            run.len()
        ),
        few => {
            let names: Vec<&str> = few.iter().map(|register| register.name).collect();
            names.join(", ")
        }
    });
    told.collect::<Vec<_>>().join(", ")
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
        let trace =
            "W 133e0000 1\nR 133e0000 1\nR 12340000 0\nR 12350000 0\nR 12350004 0\nR 12350004 0\n";
        let trace = parse(trace).unwrap();
        let text = report(&trace, true);
        let vic = text.lines().find(|line| line.contains(" VIC ")).unwrap();
        let numbers: Vec<&str> = vic.split_whitespace().collect();
        assert_eq!(numbers[3..5], ["1", "1"], "{vic}");
        assert!(
            text.contains("undefined register 0x12340000: 1 accesses"),
            "{text}"
        );
        assert!(
            text.contains("undefined registers 0x12350000 to 0x12350004: 3 accesses"),
            "{text}"
        );
        assert!(
            text.contains("untouched in CPM: CPAPCR, CPMPCR, CLKGR0"),
            "{text}"
        );
        let gpio = text
            .lines()
            .find(|line| line.starts_with("untouched in GPIO"));
        assert!(gpio.unwrap().contains(" registers)"), "{text}");
        assert!(text.contains("recovery"), "{text}");
    }
}
