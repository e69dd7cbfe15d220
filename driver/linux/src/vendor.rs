// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about the vendor's device nodes. vendor/tx_isp_vendor.h declares each,
//! with its locking.

use core::fmt::{self, Write};
use core::mem::size_of;
use core::slice;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::vendor::{
    self, BIN_PATH_BYTES, Buffer, Control, EncoderRegister, FrameDrop, FrameFormat, InputInfo,
    IspBuffer, Node, RequestBuffers, SensorInfo, Tuning,
};
use tx_isp_driver::noise_reduction::MemoryOption;
use tx_isp_driver::vendor::channel::State;
use tx_isp_driver::vendor::front::Front;
use tx_isp_driver::vendor::queue::Time;
use tx_isp_driver::vendor::report::{self, File};
use tx_isp_driver::vendor::{Failure, Quirks, pages, tuning};
use tx_isp_driver::{Errno, Error};

use crate::ffi::{Core, channel_id, failed, run, size_in_bytes};
use crate::print::{Level, complain, log};

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

/// Bytes that C allocates for a [`Front`].
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_front_size() -> u32 {
    size_in_bytes::<Front>()
}

/// Makes a front in place: it is too large for the kernel's stack.
///
/// # Safety
/// `front` points to [`tx_isp_front_size`] zero bytes, aligned for any type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_front_create(front: *mut Front, memopt: u32, quirks: bool) {
    // SAFETY: by this function's contract. Zero bytes are a valid front: it is made of integers, of
    // enums that have a variant of value 0, and of options of such.
    let front = unsafe { &mut *front };
    let memory = match memopt {
        0 => MemoryOption::Full,
        _ => MemoryOption::Saving,
    };
    let quirks = if quirks { Quirks::Vendor } else { Quirks::None };
    front.reset(memory, quirks);
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
    let Some((read, written)) = extent(node(node_number), number) else {
        return unknown(node(node_number), number);
    };
    *argument = Argument {
        read: u32::try_from(read).unwrap_or(0),
        written: u32::try_from(written).unwrap_or(0),
    };
    0
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
            | vendor::WDR_DISABLE,
        ) => (0, 0),
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

/// The argument of an ioctl as the structure that it is.
///
/// # Safety
/// `argument` points to an object of the kernel that is large enough, aligned for a word, and nobody
/// else's meanwhile. All structures are made of integers: any bytes are valid.
unsafe fn at<'a, T>(argument: *mut u8) -> &'a mut T {
    // SAFETY: by this function's contract; C's object is an array of words.
    #[allow(clippy::cast_ptr_alignment)]
    unsafe {
        &mut *argument.cast::<T>()
    }
}

/// An ioctl of `/dev/tx-isp`.
///
/// # Safety
/// `argument` has as many bytes as [`tx_isp_vendor_argument`] said, read from the client where it is
/// read, and zeros otherwise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_isp(
    front: &mut Front,
    core: &mut Core,
    number: u32,
    argument: *mut u8,
) -> i32 {
    // SAFETY: by this function's contract, in each arm: the extent of that number is the structure's.
    let result = unsafe {
        match number {
            vendor::REGISTER_SENSOR => front.register_sensor(core, at(argument)),
            vendor::RELEASE_SENSOR => front.release_sensor(at(argument)),
            vendor::ENUM_INPUT => front.enumerate(core, at(argument)),
            vendor::SET_INPUT => {
                let index = at::<u32>(argument);
                front.select_input(core, *index).map(|size| *index = size)
            }
            vendor::GET_INPUT => {
                *at::<u32>(argument) = front.input();
                Ok(())
            }
            vendor::STREAM_ON => front.stream_on(core),
            vendor::STREAM_OFF => front.stream_off(core),
            vendor::CREATE_LINKS => front.create_links(core, *at::<u32>(argument)),
            vendor::DESTROY_LINKS => front.destroy_links(core),
            vendor::SET_BUFFER => front.set_buffer(core, *at::<IspBuffer>(argument)),
            vendor::GET_BUFFER => {
                let bytes = front.buffer_bytes(core);
                *at::<IspBuffer>(argument) = IspBuffer { address: 0, bytes };
                Ok(())
            }
            vendor::SET_FRAME_DROP => front.set_frame_drop(core, at(argument)),
            vendor::GET_FRAME_DROP => {
                *at::<FrameDrop>(argument) = front.frame_drop();
                Ok(())
            }
            vendor::SET_BIN_PATH => {
                *front.bin_path_mut() = *at::<[u8; BIN_PATH_BYTES]>(argument);
                Ok(())
            }
            vendor::GET_BIN_PATH => {
                *at::<[u8; BIN_PATH_BYTES]>(argument) = *front.bin_path_mut();
                Ok(())
            }
            // The sensor is linear: it needs no memory for a second exposure.
            vendor::GET_WDR_BUFFER | vendor::SET_WDR_BUFFER => {
                complain(format_args!(
                    "vendor: the sensor is linear, there is no buffer for wide dynamic range"
                ));
                Ok(())
            }
            vendor::LINKS_STREAM_ON | vendor::LINKS_STREAM_OFF | vendor::WDR_DISABLE => Ok(()),
            _ => return unknown(Node::Isp, number),
        }
    };
    answer(result)
}

