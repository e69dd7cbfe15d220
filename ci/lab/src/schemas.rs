// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `--json` writes, described: `ci/lab/schemas` has a JSON Schema for each command, made from the
//! types that are written. Here they are kept up to date, and held against what commands write that need
//! no guest; `ci/lab/tests/guest_json.rs` does so with the others.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use memlab::compare::answer;
use memlab::compare::cell::Cell;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::cli::Options;
use crate::commands::{bench, channels, faults, oom, plan};

/// Of one channel, or of several at once.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum Stream {
    One(Box<testbed::report::Report>),
    Several(Box<channels::Report>),
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn schema<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

/// Every schema by its file's name.
fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("stream", schema::<Stream>("cargo lab stream --json")),
        (
            "bench",
            schema::<bench::report::Report>("cargo lab bench --json"),
        ),
        (
            "compliance",
            schema::<testbed::compliance::report::Report>("cargo lab compliance --json"),
        ),
        ("oom", schema::<oom::Document>("cargo lab oom --json")),
        ("plan", schema::<plan::Document>("cargo lab plan --json")),
        (
            "compare",
            schema::<answer::Document>("cargo lab compare --json, cargo lab merge --json"),
        ),
        (
            "compare-cell",
            schema::<Cell>("cargo lab compare --cells: one line"),
        ),
        (
            "faults",
            schema::<faults::Results>("cargo lab faults --json"),
        ),
        (
            "trace-play",
            schema::<tx_isp_emulator::trace::played::Played>("cargo lab trace play --json"),
        ),
    ]
}

/// `UPDATE_SCHEMA=1` writes them anew.
#[test]
fn the_schemas_that_are_kept_are_those_of_the_types() {
    let mut expected = Vec::new();
    for (name, schema) in all() {
        let path = folder().join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{} is old: run this test with UPDATE_SCHEMA=1",
            path.display()
        );
        expected.push(path);
    }
    let mut found: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

fn check(name: &str, document: &Value) {
    let path = folder().join(format!("{name}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
}

/// What a command writes to the file of its `--json`.
fn written(words: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    let words = ["lab"].into_iter().chain(words.split(' '));
    let words = words.chain(["--json", file.to_str().unwrap()]);
    let mut options = Options::try_parse_from(words).unwrap();
    crate::perform(&mut options.command).unwrap();
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn what_needs_no_guest_is_as_its_schema_says() {
    for (name, words) in [
        ("oom", "oom wyze-v3 --predict"),
        ("oom", "oom openimp-leak-encoder --predict --cycles 20"),
        ("plan", "plan --camera wyze-v3"),
        ("faults", "faults --only vic-error"),
    ] {
        check(name, &written(words));
    }
    let traces = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/traces");
    for trace in ["vendor-start.txt", "vendor-channel.txt"] {
        check(
            "trace-play",
            &written(&format!("trace play {traces}/{trace}")),
        );
    }
}

#[test]
fn a_matrix_and_its_cells_are_as_their_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display();
    let matrix = written(&format!(
        "compare --cameras wyze-v3-stock,wyze-v2 --rmem 8M..29M/7M --guests none --out {out}"
    ));
    check("compare", &matrix);
    let lines = fs::read_to_string(folder.path().join("compare.jsonl")).unwrap();
    assert!(lines.lines().count() > 4, "{lines}");
    for line in lines.lines() {
        check("compare-cell", &serde_json::from_str(line).unwrap());
    }
    check("compare", &written(&format!("merge {out}/compare.jsonl")));
}

#[test]
fn a_document_that_lacks_something_is_not_as_its_schema_says() {
    let mut document = written("faults --only vic-error");
    document.as_object_mut().unwrap().remove("survived");
    let result = std::panic::catch_unwind(|| check("faults", &document));
    assert!(result.is_err());
}
