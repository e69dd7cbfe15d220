// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip played by hand: each test writes the registers that a driver would. Addresses stand as
//! numbers on purpose, so that a wrong constant is caught.

use crate::behaviour::Behaviours;
use crate::{Chip, DmaJob, Frame, GuestErrorKind, MaskRectangle, RawOrStatistics, Window};
use std::time::Duration;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_abi::operation::RegisterFile;
use tx_isp_abi::sensor::GC2053;

mod anything;
mod board;
mod channels;
mod fifos;
mod gates;
mod guest_errors;
mod identity;
mod link_config;
mod live_words;
mod raw_and_statistics;
mod recovery;
mod scaler;
mod sensor;
mod time;

const CORE: u32 = 0x1330_0000;
const MSCA: u32 = 0x1330_9800;
const CHANNEL0: u32 = 0x1330_9900;
const VIC: u32 = 0x133e_0000;
const CSI: u32 = 0x1002_3000;
const SRBC: u32 = 0x1000_00c4;

struct Bench(Chip);

impl Bench {
    fn read(&mut self, address: u32) -> u32 {
        self.0.read(PhysAddr(address))
    }
    fn write(&mut self, address: u32, value: u32) {
        self.0.write(PhysAddr(address), value);
    }
    /// A chip with PHY, VIC and core running and channel 0 set to 640x360 NV12.
    fn streaming() -> Self {
        let mut bench = Self(Chip::new(GC2053));
        bench.open_gates();
        bench.write(CORE + 0x0c, 0x3400_0009);
        bench.write(CORE + 0x10, 0x133);
        bench.write(CORE + 0xb0, u32::MAX);
        bench.write(CORE + 0x800, 1);
        for register in [0x0c, 0x10] {
            bench.write(CSI + register, 1);
        }
        bench.set_up_for_the_sensor();
        // The frame's own interrupt is masked, as by a driver that has no use for it.
        bench.write(VIC + 0x1e8, 1);
        bench.write(VIC, 1);
        bench.configure(640, 360);
        bench
    }
    /// Two lanes of MIPI with RAW10 in lines of 1920 pixels (T31 2.7, 2.8).
    fn set_up_for_the_sensor(&mut self) {
        self.write(CSI + 4, 1);
        self.write(VIC + 0xc, 2);
        self.write(VIC + 0x14, 1);
        self.write(VIC + 0x100, 0x258);
    }
    fn open_gates(&mut self) {
        self.write(0x1000_0020, 0);
        self.write(0x1000_0028, 0);
    }
    /// Holds the ISP in reset, after the handshake of T31 1.3.
    fn hold_in_reset(&mut self) {
        self.write(SRBC, 1 << 21);
        self.write(SRBC, 1 << 22);
    }
    fn configure(&mut self, width: u32, height: u32) {
        self.write(CHANNEL0, width << 16 | height);
        self.write(
            CHANNEL0 + 4,
            ((1920 * 512 / width) << 16) | (1080 * 512 / height),
        );
        self.write(CHANNEL0 + 0x2c, width << 16 | height);
        self.write(CHANNEL0 + 0x68, 0);
        self.write(CHANNEL0 + 0x80, width);
        self.write(CHANNEL0 + 0x98, width);
    }
    fn queue(&mut self, address: u32) {
        self.write(CHANNEL0 + 0x84, address + 0x39_800);
        self.write(CHANNEL0 + 0x6c, address);
    }
    fn frame(&mut self) -> Frame {
        let frame = self.0.frame_start().unwrap();
        self.0.frame_end(&frame, &[]);
        frame
    }
    fn guest_errors(&self) -> Vec<GuestErrorKind> {
        self.0
            .guest_errors()
            .entries()
            .map(|finding| finding.kind)
            .collect()
    }
}
