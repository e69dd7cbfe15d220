// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds tx-isp.ko: the Rust library with cargo, the C files and the link with kbuild.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::agent::stripped;
use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use crate::kernel::modules::module_info;
use crate::kernel::{Kernel, jobs, make};
use crate::rust::Build;
use crate::stack;
use host_setup::command::run;
use host_setup::progress::Progress;
use host_setup::source_paths::c_flags;
use host_setup::toolchain::Toolchain;

/// One kbuild run over a handful of files.
pub(crate) const KBUILD_LIMIT: Duration = Duration::from_secs(10 * 60);

/// rustc's description of a bare MIPS machine; ours differs from it in one feature.
const BARE_TARGET: &str = "mipsel-unknown-none";

/// The kernel's text is out of reach of a plain call from where modules are loaded.
const LONG_CALLS: &str = "+long-calls";

/// What kbuild is given from `driver/linux`.
const SOURCE_EXTENSIONS: [&str; 4] = ["c", "h", "lds", "S"];

/// The built module.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    /// As kbuild made it, with debugging information.
    pub(crate) full: PathBuf,
    /// For the guest.
    pub(crate) stripped: PathBuf,
}

/// Builds the module for `kernel` unless nothing has changed.
pub(crate) fn build(
    kernel: &Kernel,
    repository: &Path,
    cache: &Cache,
    toolchain: &Toolchain,
    progress: &dyn Progress,
) -> Result<Module> {
    let library = build_library(repository, cache, toolchain, progress)?;
    let dir = cache.dir(Path::new("modules").join(&kernel.key))?;
    let stage = dir.join("stage");
    fs::create_dir_all(&stage).at("creating", &stage)?;
    let sources = stage_sources(&repository.join("driver/linux"), &stage)?;

    // cargo may bring back an artifact of another checkout with its old time, which make would
    // take for no change: a copy's time says when the content changed.
    let archive = cache::read(&library)?;
    let library = dir.join("libtx_isp_linux.a");
    cache::write_if_changed(&library, &archive)?;

    let mut key = Key::new().add(&archive);
    for source in &sources {
        key = key
            .add(source.as_os_str().as_encoded_bytes())
            .add(cache::read(source)?);
    }
    let key = key
        .add(cache::read(&kernel.build.join("Module.symvers"))?)
        .add(cache::read(&kernel.build.join(".config"))?)
        .finish();
    let full = stage.join("tx-isp.ko");
    let record = dir.join("inputs");
    let unchanged = full.is_file() && fs::read_to_string(&record).is_ok_and(|known| known == key);
    if !unchanged {
        progress.start("build tx-isp.ko");
        // Emptied first: what a build that fails leaves behind is nobody's module.
        fs::write(&record, "").at("writing", &record)?;
        run_kbuild(kernel, &stage, &library)?;
        check_release(&full, kernel)?;
        stack::check(&full)?;
        fs::write(&record, key).at("writing", &record)?;
        progress.finish(&kernel.label);
    }
    let stripped = stripped(&full, "--strip-debug", &dir.join("tx-isp.ko"))?;
    Ok(Module { full, stripped })
}

fn build_library(
    repository: &Path,
    cache: &Cache,
    toolchain: &Toolchain,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let target = target_description(cache, toolchain)?;
    let mut arguments = vec![
        "--lib".to_owned(),
        // A section for each function lets the link drop what is not used; with
        // link-time optimisation the kernel's linker would meet bitcode.
        "--config=profile.release.lto=false".to_owned(),
        // An edited line of the driver is compiled in a second rather than five, for 17 % more code.
        "--config=profile.release.incremental=true".to_owned(),
        "--config=profile.release.codegen-units=256".to_owned(),
        "--config=profile.release.opt-level=2".to_owned(),
        "--config=profile.release.panic=\"abort\"".to_owned(),
    ];
    if wants_word_for_targets(repository, toolchain)? {
        arguments.push(format!("-Z{TARGETS_FROM_FILES}"));
    }
    Build {
        what: "driver library",
        package: "tx-isp-linux",
        target: &target.to_string_lossy(),
        build_std: "core,compiler_builtins",
        arguments,
        rustflags: vec!["-Cembed-bitcode=no".to_owned()],
        environment: Vec::new(),
        artifact: "release/libtx_isp_linux.a",
    }
    .run(repository, cache, toolchain, progress)
}

