// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where nothing may be fetched and nothing is there, a command says so before it builds anything.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::{Command, Stdio};

#[test]
fn an_empty_cache_without_network_is_named_before_anything_is_built() {
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["--offline", "stream"])
        .env("TX_ISP_CACHE", cache.path())
        .current_dir(cache.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("holds nothing yet"), "{said}");
    assert!(said.contains("cargo lab bundle"), "{said}");
    assert!(!said.contains("build"), "{said}");
}
