// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How the guest's memory is divided: Linux below, the carve-out for frames on top, as on a Wyze
//! Cam v3 (T31 5.1).

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use guest_image::GuestImage;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::format::FrameLayout;
use tx_isp_abi::units::PhysRange;

const MIB: u64 = 1 << 20;

/// The carve-out of a Wyze Cam v3 in MiB (T31 5.1).
const CARVE_OUT_MIB: u32 = 29;
/// With less memory Linux has no room beside the carve-out to unpack its image.
const MIN_TOTAL_MIB: u64 = 64;
/// More memory is not contiguous on a Malta board: it lies elsewhere from 256 MiB on.
const MAX_TOTAL_MIB: u64 = 256;

/// What a camera's Linux gets on top where the camera has too little for the lab's kernel.
const BEYOND_MIB: u64 = 64;

/// Buffers are mapped, so each takes whole pages.
const PAGE: u64 = 4096;

/// The division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLayout {
    /// The machine's memory.
    total_mib: u64,
    /// What Linux has from address 0 on, in bytes.
    linux: u64,
    carve_out: PhysRange,
    /// What Linux has behind the camera's own memory, where that is too little to boot.
    beyond_mib: u64,
}

/// More buffers than the carve-out holds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "too little memory for frames: {buffers} buffers of {each} bytes need {needed_mib} MiB, the carve-out has \
     {CARVE_OUT_MIB} MiB; use at most --buffers {most}, or a smaller --size"
)]
pub struct TooManyBuffers {
    buffers: u32,
    each: u32,
    needed_mib: u64,
    most: u64,
}

impl MemoryLayout {
    /// The guest's whole memory in MiB.
    pub fn total_mib(self) -> u64 {
        self.total_mib
    }

    /// The guest's whole memory in bytes.
    pub fn total(self) -> u64 {
        self.total_mib * MIB
    }

    /// What Linux is not to use.
    pub fn carve_out(self) -> PhysRange {
        self.carve_out
    }

    /// What the initramfs must stay below, which is where Linux's memory ends: on a T20 the ISP's own
    /// memory lies before the carve-out (T31 5.1). `None` if it goes to the very top.
    pub fn limit(self) -> Option<u64> {
        (self.beyond_mib == 0).then_some(self.linux)
    }

    /// A camera's own division of `ram` bytes, of which Linux has the first `linux`. Where that leaves Linux too little for the lab's kernel and image,
    /// which are larger than a camera's, it gets more behind the camera's RAM; the carve-out stays
    /// where the camera has it.
    ///
    /// # Errors
    /// If the machine has no room for that.
    pub fn of_camera(
        ram: u64,
        linux: u64,
        carve_out: PhysRange,
        image: &GuestImage,
    ) -> Result<Self> {
        let mut layout = Self {
            total_mib: ram.div_ceil(MIB),
            linux,
            carve_out,
            beyond_mib: 0,
        };
        let place = |layout: Self| image.placement(layout.total(), layout.limit());
        if let Err(guest_image::Error::TooLittleMemory { .. }) = place(layout) {
            layout.beyond_mib = BEYOND_MIB;
            layout.total_mib += BEYOND_MIB;
        }
        place(layout)?;
        if layout.total_mib > MAX_TOTAL_MIB {
            bail!(
                "{} MiB: a Malta board has at most {MAX_TOTAL_MIB}M in one piece",
                layout.total_mib
            );
        }
        Ok(layout)
    }

    /// The words that tell Linux and the driver.
    pub fn command_line(self) -> String {
        let beyond = match self.beyond_mib {
            0 => String::new(),
            mib => format!(" mem={mib}M@{:#x}", (self.total_mib - mib) * MIB),
        };
        format!(
            "mem={}@0x0{beyond} rmem={}@{:#x}",
            in_units(self.linux),
            in_units(self.carve_out.bytes.into()),
            self.carve_out.base.0
        )
    }

