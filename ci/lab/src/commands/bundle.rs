// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab bundle`: everything that a guest needs in one archive, for machines that have QEMU and
//! nothing else.

use std::fs::{self, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use guest_image::Progress;
use host_setup::source_paths;
use lzma_rust2::{XzOptions, XzWriter};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, elf};
use testbed::bundle::{self, FileSum, Manifest};
use testbed::prepare::{self, cargo, repository};
use testbed::process::{self, Line};
use testbed::progress::Steps;

use crate::options::GuestOptions;

/// A first build of everything, on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// How hard xz tries; harder ones take much longer for little.
const EFFORT: u32 = 6;

/// What to pack, and where.
#[derive(Debug, Clone, Args)]
pub struct BundleOptions {
    /// The archive to write
    #[arg(long, value_name = "FILE.tar.xz")]
    pub output: PathBuf,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// Builds and packs; true when done.
///
/// # Errors
/// What could not be had, built or written.
pub fn command(options: &BundleOptions) -> Result<bool> {
    ensure!(
        options.output.to_string_lossy().ends_with(".tar.xz"),
        "{} is no name for a bundle: it is a .tar.xz",
        options.output.display()
    );
    let folder = folder_of(&options.output);
    ensure!(
        folder.is_dir(),
        "{} is no folder: make it, or name another --output",
        folder.display()
    );
    ensure!(
        bundle::current().is_none(),
        "a bundle cannot make another one: run this in a checkout"
    );
    let steps = Steps::new();
    let repository = repository()?;
    let image = prepare::image(&options.guest.config(), &steps, |image| {
        image.with_compliance = true;
        image.with_vendor_client = true;
        image.with_share = true;
    })?;
    let programs = steps.step(
        "bundle: static programs",
        || build_static(&repository, &steps),
        |programs| format!("lab and emulator, {}", programs.linkage),
    )?;
    let mut files = vec![
        Entry::file(bundle::LAB, &programs.lab, 0o755)?,
        Entry::file(bundle::EMULATOR, &programs.emulator, 0o755)?,
        Entry::file(bundle::KERNEL, &image.kernel_elf, 0o644)?,
        Entry::file(bundle::INITRAMFS, &image.initramfs, 0o644)?,
        Entry::file(bundle::MODULE, &image.module_path, 0o644)?,
    ];
    files.extend(cameras(&repository)?);
    let contents = files
        .iter()
        .map(|file| (file.name.clone(), FileSum::of(&file.content)));
    let manifest = Manifest::of(&image, contents.collect());
    files.push(Entry {
        name: bundle::MANIFEST.to_owned(),
        content: serde_json::to_vec_pretty(&manifest).context("the manifest")?,
        mode: 0o644,
    });
    let bytes = steps.step(
        "bundle: pack",
        || write(&options.output, files),
        |bytes| {
            format!(
                "{}, {}.{} MB",
                options.output.display(),
                bytes / 1_000_000,
                bytes / 100_000 % 10
            )
        },
    )?;
    ensure!(bytes > 0, "nothing was written");
    steps.line(&format!(
        "elsewhere: tar -xf {}, then {}/lab stream; QEMU 7.2 or newer is all it needs",
        options.output.display(),
        bundle::FOLDER
    ));
    Ok(true)
}

/// Where a file lies.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Programs that need no library of the host.
struct Programs {
    lab: PathBuf,
    emulator: PathBuf,
    linkage: &'static str,
}

/// Builds both programs with the C library inside.
fn build_static(repository: &Path, steps: &Steps) -> Result<Programs> {
    let target = host_target()?;
    let mut command = cargo();
    command
        .current_dir(repository)
        .args(["build", "--release", "--target", &target])
        .args(["--package", "lab", "--package", "tx-isp-emulator"])
        .args(["--bin", "lab", "--bin", bundle::EMULATOR])
        .args(["--features", "lab/driver"])
        .args(["--config", "profile.release.debug=0"])
        .args(["--config", "profile.release.strip=\"symbols\""])
        .arg("--message-format=json-render-diagnostics")
        // What was built before has no part in it.
        .env("CARGO_INCREMENTAL", "0")
        // It goes before all other ways to give flags, and takes paths with spaces.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            static_flags(repository).join("\x1f"),
        );
    let mut said = String::new();
    let mut built: Vec<PathBuf> = Vec::new();
    let mut crates = 0;
    let status = process::run(&mut command, BUILD_LIMIT, |line| match line {
        Line::Err(text) => said.extend([text.as_str(), "\n"]),
        Line::Out(text) => {
            crates += 1;
            steps.advance(crates, None, "crates");
            built.extend(executable(&text));
        }
    })
    .context("running cargo")?;
    let program = |name: &str| {
        built
            .iter()
            .find(|path| path.file_name().is_some_and(|found| found == name))
            .cloned()
    };
    match (program(bundle::LAB), program(bundle::EMULATOR)) {
        (Some(lab), Some(emulator)) if status.success() => {
            for program in [&lab, &emulator] {
                check_static(program)?;
            }
            Ok(Programs {
                lab,
                emulator,
                linkage: "statically linked",
            })
        }
        _ => bail!(
            "static programs could not be built ({status}); they need the C library's archive (on Debian in libc6-dev):\n{said}"
        ),
    }
}

