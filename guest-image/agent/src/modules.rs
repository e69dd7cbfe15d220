// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads and unloads kernel modules.

use std::ffi::CString;
use std::fs::{self, File};
use std::path::Path;

use guest_protocol::message::{Failure, ModuleLoad};
use guest_protocol::{LOAD_WORD, NO_BOARD_WORD, NO_DRIVER_WORD};
use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};

use crate::command_line::says;
use crate::failure::{At, failure};

/// The module files of the image, one per line, in the order of loading. Names without a slash
/// are files of the same folder. With a kernel that has everything built in it may be missing.
const LOAD_ORDER: &str = "/lib/modules/load-order";
/// Our module; loaded last.
const OUR_MODULE: &str = "/lib/modules/tx-isp.ko";

/// The board's module, for a guest that has the chip at its own addresses.
const BOARD_MODULE: &str = "/lib/modules/tx-isp-t31-board.ko";
/// Where a user's own modules are.
const USER_MODULES: &str = "/lib/modules/user";
/// Where the kernel tells of its modules.
const SYS_MODULES: &str = "/sys/module";
/// Where the kernel lists PCI functions.
const PCI_DEVICES: &str = "/sys/bus/pci/devices";
/// Vendor and device of the function that is the chip (driver/abi/src/pci.rs).
const BOARD_IDS: [(&str, &str); 2] = [("vendor", "0x1234"), ("device", "0x7131")];

/// The environment variable in which the working process finds how loading went.
pub const REPORT: &str = "AGENT_MODULES";

/// Loads the modules of the image, with the parameters that the command line gives as
/// `module.name=value`.
pub fn load_all(command_line: &str) -> Vec<ModuleLoad> {
    let list = fs::read_to_string(LOAD_ORDER).unwrap_or_default();
    let mut paths = files(&list);
    if !says(command_line, NO_BOARD_WORD)
        && has_board(Path::new(PCI_DEVICES))
        && Path::new(BOARD_MODULE).exists()
    {
        paths.push(BOARD_MODULE.to_owned());
    }
    paths.retain(|path| path != OUR_MODULE);
    if !says(command_line, NO_DRIVER_WORD) && Path::new(OUR_MODULE).exists() {
        paths.push(OUR_MODULE.to_owned());
    }
    paths.extend(users(command_line));
    load_each(paths, command_line)
}

/// Loads the modules of a list of the image, as [`load_all`] does; none if there is no list.
pub fn load_list(list: &str, command_line: &str) -> Vec<ModuleLoad> {
    let list = fs::read_to_string(list).unwrap_or_default();
    load_each(files(&list), command_line)
}

fn load_each(paths: Vec<String>, command_line: &str) -> Vec<ModuleLoad> {
    let load = |path: String| {
        let parameters = parameters(&module_name(&path), command_line);
        let parameters = with_carve_out(&path, &parameters, command_line);
        let failure = load(&path, &parameters).err();
        ModuleLoad { path, failure }
    };
    paths.into_iter().map(load).collect()
}

/// The files of the user's modules that the command line names.
fn users(command_line: &str) -> impl Iterator<Item = String> {
    let names = command_line
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix(LOAD_WORD));
    names.map(|name| format!("{USER_MODULES}/{name}"))
}

/// Where the code of loaded modules begins, as gdb needs it: a line for each that the kernel tells of.
pub fn addresses(loaded: &[ModuleLoad]) -> Vec<String> {
    let line = |module: &ModuleLoad| {
        let file = Path::new(SYS_MODULES)
            .join(module_name(&module.path))
            .join("sections/.text");
        let address = fs::read_to_string(file).ok()?;
        let name = Path::new(&module.path).file_name()?.to_string_lossy();
        Some(format!("add-symbol-file {name} {}", address.trim()))
    };
    loaded.iter().filter_map(line).collect()
}

/// Whether one of the PCI functions is the chip.
fn has_board(functions: &Path) -> bool {
    let is_board = |function: &Path| {
        BOARD_IDS.iter().all(|(name, id)| {
            fs::read_to_string(function.join(name)).is_ok_and(|found| found.trim() == *id)
        })
    };
    fs::read_dir(functions)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .any(|entry| is_board(&entry.path()))
}

/// The paths in a list of modules. `#` begins a comment.
fn files(list: &str) -> Vec<String> {
    let names = list.lines().filter_map(|line| line.split('#').next());
    names
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| match name.starts_with('/') {
            true => name.to_owned(),
            false => format!("/lib/modules/{name}"),
        })
        .collect()
}

/// The kernel's name of a module in a file: no folder, no ending, underscores.
fn module_name(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    stem.to_string_lossy().replace('-', "_")
}

