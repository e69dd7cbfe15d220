// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A board with the chip model, and buffers for it.

pub use tx_isp_abi::channel::ChannelId;
pub use tx_isp_abi::format::{ChromaStart, PixelFormat};
pub use tx_isp_abi::{PhysAddr, Size};
pub use tx_isp_driver::bus::BusError;
pub use tx_isp_driver::channel::Buffer;
pub use tx_isp_driver::isp::Isp;
pub use tx_isp_driver::{Errno, Error};
pub use tx_isp_tests::Board;

pub const MAIN: ChannelId = ChannelId::ALL[0];
pub const FRAME_BYTES: u32 = 0x2f_d000;

pub fn buffer(index: u32) -> Buffer {
    Buffer {
        index,
        address: PhysAddr(0x0630_0000 + index * FRAME_BYTES),
    }
}

/// Queues buffers 0 to `count` and starts.
pub fn start(isp: &mut Isp<Board>, channel: ChannelId, count: u32) {
    for index in 0..count {
        isp.queue(channel, buffer(index)).unwrap();
    }
    isp.stream_on(channel).unwrap();
}

pub fn guest_errors(board: &Board) -> Vec<String> {
    board.chip(|chip| {
        chip.guest_errors()
            .entries()
            .map(|error| error.first.clone())
            .collect()
    })
}
