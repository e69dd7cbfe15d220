// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The tests that `tests/README.md` names beside each attack are there.

use std::fs;

use super::{files, root};

/// The names in backquotes of the table's last column.
fn named(readme: &str) -> Vec<String> {
    let (_, table) = readme.split_once("\n## Attacks\n").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit_once('|'));
    cells
        .flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_attack_has_its_tests() {
    let readme = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let folders = ["emulator", "tests", "driver"].map(|folder| files(&root().join(folder), &[""]));
    let paths: Vec<_> = folders.into_iter().flatten().collect();
    let sources: Vec<String> = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let names = named(&readme);
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let is_file = paths.iter().any(|path| path.ends_with(&name));
        let function = format!("fn {name}(");
        let is_test = sources.iter().any(|source| source.contains(&function));
        assert!(is_file || is_test, "{name} is no test");
    }
}