/// What rustc is told: the C library inside, and no path of this machine in the programs.
fn static_flags(repository: &Path) -> Vec<String> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").and_then(|folder| std::path::absolute(folder).ok());
    let mut named = vec![(repository, ".")];
    named.extend(target.iter().map(|folder| (folder.as_path(), "./target")));
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    flags.extend(source_paths::rustc_flags(&named));
    flags
}

/// Checks that a program asks for no library of the host, nor for what loads them.
fn check_static(program: &Path) -> Result<()> {
    let reading = || format!("reading {}", program.display());
    let bytes = fs::read(program).with_context(reading)?;
    let needed = needed_libraries(&bytes).with_context(reading)?;
    ensure!(
        needed.is_empty(),
        "{} is not statically linked: it needs {}",
        program.display(),
        needed.join(", ")
    );
    Ok(())
}

/// The loader and the shared libraries that an ELF program asks for.
fn needed_libraries(program: &[u8]) -> Result<Vec<String>> {
    let header = elf::FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let mut needed = Vec::new();
    for segment in header.program_headers(endian, program)? {
        if let Some(loader) = segment.interpreter(endian, program)? {
            needed.push(String::from_utf8_lossy(loader).into_owned());
        }
    }
    let sections = header.sections(endian, program)?;
    if let Some((entries, strings)) = sections.dynamic(endian, program)? {
        let strings = sections.strings(endian, program, strings)?;
        for entry in entries {
            if entry.tag(endian) == elf::DT_NEEDED {
                let name = entry.string(endian, strings)?;
                needed.push(String::from_utf8_lossy(name).into_owned());
            }
        }
    }
    Ok(needed)
}

/// The program in a message of cargo's, if it is about one.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}

/// What rustc calls this machine.
fn host_target() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = std::process::Command::new(rustc);
    command.args(["--version", "--verbose"]);
    let (_, said) = process::ask(&mut command, ASK_LIMIT).context("asking rustc for its host")?;
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .with_context(|| format!("rustc does not name its host:\n{said}"))
}

/// One file of the archive.
struct Entry {
    name: String,
    content: Vec<u8>,
    mode: u32,
}

impl Entry {
    fn file(name: &str, path: &Path, mode: u32) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            content: fs::read(path).with_context(|| format!("reading {}", path.display()))?,
            mode,
        })
    }
}

fn cameras(repository: &Path) -> Result<Vec<Entry>> {
    let folder = repository.join(bundle::CAMERAS);
    let mut entries = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".toml") {
            entries.push(Entry::file(
                &format!("{}/{name}", bundle::CAMERAS),
                &path,
                0o644,
            )?);
        }
    }
    Ok(entries)
}

