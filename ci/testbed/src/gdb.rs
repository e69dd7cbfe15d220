// SPDX-License-Identifier: Apache-2.0 OR MIT
//! QEMU's stub for gdb, and how to attach to it.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use guest_image::GuestImage;

use crate::guest::Guest;
use crate::program;

/// What is looked for where a kernel of Debian's has no symbols.
const NO_SYMBOLS: &str =
    "Debian's kernel has no symbols; --kernel fast builds one of the same source that has";

/// Checks that nobody listens at the port yet.
///
/// # Errors
/// With what to do.
pub fn check_port(port: u16) -> Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map(drop)
        .with_context(|| format!("port {port} cannot be had for gdb: name another one, --gdb=PORT"))
}

/// What QEMU is told: to listen for gdb on this machine alone.
pub fn qemu_options(port: u16) -> Vec<OsString> {
    ["-gdb".to_owned(), format!("tcp:127.0.0.1:{port}")]
        .map(OsString::from)
        .to_vec()
}

/// Where the code of those modules begins that are loaded, as the guest says.
///
/// # Errors
/// If the guest does not answer.
pub fn loaded(guest: &mut Guest, files: &[PathBuf]) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for file in files {
        let script = format!(
            "cat /sys/module/{}/sections/.text 2>/dev/null || true",
            kernel_name(file)
        );
        let address = program::ask(guest, &["sh", "-c", &script])?;
        if !address.trim().is_empty() {
            found.push((file.clone(), address.trim().to_owned()));
        }
    }
    Ok(found)
}

/// The line that attaches gdb, with the symbols of the kernel and of modules at their addresses.
pub fn attach(port: u16, image: &GuestImage, modules: &[(PathBuf, String)]) -> String {
    let mut text = String::new();
    if !has_symbols(&image.kernel_elf) {
        text.push_str(&format!("gdb: {NO_SYMBOLS}\n"));
    }
    text.push_str(&format!(
        "gdb: gdb-multiarch {} -ex 'target remote 127.0.0.1:{port}'",
        image.kernel_elf.display()
    ));
    for (file, address) in modules {
        text.push_str(&format!(
            " -ex 'add-symbol-file {} {address}'",
            file.display()
        ));
    }
    text
}

/// The kernel's name of the module in a file.
pub fn kernel_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().replace('-', "_")
}

/// Whether an ELF file has symbols.
fn has_symbols(kernel: &Path) -> bool {
    use object::{Object, ObjectSymbol};
    let bytes = std::fs::read(kernel).unwrap_or_default();
    object::File::parse(&*bytes)
        .is_ok_and(|file| file.symbols().any(|symbol| symbol.is_definition()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_refused_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check_port(port).unwrap_err().to_string();
        assert!(error.contains("--gdb=PORT"), "{error}");
        drop(taken);
        check_port(port).unwrap();
    }

    #[test]
    fn a_module_is_named_as_the_kernel_does() {
        assert_eq!(kernel_name(Path::new("/a/tx-isp-x.ko")), "tx_isp_x");
    }

    #[test]
    fn the_line_has_all_that_gdb_needs() {
        let image = crate::qemu_command::tests::image();
        let line = attach(
            1234,
            &image,
            &[("/m/tx-isp.ko".into(), "0xc0102000".to_owned())],
        );
        assert!(
            line.ends_with(
                "gdb: gdb-multiarch /cache/vmlinux -ex 'target remote 127.0.0.1:1234' \
                 -ex 'add-symbol-file /m/tx-isp.ko 0xc0102000'"
            ),
            "{line}"
        );
        assert!(line.contains("no symbols"), "{line}");
    }

    #[test]
    fn this_test_has_symbols_and_a_text_has_none() {
        assert!(has_symbols(&std::env::current_exe().unwrap()));
        assert!(!has_symbols(Path::new(file!())));
    }
}
