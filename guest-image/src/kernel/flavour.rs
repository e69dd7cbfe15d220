// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Kernels of our own from Debian's source: a configuration and patches, kept in the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::apt::{Apt, Bundle, Package};
use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use host_setup::command::{run, run_with};
use host_setup::progress::Progress;

use super::image::Kernel;
use super::modules::ModuleTree;
use super::tools::{cross, jobs, make};
use super::{debian, user};

/// A kernel build; 3 minutes on two cores.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Unpacking, patching and configuring.
const STEP_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Large parts of the kernel's source that no kernel for this guest is built from.
const LEFT_OUT: [&str; 6] = [
    "Documentation/devicetree",
    "Documentation/translations",
    "drivers/gpu/drm/amd/include",
    "tools/perf",
    "tools/testing",
    "sound/soc/codecs/*.c",
];

/// Whose source a kernel is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// That of Debian's own kernel for the guest.
    Guest,
    /// That of a series, as in "6.12".
    Series(&'static str),
    /// The newest there is.
    Newest,
}

/// One kernel of our own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flavour {
    /// For people and in the cache.
    pub(crate) name: &'static str,
    pub(crate) source: Source,
    /// Files of configuration lines, in `guest-image/kernel`; a later line goes before an earlier
    /// one, and whatever no line names is off.
    pub(crate) configs: &'static [&'static str],
    /// How many files its build makes, about: for the progress bar.
    pub(crate) files: u64,
}

/// Small, and without the second or two that a Malta kernel waits for its clock chip.
pub(crate) const FAST: Flavour = Flavour {
    name: "fast",
    source: Source::Guest,
    configs: &["fast.config"],
    files: 1250,
};

/// The same, and it looks for mistakes: locks, sleeping in atomic context, DMA mappings, leaks, use
/// after free.
pub(crate) const DEBUG: Flavour = Flavour {
    name: "debug",
    source: Source::Guest,
    configs: &["fast.config", "debug.config"],
    files: 1300,
};

/// The small kernel of the newest series with long support: what a driver has to build for next.
pub(crate) const LTS: Flavour = Flavour {
    name: "6.12",
    source: Source::Series("6.12"),
    configs: &["fast.config", "newer.config"],
    files: 1400,
};

/// The small kernel of the newest release: what a driver has to build for at last.
pub(crate) const LATEST: Flavour = Flavour {
    name: "latest",
    source: Source::Newest,
    configs: &["fast.config", "newer.config", "newest.config"],
    files: 1400,
};

pub(super) fn prepare(
    flavour: &Flavour,
    repository: &Path,
    cache: &Cache,
    apt: &Apt<'_>,
    progress: &dyn Progress,
) -> Result<Kernel> {
    let (tarball, package) = tarball(flavour, apt)?;
    let recipe = Recipe::read(flavour, &repository.join("guest-image/kernel"), &package)?;

    let source = cache.dir("kernels")?.join(&recipe.source);
    cache::once(&source, |partial| {
        unpack(&tarball, &recipe.patches, partial, progress)
    })?;
    build(flavour, &recipe, &source, cache, progress)
}

/// A flavour's packed source, fetched if need be, and the package that it is in.
pub(crate) fn tarball(flavour: &Flavour, apt: &Apt<'_>) -> Result<(PathBuf, Package)> {
    let question = match flavour.source {
        Source::Guest => "kernel-source".to_owned(),
        Source::Series(_) | Source::Newest => format!("kernel-source-{}", flavour.name),
    };
    let bundles = apt.bundles(&question, |apt| resolve(flavour.source, &question, apt))?;
    let archive = bundles
        .first()
        .and_then(|bundle| Some((bundle, bundle.packages.first()?)));
    let Some((bundle, package)) = archive else {
        return Err(debian::missing("linux-source", "not resolved"));
    };
    let folder = bundle.root.join("usr/src");
    Ok((
        folder.join(format!("{}.tar.xz", package.name)),
        package.clone(),
    ))
}