/// Writes an archive that depends on names and contents alone: no times, no owners, one order. Gives
/// its size in bytes. Under its name there is a whole archive or what was there before.
fn write(output: &Path, mut files: Vec<Entry>) -> Result<u64> {
    let context = || format!("writing {}", output.display());
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .prefix(".bundle-")
        .tempfile_in(folder_of(output))
        .with_context(context)?;
    let packed = XzWriter::new(BufWriter::new(file), XzOptions::with_preset(EFFORT))
        .with_context(context)?;
    let mut archive = tar::Builder::new(packed);
    for entry in &files {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(entry.content.len()).unwrap_or(u64::MAX));
        header.set_mode(entry.mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let name = format!("{}/{}", bundle::FOLDER, entry.name);
        archive
            .append_data(&mut header, name, entry.content.as_slice())
            .with_context(context)?;
    }
    let packed = archive.into_inner().with_context(context)?;
    let mut buffered = packed.finish().with_context(context)?;
    buffered.flush().with_context(context)?;
    let file = buffered
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)
        .with_context(context)?;
    file.as_file().sync_all().with_context(context)?;
    file.persist(output)
        .map_err(|error| error.error)
        .with_context(context)?;
    Ok(fs::metadata(output).with_context(context)?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(order: [usize; 2]) -> Vec<Entry> {
        let files = [("bundle.json", 0o644), ("lab", 0o755)];
        order
            .map(|index| Entry {
                name: files[index].0.to_owned(),
                content: files[index].0.repeat(1000).into_bytes(),
                mode: files[index].1,
            })
            .into()
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["a.tar.xz", "b.tar.xz"].map(|name| dir.path().join(name));
        let size = write(&first, entries([0, 1])).unwrap();
        std::thread::sleep(Duration::from_millis(1100));
        write(&second, entries([1, 0])).unwrap();
        let bytes = fs::read(&first).unwrap();
        assert_eq!(bytes.len() as u64, size);
        assert!(bytes == fs::read(&second).unwrap(), "the bytes differ");

        let reader = lzma_rust2::XzReader::new(bytes.as_slice(), false);
        let mut archive = tar::Archive::new(reader);
        let names: Vec<(String, u32, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = entry.path().unwrap().display().to_string();
                (path, entry.header().mode().unwrap(), entry.size())
            })
            .collect();
        assert_eq!(
            names,
            [
                ("tx-isp/bundle.json".to_owned(), 0o644, 11_000),
                ("tx-isp/lab".to_owned(), 0o755, 3000)
            ]
        );
    }

    #[test]
    fn an_archive_that_could_not_be_written_leaves_the_former_one() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("a.tar.xz");
        fs::write(&output, "the former one").unwrap();
        let mut files = entries([0, 1]);
        files[1].name = "../outside".to_owned();
        write(&output, files).unwrap_err();
        assert_eq!(fs::read_to_string(&output).unwrap(), "the former one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a rest stays");
    }

    #[test]
    fn an_archive_is_readable_by_everybody_that_may_read_the_users_files() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("a.tar.xz");
        write(&output, entries([0, 1])).unwrap();
        let other = dir.path().join("other");
        fs::write(&other, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&output), mode(&other));
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_before_anything_is_built() {
        let options: BundleOptions =
            crate::options::parse(&["--output", "/no/such/folder/a.tar.xz"]).unwrap();
        let error = command(&options).unwrap_err().to_string();
        assert!(error.contains("/no/such/folder is no folder"), "{error}");
    }

    #[test]
    fn a_program_that_needs_libraries_is_not_packed() {
        let this = std::env::current_exe().unwrap();
        let error = check_static(&this).unwrap_err().to_string();
        assert!(
            error.contains("is not statically linked") && error.contains("libc.so"),
            "{error}"
        );
        let error = check_static(Path::new(file!()).parent().unwrap()).unwrap_err();
        assert!(error.to_string().contains("reading"), "{error}");
    }

    #[test]
    fn no_path_of_this_machine_is_left_in_the_programs() {
        let flags = static_flags(Path::new("/home/me/my isp"));
        assert!(flags[0].contains("crt-static"), "{flags:?}");
        let renamed = "--remap-path-prefix=/home/me/my isp=.".to_owned();
        assert!(flags.contains(&renamed), "{flags:?}");
    }

    #[test]
    fn programs_are_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","executable":"/t/release/lab"}"#;
        assert_eq!(executable(line), Some("/t/release/lab".into()));
        assert_eq!(executable(r#"{"reason":"build-finished"}"#), None);
        assert_eq!(executable("no json"), None);
    }
}
