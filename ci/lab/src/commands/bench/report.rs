// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The answers: a table for each question, and all of them as JSON.

use crate::output::say;

use comfy_table::Table;
use schemars::JsonSchema;
use serde::Serialize;

use super::base::Question;
use super::figures::Row;
use super::host::Machine;
use testbed::prepare::Prepared;

/// Everything that was measured. The names are those of the JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    pub qemu_version: String,
    pub attach: String,
    /// The kernel of all questions that do not name one.
    pub kernel: String,
    /// How often each thing was measured.
    pub rounds: u32,
    /// In the order of asking.
    pub answers: Vec<Answer>,
}

/// What was found about one question.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The question's name.
    pub question: String,
    /// What it asks.
    pub title: &'static str,
    /// The figures.
    pub figures: Vec<Row>,
    /// Why there are none, if so.
    pub failure: Option<String>,
}

impl Report {
    /// Before the first question.
    pub fn new(prepared: &Prepared, rounds: u32) -> Self {
        Self {
            machine: Machine::now(),
            qemu_version: prepared.qemu.version.clone(),
            attach: prepared.carrier.to_string(),
            kernel: prepared.image.kernel_label.clone(),
            rounds,
            answers: Vec::new(),
        }
    }

    /// Whether each question was answered.
    pub fn is_complete(&self) -> bool {
        self.answers.iter().all(|answer| answer.failure.is_none())
    }

    /// What is to be said at the end.
    pub fn ending(&self) -> String {
        let rows = || self.answers.iter().flat_map(|answer| &answer.figures);
        let met = rows().filter(|row| row.met == Some(true)).count();
        let missed = rows().filter(|row| row.met == Some(false)).count();
        let open = rows()
            .filter(|row| row.aim.is_some() && row.met.is_none())
            .count();
        let load = |load: Option<f64>| load.map_or("?".to_owned(), |load| format!("{load:.1}"));
        format!(
            "aims: {met} met, {missed} missed, {open} not measured\n\
             medians (lowest .. highest) of {} rounds; {}, QEMU {}, ISP attached as {}\n\
             {} processors, load {} before and {} after",
            self.rounds,
            self.kernel,
            self.qemu_version,
            self.attach,
            self.machine.processors,
            load(self.machine.load_before),
            load(self.machine.load_after),
        )
    }
}

impl Answer {
    /// What was found.
    pub fn new(question: Question, figures: Vec<Row>) -> Self {
        Self {
            question: question.name(),
            title: question.title(),
            figures,
            failure: None,
        }
    }

    /// Nothing was found.
    pub fn failed(question: Question, error: &anyhow::Error) -> Self {
        Self {
            failure: Some(format!("{error:#}")),
            ..Self::new(question, Vec::new())
        }
    }

    /// Shows it.
    pub fn print(&self) {
        say!("\n{}: {}", self.question, self.title);
        if let Some(failure) = &self.failure {
            say!("not measured: {failure}");
            return;
        }
        say!("{}", self.table());
        for row in &self.figures {
            if let Some(note) = &row.note {
                say!("  {}: {note}", row.name);
            }
        }
    }

    fn table(&self) -> Table {
        let mut table = testbed::table::table();
        table.set_header(["", "figure", "baseline", "figure / baseline", "aim", ""]);
        for row in &self.figures {
            let baseline = row.baseline.as_ref();
            table.add_row([
                row.name.clone(),
                row.value.show(row.unit),
                baseline.map_or_else(String::new, |of| {
                    format!("{}: {}", of.name, of.value.show(row.unit))
                }),
                baseline.map_or_else(String::new, |of| of.ratio.show(super::figures::Unit::Count)),
                row.show_aim(),
                match row.met {
                    Some(true) => "met",
                    Some(false) => "MISSED",
                    None => "",
                }
                .to_owned(),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::{Aim, Spread, Unit};
    use super::*;

    fn report() -> Report {
        let spread = |values: [f64; 3]| values.into_iter().collect::<Spread>();
        let met = Row::new("fast", Unit::FramesPerSecond, spread([600.0, 650.0, 700.0]))
            .against("vivid", spread([100.0, 100.0, 100.0]))
            .aim(Aim::TimesAtLeast(5.0));
        let missed = Row::new("slow", Unit::Seconds, spread([8.0, 7.0, 9.0])).aim(Aim::AtMost(6.0));
        let open = Row::missing("gone", Unit::Seconds, "no file").aim(Aim::AtMost(1.0));
        Report {
            machine: Machine {
                processors: 2,
                load_before: Some(0.25),
                load_after: None,
            },
            qemu_version: "7.2".into(),
            attach: "gpio".into(),
            kernel: "debian".into(),
            rounds: 3,
            answers: vec![Answer::new(Question::Cpu, vec![met, missed, open])],
        }
    }

    #[test]
    fn the_table_says_what_was_met_and_what_was_not() {
        let report = report();
        let mut table = report.answers[0].table();
        let table = table.set_width(160).to_string();
        let line = |name: &str| table.lines().find(|line| line.contains(name)).unwrap();
        let fast = line("fast");
        for part in [
            "650 (600 .. 700) fps",
            "vivid: 100 (100 .. 100) fps",
            "6.50",
            "≥ 5.00 ×",
            "met",
        ] {
            assert!(fast.contains(part), "{part} is not in {fast}");
        }
        assert!(line("slow").contains("≤ 6.00 s") && line("slow").contains("MISSED"));
        assert!(!line("gone").contains("met") && !line("gone").contains("MISSED"));
        let ending = report.ending();
        assert!(
            ending.starts_with("aims: 1 met, 1 missed, 1 not measured\n"),
            "{ending}"
        );
        assert!(ending.ends_with("load 0.2 before and ? after"), "{ending}");
    }

    #[test]
    fn a_failed_question_is_in_the_json_with_its_reason() {
        let mut report = report();
        assert!(report.is_complete());
        let error = anyhow::anyhow!("no such file").context("reading it");
        report.answers.push(Answer::failed(Question::Dma, &error));
        assert!(!report.is_complete());
        let file = tempfile::NamedTempFile::new().unwrap();
        crate::output::write_json(file.path(), &report).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["answers"][0]["question"], "cpu");
        assert_eq!(json["answers"][0]["figures"][0]["met"], true);
        assert_eq!(json["answers"][1]["failure"], "reading it: no such file");
    }
}