/// Everything a build depends on.
struct Recipe {
    /// The configuration files, one after the other.
    config: String,
    patches: Vec<PathBuf>,
    /// The patched source's folder.
    source: String,
    /// The build's folder.
    build: String,
}

impl Recipe {
    fn read(flavour: &Flavour, dir: &Path, package: &Package) -> Result<Self> {
        let config = flavour
            .configs
            .iter()
            .map(|name| cache::read_text(&dir.join(name)))
            .collect::<Result<String>>()?;
        let patches: Vec<PathBuf> = cache::entries(dir)?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|found| found == "patch"))
            .collect();
        let mut source = Key::new().add(&package.version);
        for left_out in LEFT_OUT {
            source = source.add(left_out);
        }
        for patch in &patches {
            source = source.add(cache::read(patch)?);
        }
        let mut version = cross("gcc");
        version.arg("--version");
        let compiler = run(version, "mipsel-linux-gnu-gcc --version", STEP_LIMIT)?.stdout;
        let build = source.clone().add(&config).add(compiler).finish();
        Ok(Self {
            config,
            patches,
            source: format!("source-{}", source.finish()),
            build: format!("{}-{build}", flavour.name),
        })
    }
}

fn resolve(source: Source, question: &str, apt: &Apt<'_>) -> Result<Vec<Bundle>> {
    let (name, version) = match source {
        Source::Guest => {
            let current = debian::current(apt)?;
            let version = debian::source_version(&current.version).to_owned();
            (guest_source(&current.release)?, version)
        }
        Source::Series(series) => candidate(format!("linux-source-{series}"), apt)?,
        Source::Newest => {
            let meta = apt.show(SOURCE_META)?;
            let name = debian::dependency(&meta, SOURCE_META, "linux-source-")?;
            candidate(name, apt)?
        }
    };
    Ok(vec![Bundle {
        label: question.to_owned(),
        packages: vec![Package {
            name,
            arch: "all".to_owned(),
            version,
        }],
    }])
}

/// The package that always depends on the newest source.
const SOURCE_META: &str = "linux-source";

/// The source package of a release: 6.1.0-50-4kc-malta comes from linux-source-6.1.
fn guest_source(release: &str) -> Result<String> {
    let mut numbers = release.split('.');
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => Ok(format!("linux-source-{major}.{minor}")),
        _ => Err(Error::Unexpected {
            tool: "apt-cache",
            detail: format!("kernel release {release}"),
        }),
    }
}

/// A package with the version that apt would take.
fn candidate(name: String, apt: &Apt<'_>) -> Result<(String, String)> {
    let version = apt.show(&name)?.version().map(str::to_owned);
    match version {
        Some(version) => Ok((name, version)),
        None => Err(debian::missing(&name, "it has no version")),
    }
}

fn unpack(tarball: &Path, patches: &[PathBuf], into: &Path, progress: &dyn Progress) -> Result<()> {
    progress.start("kernel: unpack source");
    let mut tar = Command::new("tar");
    tar.arg("--extract")
        .arg("--xz")
        .arg("--file")
        .arg(tarball)
        .arg("--strip-components=1")
        .arg("--no-same-owner")
        .arg("--directory")
        .arg(into);
    for left_out in LEFT_OUT {
        tar.arg(format!("--exclude=linux-source-*/{left_out}"));
    }
    run(tar, "unpacking the kernel's source", STEP_LIMIT)?;
    for file in patches {
        let mut patch = Command::new("patch");
        patch
            .args(["--strip=1", "--fuzz=0", "--forward", "--batch", "--input"])
            .arg(file)
            .current_dir(into);
        run(patch, &format!("applying {}", file.display()), STEP_LIMIT)?;
    }
    progress.finish(&format!("{} patches", patches.len()));
    Ok(())
}

