// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How each number of a camera's file is known.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a number is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It stands in a log, a dump or a report of such a camera.
    Logged,
    /// It follows from what is logged, or from the vendor's own arithmetic.
    Inferred,
    /// Nobody recorded it; it is taken from another camera, or made up.
    Assumed,
}

/// Where a camera's numbers are known from: in words, and a mark for each of them by its name: `rmem`, the owner of a
/// block, `channel 0 buffers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(from = "Written")]
pub struct Basis {
    /// In words.
    pub text: String,
    /// Numbers that are [`Mark::Logged`].
    pub logged: Vec<String>,
    /// Numbers that are [`Mark::Inferred`].
    pub inferred: Vec<String>,
    /// Numbers that are [`Mark::Assumed`].
    pub assumed: Vec<String>,
}

/// As files have it: words alone, or with marks.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    Words(String),
    Marked(Marked),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Marked {
    text: String,
    #[serde(default)]
    logged: Vec<String>,
    #[serde(default)]
    inferred: Vec<String>,
    #[serde(default)]
    assumed: Vec<String>,
}

impl From<Written> for Basis {
    fn from(written: Written) -> Self {
        match written {
            Written::Words(text) => Self {
                text,
                ..Self::default()
            },
            Written::Marked(Marked {
                text,
                logged,
                inferred,
                assumed,
            }) => Self {
                text,
                logged,
                inferred,
                assumed,
            },
        }
    }
}

impl Basis {
    fn marks(&self) -> [(Mark, &[String]); 3] {
        [
            (Mark::Logged, &self.logged),
            (Mark::Inferred, &self.inferred),
            (Mark::Assumed, &self.assumed),
        ]
    }

    /// Whether any number has a mark.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.marks().iter().any(|(_, names)| !names.is_empty())
    }

    /// How a number is known.
    #[must_use]
    pub fn mark(&self, number: &str) -> Option<Mark> {
        let mut marks = self.marks().into_iter();
        marks.find_map(|(mark, names)| names.iter().any(|name| name == number).then_some(mark))
    }

    /// Makes sure that either no number is marked, or each of `numbers` once and nothing else.
    ///
    /// # Errors
    /// With the name of the first that is not.
    pub fn check(&self, numbers: &[String]) -> Result<()> {
        if !self.is_marked() {
            return Ok(());
        }
        let mut marked = BTreeSet::new();
        for name in self.marks().into_iter().flat_map(|(_, names)| names) {
            if !numbers.contains(name) {
                bail!(
                    "basis: there is no number {name:?}; the file has {}",
                    numbers.join(", ")
                );
            }
            if !marked.insert(name) {
                bail!("basis: {name:?} is marked twice");
            }
        }
        match numbers.iter().find(|name| !marked.contains(name)) {
            Some(name) => bail!("basis: {name:?} is neither logged nor inferred nor assumed"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Logged => "logged",
            Self::Inferred => "inferred",
            Self::Assumed => "assumed",
        })
    }
}

/// The words, then a line for each kind of mark.
impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        for (mark, names) in self.marks() {
            if !names.is_empty() {
                write!(f, "\n  {mark}: {}", names.join(", "))?;
            }
        }
        if !self.is_marked() {
            f.write_str("\n  no number of this file has a mark")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        basis: Basis,
    }

    fn basis(text: &str) -> Basis {
        toml::from_str::<File>(text).unwrap().basis
    }

    #[test]
    fn a_basis_is_words_or_words_with_marks() {
        let words = basis("basis = \"a log\"");
        assert_eq!((words.text.as_str(), words.is_marked()), ("a log", false));
        let marked =
            basis("basis.text = \"a log\"\nbasis.logged = [\"ram\"]\nbasis.assumed = [\"mem\"]");
        assert_eq!(marked.mark("ram"), Some(Mark::Logged));
        assert_eq!(marked.mark("mem"), Some(Mark::Assumed));
        assert_eq!(marked.mark("rmem"), None);
        assert_eq!(marked.to_string(), "a log\n  logged: ram\n  assumed: mem");
    }

    #[test]
    fn each_number_has_one_mark_or_none_has() {
        let numbers = ["ram", "mem"].map(str::to_owned);
        let check = |text: &str| basis(text).check(&numbers);
        check("basis = \"a log\"").unwrap();
        check("basis.text = \"\"\nbasis.logged = [\"ram\", \"mem\"]").unwrap();
        for (marks, what) in [
            ("basis.logged = [\"ram\"]", "\"mem\" is neither"),
            (
                "basis.logged = [\"ram\", \"mem\"]\nbasis.assumed = [\"ram\"]",
                "\"ram\" is marked twice",
            ),
            (
                "basis.logged = [\"rom\"]",
                "no number \"rom\"; the file has ram, mem",
            ),
        ] {
            let error = check(&format!("basis.text = \"\"\n{marks}")).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
