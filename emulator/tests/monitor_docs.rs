// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The client of `MONITOR.md` does what the page says, where there is a Python.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use clap::Parser;
use std::process::Command;
use std::time::{Duration, Instant};
use tx_isp_emulator::config::Config;
use tx_isp_emulator::emulator::Emulator;
use tx_isp_emulator::monitor::Client;

const PAGE: &str = include_str!("../MONITOR.md");

#[test]
fn the_python_client_of_the_page_works() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3");
        return;
    }
    let code = PAGE.split("```python\n").nth(1).unwrap();
    let code = code.split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("monitor.py");
    std::fs::write(&script, code).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let line = [
        "emulator",
        "--socket",
        &path("isp"),
        "--monitor",
        &path("monitor"),
    ];
    let config = Config::try_parse_from(line).unwrap();
    let emulator = std::thread::spawn(move || Emulator::new(&config).unwrap().run().unwrap());
    let end = Instant::now() + Duration::from_secs(60);
    let mut operator = loop {
        match Client::connect(&dir.path().join("monitor"), Duration::from_secs(60)) {
            Ok(operator) => break operator,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let output = Command::new("python3")
        .arg(&script)
        .arg(path("monitor"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.trim(), "listening ['frame']", "{output:?}");
    operator.quit().unwrap();
    emulator.join().unwrap();
}