fn build(
    flavour: &Flavour,
    recipe: &Recipe,
    source: &Path,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Kernel> {
    let dir = cache.dir(Path::new("kernels").join(&recipe.build))?;
    let tree = dir.join("build");
    let installed = dir.join("installed");
    // A build folder holds its own absolute path and cannot be renamed into place. What is there
    // without the mark was cut short, and make carries on with it.
    let mark = dir.join("complete");
    if !mark.is_file() {
        fs::create_dir_all(&tree).at("creating", &tree)?;
        progress.start(&format!("kernel: configure {}", flavour.name));
        configure(recipe, source, &tree)?;
        progress.finish(&flavour.configs.join(", "));

        progress.start(&format!("kernel: build {}", flavour.name));
        let files = compile(flavour, &tree, progress)?;
        cache::remove(&installed)?;
        user::install_modules(&tree, &installed)?;
        fs::write(&mark, files.to_string()).at("writing", &mark)?;
        progress.finish(&format!("{files} files"));
    }
    let release = cache::read_text(&tree.join("include/config/kernel.release"))?
        .trim()
        .to_owned();
    Ok(Kernel {
        label: format!("{} {release}", flavour.name),
        modules: ModuleTree::open(&installed.join("lib/modules").join(&release), &release)?,
        release,
        elf: tree.join("vmlinux"),
        build: tree,
        key: recipe.build.clone(),
        command_line: Vec::new(),
        takes_counter_hz: true,
    })
}

fn configure(recipe: &Recipe, source: &Path, tree: &Path) -> Result<()> {
    let config = tree.join("wanted.config");
    cache::write_if_changed(&config, recipe.config.as_bytes())?;
    let mut command = make(source);
    command
        .arg(format!("O={}", tree.display()))
        .arg(format!("KCONFIG_ALLCONFIG={}", config.display()))
        .arg("allnoconfig");
    run(command, "configuring the kernel", STEP_LIMIT)?;
    let got = cache::read_text(&tree.join(".config"))?;
    let options = dropped(&recipe.config, &got);
    if options.is_empty() {
        Ok(())
    } else {
        Err(Error::Config { options, config })
    }
}

/// The lines of a fragment that a configuration does not hold; of two lines about one option the
/// last counts.
fn dropped(wanted: &str, got: &str) -> Vec<String> {
    let got: BTreeSet<&str> = got.lines().collect();
    let wanted: BTreeMap<&str, &str> = wanted
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("CONFIG_"))
        .filter_map(|line| Some((line.split_once('=')?.0, line)))
        .collect();
    wanted
        .into_values()
        .filter(|line| !line.ends_with("=n") && !got.contains(line))
        .map(str::to_owned)
        .collect()
}

fn compile(flavour: &Flavour, tree: &Path, progress: &dyn Progress) -> Result<u64> {
    let mut command = make(tree);
    command
        .arg(format!("-j{}", jobs()))
        .args(["vmlinux", "modules"])
        .env("KBUILD_BUILD_USER", "tx-isp")
        .env("KBUILD_BUILD_HOST", "guest");
    let mut files: u64 = 0;
    run_with(command, "building the kernel", BUILD_LIMIT, |line| {
        // kbuild's short lines, as in "  CC      init/main.o".
        if line.starts_with("  ") {
            files += 1;
            progress.advance(files, Some(flavour.files.max(files)), "files");
        }
    })?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::dropped;

    #[test]
    fn options_that_the_kernel_refused_are_found() {
        let wanted = "# note\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_C=n\n";
        assert_eq!(dropped(wanted, "CONFIG_A=y\nCONFIG_B=y\n"), ["CONFIG_B=m"]);
        assert!(dropped(wanted, "CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n").is_empty());
    }

    #[test]
    fn the_last_line_about_an_option_counts() {
        let wanted = "CONFIG_A=\"x\"\nCONFIG_B=y\nCONFIG_A=\"y\"\nCONFIG_B=n\n";
        assert!(dropped(wanted, "CONFIG_A=\"y\"\n").is_empty());
        assert_eq!(dropped(wanted, "CONFIG_A=\"x\"\n"), ["CONFIG_A=\"y\""]);
    }
}
