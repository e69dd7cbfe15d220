// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about the vendor's device nodes. vendor/tx_isp_vendor.h declares each,
//! with its locking.
//!
//! | module | what it has |
//! |---|---|
//! | this one | which ioctls there are, and how long their arguments |
//! | [`calls`] | what they do |
//! | [`lifecycle`] | opening, closing, starting, stopping, and what the rest of the module asks |
//! | [`files`] | `/proc/jz/isp` and the words of `/dev/mem` |

pub mod calls;
pub mod files;
pub mod lifecycle;

use core::mem::size_of;
use tx_isp_abi::vendor::{
    self, BIN_PATH_BYTES, Buffer, Control, EncoderRegister, FrameDrop, FrameFormat, GPIO_BYTES,
    InputInfo, IspBuffer, Node, RequestBuffers, SensorInfo, SensorRegister, Tuning,
};
use tx_isp_driver::Errno;
use tx_isp_driver::vendor::Failure;

use crate::ffi::failed;
use crate::guard::{PANICKED, guard};
use crate::print::complain;

const NOT_SERVED: i32 = -(Errno::Enotty as i32);

/// The node of C's number for it.
const fn node(number: u32) -> Node {
    match number {
        0 => Node::Isp,
        1 => Node::FrameChannel,
        2 => Node::Tuning,
        3 => Node::Encoder,
        _ => Node::Rmem,
    }
}

fn answer(result: Result<(), Failure>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(Failure::Isp(error)) => failed("vendor", error),
        Err(Failure::Refused(errno, why)) => {
            if !why.is_empty() {
                complain(format_args!("vendor: {why}"));
            }
            errno.to_return_value()
        }
    }
}

/// How many bytes of an ioctl's argument are read and written.
#[derive(Debug)]
#[repr(C)]
pub struct Argument {
    read: u32,
    written: u32,
}

/// Stores the argument's extent; 0, or -ENOTTY with a line that names what is not served.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_argument(
    node_number: u32,
    number: u32,
    argument: &mut Argument,
) -> i32 {
    guard(PANICKED, || {
        let Some((read, written)) = extent(node(node_number), number) else {
            return unknown(node(node_number), number);
        };
        *argument = Argument {
            read: u32::try_from(read).unwrap_or(0),
            written: u32::try_from(written).unwrap_or(0),
        };
        0
    })
}

fn unknown(node: Node, number: u32) -> i32 {
    match vendor::find(node, number) {
        Some(ioctl) => complain(format_args!(
            "vendor: {number:#010x} ({}) on {node:?} is not served",
            ioctl.name
        )),
        None => complain(format_args!(
            "vendor: nothing is known of {number:#010x} on {node:?}"
        )),
    }
    NOT_SERVED
}

/// The bytes that the driver reads and writes; the numbers' own directions do not always say so.
const fn extent(node: Node, number: u32) -> Option<(usize, usize)> {
    const WORD: usize = size_of::<u32>();
    const FORMAT: usize = size_of::<FrameFormat>();
    const BUFFER: usize = size_of::<Buffer>();
    const REQUEST: usize = size_of::<RequestBuffers>();
    Some(match (node, number) {
        (Node::Isp, vendor::REGISTER_SENSOR | vendor::RELEASE_SENSOR) => {
            (size_of::<SensorInfo>(), 0)
        }
        (Node::Isp, vendor::ENUM_INPUT) => (size_of::<InputInfo>(), size_of::<InputInfo>()),
        (Node::Isp, vendor::SET_INPUT) => (WORD, WORD),
        (Node::Isp, vendor::GET_INPUT) => (0, WORD),
        (Node::Isp, vendor::CREATE_LINKS) => (WORD, 0),
        (
            Node::Isp,
            vendor::STREAM_ON
            | vendor::STREAM_OFF
            | vendor::DESTROY_LINKS
            | vendor::LINKS_STREAM_ON
            | vendor::LINKS_STREAM_OFF
            | vendor::WDR_ENABLE
            | vendor::WDR_DISABLE,
        ) => (0, 0),
        (Node::Isp, vendor::GPIO_INIT | vendor::SET_GPIO) => (GPIO_BYTES, 0),
        (Node::Isp, vendor::SET_SENSOR_REGISTER) => (size_of::<SensorRegister>(), 0),
        (Node::Isp, vendor::GET_SENSOR_REGISTER) => {
            (size_of::<SensorRegister>(), size_of::<SensorRegister>())
        }
        (Node::Isp, vendor::SET_BUFFER | vendor::SET_WDR_BUFFER) => (size_of::<IspBuffer>(), 0),
        (Node::Isp, vendor::GET_BUFFER | vendor::GET_WDR_BUFFER) => (0, size_of::<IspBuffer>()),
        (Node::Isp, vendor::SET_FRAME_DROP) => (size_of::<FrameDrop>(), 0),
        (Node::Isp, vendor::GET_FRAME_DROP) => (0, size_of::<FrameDrop>()),
        (Node::Isp, vendor::SET_BIN_PATH) => (BIN_PATH_BYTES, 0),
        (Node::Isp, vendor::GET_BIN_PATH) => (0, BIN_PATH_BYTES),
        (Node::FrameChannel, vendor::SET_FORMAT) => (FORMAT, FORMAT),
        (Node::FrameChannel, vendor::GET_FORMAT) => (0, FORMAT),
        (
            Node::FrameChannel,
            vendor::SET_BANKS | vendor::CHANNEL_STREAM_ON | vendor::CHANNEL_STREAM_OFF,
        ) => (WORD, 0),
        (Node::FrameChannel, vendor::LISTEN_BUFFER) => (0, WORD),
        (Node::FrameChannel, vendor::REQUEST_BUFFERS) => (REQUEST, REQUEST),
        (
            Node::FrameChannel,
            vendor::QUERY_BUFFER | vendor::QUEUE_BUFFER | vendor::DEQUEUE_BUFFER,
        ) => (BUFFER, BUFFER),
        (Node::Tuning, vendor::SET_CONTROL | vendor::GET_CONTROL) => {
            (size_of::<Control>(), size_of::<Control>())
        }
        // The vendor's driver takes every other number for this one (T31 3.3).
        (Node::Tuning, _) => (size_of::<Tuning>(), size_of::<Tuning>()),
        (Node::Encoder, vendor::ENCODER_READ | vendor::ENCODER_WRITE) => {
            (size_of::<EncoderRegister>(), size_of::<EncoderRegister>())
        }
        (Node::Encoder, vendor::ENCODER_WAIT) => (0, WORD),
        (Node::Encoder, vendor::ENCODER_UNBLOCK) => (0, 0),
        _ => return None,
    })
}
