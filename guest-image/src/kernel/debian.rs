// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Debian's own 4kc-malta kernel, its modules and the tree to build further ones.

use std::fs;

use crate::apt::{Apt, Bundle, Fields, GUEST, Package};
use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use host_setup::progress::Progress;

use super::image::{Kernel, STAY_IN_PLACE};
use super::modules::ModuleTree;
use super::payload;

/// The package that always depends on the release's current kernel for the Malta board.
const META: &str = "linux-image-4kc-malta";

/// What the mirror's current Malta kernel is.
#[derive(Debug, Clone)]
pub(super) struct Current {
    /// As in "6.1.0-50-4kc-malta".
    pub(super) release: String,
    /// The packages' version, as in "6.1.176-1".
    pub(super) version: String,
}

/// Asks the lists for the current kernel.
pub(super) fn current(apt: &Apt<'_>) -> Result<Current> {
    let meta = format!("{META}:{GUEST}");
    let fields = apt.show(&meta)?;
    let image = dependency(&fields, &meta, "linux-image-")?;
    let qualified = format!("{image}:{GUEST}");
    let version = apt
        .show(&qualified)?
        .version()
        .map(str::to_owned)
        .ok_or_else(|| missing(&qualified, "it has no version"))?;
    Ok(Current {
        release: image.trim_start_matches("linux-image-").to_owned(),
        version,
    })
}

/// The version of the kernel's source package: without the suffix of a rebuild of one architecture.
pub(super) fn source_version(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, rebuild)) if rebuild.bytes().all(|byte| byte.is_ascii_digit()) => source,
        _ => version,
    }
}

fn resolve(apt: &Apt<'_>) -> Result<Vec<Bundle>> {
    let Current { release, version } = current(apt)?;
    let headers = format!("linux-headers-{release}");
    let qualified = format!("{headers}:{GUEST}");
    let fields = apt.show(&qualified)?;
    let common = dependency(&fields, &qualified, "linux-headers-")?;
    let kbuild = dependency(&fields, &qualified, "linux-kbuild-")?;
    let source = source_version(&version).to_owned();
    let package = |name: String, arch: &str, version: &str| Package {
        name,
        arch: arch.to_owned(),
        version: version.to_owned(),
    };
    Ok(vec![
        Bundle {
            label: "kernel-image".to_owned(),
            packages: vec![package(format!("linux-image-{release}"), GUEST, &version)],
        },
        // The security archive may hold a newer kbuild for the host than the guest's kernel is:
        // all three have to be of one version.
        Bundle {
            label: "kernel-headers".to_owned(),
            packages: vec![
                package(headers, GUEST, &version),
                package(common, "all", &source),
                package(kbuild, apt.host_arch(), &source),
            ],
        },
    ])
}

pub(super) fn dependency(fields: &Fields, package: &str, prefix: &str) -> Result<String> {
    fields
        .dependency(prefix)
        .map(str::to_owned)
        .ok_or_else(|| missing(package, &format!("it depends on no {prefix}*")))
}

pub(super) fn missing(package: &str, detail: &str) -> Error {
    Error::NoPackage {
        package: package.to_owned(),
        detail: detail.to_owned(),
    }
}

pub(super) fn prepare(cache: &Cache, apt: &Apt<'_>, progress: &dyn Progress) -> Result<Kernel> {
    let bundles = apt.bundles("kernel-debian", resolve)?;
    let [image, headers] = bundles.as_slice() else {
        return Err(missing(META, "not resolved to image and headers"));
    };
    let (Some(first), [flavour, common, ..]) = (image.packages.first(), &*headers.packages) else {
        return Err(missing(META, "not resolved to image and headers"));
    };
    let release = first.name.trim_start_matches("linux-image-").to_owned();

    let sources = headers.root.join("usr/src");
    let build = sources.join(&flavour.name);
    // The one absolute path in the tree: it names the place where Debian would install it.
    let include = format!(
        "include {}\n",
        sources.join(&common.name).join("Makefile").display()
    );
    cache::write_if_changed(&build.join("Makefile"), include.as_bytes())?;

    let vmlinuz = image.root.join(format!("boot/vmlinuz-{release}"));
    let key = Key::new()
        .add(payload::LAYOUT_VERSION)
        .add(&release)
        .add(&first.version)
        .finish();
    let dir = cache.dir("kernels")?.join(format!("debian-{key}"));
    let elf = dir.join("vmlinux");
    cache::once(&dir, |partial| {
        progress.start("kernel: unpack");
        let packed = cache::read(&vmlinuz)?;
        let unpacked = payload::to_elf(&packed).map_err(|reason| Error::Kernel {
            path: vmlinuz.clone(),
            reason,
        })?;
        let file = partial.join("vmlinux");
        fs::write(&file, unpacked).at("writing", &file)?;
        progress.finish(&release);
        Ok(())
    })?;
    Ok(Kernel {
        label: format!("debian {release}"),
        modules: ModuleTree::open(&image.root.join("lib/modules").join(&release), &release)?,
        release,
        elf,
        build,
        key: format!("debian-{key}"),
        command_line: vec![STAY_IN_PLACE.to_owned()],
        takes_counter_hz: false,
    })
}

#[cfg(test)]
mod tests {
    use super::source_version;

    #[test]
    fn a_rebuild_suffix_is_not_part_of_the_source_version() {
        assert_eq!(source_version("6.1.176-1"), "6.1.176-1");
        assert_eq!(source_version("6.1.176-1+b2"), "6.1.176-1");
        assert_eq!(source_version("6.1.176-1+both"), "6.1.176-1+both");
    }
}