/// What newer cargos want to be told before they read a target's description from a file; older ones
/// refuse the word.
const TARGETS_FROM_FILES: &str = "json-target-spec";

/// Whether this cargo knows that word.
fn wants_word_for_targets(repository: &Path, toolchain: &Toolchain) -> Result<bool> {
    let mut cargo = toolchain.cargo(repository);
    cargo.args(["-Z", "help"]);
    let said = run(cargo, "cargo -Z help", KBUILD_LIMIT)?;
    Ok(said.stdout.contains(TARGETS_FROM_FILES))
}

/// Writes the target's description. It is derived from the toolchain's own, because its fields
/// change between versions of rustc.
fn target_description(cache: &Cache, toolchain: &Toolchain) -> Result<PathBuf> {
    let path = cache
        .path("rust")
        .join(cache::toolchain_key(toolchain))
        .join("mipsel-linux-module.json");
    if path.is_file() {
        return Ok(path);
    }
    let mut rustc = toolchain.rustc();
    rustc.args(["-Zunstable-options", "--print=target-spec-json"]);
    rustc.args(["--target", BARE_TARGET]);
    let said = run(rustc, "rustc --print=target-spec-json", KBUILD_LIMIT)?;
    let text = module_target(&said.stdout).map_err(|detail| Error::Unexpected {
        tool: "rustc",
        detail,
    })?;
    cache::write_if_changed(&path, text.as_bytes())?;
    Ok(path)
}

fn module_target(bare: &str) -> std::result::Result<String, String> {
    let mut target: Value = serde_json::from_str(bare).map_err(|error| error.to_string())?;
    let fields = target
        .as_object_mut()
        .ok_or("the target description is no object")?;
    // A built-in target's metadata is for rustc's documentation.
    fields.remove("metadata");
    let features = fields
        .get("features")
        .and_then(Value::as_str)
        .ok_or("the target description has no features")?;
    let features = format!("{features},{LONG_CALLS}");
    fields.insert("features".to_owned(), Value::String(features));
    Ok(format!("{target:#}\n"))
}

/// Copies the sources for kbuild, so that what it makes does not land in the repository; gives the
/// copies. Files keep their times unless they changed, and what is gone is removed.
pub(crate) fn stage_sources(from: &Path, stage: &Path) -> Result<Vec<PathBuf>> {
    let mut staged = stage_folder(from, stage)?;
    for path in cache::entries(from)? {
        // Rust's sources are cargo's business.
        if let Some(name) = path
            .file_name()
            .filter(|name| *name != "src" && path.is_dir())
        {
            let folder = stage.join(name);
            fs::create_dir_all(&folder).at("creating", &folder)?;
            staged.extend(stage_folder(&path, &folder)?);
        }
    }
    Ok(staged)
}

/// The same for the files of one folder.
fn stage_folder(from: &Path, stage: &Path) -> Result<Vec<PathBuf>> {
    let mut names: BTreeSet<OsString> = BTreeSet::new();
    for path in cache::entries(from)? {
        if let Some(name) = path.file_name().filter(|_| is_source(&path)) {
            cache::write_if_changed(&stage.join(name), &cache::read(&path)?)?;
            names.insert(name.to_owned());
        }
    }
    let mod_c = OsStr::new("tx-isp.mod.c");
    for path in cache::entries(stage)? {
        let known = path
            .file_name()
            .is_none_or(|name| names.contains(name) || name == mod_c);
        if is_source(&path) && !known {
            fs::remove_file(&path).at("removing", &path)?;
        }
    }
    Ok(names.iter().map(|name| stage.join(name)).collect())
}

fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    path.is_file()
        && (path.file_name() == Some(OsStr::new("Kbuild"))
            || extension.is_some_and(|extension| SOURCE_EXTENSIONS.contains(&extension)))
}

fn run_kbuild(kernel: &Kernel, stage: &Path, library: &Path) -> Result<()> {
    let mut command = make(&kernel.build);
    command
        .arg(format!("-j{}", jobs()))
        .arg(format!("M={}", stage.display()))
        .arg(format!("TX_ISP_RUST_LIB={}", library.display()))
        .env(
            "KCFLAGS",
            c_flags(&[(stage, "."), (&kernel.build, "linux")]),
        )
        .arg("modules");
    let said = run(command, "building tx-isp.ko", KBUILD_LIMIT)?;
    let warnings: Vec<&str> = said.all.lines().filter(|line| is_warning(line)).collect();
    if warnings.is_empty() {
        return Ok(());
    }
    // A second run would not compile the file again and so not warn again.
    let warnings = warnings.join("\n");
    remove_objects(stage)?;
    Err(Error::Warnings { warnings })
}

/// gcc, ld and modpost say "warning:" or "WARNING:"; kbuild says so too when a kernel was built
/// with another compiler, and then says which in the lines after it: that one is the user's choice.
fn is_warning(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("warning:") && !line.contains("the compiler differs from the one used")
}

fn remove_objects(stage: &Path) -> Result<()> {
    for path in cache::entries(stage)? {
        if path
            .extension()
            .is_some_and(|extension| extension == "o" || extension == "ko")
        {
            fs::remove_file(&path).at("removing", &path)?;
        } else if path.is_dir() {
            remove_objects(&path)?;
        }
    }
    Ok(())
}

/// A module that does not fit its kernel would only be refused in the guest.
fn check_release(module: &Path, kernel: &Kernel) -> Result<()> {
    let magic = module_info(module, "vermagic")?.unwrap_or_default();
    let built_for = magic.split(' ').next().unwrap_or_default();
    if built_for == kernel.release {
        return Ok(());
    }
    Err(Error::Kernel {
        path: kernel.elf.clone(),
        reason: format!(
            "it is {}, but its build folder makes modules for {built_for}; build the kernel again",
            kernel.release
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_the_toolchains_own_plus_long_calls() {
        let text = module_target(
            r#"{"arch":"mips","features":"+mips32r2,+soft-float","metadata":{"tier":3}}"#,
        )
        .unwrap();
        let target: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(target["features"], "+mips32r2,+soft-float,+long-calls");
        assert_eq!(target["arch"], "mips");
        assert!(target.get("metadata").is_none());
        assert!(module_target("[]").is_err());
    }

    #[test]
    fn staged_sources_follow_the_repository() {
        let from = tempfile::tempdir().unwrap();
        let stage = tempfile::tempdir().unwrap();
        fs::create_dir_all(from.path().join("src")).unwrap();
        fs::create_dir_all(from.path().join("front")).unwrap();
        for name in ["Kbuild", "a.c", "a.h", "Cargo.toml", "front/b.c", "src/c.c"] {
            fs::write(from.path().join(name), name).unwrap();
        }
        fs::write(stage.path().join("gone.c"), "").unwrap();
        fs::write(stage.path().join("tx-isp.mod.c"), "").unwrap();
        let staged = stage_sources(from.path(), stage.path()).unwrap();
        let names: Vec<_> = staged.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["Kbuild", "a.c", "a.h", "b.c"]);
        assert!(stage.path().join("front/b.c").exists() && !stage.path().join("src").exists());
        assert!(!stage.path().join("gone.c").exists());
        assert!(stage.path().join("tx-isp.mod.c").exists());
    }

    #[test]
    fn warnings_of_any_tool_are_seen() {
        assert!(is_warning("a.c:3:1: warning: unused variable"));
        assert!(is_warning("WARNING: modpost: \"x\" undefined"));
        assert!(!is_warning("  CC [M]  a.o"));
    }
}
