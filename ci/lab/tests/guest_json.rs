// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What commands that boot a guest write to standard output with `--json -`: one JSON object and nothing
//! else, as its schema in `ci/lab/schemas` says.
//!
//! It runs when it is named: `cargo test -p lab --test guest_json`. The guest is chosen as that of the
//! suites in `tests`, by `TX_ISP_TEST_KERNEL`, `_QEMU`, `_MEMORY` and `_YES`.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use testbed::process;

/// With a build of everything before.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a command writes, held against its schema.
fn written(schema: &str, words: &str) -> Value {
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .args(words.split(' '))
        .args(["--json", "-", "--out"])
        .arg(out.path())
        .stdin(Stdio::null());
    for name in ["kernel", "qemu", "memory"] {
        if let Ok(value) = std::env::var(format!("TX_ISP_TEST_{}", name.to_uppercase())) {
            command.arg(format!("--{name}")).arg(value);
        }
    }
    if std::env::var_os("TX_ISP_TEST_YES").is_some() {
        command.arg("--yes");
    }
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let status = process::run(&mut command, LIMIT, |line| match line {
        process::Line::Out(text) => stdout.extend([text.as_str(), "\n"]),
        process::Line::Err(text) => stderr.extend([text.as_str(), "\n"]),
    })
    .unwrap();
    assert!(status.success(), "{words}: {status}\n{stderr}");
    let document: Value = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("{words}: {error} in\n{stdout}"));
    let path = format!("schemas/{schema}.schema.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{words}: {}", errors.join("\n"));
    document
}

#[test]
fn streams_are_as_their_schema_says() {
    let one = written("stream", "stream --frames 10 --fps max");
    assert_eq!(one["frames_received"], 10);
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("all.yuv");
    let words = format!(
        "stream --frames 60 --fps max --size 640x360 --picture 5 --save {}",
        video.display()
    );
    let saved = written("stream", &words);
    assert_eq!(saved["pictures"].as_array().unwrap().len(), 3);
    let bytes = fs::metadata(video).unwrap().len();
    assert_eq!(bytes, 60 * 640 * 360 * 3 / 2);
    let several = written("stream", "stream --frames 10 --channels 0,1");
    assert_eq!(several["channels"][1]["frames_received"], 10);
}

#[test]
fn what_the_memory_lab_found_in_guests_is_as_its_schema_says() {
    let oom = written("oom", "oom wyze-v3 --strategy client --frames 1 --fps max");
    assert_eq!(oom["results"][0]["as_predicted"], true);
    let compare = written(
        "compare",
        "compare --cameras wyze-v3-stock --strategy driver --guests all --frames 1",
    );
    assert_eq!(compare["cells"][0]["as_predicted"], true);
}

#[test]
fn faults_in_a_guest_are_as_their_schema_says() {
    let faults = written("faults", "faults --guest --only lost-frame");
    assert_eq!(faults["guest"], true);
}

#[test]
fn figures_are_as_their_schema_says() {
    let bench = written("bench", "bench --only mailbox --rounds 1");
    assert_eq!(bench["answers"][0]["failure"], Value::Null);
}

#[test]
fn compliance_is_as_its_schema_says() {
    let compliance = written("compliance", "compliance");
    assert_eq!(compliance["passed"], true);
}
