// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The protocol's schema and page say what its types do.

use super::*;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use std::path::Path;

/// Every line that goes over the socket, one definition each.
fn schema() -> String {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    fn line<T: JsonSchema>(generator: &mut SchemaGenerator) -> serde_json::Value {
        generator.subschema_for::<T>().to_value()
    }
    let from_emulator = [
        line::<Greeting>(&mut generator),
        line::<Event>(&mut generator),
        line::<ErrorResponse>(&mut generator),
        line::<Status>(&mut generator),
        line::<FrameLogPage>(&mut generator),
        line::<Stepped>(&mut generator),
        line::<FaultStatus>(&mut generator),
        line::<Tracing>(&mut generator),
        line::<InterruptPage>(&mut generator),
        line::<Subscribed>(&mut generator),
        line::<Quitting>(&mut generator),
    ];
    let to_emulator = line::<Request>(&mut generator);
    let definitions = generator.take_definitions(true);
    let schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tx-isp-emulator monitor, protocol 1: one line",
        "description": "Requests and answers may have an id besides, of any type.",
        "oneOf": [
            { "title": "to the emulator", "anyOf": [to_emulator] },
            { "title": "from the emulator", "anyOf": from_emulator },
        ],
        "$defs": definitions,
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    text
}

/// `UPDATE_SCHEMA=1` writes it anew.
#[test]
fn the_schema_that_is_kept_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitor.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == schema(),
        "{} is old: run this test with UPDATE_SCHEMA=1",
        path.display()
    );
}

#[test]
fn the_page_tells_of_every_command_event_and_code() {
    let page = include_str!("../../../MONITOR.md");
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut words = Vec::new();
    collect_constants(&schema, &mut words);
    assert!(words.len() > 20, "{words:?}");
    for word in words {
        assert!(page.contains(&word), "MONITOR.md does not say {word}");
    }
}

/// The constants and values of enumerations of a schema.
fn collect_constants(value: &serde_json::Value, words: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    ("const", serde_json::Value::String(word)) => words.push(word.clone()),
                    ("enum", serde_json::Value::Array(values)) => {
                        words.extend(values.iter().filter_map(|v| v.as_str().map(str::to_owned)));
                    }
                    _ => collect_constants(field, words),
                }
            }
        }
        serde_json::Value::Array(values) => {
            values
                .iter()
                .for_each(|value| collect_constants(value, words));
        }
        _ => {}
    }
}

#[test]
fn requests_are_written_as_documented() {
    let parse = |text: &str| serde_json::from_str::<Request>(text).unwrap();
    assert_eq!(parse(r#"{"command":"status"}"#), Request::Status);
    assert_eq!(
        parse(r#"{"command":"ledger","channel":1}"#),
        Request::FrameLog {
            channel: 1,
            session: None,
            from: 0
        }
    );
    let page = Request::FrameLog {
        channel: 0,
        session: Some(2),
        from: 9,
    };
    let text = r#"{"command":"ledger","channel":0,"session":2,"from":9}"#;
    assert_eq!(parse(text), page);
    assert_eq!(serde_json::to_string(&page).unwrap(), text);
    assert_eq!(
        parse(r#"{"command":"step","frames":3}"#),
        Request::Step { frames: 3 }
    );
    assert_eq!(parse(r#"{"command":"quit"}"#), Request::Quit);
    let fault = Request::Fault {
        fault: "lost-frame:frame=5".parse().unwrap(),
    };
    let text = r#"{"command":"fault","fault":"lost-frame:frame=5"}"#;
    assert_eq!(parse(text), fault);
    assert_eq!(serde_json::to_string(&fault).unwrap(), text);
}

#[test]
fn a_wrong_request_is_answered_with_what_is_right() {
    let message = |text: &str| {
        serde_json::from_str::<Request>(text)
            .unwrap_err()
            .to_string()
    };
    assert!(message(r#"{"command":"dance"}"#).contains(
        "expected one of `status`, `ledger`, `step`, `fault`, `clear-faults`, `trace`, `interrupts`, `subscribe`, `quit`"
    ));
    assert!(message(r#"{"command":"step"}"#).contains("missing field `frames`"));
    assert!(message(r#"{"command":"step","frames":1,"fps":2}"#).contains("unknown field `fps`"));
}
