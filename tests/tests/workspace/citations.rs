// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Comments cite the chip's facts by their number, as in `T31 2.4`; each of them is in
//! `driver/abi/T31.md`.

use std::collections::BTreeSet;
use std::fs;

use super::{files, root};

/// What begins a citation.
const MARK: &str = "T31 ";

/// The numbers of the headings.
fn headings(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter_map(|line| line.trim_start_matches('#').trim().split(' ').next())
        .map(|number| number.trim_end_matches('.').to_owned())
        .filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))
        .collect()
}

/// The numbers that a line cites, also the further ones of `T31 1.4, 4.2`.
fn citations(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, mark) in line.match_indices(MARK) {
        let mut rest = &line[at + mark.len()..];
        loop {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && !('a'..='f').contains(&c) && c != '.')
                .unwrap_or(rest.len());
            let number = rest[..end].trim_end_matches('.');
            // A bare number is a size or a count, unless it is a chapter's.
            let is_chapter =
                number.len() == 2 && number.ends_with(|last: char| last.is_ascii_lowercase());
            let is_section = number.contains('.') || number.len() == 1 || is_chapter;
            if !is_section || !number.starts_with(|first: char| first.is_ascii_digit()) {
                break;
            }
            found.push(number.to_owned());
            match rest[end..].strip_prefix(", ") {
                Some(more) => rest = more,
                None => break,
            }
        }
    }
    found
}

#[test]
fn every_citation_is_a_section_of_the_facts() {
    let facts = fs::read_to_string(root().join("driver/abi/T31.md")).unwrap();
    let headings = headings(&facts);
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files(&root(), &[".rs", ".c", ".h", ".md", ".toml", ".sh"]) {
        let text = fs::read_to_string(&file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            for cited in citations(line) {
                count += 1;
                if !headings.contains(&cited) {
                    wrong.push(format!("{}:{number}: T31 {cited}", file.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "there is no such section:\n{}",
        wrong.join("\n")
    );
    assert!(count > 300, "only {count} citations were found");
}

#[test]
fn a_citation_is_a_number_of_a_section() {
    let cited = |line: &str| citations(line).join(" ");
    assert_eq!(cited("// As in silicon (T31 2.4, 4.1)."), "2.4 4.1");
    assert_eq!(cited("the T31 1080p mode"), "");
    assert_eq!(cited("a T31 camera"), "");
    assert_eq!(cited("see T31 8."), "8");
    assert_eq!(cited("(T31 2a.3, 2d)"), "2a.3 2d");
    let text = "# Title\n## 2. Registers\n### 2.4 MSCA\n";
    assert_eq!(headings(text).into_iter().collect::<Vec<_>>(), ["2", "2.4"]);
}
