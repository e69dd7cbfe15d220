// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab compliance`: v4l2-compliance on each node of the driver.
//!
//! What counts is Debian's tool with the format names of the guest's kernel (see
//! [`guest_image::compliance`]); the unmodified tool runs beside it, so that the difference shows.

pub mod output;
pub mod report;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use guest_image::Progress;
use guest_image::compliance::{CORRECTED, UNMODIFIED};
use guest_protocol::message::RunEnd;
use tx_isp_alloc::Strategy;

use crate::guest::Guest;
use crate::kernel_log::kernel_warnings;
use crate::prepare::Prepared;
use crate::program::{self, ask};
use crate::progress::Steps;
use crate::sensor::SensorConfig;
use output::{Totals, remarks};
use report::{Format, Ran, Report, Tool};

/// One run of the tool; the longest streams each format in each size for a second.
const RUN_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Sizes that the tool runs with beside the driver's default.
const SIZES: [(u32, u32); 2] = [(1920, 1080), (640, 360)];
/// Runs the tool on all nodes of a guest, or on one.
///
/// # Errors
/// If it could not be run at all.
pub fn run(
    guest: &mut Guest,
    prepared: &Prepared,
    scene: &SensorConfig,
    strategy: Strategy,
    device: Option<u32>,
    logs: &Path,
    steps: &Steps,
) -> Result<Report> {
    let mut bench = Bench {
        guest,
        steps,
        logs,
        strategy,
        runs: Vec::new(),
        kernel_warnings: Vec::new(),
    };
    let nodes = bench.nodes()?;
    for device in chosen(&nodes, device)? {
        // DMABUF needs another node whose buffers are imported.
        let exporter = nodes.iter().find(|other| *other != device);
        bench.node(device, exporter.map(String::as_str))?;
    }
    for device in bench.others("media")? {
        bench.run(&device, Tool::Corrected, &["-m", &device], None)?;
    }
    for device in bench.others("v4l-subdev")? {
        bench.run(&device, Tool::Corrected, &["-u", &device], None)?;
    }
    Ok(Report::new(
        prepared,
        scene,
        strategy,
        bench.runs,
        bench.kernel_warnings,
    ))
}

/// All nodes, or the one that was asked for.
fn chosen(nodes: &[String], only: Option<u32>) -> Result<Vec<&String>> {
    let Some(number) = only else {
        return Ok(nodes.iter().collect());
    };
    let wanted = format!("/dev/video{number}");
    match nodes.iter().find(|node| **node == wanted) {
        Some(node) => Ok(vec![node]),
        None => bail!(
            "{wanted} is no node of the driver; it has {}",
            nodes.join(", ")
        ),
    }
}

/// A guest, and what was found in it.
struct Bench<'a> {
    guest: &'a mut Guest,
    steps: &'a Steps,
    logs: &'a Path,
    strategy: Strategy,
    runs: Vec<Ran>,
    kernel_warnings: Vec<String>,
}

impl Bench<'_> {
    /// The driver's nodes.
    fn nodes(&self) -> Result<Vec<String>> {
        let nodes: Vec<String> = self
            .guest
            .hello
            .video
            .iter()
            .filter(|device| device.driver == "tx-isp")
            .map(|device| device.path.clone())
            .collect();
        if nodes.is_empty() {
            bail!("the guest has no video device of driver tx-isp");
        }
        Ok(nodes)
    }

    /// The nodes of another kind.
    fn others(&mut self, kind: &str) -> Result<Vec<String>> {
        let ran = ask(self.guest, &["ls", "/dev"])?;
        Ok(ran
            .lines()
            .filter(|name| name.starts_with(kind))
            .map(|name| format!("/dev/{name}"))
            .collect())
    }

    /// Loads the driver anew: formats are its defaults again.
    fn load(&mut self) -> Result<()> {
        let parameters = format!("strategy={}", self.strategy.name());
        Ok(self.guest.reload_module_with(&parameters)?)
    }

    /// All runs on one node. The first two find the driver's default format.
    fn node(&mut self, device: &str, exporter: Option<&str>) -> Result<()> {
        self.load()?;
        let mut stream = vec!["-d", device, "-s"];
        if let Some(exporter) = exporter {
            stream.extend(["-e", exporter]);
        }
        let default = self.format(device)?;
        self.run(device, Tool::Corrected, &stream, Some(default))?;
        self.run(device, Tool::Unmodified, &stream, Some(default))?;
        for (width, height) in SIZES {
            // What one node exports must be large enough for the other one.
            for node in std::iter::once(device).chain(exporter) {
                let wish =
                    format!("--set-fmt-video=width={width},height={height},pixelformat=NV12");
                ask(self.guest, &["v4l2-ctl", "-d", node, &wish])?;
            }
            // A node may be smaller than that: then what it has taken is tested.
            let format = self.format(device)?;
            self.run(device, Tool::Corrected, &stream, Some(format))?;
        }
        self.run(device, Tool::Corrected, &["-d", device, "-f"], None)
    }

    /// The current format of a node.
    fn format(&mut self, device: &str) -> Result<Format> {
        let said = ask(self.guest, &["v4l2-ctl", "-d", device, "--get-fmt-video"])?;
        Format::find(&said)
            .with_context(|| format!("v4l2-ctl does not tell the format of {device}: {said}"))
    }

    /// One run of the tool.
    fn run(
        &mut self,
        device: &str,
        tool: Tool,
        options: &[&str],
        format: Option<Format>,
    ) -> Result<()> {
        let program = match tool {
            Tool::Corrected => CORRECTED,
            Tool::Unmodified => UNMODIFIED,
        };
        let argv: Vec<&str> = [program, "--no-progress", "--color=never"]
            .iter()
            .chain(options)
            .copied()
            .collect();
        let command = options.join(" ");
        self.steps.start(&format!("{} {command}", tool.name()));
        let begin = Instant::now();
        let result =
            program::run(self.guest, &argv, RUN_LIMIT).inspect_err(|_| self.steps.fail())?;
        let seconds = begin.elapsed().as_secs_f64();
        let output = result.said();
        let log = self.logs.join(format!("{:02}.log", self.runs.len() + 1));
        std::fs::write(&log, &output).with_context(|| format!("writing {}", log.display()))?;
        let ran = Ran {
            device: device.to_owned(),
            tool,
            command,
            format,
            end: format!("{:?}", result.end),
            // A tool that was cut short has nothing to say about the rest.
            totals: Totals::find(&output).filter(|_| matches!(result.end, RunEnd::Exit(_))),
            remarks: remarks(&output),
            seconds,
            log,
        };
        self.steps.finish(&ran.headline());
        self.runs.push(ran);
        self.listen()
    }

    /// Takes what the kernel has said since the last time.
    fn listen(&mut self) -> Result<()> {
        let said = ask(self.guest, &["dmesg", "-c"])?;
        self.kernel_warnings.extend(kernel_warnings(&said));
        let log = self.logs.join(format!("{:02}.dmesg", self.runs.len()));
        std::fs::write(&log, said).with_context(|| format!("writing {}", log.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_not_there_comes_with_those_that_are() {
        let nodes = ["/dev/video0", "/dev/video1"].map(str::to_owned);
        assert_eq!(chosen(&nodes, None).unwrap().len(), 2);
        assert_eq!(chosen(&nodes, Some(1)).unwrap(), ["/dev/video1"]);
        let error = chosen(&nodes, Some(7)).unwrap_err().to_string();
        assert!(
            error.ends_with("it has /dev/video0, /dev/video1"),
            "{error}"
        );
    }
}
