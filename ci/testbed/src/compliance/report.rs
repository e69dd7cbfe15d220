// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The result of `cargo lab compliance`: a table, the tool's own lines, and JSON.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use comfy_table::Table;
use guest_image::compliance::CHANGE;
use schemars::JsonSchema;
use serde::Serialize;
use tx_isp_alloc::Strategy;

use super::output::{Remark, Totals};
use crate::prepare::Prepared;
use crate::sensor::SensorConfig;

/// Which v4l2-compliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Debian's with the kernel's format names.
    Corrected,
    /// Debian's as it is.
    Unmodified,
}

impl Tool {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Corrected => "corrected",
            Self::Unmodified => "unmodified",
        }
    }
}

/// The format that a run began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Format {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The V4L2 code's letters.
    pub fourcc: [char; 4],
}

impl Format {
    /// Reads what v4l2-ctl prints.
    pub fn find(output: &str) -> Option<Self> {
        let value = |name: &str| {
            output.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then_some(value.trim())
            })
        };
        let (width, height) = value("Width/Height")?.split_once('/')?;
        let mut letters = value("Pixel Format")?.strip_prefix('\'')?.chars();
        let mut letter = || letters.next();
        Some(Self {
            width: width.parse().ok()?,
            height: height.parse().ok()?,
            fourcc: [letter()?, letter()?, letter()?, letter()?],
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = self.fourcc.iter().collect();
        write!(f, "{} {}x{}", name.trim_end(), self.width, self.height)
    }
}

/// One run of the tool.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ran {
    /// On which device.
    pub device: String,
    /// Which tool.
    pub tool: Tool,
    /// With which options.
    pub command: String,
    /// The current format at its beginning; none where the tool sets all by itself.
    pub format: Option<Format>,
    /// How it ended.
    pub end: String,
    /// Its numbers, if it came to its end.
    pub totals: Option<Totals>,
    /// What it found wrong.
    pub remarks: Vec<Remark>,
    /// How long it took.
    pub seconds: f64,
    /// Its whole output.
    pub log: PathBuf,
}

impl Ran {
    /// The numbers in short.
    pub fn headline(&self) -> String {
        match &self.totals {
            Some(totals) => format!(
                "{} tests, {} failed, {} warnings",
                totals.tests, totals.failed, totals.warnings
            ),
            None => format!("did not come to its end ({})", self.end),
        }
    }

    /// Whether nothing was wrong but what the tool does not know yet of a newer kernel.
    fn is_clean(&self, is_newer: bool) -> bool {
        let Some(totals) = &self.totals else {
            return false;
        };
        if self.remarks.is_empty() {
            return totals.is_clean();
        }
        is_newer
            && self.remarks.iter().all(is_of_newer_kernels)
            && totals.warnings == 0
            && usize::try_from(totals.failed).is_ok_and(|failed| failed == self.remarks.len())
    }
}

/// Whether a remark is about what kernels behind 6.1 do for every driver: VIDIOC_CREATE_BUFS tells how many
/// buffers a queue can have where Debian's tool (1.22.1) still expects zeros.
fn is_of_newer_kernels(remark: &Remark) -> bool {
    remark
        .text
        .ends_with("check_0(crbufs.reserved, sizeof(crbufs.reserved))")
}

/// Whether a kernel is newer than the one that the tool is of. Its release is its label's last word.
fn is_newer(kernel: &str) -> bool {
    let release = kernel.rsplit(' ').next().unwrap_or(kernel);
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|word| word.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) > (6, 1)
}

/// Everything that was found. The names are those of the JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether each run of the corrected tool was clean, and the kernel silent.
    pub passed: bool,
    /// Who allocated.
    pub strategy: String,
    /// What drove the frame clock.
    pub clock: String,
    /// The guest's kernel, as the lab calls it.
    pub kernel: String,
    /// What differs between the two tools, and why.
    pub change: &'static str,
    /// Every run of the tool.
    pub runs: Vec<Ran>,
    /// Lines of the kernel's log that tell of a mistake.
    pub kernel_complaints: Vec<String>,
}

