// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Responses as lines.

use super::protocol::{ErrorCode, ErrorResponse};
use serde::Serialize;
use serde_json::Value;

/// A response with its request's `id` in front.
pub(super) fn with_id(line: Vec<u8>, id: Option<&Value>) -> Vec<u8> {
    let Some(id) = id else { return line };
    let mut with_id = format!("{{\"id\":{id},").into_bytes();
    // Every response is an object with at least one field.
    with_id.extend_from_slice(line.strip_prefix(b"{").unwrap_or(&line));
    with_id
}

pub(super) fn line_of(response: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(response).unwrap_or_else(|error| {
        error_line(
            ErrorCode::BadRequest,
            format!("the answer cannot be written: {error}"),
        )
    });
    if !line.ends_with(b"\n") {
        line.push(b'\n');
    }
    line
}

pub(super) fn error_line(code: ErrorCode, error: String) -> Vec<u8> {
    line_of(&ErrorResponse::new(code, error))
}