    /// Checks that so many buffers have room in the carve-out.
    ///
    /// # Errors
    /// [`TooManyBuffers`], which says how many have.
    pub fn check_buffers(self, buffers: u32, frame: &FrameLayout) -> Result<(), TooManyBuffers> {
        let each = u64::from(frame.sizeimage).next_multiple_of(PAGE);
        let needed = each * u64::from(buffers);
        let room = u64::from(self.carve_out.bytes);
        if needed <= room {
            return Ok(());
        }
        Err(TooManyBuffers {
            buffers,
            each: frame.sizeimage,
            needed_mib: needed.div_ceil(MIB),
            most: room / each,
        })
    }
}

/// A length in the largest unit in which it is whole.
fn in_units(bytes: u64) -> String {
    match bytes {
        bytes if bytes % MIB == 0 => format!("{}M", bytes / MIB),
        bytes if bytes % 1024 == 0 => format!("{}K", bytes / 1024),
        bytes => bytes.to_string(),
    }
}

impl FromStr for MemoryLayout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let (digits, unit) = match upper.strip_suffix('G') {
            Some(digits) => (digits, 1024),
            None => (upper.strip_suffix('M').unwrap_or(&upper), 1),
        };
        let total_mib = digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .ok_or_else(|| "a memory size is a number of megabytes, as in 128M".to_owned())?;
        match total_mib {
            ..MIN_TOTAL_MIB => Err(format!(
                "too little memory: the carve-out takes {CARVE_OUT_MIB}M and Linux needs the rest of \
                 at least {MIN_TOTAL_MIB}M"
            )),
            MIN_TOTAL_MIB..=MAX_TOTAL_MIB => {
                let linux = (total_mib - u64::from(CARVE_OUT_MIB)) * MIB;
                Ok(Self {
                    total_mib,
                    linux,
                    carve_out: PhysRange {
                        base: PhysAddr(u32::try_from(linux).map_err(|error| error.to_string())?),
                        bytes: CARVE_OUT_MIB << 20,
                    },
                    beyond_mib: 0,
                })
            }
            _ => Err(format!(
                "a Malta board has at most {MAX_TOTAL_MIB}M in one piece"
            )),
        }
    }
}

impl fmt::Display for MemoryLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}M", self.total_mib)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu_command::tests::image;
    use tx_isp_abi::Size;
    use tx_isp_abi::format::PixelFormat;

    fn layout(text: &str) -> MemoryLayout {
        text.parse().unwrap()
    }

    #[test]
    fn a_camera_with_128_mib_has_its_carve_out_where_the_vendor_puts_it() {
        assert_eq!(
            layout("128M").command_line(),
            "mem=99M@0x0 rmem=29M@0x6300000"
        );
        assert_eq!(
            layout("64").command_line(),
            "mem=35M@0x0 rmem=29M@0x2300000"
        );
        assert_eq!(layout("128M").carve_out().bytes, 29 << 20);
        assert_eq!(layout("128m").to_string(), "128M");
    }

    #[test]
    fn the_initramfs_stays_below_what_a_t20s_isp_has() {
        // A Wyze Cam v2's.
        let carve_out = "16M@0x7000000".parse().unwrap();
        let layout = MemoryLayout::of_camera(128 << 20, 104 << 20, carve_out, &image()).unwrap();
        assert_eq!(layout.command_line(), "mem=104M@0x0 rmem=16M@0x7000000");
        assert_eq!(layout.limit(), Some(104 << 20));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused_with_the_limits() {
        for (text, right) in [
            ("63M", "at least 64M"),
            ("1G", "at most 256M"),
            ("lots", "as in 128M"),
            ("-5M", "as in 128M"),
            ("18446744073709551615G", "as in 128M"),
        ] {
            let error = text.parse::<MemoryLayout>().unwrap_err();
            assert!(error.contains(right), "{text}: {error}");
        }
    }

    #[test]
    fn nine_1080p_buffers_fit_and_ten_do_not() {
        let frame = FrameLayout::new(PixelFormat::Nv12, Size::new(1920, 1080));
        assert_eq!(layout("128M").check_buffers(9, &frame), Ok(()));
        let error = layout("128M").check_buffers(10, &frame).unwrap_err();
        assert_eq!(
            error.to_string(),
            "too little memory for frames: 10 buffers of 3133440 bytes need 30 MiB, the carve-out has \
             29 MiB; use at most --buffers 9, or a smaller --size"
        );
    }
}
