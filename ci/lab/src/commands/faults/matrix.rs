// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Running the cases of the fault matrix, and what is said of them.

use anyhow::{Context, Result, bail};
use comfy_table::Table;
use guest_image::Progress;
use schemars::JsonSchema;
use serde::Serialize;
use testbed::capture::boot;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use tx_isp_tests::faults::{Case, Row, cases, guest, guest_cases, verify};

use super::options::{FaultsOptions, kinds};
use crate::output::{self, say};

/// What `--json` writes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Results<'a> {
    guest: bool,
    seed: u64,
    survived: usize,
    of: usize,
    cases: &'a [Row],
}

/// Runs the cases that were asked for: true if the driver made of each fault what it must.
///
/// # Errors
/// If there is no such case, or the results cannot be written.
pub fn run(options: &FaultsOptions) -> Result<bool> {
    let all = if options.guest {
        guest_cases()
    } else {
        cases()
    };
    let mut all = all.context("the matrix has a fault that is none")?;
    if !options.only.is_empty() {
        all.retain(|case| {
            let texts: Vec<String> = case.plan.faults.iter().map(ToString::to_string).collect();
            let wanted = |only: &String| texts.iter().any(|text| text.contains(only));
            options.only.iter().any(wanted)
        });
    }
    if all.is_empty() {
        bail!("no case has such a fault; the kinds are\n{}", kinds());
    }
    let rows: Vec<Row> = if options.guest {
        in_guest(options, &all)?
    } else {
        all.iter().map(|case| verify(case, options.seed)).collect()
    };
    let survived = rows.iter().filter(|row| row.passed()).count();
    if let Some(path) = &options.json {
        let results = Results {
            guest: options.guest,
            seed: options.seed,
            survived,
            of: rows.len(),
            cases: &rows,
        };
        output::write_json(path, &results)?;
    }
    say!("{}", table(&rows));
    for row in rows.iter().filter(|row| !row.passed()) {
        say!("problem: {}: {}", faults_of(row), row.problems.join("; "));
    }
    let place = if options.guest {
        "in the guest".to_owned()
    } else {
        format!("seed {}", options.seed)
    };
    say!("{survived} of {} cases survived ({place})", rows.len());
    Ok(survived == rows.len())
}

/// Runs cases in one guest, one after the other.
fn in_guest(options: &FaultsOptions, cases: &[Case]) -> Result<Vec<Row>> {
    let steps = Steps::new();
    let prepared = Prepared::new(&options.guest_options.config(), &steps)?;
    let mut running = boot(&prepared, &guest::scene(), &options.out, &steps)?;
    let mut rows = Vec::new();
    for case in cases {
        let name = case.plan.faults.iter().map(ToString::to_string);
        steps.start(&name.collect::<Vec<_>>().join(" "));
        let row = guest::verify(&mut running, case);
        if row.passed() {
            steps.finish("survived");
        } else {
            steps.fail();
        }
        rows.push(row);
    }
    running.power_off();
    Ok(rows)
}

fn table(rows: &[Row]) -> Table {
    let mut table = testbed::table::table();
    table.set_header(["fault", "must", "did", ""]);
    for row in rows {
        let verdict = if row.passed() { "survived" } else { "FAILED" };
        table.add_row([
            faults_of(row).as_str(),
            row.expected.as_str(),
            row.happened.as_str(),
            verdict,
        ]);
    }
    table
}

fn faults_of(row: &Row) -> String {
    if row.faults.is_empty() {
        return "none".to_owned();
    }
    row.faults.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    fn options(only: &str) -> FaultsOptions {
        parse(&["--only", only]).unwrap()
    }

    #[test]
    fn chosen_cases_are_survived_and_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faults.json");
        let options = FaultsOptions {
            json: Some(path.clone()),
            ..options("alien-done:frame")
        };
        assert!(run(&options).unwrap());
        let text = std::fs::read_to_string(path).unwrap();
        let results: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&results["survived"], &results["of"]),
            (&1.into(), &1.into())
        );
        assert_eq!(results["cases"][0]["faults"][0], "alien-done:frame=5");
        assert_eq!(results["cases"][0]["happened"], "30 good, 1 unmatched");
    }

    #[test]
    fn a_fault_without_a_case_comes_with_those_that_have_one() {
        let message = run(&options("meteor")).unwrap_err().to_string();
        assert!(message.contains("lost-frame"), "{message}");
    }
}
