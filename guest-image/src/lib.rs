// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Fetches, builds and packs what the MIPS Malta guest boots: a kernel, tx-isp.ko for it, and an
//! initramfs with the agent, busybox and the V4L2 tools.
//!
//! Everything fetched or built is kept in a cache outside the repository; what has not changed is
//! neither fetched nor built again. Packages come through apt, which verifies them.
//!
//! ```no_run
//! use guest_image::{ImageRequest, Silent, ImageBuilder};
//!
//! # fn main() -> Result<(), guest_image::Error> {
//! let builder = ImageBuilder::new(".")?;
//! let image = builder.prepare(&ImageRequest::default(), &Silent)?;
//! println!("boot {} with {}", image.kernel_elf.display(), image.initramfs.display());
//! # Ok(())
//! # }
//! ```

mod agent;
mod apt;
mod board;
mod cache;
pub mod compliance;
mod error;
pub mod host;
mod image_builder;
mod initramfs;
mod kernel;
mod libraries;
mod lock;
mod module;
mod newest_qemu;
mod placement;
mod rust;
mod stack;
mod style;
mod test_programs;
mod user_modules;
mod userland;

pub use error::Error;
pub use host_setup::progress::{self, Progress, Silent};
pub use image_builder::{ExtraFile, GuestImage, ImageBuilder, ImageRequest};
pub use kernel::KernelChoice;
pub use placement::Placement;
pub use style::Style;
pub use user_modules::{Sdk, USER_MODULES};