impl Report {
    /// Verifies the runs.
    pub fn new(
        prepared: &Prepared,
        scene: &SensorConfig,
        strategy: Strategy,
        runs: Vec<Ran>,
        kernel_complaints: Vec<String>,
    ) -> Self {
        Self {
            passed: passed(
                &runs,
                &kernel_complaints,
                is_newer(&prepared.image.kernel_label),
            ),
            strategy: strategy.name().to_owned(),
            clock: scene.fps.to_string(),
            kernel: prepared.image.kernel_label.clone(),
            change: CHANGE,
            runs,
            kernel_complaints,
        }
    }

    /// What is printed.
    pub fn text(&self, logs: &Path) -> String {
        let mut text = format!(
            "v4l2-compliance, strategy {}, {}, {}\n\n{}\n\nThe tool's own totals:\n",
            self.strategy,
            self.kernel,
            self.clock,
            self.table()
        );
        for ran in &self.runs {
            let totals = match &ran.totals {
                Some(totals) => totals.line.clone(),
                None => ran.headline(),
            };
            text += &format!("  {:<10} {totals}\n", ran.tool.name());
        }
        text += &self.remarks();
        if !self.kernel_complaints.is_empty() {
            text += "\nThe kernel complained:\n";
            for line in &self.kernel_complaints {
                text += &format!("  {line}\n");
            }
        }
        text += "\nThe corrected tool is Debian's with this change:\n\n";
        for line in CHANGE.lines() {
            text += &format!("  {line}\n");
        }
        text += &format!(
            "\n{}; whole outputs in {}\n",
            if self.passed { self.praise() } else { "FAILED" },
            logs.display()
        );
        text
    }

    fn praise(&self) -> &'static str {
        if self
            .runs
            .iter()
            .any(|ran| ran.remarks.iter().any(is_of_newer_kernels))
        {
            "passed: no failure of the driver's, 0 warnings (the tool does not know max_num_buffers, which \
             VIDIOC_CREATE_BUFS of this kernel tells for every driver)"
        } else {
            "passed: 0 failures, 0 warnings"
        }
    }

    fn table(&self) -> Table {
        let mut table = crate::table::table();
        table.set_header([
            "tool", "options", "format", "tests", "failures", "warnings", "time",
        ]);
        for ran in &self.runs {
            let number = |of: fn(&Totals) -> u32| {
                ran.totals
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), |totals| of(totals).to_string())
            };
            table.add_row([
                ran.tool.name().to_owned(),
                ran.command.clone(),
                ran.format
                    .map_or_else(|| "all".to_owned(), |format| format.to_string()),
                number(|totals| totals.tests),
                number(|totals| totals.failed),
                number(|totals| totals.warnings),
                format!("{:.0} s", ran.seconds),
            ]);
        }
        table
    }

    /// What was found wrong, each thing once.
    fn remarks(&self) -> String {
        let mut text = String::new();
        let mut told = BTreeSet::new();
        for ran in &self.runs {
            for remark in &ran.remarks {
                let line = format!("{}: {}", remark.test, remark.text);
                if told.insert((ran.tool.name(), ran.device.clone(), line.clone())) {
                    text += &format!("  {:<10} {} {line}\n", ran.tool.name(), ran.device);
                }
            }
        }
        if text.is_empty() {
            return text;
        }
        format!("\nWhat it found wrong:\n{text}")
    }
}

