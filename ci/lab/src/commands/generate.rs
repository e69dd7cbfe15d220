// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab man` and `cargo lab completions`: what the one definition of the options gives beside the
//! program's own help.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

use crate::output::say_text;

/// The program as it is called outside of a checkout.
const PROGRAM: &str = "lab";

/// Where manual pages go.
#[derive(Debug, Clone, Args)]
pub struct ManOptions {
    /// The folder to write them to
    #[arg(long, value_name = "DIR", default_value = "out/man")]
    pub out: PathBuf,
}

/// For which shell.
#[derive(Debug, Clone, Args)]
pub struct CompletionsOptions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `cargo lab man`
///
/// # Errors
/// If a page cannot be written.
pub fn man(options: &ManOptions, command: Command) -> Result<bool> {
    let folder = &options.out;
    let doing = || format!("writing manual pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    let command = command.name(PROGRAM).bin_name(PROGRAM);
    clap_mangen::generate_to(command, folder).with_context(doing)?;
    say_text!(
        "manual pages are in {0}; try: man -l {0}/{PROGRAM}.1\n",
        folder.display()
    );
    Ok(true)
}

/// `cargo lab completions`
///
/// # Errors
/// Nothing does; where nobody reads, the program ends.
pub fn completions(options: &CompletionsOptions, command: Command) -> Result<bool> {
    let mut text = Vec::new();
    let mut command = command.bin_name(PROGRAM);
    clap_complete::generate(options.shell, &mut command, PROGRAM, &mut text);
    say_text!("{}", String::from_utf8_lossy(&text));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Options;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let options = ManOptions {
            out: folder.path().to_path_buf(),
        };
        man(&options, Options::command()).unwrap();
        for command in Options::command().get_subcommands() {
            let page = folder
                .path()
                .join(format!("{PROGRAM}-{}.1", command.get_name()));
            let text = fs::read_to_string(&page).unwrap_or_else(|_| panic!("{}", page.display()));
            assert!(text.contains(".SH SYNOPSIS"), "{}", page.display());
        }
    }
}