/// An ioctl of `/dev/framechanN`; -EAGAIN where the client is to wait.
///
/// # Safety
/// As [`tx_isp_vendor_isp`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_channel(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
    number: u32,
    argument: *mut u8,
) -> i32 {
    let id = channel_id(channel);
    // SAFETY: as in tx_isp_vendor_isp().
    let result = unsafe {
        match number {
            vendor::SET_FORMAT => front.set_format(core, id, at(argument)),
            vendor::GET_FORMAT => {
                *at::<FrameFormat>(argument) = *front.channel(id).format();
                Ok(())
            }
            vendor::SET_BANKS => Ok(()),
            vendor::LISTEN_BUFFER => front.listen(id).map(|frames| *at::<u32>(argument) = frames),
            vendor::REQUEST_BUFFERS => front.request_buffers(id, at(argument)),
            vendor::QUERY_BUFFER => front.query_buffer(id, at(argument)),
            vendor::QUEUE_BUFFER => front.queue_buffer(core, id, at(argument)),
            vendor::DEQUEUE_BUFFER => front.dequeue(id, at(argument)),
            vendor::CHANNEL_STREAM_ON => front.channel_stream_on(core, id, *at::<u32>(argument)),
            vendor::CHANNEL_STREAM_OFF => front.channel_stream_off(core, id, *at::<u32>(argument)),
            _ => return unknown(Node::FrameChannel, number),
        }
    };
    answer(result)
}

/// Whether QBUF would take that buffer, were its memory the client's: 0 or -EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_check(front: &Front, channel: u32, buffer: &Buffer) -> i32 {
    answer(front.check_buffer(channel_id(channel), buffer))
}

/// Whether driver or chip have buffer `index`.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_holds(front: &Front, channel: u32, index: u32) -> bool {
    front.channel(channel_id(channel)).queue().is_held(index)
}

/// Whether the sensor is chosen, and so the noise reduction may have memory.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_is_selected(front: &Front) -> bool {
    front.is_selected()
}

/// An ioctl of `/dev/isp-m0`.
///
/// # Safety
/// As [`tx_isp_vendor_isp`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_tuning(
    front: &mut Front,
    core: &mut Core,
    number: u32,
    argument: *mut u8,
) -> i32 {
    match number {
        vendor::SET_CONTROL | vendor::GET_CONTROL => {
            // SAFETY: by this function's contract.
            let control = unsafe { at::<Control>(argument) };
            let get = number == vendor::GET_CONTROL;
            tune(front, core, get, control.id, &mut control.value)
        }
        _ => {
            // SAFETY: by this function's contract.
            let request = unsafe { at::<Tuning>(argument) };
            tune(
                front,
                core,
                request.get != 0,
                request.id,
                &mut request.value,
            )
        }
    }
}

fn tune(front: &mut Front, core: &mut Core, get: bool, id: u32, value: &mut u32) -> i32 {
    match (id, get) {
        (tuning::FRAME_RATE, true) => {
            *value = tuning::frame_rate(core.frame_interval());
            0
        }
        (tuning::FRAME_RATE, false) => run("sensor frame rate", || {
            core.set_frame_interval(*value & 0xffff, *value >> 16)
        }),
        (_, true) => {
            if let Some(found) = front.tuning().get(id) {
                *value = found;
            }
            0
        }
        (_, false) => {
            front.tuning_mut().set(id, *value);
            0
        }
    }
}

