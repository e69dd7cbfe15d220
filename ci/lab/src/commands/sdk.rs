// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab sdk`: what is needed to build modules and programs for the guest.

use anyhow::{Context, Result};
use clap::Args;
use guest_image::{ImageBuilder, Sdk};
use testbed::prepare::{install, repository};
use testbed::progress::Steps;

use crate::options::GuestOptions;

/// How to tell it.
#[derive(Debug, Clone, Args)]
pub struct SdkOptions {
    /// As lines for a shell: eval "$(cargo lab sdk --env)"
    #[arg(long)]
    pub env: bool,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// Fetches the kernel's build folder, and says where it is; true when done.
///
/// # Errors
/// What could not be had.
pub fn command(options: &SdkOptions) -> Result<bool> {
    let steps = Steps::new();
    let repository = repository()?;
    install(&options.guest.config(), &repository, &steps)?;
    let sdk = ImageBuilder::new(&repository)?
        .sdk(&options.guest.kernel, &steps)
        .inspect_err(|_| steps.fail())
        .context("preparing the kernel's build folder")?;
    print!(
        "{}",
        if options.env {
            for_a_shell(&sdk)
        } else {
            for_people(&sdk)
        }
    );
    Ok(true)
}

fn values(sdk: &Sdk) -> [(&'static str, String); 7] {
    [
        ("KDIR", sdk.kdir.display().to_string()),
        ("ARCH", sdk.arch.to_owned()),
        ("CROSS_COMPILE", sdk.cross_compile.to_owned()),
        (
            "KBUILD_EXTRA_SYMBOLS",
            sdk.board_symbols.display().to_string(),
        ),
        ("CC", format!("{}gcc", sdk.cross_compile)),
        ("CFLAGS", sdk.cflags.to_owned()),
        ("LDFLAGS", sdk.ldflags.to_owned()),
    ]
}

fn for_a_shell(sdk: &Sdk) -> String {
    let lines = values(sdk).map(|(name, value)| {
        // Within single quotes only they themselves mean anything.
        format!("export {name}='{}'\n", value.replace('\'', "'\\''"))
    });
    lines.concat()
}

fn for_people(sdk: &Sdk) -> String {
    let mut text = format!("the guest runs Linux {}\n", sdk.release);
    for (name, value) in values(sdk) {
        text.push_str(&format!("{name:<20} {value}\n"));
    }
    text.push_str(
        "modules:  eval \"$(cargo lab sdk --env)\"; make -C $KDIR M=$PWD modules\n\
         programs: eval \"$(cargo lab sdk --env)\"; $CC $CFLAGS -o program program.c $LDFLAGS\n\
         to the guest: cargo lab run --module FILE.ko --add FOLDER -- COMMAND\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_every_folder() {
        let sdk = Sdk {
            release: "6.1.0".into(),
            kdir: "/my folder/it's".into(),
            board_symbols: "/board/Module.symvers".into(),
            arch: "mips",
            cross_compile: "mipsel-linux-gnu-",
            cflags: "-O2",
            ldflags: "-static",
        };
        let script = for_a_shell(&sdk) + "printf %s \"$KDIR $CC\"";
        let said = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        let said = String::from_utf8(said.unwrap().stdout).unwrap();
        assert_eq!(said, "/my folder/it's mipsel-linux-gnu-gcc");
    }
}