fn passed(runs: &[Ran], kernel_complaints: &[String], is_newer: bool) -> bool {
    let mut corrected = runs
        .iter()
        .filter(|ran| ran.tool == Tool::Corrected)
        .peekable();
    corrected.peek().is_some()
        && corrected.all(|ran| ran.is_clean(is_newer))
        && kernel_complaints.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::output::remarks;

    fn ran(tool: Tool, output: &str) -> Ran {
        Ran {
            device: "/dev/video0".into(),
            tool,
            command: "-d /dev/video0 -s".into(),
            format: Some(Format {
                width: 640,
                height: 360,
                fourcc: ['N', 'V', '1', '2'],
            }),
            end: "Exit(0)".into(),
            totals: Totals::find(output),
            remarks: remarks(output),
            seconds: 12.3,
            log: "out/01.log".into(),
        }
    }

    const CLEAN: &str = "Total for x: 53, Succeeded: 53, Failed: 0, Warnings: 0\n";
    const FAILED: &str = "\t\tfail: a.cpp(1): no\n\ttest A: FAIL\n\
                          Total for x: 53, Succeeded: 52, Failed: 1, Warnings: 0\n";
    const WARNED: &str = "Total for x: 53, Succeeded: 53, Failed: 0, Warnings: 1\n";

    #[test]
    fn only_the_corrected_tool_and_the_kernel_decide() {
        let clean = || ran(Tool::Corrected, CLEAN);
        for newer in [false, true] {
            assert!(passed(
                &[clean(), ran(Tool::Unmodified, FAILED)],
                &[],
                newer
            ));
            for bad in [FAILED, WARNED, "killed", ""] {
                let runs = [clean(), ran(Tool::Corrected, bad)];
                assert!(!passed(&runs, &[], newer), "{bad}");
            }
            assert!(!passed(&[clean()], &["WARNING: at x".into()], newer));
            assert!(!passed(&[ran(Tool::Unmodified, CLEAN)], &[], newer));
        }
    }

    #[test]
    fn what_the_tool_does_not_know_of_newer_kernels_is_no_failure_of_the_drivers() {
        const AGED: &str = "\t\tfail: v4l2-test-buffers.cpp(703): \
            check_0(crbufs.reserved, sizeof(crbufs.reserved))\n\ttest B: FAIL\n";
        let totals =
            |failed| format!("Total for x: 53, Succeeded: 1, Failed: {failed}, Warnings: 0\n");
        let aged = [ran(Tool::Corrected, &format!("{AGED}{}", totals(1)))];
        assert!(passed(&aged, &[], true));
        assert!(!passed(&aged, &[], false), "the tool is of that kernel");
        let more = [ran(Tool::Corrected, &format!("{AGED}{}", totals(2)))];
        assert!(!passed(&more, &[], true), "something else failed, too");
        let both = [ran(
            Tool::Corrected,
            &format!("{AGED}{FAILED}{}", totals(2)),
        )];
        assert!(!passed(&both, &[], true), "something else failed, too");
        assert!(!is_newer("debian 6.1.0-50-4kc-malta"));
        for newer in [
            "6.12 6.12.117-tx-isp",
            "latest 7.3.4-tx-isp",
            "/a b/vmlinux 6.2.0",
        ] {
            assert!(is_newer(newer), "{newer}");
        }
    }

    #[test]
    fn the_report_shows_both_tools_their_lines_and_the_change() {
        let report = Report {
            passed: false,
            strategy: "hybrid".into(),
            clock: "fps 60".into(),
            kernel: "debian 6.1".into(),
            change: CHANGE,
            runs: vec![ran(Tool::Corrected, CLEAN), ran(Tool::Unmodified, FAILED)],
            kernel_complaints: vec!["WARNING: at x".into()],
        };
        let text = report.text(Path::new("out"));
        for part in [
            "640x360",
            "corrected  Total for x: 53, Succeeded: 53, Failed: 0, Warnings: 0",
            "unmodified /dev/video0 A: fail: a.cpp(1): no",
            "WARNING: at x",
            "+Y/UV 4:2:0",
            "FAILED; whole outputs in out",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn formats_are_read_from_v4l2_ctl() {
        let said = "Format Video Capture:\n\tWidth/Height      : 1920/1080\n\
                    \tPixel Format      : 'NV12' (Y/UV 4:2:0)\n\tField : None\n";
        assert_eq!(Format::find(said).unwrap().to_string(), "NV12 1920x1080");
        assert_eq!(Format::find("VIDIOC_G_FMT: failed"), None);
    }
}
