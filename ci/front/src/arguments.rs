// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which command lines are answered here, and what of the others concerns the build.

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
                "--yes" | "-y" | "--offline" => {}
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

/// The lab's own words, up to those of a user's command.
fn own(words: &[OsString]) -> impl Iterator<Item = &OsString> {
    words.iter().take_while(|word| *word != "--")
}

/// Whether the user said that nothing is to be asked.
pub fn asks_nothing(words: &[OsString]) -> bool {
    own(words).any(|word| word == "--yes" || word == "-y")
}

/// Whether nothing is to be fetched.
pub fn is_offline(words: &[OsString]) -> bool {
    own(words).any(|word| word == "--offline")
}

/// Whether it is a question for the list of commands.
pub fn asks_for_help(words: &[OsString]) -> bool {
    match words {
        [] => true,
        [word] => ["--help", "-h", "help"].iter().any(|help| word == help),
        _ => false,
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
    fn a_users_command_has_words_of_its_own() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(is_offline(&words("stream --offline")));
        assert!(asks_nothing(&words("stream -y")));
        let run = words("run -- pip --offline --yes");
        assert!(!is_offline(&run) && !asks_nothing(&run));
        assert!(asks_for_help(&[]) && asks_for_help(&words("--help")));
        assert!(!asks_for_help(&words("stream --help")));
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
