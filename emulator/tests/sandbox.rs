// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A confined process: in a process of its own, since there is no way back.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use tx_isp_emulator::sandbox::{Needs, confine};

/// Names the folder of traces to the confined process.
const FOLDER: &str = "TX_ISP_TEST_SANDBOX";

/// What the confined process must and must not be able to do; nothing where it was not asked to.
#[test]
fn in_the_sandbox() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let outside = folder.parent().unwrap().to_owned();
    fs::write(outside.join("secret"), "secret").unwrap();
    let confined = confine(&Needs {
        traces: Some(folder.clone()),
        sockets: vec![folder.join("socket")],
    })
    .unwrap();
    assert!(confined.calls, "{confined}");
    let refused = |result: std::io::Result<File>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
    };
    refused(File::open(outside.join("secret")));
    refused(File::create(outside.join("new")));
    refused(File::open("/etc/passwd"));
    let made = File::create(folder.join("trace"));
    if confined.files {
        made.unwrap();
    } else {
        refused(made);
    }
    let no_network = TcpListener::bind("127.0.0.1:0");
    assert_eq!(no_network.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let no_program = Command::new("true").spawn();
    assert!(no_program.is_err());
    // Threads that come later work, and are confined, too.
    let thread = std::thread::spawn(|| File::open("/etc/passwd").is_err());
    assert!(thread.join().unwrap());
}

#[test]
fn a_confined_process_opens_nothing_but_new_traces() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("traces");
    fs::create_dir(&folder).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_the_sandbox", "--nocapture"])
        .env(FOLDER, &folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}
