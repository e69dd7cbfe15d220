// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What v4l2-compliance prints, read.

use schemars::JsonSchema;
use serde::Serialize;

/// One run's result, in the tool's own numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// The line they are from.
    pub line: String,
    /// How many tests were run.
    pub tests: u32,
    /// How many of them succeeded.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// How many warnings there were.
    pub warnings: u32,
}

impl Totals {
    /// The last "Total for ..." line; a run over several devices ends with their sum.
    pub fn find(output: &str) -> Option<Self> {
        let line = output
            .lines()
            .map(str::trim)
            .rfind(|line| line.starts_with("Total for ") || line.starts_with("Grand Total for "))?;
        // As in "Total for tx-isp device /dev/video0: 53, Succeeded: 49, Failed: 4, Warnings: 1".
        let (head, rest) = line.split_once(", Succeeded: ")?;
        let (succeeded, rest) = rest.split_once(", Failed: ")?;
        let (failed, warnings) = rest.split_once(", Warnings: ")?;
        Some(Self {
            line: line.to_owned(),
            tests: head.rsplit(' ').next()?.parse().ok()?,
            succeeded: succeeded.parse().ok()?,
            failed: failed.parse().ok()?,
            warnings: warnings.parse().ok()?,
        })
    }

    /// Whether nothing was wrong, and something was tested at all.
    pub fn is_clean(&self) -> bool {
        self.tests > 0 && self.succeeded == self.tests && self.failed == 0 && self.warnings == 0
    }
}

/// Something that the tool found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remark {
    /// Under which of its tests.
    pub test: String,
    /// In its words.
    pub text: String,
}

/// All that it found wrong, in its order. It says so before it names the test.
pub fn remarks(output: &str) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut pending: Vec<&str> = Vec::new();
    let mut heading = "";
    for line in output.lines() {
        // Progress ends with a carriage return and is written over.
        let line = line.rsplit('\r').next().unwrap_or(line).trim();
        let named = line.strip_prefix("test ");
        if line.starts_with("fail:") || line.starts_with("warn:") {
            pending.push(line);
        } else if let Some(name) = named.and_then(|name| name.strip_suffix(':')) {
            // Its parts follow, as in "Stride 1920, Field None: OK".
            heading = name;
        } else if let Some((part, result)) = line
            .rsplit_once(": ")
            .filter(|(_, result)| result.starts_with("OK") || result.starts_with("FAIL"))
        {
            if pending.is_empty() && result.starts_with("FAIL") {
                pending.push(result);
            }
            let test = match part.strip_prefix("test ") {
                Some(name) => name.to_owned(),
                None => format!("{heading}, {part}"),
            };
            remarks.extend(pending.drain(..).map(|text| remark(&test, text)));
        }
    }
    remarks.extend(
        pending
            .into_iter()
            .map(|text| remark("(no test named)", text)),
    );
    remarks
}

fn remark(test: &str, text: &str) -> Remark {
    Remark {
        test: test.to_owned(),
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
Format ioctls (Input 0):
\t\tfail: v4l2-test-formats.cpp(263): fmtdesc.description mismatch
\ttest VIDIOC_ENUM_FMT/FRAMESIZES/FRAMEINTERVALS: FAIL
\t\twarn: v4l2-test-formats.cpp(1341): S_PARM is supported
\ttest VIDIOC_G/S_PARM: OK
\ttest VIDIOC_G_FBUF: OK (Not Supported)
\ttest MMAP (no poll): FAIL
\ttest MMAP for Format NV12, Frame Size 128x128@25.00 Hz:
\t\tfail: v4l2-test-buffers.cpp(9): no frame
\t\tStride 128, Field None: FAIL

Total for tx-isp device /dev/video0: 53, Succeeded: 51, Failed: 2, Warnings: 1
";

    #[test]
    fn totals_are_the_tools_own() {
        let totals = Totals::find(OUTPUT).unwrap();
        assert_eq!(
            (
                totals.tests,
                totals.succeeded,
                totals.failed,
                totals.warnings
            ),
            (53, 51, 2, 1)
        );
        assert!(!totals.is_clean());
        let clean = OUTPUT.replace("51, Failed: 2, Warnings: 1", "53, Failed: 0, Warnings: 0");
        assert!(Totals::find(&clean).unwrap().is_clean());
        assert_eq!(Totals::find("Segmentation fault\n"), None);
        assert_eq!(Totals::find("Total for x: many, Succeeded: 1\n"), None);
    }

    #[test]
    fn what_is_wrong_comes_with_the_test_that_follows_it() {
        let found = remarks(OUTPUT);
        let found: Vec<_> = found
            .iter()
            .map(|remark| (remark.test.as_str(), remark.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "VIDIOC_ENUM_FMT/FRAMESIZES/FRAMEINTERVALS",
                    "fail: v4l2-test-formats.cpp(263): fmtdesc.description mismatch"
                ),
                (
                    "VIDIOC_G/S_PARM",
                    "warn: v4l2-test-formats.cpp(1341): S_PARM is supported"
                ),
                ("MMAP (no poll)", "FAIL"),
                (
                    "MMAP for Format NV12, Frame Size 128x128@25.00 Hz, Stride 128, Field None",
                    "fail: v4l2-test-buffers.cpp(9): no frame"
                ),
            ]
        );
    }

    #[test]
    fn a_remark_without_a_test_is_not_lost() {
        let found = remarks("\t\tfail: at the very end\n");
        assert_eq!(found, [remark("(no test named)", "fail: at the very end")]);
    }
}
