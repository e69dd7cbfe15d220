// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel's own tools say of the driver's C files: `checkpatch.pl --strict`, from the kernel's
//! source, and sparse, if the host has it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use host_setup::command::run;
use host_setup::progress::Progress;
use lzma_rust2::XzReader;

use crate::apt::Apt;
use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use crate::kernel::{self, KernelChoice, flavour, jobs, make};
use crate::module::{KBUILD_LIMIT, stage_sources};

/// What checkpatch is made of.
const SCRIPTS: [&str; 3] = ["checkpatch.pl", "spelling.txt", "const_structs.checkpatch"];

/// The files that have to know kernels' versions, one for each module, and what checkpatch thinks of that.
const COMPAT: [&str; 2] = ["tx_isp_compat.h", "board_compat.h"];
const COMPAT_IGNORES: &str = "--ignore=LINUX_VERSION_CODE,CONSTANT_COMPARISON";

/// Folders of C files that kbuild makes a module of: the driver's, and the board's.
const FOLDERS: [&str; 2] = ["driver/linux", "driver/linux/board"];

/// What the tools said.
#[derive(Debug, Default)]
pub struct Style {
    /// One line each.
    pub complaints: Vec<String>,
    /// Why sparse was left out, if it was.
    pub no_sparse: Option<String>,
}

/// Asks both tools.
pub(crate) fn check(
    repository: &Path,
    cache: &Cache,
    apt: &Apt<'_>,
    progress: &dyn Progress,
) -> Result<Style> {
    let mut style = Style::default();
    let checkpatch = checkpatch(cache, apt, progress)?;
    for folder in FOLDERS {
        style
            .complaints
            .extend(strict(&checkpatch, &repository.join(folder))?);
    }
    let mut version = Command::new("sparse");
    version.arg("--version");
    if let Err(error) = run(version, "sparse --version", KBUILD_LIMIT) {
        style.no_sparse = Some(error.to_string());
        return Ok(style);
    }
    let kernel = kernel::prepare(&KernelChoice::Debian, repository, cache, apt, progress)?;
    for folder in FOLDERS {
        let from = repository.join(folder);
        let stage = cache.dir(Path::new("style").join(folder.replace('/', "-")))?;
        style
            .complaints
            .extend(sparse(&kernel.build, &from, &stage)?);
    }
    Ok(style)
}

/// The script, unpacked from the source of the guest's kernel.
fn checkpatch(cache: &Cache, apt: &Apt<'_>, progress: &dyn Progress) -> Result<PathBuf> {
    let (tarball, package) = flavour::tarball(&flavour::FAST, apt)?;
    let key = Key::new().add(&package.version).finish();
    let folder = cache.dir("style")?.join(format!("checkpatch-{key}"));
    cache::once(&folder, |partial| {
        progress.start("kernel: unpack checkpatch");
        unpack(&tarball, partial)?;
        progress.finish(&package.version);
        Ok(())
    })?;
    Ok(folder.join(SCRIPTS[0]))
}

/// Unpacks the scripts. A machine that builds no kernel may have no `xz`.
fn unpack(tarball: &Path, into: &Path) -> Result<()> {
    let file = File::open(tarball).at("opening", tarball)?;
    let reader = XzReader::new(BufReader::new(file), false);
    let mut archive = tar::Archive::new(reader);
    let mut missing = SCRIPTS.to_vec();
    for entry in archive.entries().at("reading", tarball)? {
        let mut entry = entry.at("reading", tarball)?;
        let path = entry.path().at("reading", tarball)?;
        let in_source = path.iter().skip(1).collect::<PathBuf>();
        let wanted = |name: &&str| in_source == Path::new("scripts").join(name);
        let Some(index) = missing.iter().position(wanted) else {
            continue;
        };
        let target = into.join(missing.remove(index));
        entry.unpack(&target).at("unpacking", &target)?;
        if missing.is_empty() {
            return Ok(());
        }
    }
    Err(Error::Unexpected {
        tool: "the kernel's source",
        detail: format!("it has no scripts/{}", missing.join(", scripts/")),
    })
}

fn is_c(path: &Path) -> bool {
    path.extension()
        .is_some_and(|kind| kind == "c" || kind == "h")
        && !path.to_string_lossy().ends_with(".mod.c")
}

/// The C files of a folder and of those in it that have no module of their own.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in cache::entries(folder)? {
        if path.is_dir() && !path.join("Kbuild").is_file() {
            found.extend(sources(&path)?);
        } else if is_c(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn strict(checkpatch: &Path, folder: &Path) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for source in sources(folder)? {
        let mut command = Command::new("perl");
        command.arg(checkpatch);
        command.args(["--no-tree", "--strict", "--terse", "--show-types"]);
        if COMPAT.iter().any(|name| source.ends_with(name)) {
            command.arg(COMPAT_IGNORES);
        }
        command.arg("--file").arg(&source);
        let said = command.output().at("running perl for", &source)?;
        complaints.extend(answer(
            said.status.success(),
            &String::from_utf8_lossy(&said.stdout),
            &String::from_utf8_lossy(&said.stderr),
        )?);
    }
    Ok(complaints)
}

