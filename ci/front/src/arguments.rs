// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which command lines are for the doctor.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use host_setup::doctor;

/// The command `doctor`.
pub struct Doctor;

impl Doctor {
    /// The options of `doctor`; None if the lab itself is to read the words: another command, a
    /// question for help, or something wrong, which it explains best.
    pub fn parse(words: &[OsString]) -> Option<doctor::Options> {
        let mut words = words.iter().map(OsString::as_os_str);
        if words.next()? != "doctor" {
            return None;
        }
        let mut options = doctor::Options {
            kernel_source: false,
            qemu: None,
        };
        while let Some(word) = words.next() {
            let (name, mut value) = split(word)?;
            match name {
                "--yes" | "-y" => {}
                "--kernel" | "--qemu" | "--memory" | "--attach" => {
                    let value = value.take().or_else(|| words.next().map(OsStr::to_owned))?;
                    match name {
                        "--kernel" => {
                            options.kernel_source = ["fast", "debug", "6.12", "latest"]
                                .iter()
                                .any(|name| value == *name);
                        }
                        "--qemu" => options.qemu = Some(PathBuf::from(value)),
                        _ => {}
                    }
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

/// `--name=value` in two.
fn split(word: &OsStr) -> Option<(&str, Option<OsString>)> {
    let word = word.to_str()?;
    Some(match word.split_once('=') {
        Some((name, value)) => (name, Some(OsString::from(value))),
        None => (word, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Option<doctor::Options> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Doctor::parse(&words)
    }

    #[test]
    fn the_doctors_options_are_read() {
        let options =
            parse(&["doctor", "--kernel", "fast", "--qemu=/q", "--memory", "64M"]).unwrap();
        assert!(options.kernel_source);
        assert_eq!(options.qemu, Some(PathBuf::from("/q")));
        assert!(
            !parse(&["doctor", "--kernel=debian", "-y"])
                .unwrap()
                .kernel_source
        );
    }

    #[test]
    fn everything_else_is_the_labs() {
        for words in [
            &["stream"][..],
            &[],
            &["doctor", "--help"],
            &["doctor", "--kernel"],
            &["doctor", "now"],
        ] {
            assert!(parse(words).is_none(), "{words:?}");
        }
    }
}
