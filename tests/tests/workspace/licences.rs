// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What anything permissive links is itself permissive, or may be had as that; only the kernel module is
//! GPL-2.0-only.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand, Package};

use super::{files, root};

/// The one crate that is nothing but GPL-2.0-only.
const GPL_ONLY: &str = "tx-isp-linux";

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// Whether an expression gives a permissive licence to choose.
fn is_permissive(licence: &str) -> bool {
    licence
        .split(" OR ")
        .any(|part| part == "MIT" || part == "Apache-2.0")
}

fn licence(package: &Package) -> &str {
    package.license.as_deref().unwrap_or("none")
}

#[test]
fn what_a_permissive_crate_links_is_permissive() {
    let metadata = metadata();
    let own: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .map(|package| (package.name.as_str(), package))
        .collect();
    assert!(own.len() > 8, "{:?}", own.keys());
    for (name, package) in &own {
        assert_eq!(
            !is_permissive(licence(package)),
            *name == GPL_ONLY,
            "{name} is {}",
            licence(package)
        );
        for dependency in &package.dependencies {
            let Some(linked) = own.get(dependency.name.as_str()) else {
                continue;
            };
            assert!(
                *name == GPL_ONLY || is_permissive(licence(linked)),
                "{name} ({}) links {} ({})",
                licence(package),
                linked.name,
                licence(linked)
            );
        }
    }
}

#[test]
fn every_file_says_its_crates_licence() {
    for package in &metadata().packages {
        let folder = Path::new(package.manifest_path.as_str()).parent().unwrap();
        for part in ["src", "tests", "benches", "examples"] {
            let part = folder.join(part);
            if !part.is_dir() {
                continue;
            }
            for file in files(&part, &[".rs"]) {
                let text = fs::read_to_string(&file).unwrap();
                let first = text.lines().next().unwrap_or_default();
                let expected = format!("// SPDX-License-Identifier: {}", licence(package));
                assert_eq!(first, expected, "{}", file.display());
            }
        }
    }
}

#[test]
fn an_expression_is_permissive_if_one_may_choose_so() {
    assert!(is_permissive("Apache-2.0 OR MIT"));
    assert!(is_permissive("GPL-2.0-only OR Apache-2.0 OR MIT"));
    assert!(!is_permissive("GPL-2.0-only"));
    assert!(!is_permissive("none"));
}