/// How many bytes behind the argument's pointer a control of `/dev/isp-m0` fills.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_tuning_bytes(get: bool, id: u32) -> u32 {
    if get && id == tuning::AE_ZONES {
        u32::try_from(tuning::ZONES * size_of::<u32>()).unwrap_or(0)
    } else {
        0
    }
}

/// `/dev/tx-isp` is opened.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_open(front: &mut Front) {
    front.open();
}

/// `/dev/tx-isp` is closed.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_close(front: &mut Front, core: &mut Core) {
    answer(front.close(core));
}

/// `/dev/framechanN` is opened.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_open(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
) -> i32 {
    answer(front.channel_open(core, channel_id(channel)))
}

/// `/dev/framechanN` is closed.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_close(front: &mut Front, core: &mut Core, channel: u32) {
    answer(front.channel_close(core, channel_id(channel)));
}

/// Whether frames are asked for.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_runs(front: &Front, channel: u32) -> bool {
    front.channel(channel_id(channel)).state() == State::Running
}

/// Whether the ISP's channel runs for this front.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_started(front: &Front, channel: u32) -> bool {
    front.channel(channel_id(channel)).is_started()
}

/// `/dev/isp-m0` is opened.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_tuning_open(front: &mut Front) -> i32 {
    answer(front.tuning_open())
}

/// `/dev/isp-m0` is closed.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_tuning_close(front: &mut Front) {
    front.tuning_close();
}

/// A frame is in a buffer of a channel: how many buffers are done with it, or a negative errno.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_finish(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
    index: u32,
    intact: bool,
    time_ns: u64,
) -> i32 {
    let time = Time::from_ns(time_ns);
    match front.finish(core, channel_id(channel), index, intact, time) {
        Ok(count) => i32::try_from(count).unwrap_or(i32::MAX),
        Err(failure) => answer(Err(failure)),
    }
}

/// The ISP does not answer any more.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_abandon(front: &mut Front) {
    front.abandon();
}

/// Whether `bytes` bytes from `address` on are registers, which may be mapped; says where they show
/// zeros, or why not.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_may_map(address: u32, bytes: u32) -> bool {
    let address = PhysAddr(address);
    if !pages::may_be_mapped(address, bytes) {
        complain(format_args!(
            "vendor: /dev/mem has the SoC's registers, at most 1 MiB at a time, not {bytes} bytes at {address}"
        ));
        return false;
    }
    if !pages::is_known(address, bytes) {
        complain(format_args!(
            "vendor: of the {bytes} bytes of registers at {address} only those that client libraries read are shown, the rest is 0"
        ));
    }
    true
}

/// Stores what a page of registers says.
///
/// # Safety
/// `words` points to a page of zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_page(core: &mut Core, address: u32, words: *mut u32) -> i32 {
    // SAFETY: by this function's contract.
    let words = unsafe { slice::from_raw_parts_mut(words, (pages::PAGE / 4) as usize) };
    run("registers for /dev/mem", || {
        pages::fill(core, PhysAddr(address), words).map_err(Error::from)
    })
}

/// A text in memory of C's; what is longer is cut.
struct Text<'a> {
    bytes: &'a mut [u8],
    used: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.used..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.used += length;
        Ok(())
    }
}

/// Writes a file of /proc/jz/isp to the `room` bytes at `text`: its length, or a negative errno.
///
/// # Safety
/// `text` points to `room` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_show(
    front: &Front,
    core: &mut Core,
    file: u32,
    frames: u32,
    text: *mut u8,
    room: u32,
) -> i32 {
    let Some(file) = File::from_number(file) else {
        return Errno::Einval.to_return_value();
    };
    let words = match report::registers(core, file) {
        Ok(words) => words,
        Err(error) => return failed("/proc/jz/isp", error.into()),
    };
    let room = usize::try_from(room).unwrap_or(0);
    let mut text = Text {
        // SAFETY: by this function's contract.
        bytes: unsafe { slice::from_raw_parts_mut(text, room) },
        used: 0,
    };
    if report::show(&mut text, file, front, core, words, frames).is_err() {
        log(
            Level::Error,
            format_args!("/proc/jz/isp: formatting failed"),
        );
    }
    i32::try_from(text.used).unwrap_or(0)
}