/// What checkpatch complains of. It says nothing of a clean file and ends with 0; else it ends with 1, and
/// its last line is the total.
fn answer(success: bool, stdout: &str, stderr: &str) -> Result<Vec<String>> {
    let is_total = |line: &str| line.starts_with("total: ");
    let is_clean = success && stdout.is_empty() && stderr.is_empty();
    if !is_clean && !stdout.lines().any(is_total) {
        return Err(Error::Unexpected {
            tool: "checkpatch.pl",
            detail: format!("{stdout}{stderr}"),
        });
    }
    let lines = stdout.lines().filter(|line| !is_total(line));
    Ok(lines.map(str::to_owned).collect())
}

/// Compiles each file of a module with sparse beside the compiler; nothing is linked.
fn sparse(build: &Path, from: &Path, stage: &Path) -> Result<Vec<String>> {
    stage_sources(from, stage)?;
    let mut command = make(build);
    command
        .arg(format!("-j{}", jobs()))
        .arg(format!("M={}", stage.display()))
        // 2: also files that need not be compiled again.
        .args(["C=2", "CHECK=sparse"])
        .args(objects(stage)?);
    let said = run(command, "make C=2", KBUILD_LIMIT)?;
    let stage = format!("{}/", stage.display());
    let lines = said.all.lines().filter(|line| {
        line.starts_with(&stage) && (line.contains("warning:") || line.contains("error:"))
    });
    Ok(lines.map(|line| line.replace(&stage, "")).collect())
}

/// What a module's C files are compiled to, as kbuild names it: below the module's folder.
fn objects(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = sources(folder)?;
    objects.retain(|path| path.extension().is_some_and(|kind| kind == "c"));
    let named = objects
        .iter()
        .filter_map(|path| path.strip_prefix(folder).ok());
    Ok(named.map(|path| path.with_extension("o")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_unpacked_without_a_program_of_the_host() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let tarball = |names: &[&str]| {
            let file = dir.path().join("linux-source.tar.xz");
            let options = lzma_rust2::XzOptions::with_preset(1);
            let packed = lzma_rust2::XzWriter::new(File::create(&file).unwrap(), options).unwrap();
            let mut archive = tar::Builder::new(packed);
            for name in names {
                let mut header = tar::Header::new_gnu();
                header.set_size(4);
                header.set_mode(0o755);
                let name = format!("linux-source-6.1/{name}");
                archive
                    .append_data(&mut header, name, &b"text"[..])
                    .unwrap();
            }
            archive
                .into_inner()
                .unwrap()
                .finish()
                .unwrap()
                .flush()
                .unwrap();
            file
        };
        let scripts = SCRIPTS.map(|script| format!("scripts/{script}"));
        let mut names: Vec<&str> = scripts.iter().map(String::as_str).collect();
        names.insert(0, "Makefile");
        unpack(&tarball(&names), dir.path()).unwrap();
        for script in SCRIPTS {
            assert_eq!(std::fs::read(dir.path().join(script)).unwrap(), b"text");
        }
        assert!(!dir.path().join("Makefile").exists());
        let error = unpack(&tarball(&names[..3]), dir.path()).unwrap_err();
        let missing = format!("it has no scripts/{}", SCRIPTS[2]);
        assert!(error.to_string().contains(&missing), "{error}");
    }

    #[test]
    fn checkpatch_says_nothing_of_a_clean_file() {
        assert!(answer(true, "", "").unwrap().is_empty());
        let said = "a.c:3: CHECK:LONG_LINE: line length\ntotal: 0 errors, 0 warnings, 1 checks\n";
        assert_eq!(
            answer(false, said, "").unwrap(),
            ["a.c:3: CHECK:LONG_LINE: line length"]
        );
    }

    #[test]
    fn a_checkpatch_that_cannot_run_has_not_found_the_file_clean() {
        assert!(answer(false, "", "").is_err());
        assert!(answer(true, "", "No typos will be found").is_err());
    }

    #[test]
    fn a_folder_with_a_kbuild_of_its_own_is_another_module() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a.c",
            "b.h",
            "c.rs",
            "d.mod.c",
            "in/e.c",
            "other/f.c",
            "other/Kbuild",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = sources(folder.path()).unwrap();
        let names = found
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap());
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["a.c", "b.h", "in/e.c"].map(Path::new)
        );
        assert_eq!(
            objects(folder.path()).unwrap(),
            ["a.o", "in/e.o"].map(Path::new)
        );
    }
}