/// The parameters that the kernel command line holds for a module.
fn parameters(module: &str, command_line: &str) -> String {
    let words = command_line.split_ascii_whitespace().filter_map(|word| {
        let (name, parameter) = word.split_once('.')?;
        (name.replace('-', "_") == module).then_some(parameter)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What starts the word that says where the carve-out is, to the kernel and to our module.
const CARVE_OUT: &str = "rmem=";

/// The parameters with the carve-out of the command line, if it is our module's and they name none. As
/// on the cameras, the last one counts.
pub fn with_carve_out(path: &str, parameters: &str, command_line: &str) -> String {
    let carve_out = |text: &str| {
        let mut words = text.split_ascii_whitespace();
        let last = words.rfind(|word| word.starts_with(CARVE_OUT));
        last.map(str::to_owned)
    };
    match carve_out(command_line) {
        Some(word) if path == OUR_MODULE && carve_out(parameters).is_none() => {
            format!("{word} {parameters}").trim_end().to_owned()
        }
        _ => parameters.to_owned(),
    }
}

/// Loads one module; one that is there already is no error.
pub fn load(path: &str, parameters: &str) -> Result<(), Failure> {
    let step = format!("loading {path}");
    let file = File::open(path).at(&step)?;
    let parameters =
        CString::new(parameters).map_err(|_| failure(&step, "a parameter holds a zero byte"))?;
    match finit_module(&file, &parameters, ModuleInitFlags::empty()) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(Errno::ENOEXEC) => Err(Failure {
            step,
            errno: Some(libc::ENOEXEC),
            message: "the module does not fit this kernel; the console's last lines say why".into(),
        }),
        Err(error) => Err(error).at(&step),
    }
}

/// Unloads a module that nobody uses.
pub fn unload(name: &str) -> Result<(), Failure> {
    let step = format!("unloading {name}");
    let name = CString::new(name).map_err(|_| failure(&step, "the name holds a zero byte"))?;
    delete_module(&name, DeleteModuleFlags::O_NONBLOCK).at(&step)
}

/// How loading went, as text for the working process: path, then error number and reason.
pub fn to_report(loaded: &[ModuleLoad]) -> String {
    let lines = loaded.iter().map(|module| match &module.failure {
        None => format!("{}\t\t\n", module.path),
        Some(failure) => format!(
            "{}\t{}\t{}\n",
            module.path,
            failure.errno.unwrap_or(0),
            failure.message.replace(['\t', '\n'], " ")
        ),
    });
    lines.collect()
}

/// The opposite of [`to_report`].
pub fn from_report(report: &str) -> Vec<ModuleLoad> {
    let modules = report.lines().map(|line| {
        let mut fields = line.splitn(3, '\t');
        let path = fields.next().unwrap_or_default().to_owned();
        let errno = fields.next().and_then(|number| number.parse().ok());
        let message = fields.next().unwrap_or_default().to_owned();
        let failure = errno.map(|number: i32| Failure {
            step: format!("loading {path}"),
            errno: (number != 0).then_some(number),
            message,
        });
        ModuleLoad { path, failure }
    });
    modules.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_modules_are_named_in_order() {
        let line = "quiet lab.load=b.ko lab.load=a-c.ko a_c.x=1";
        let found: Vec<String> = users(line).collect();
        assert_eq!(
            found,
            ["/lib/modules/user/b.ko", "/lib/modules/user/a-c.ko"]
        );
        assert_eq!(parameters(&module_name(&found[1]), line), "x=1");
    }

    #[test]
    fn lists_hold_names_and_paths_and_comments() {
        assert_eq!(
            files("# camera\nvideodev.ko\n\n /lib/x/y.ko # why\n"),
            ["/lib/modules/videodev.ko", "/lib/x/y.ko"]
        );
    }

    #[test]
    fn the_chip_is_known_by_both_of_its_ids() {
        let dir = std::env::temp_dir().join(format!("agent-pci-{}", std::process::id()));
        let function = dir.join("0000:00:12.0");
        fs::create_dir_all(&function).unwrap();
        fs::write(function.join("vendor"), "0x1234\n").unwrap();
        fs::write(function.join("device"), "0x1111\n").unwrap();
        assert!(!has_board(&dir));
        fs::write(function.join("device"), "0x7131\n").unwrap();
        assert!(has_board(&dir));
        fs::remove_dir_all(&dir).unwrap();
        assert!(!has_board(&dir));
    }

    #[test]
    fn parameters_come_from_the_kernel_command_line() {
        let line =
            "console=ttyS0 tx_isp.debug=1 rmem=29M@0x6300000 tx-isp.buffers=4 vivid.n_devs=1\n";
        assert_eq!(
            parameters(&module_name("/lib/modules/tx-isp.ko"), line),
            "debug=1 buffers=4"
        );
        assert_eq!(parameters("videodev", line), "");
    }

    #[test]
    fn our_module_hears_of_the_carve_out() {
        let line = "quiet rmem=1M@0 mem=99M@0x0 rmem=29M@0x6300000";
        let with = |path, parameters| with_carve_out(path, parameters, line);
        assert_eq!(with(OUR_MODULE, ""), "rmem=29M@0x6300000");
        assert_eq!(with(OUR_MODULE, "margin=3"), "rmem=29M@0x6300000 margin=3");
        assert_eq!(with(OUR_MODULE, "rmem=none"), "rmem=none");
        assert_eq!(with("/lib/modules/user/tx-isp.ko", "x=1"), "x=1");
        assert_eq!(with_carve_out(OUR_MODULE, "x=1", "mem=128M"), "x=1");
    }

    #[test]
    fn a_report_survives_the_environment() {
        let loaded = vec![
            ModuleLoad {
                path: "/lib/modules/a.ko".into(),
                failure: None,
            },
            ModuleLoad {
                path: "/lib/modules/b.ko".into(),
                failure: Some(Failure {
                    step: "loading /lib/modules/b.ko".into(),
                    errno: Some(8),
                    message: "it does not fit".into(),
                }),
            },
        ];
        assert_eq!(from_report(&to_report(&loaded)), loaded);
        assert_eq!(from_report(""), []);
    }

    #[test]
    fn a_module_that_is_not_there_is_named() {
        let error = load("/no/such.ko", "").unwrap_err();
        assert_eq!(error.step, "loading /no/such.ko");
        assert_eq!(error.errno, Some(libc::ENOENT));
    }
}
