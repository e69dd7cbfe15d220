// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A bundle depends on what is in it and on nothing else: made in two checkouts at two places, it is the
//! same to the byte. Both build lab and emulator from nothing, which takes minutes, so it runs when it is
//! named: `cargo test -p lab --test bundle`.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use testbed::process;

/// A first build of everything, on a slow machine.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn run(command: &mut Command) -> String {
    let mut all = String::new();
    let status = process::run(command.stdin(Stdio::null()), LIMIT, |line| {
        all.extend([line.text(), "\n"]);
    });
    assert!(status.unwrap().success(), "{command:?}\n{all}");
    all
}

/// Copies what belongs to the checkout.
fn copy_to(folder: &Path) {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(repository());
    for name in run(&mut list).lines() {
        let from = repository().join(name);
        // What is deleted and not committed is listed, too.
        if from.is_file() {
            let to = folder.join(name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
}

/// Makes a bundle in a checkout of its own.
fn bundle(checkout: &Path) -> PathBuf {
    copy_to(checkout);
    let output = checkout.join("tx-isp.tar.xz");
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.args(["bundle", "--output"])
        .arg(&output)
        .current_dir(checkout)
        .env("CARGO_MANIFEST_DIR", checkout.join("ci/lab"))
        .env_remove("CARGO_TARGET_DIR");
    run(&mut lab);
    output
}

#[test]
fn bundles_of_two_checkouts_are_the_same_to_the_byte() {
    let parent = tempfile::tempdir().unwrap();
    let [first, second] =
        ["a", "another-place"].map(|name| fs::read(bundle(&parent.path().join(name))).unwrap());
    assert!(first.len() > 1_000_000);
    let differing = first.iter().zip(&second).position(|(a, b)| a != b);
    assert!(
        first == second,
        "{} and {} bytes, which differ from byte {differing:?} on",
        first.len(),
        second.len()
    );
}
