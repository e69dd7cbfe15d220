// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The noise filter's store: the frames that MDNS keeps in the memory it was given (T31 2.9, 5.2).

use super::Chip;
use super::frame::NoisePlane;
use super::guest_errors::GuestErrorKind;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::{Core, Tuning};

/// How many lines a plane has, of a sensor's picture of `height` lines (T31 5.2).
type Lines = fn(u32) -> u32;

/// Each plane: its name, its address's and its stride's register, its lines.
const PLANES: [(&str, Tuning, Tuning, Lines); 9] = [
    ("Y", Tuning::MdnsY, Tuning::MdnsYStride, |height| height),
    ("UV", Tuning::MdnsYEnd, Tuning::MdnsStride1, |height| {
        height / 2
    }),
    (
        "reference 0",
        Tuning::MdnsR0,
        Tuning::MdnsR0Stride,
        map_lines,
    ),
    (
        "reference 1",
        Tuning::MdnsR1,
        Tuning::MdnsR1Stride,
        map_lines,
    ),
    (
        "reference 2",
        Tuning::MdnsR2,
        Tuning::MdnsR2Stride,
        map_lines,
    ),
    (
        "reference 3",
        Tuning::MdnsR3,
        Tuning::MdnsR3Stride,
        map_lines,
    ),
    (
        "background",
        Tuning::MdnsUv,
        Tuning::MdnsUvStride,
        |height| height,
    ),
    (
        "background UV",
        Tuning::MdnsUv1,
        Tuning::MdnsUv1Stride,
        |height| height / 2,
    ),
    (
        "background map",
        Tuning::MdnsTiny,
        Tuning::MdnsTinyStride,
        |height| height / 32,
    ),
];

fn map_lines(height: u32) -> u32 {
    height.div_ceil(16) + 1
}

impl Chip {
    /// The planes that a frame which the core processes leaves behind; each is to lie in the carve-out. None
    /// where nobody gave the filter memory, or it is bypassed; a plane without a stride is not used.
    pub(super) fn start_noise_filter(&mut self) -> Vec<NoisePlane> {
        let get = |register: Tuning| self.storage.get(register.address());
        let bypassed = Core::BYPASS_MDNS.is_set(self.storage.get(Core::TopBypass.address()));
        if bypassed || get(Tuning::MdnsY) == 0 {
            return Vec::new();
        }
        let height = self.sensor.size.height;
        let planes = PLANES.map(|(name, address, stride, lines)| NoisePlane {
            name,
            address: PhysAddr(get(address)),
            bytes: u64::from(get(stride)) * u64::from(lines(height)),
        });
        let used: Vec<NoisePlane> = planes.into_iter().filter(|plane| plane.bytes > 0).collect();
        if let Some(carve_out) = self.carve_out {
            for plane in &used {
                let NoisePlane {
                    name,
                    address,
                    bytes,
                } = plane;
                if !carve_out.holds(*address, *bytes) {
                    self.guest_errors
                        .report(GuestErrorKind::DmaOutsideCarveOut, || {
                            format!("noise filter: {name} plane of {bytes:#x} bytes at {address}")
                        });
                }
            }
        }
        used
    }
}
