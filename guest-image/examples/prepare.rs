// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Prepares an image and prints where everything is, the seconds of each step, and the arguments
//! that boot it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use guest_image::host::{self, Needs};
use guest_image::{ImageBuilder, ImageRequest, KernelChoice, Progress};

/// Prepare what the guest boots.
#[derive(Parser)]
struct Arguments {
    /// debian, fast, debug, or the path of a vmlinux in its build folder.
    #[arg(long, default_value = "debian")]
    kernel: String,
    /// The project's root; this checkout if not given.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
    repository: PathBuf,
    /// A program or script to be /init instead of the agent.
    #[arg(long)]
    init: Option<PathBuf>,
    /// Install missing host packages without asking.
    #[arg(long)]
    yes: bool,
}

/// Prints each step when it is over.
struct Lines(Mutex<(String, Instant)>);

impl Progress for Lines {
    fn start(&self, step: &str) {
        if let Ok(mut current) = self.0.lock() {
            *current = (step.to_owned(), Instant::now());
        }
    }

    fn advance(&self, _done: u64, _total: Option<u64>, _unit: &str) {}

    fn finish(&self, detail: &str) {
        if let Ok(current) = self.0.lock() {
            let seconds = current.1.elapsed().as_secs_f64();
            println!("{seconds:7.2} s  {}: {detail}", current.0);
        }
    }

    fn line(&self, text: &str) {
        println!("{text}");
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let kernel = KernelChoice::named(&arguments.kernel)
        .unwrap_or_else(|| KernelChoice::Path(arguments.kernel.clone().into()));
    let repository = arguments.repository;
    let progress = Lines(Mutex::new((String::new(), Instant::now())));
    let begin = Instant::now();

    let needs = Needs {
        kernel: &kernel,
        qemu: true,
    };
    host::install(&needs, &repository, &progress, arguments.yes).context("host packages")?;
    let request = ImageRequest {
        kernel,
        init: arguments.init,
        ..ImageRequest::default()
    };
    let image = ImageBuilder::new(&repository)?
        .prepare(&request, &progress)
        .context("preparing the guest's image")?;
    println!("{:7.2} s  in all", begin.elapsed().as_secs_f64());
    println!("{image:#?}");

    let placed = image.placement(128 << 20, Some(99 << 20))?;
    println!(
        "qemu-system-mipsel -M malta -m 128M -nographic -nic none -vga none -no-reboot -kernel {} {} \
         -append \"console=ttyS0 mem=99M@0x0 rmem=29M@0x6300000 {} {}\"",
        image.kernel_elf.display(),
        placed
            .qemu_arguments(&image.initramfs.to_string_lossy())
            .join(" "),
        placed.command_line(),
        match image.takes_counter_hz {
            // Before QEMU 8.1: 166666667.
            true => "malta_counter_hz=160000000".to_owned(),
            false => image.command_line_extra.join(" "),
        },
    );
    Ok(())
}
