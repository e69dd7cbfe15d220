// SPDX-License-Identifier: GPL-2.0-only
//! What the ioctls of the vendor's nodes do.

use super::{answer, unknown};
use crate::ffi::{Core, channel_id, failed, run};
use crate::guard::{PANICKED, guard};
use crate::print::complain;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::statistics::ZONES;
use tx_isp_abi::vendor::{
    self, BIN_PATH_BYTES, Control, FrameDrop, FrameFormat, IspBuffer, Node, Tuning,
};
use tx_isp_driver::statistics;
use tx_isp_driver::vendor::front::Front;
use tx_isp_driver::vendor::tuning;

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
    guard(PANICKED, || {
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
                    let wanted = front.buffer_bytes(core);
                    wanted.map(|bytes| *at::<IspBuffer>(argument) = IspBuffer { address: 0, bytes })
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
                vendor::WDR_ENABLE => {
                    complain(format_args!(
                        "vendor: wide dynamic range: the sensor is linear, its pictures stay so"
                    ));
                    front.set_wide_range(true);
                    Ok(())
                }
                vendor::WDR_DISABLE => {
                    front.set_wide_range(false);
                    Ok(())
                }
                vendor::GPIO_INIT | vendor::SET_GPIO => {
                    front.set_pins(at(argument));
                    Ok(())
                }
                vendor::SET_SENSOR_REGISTER => front.write_sensor(core, at(argument)),
                vendor::GET_SENSOR_REGISTER => front.read_sensor(core, at(argument)),
                vendor::LINKS_STREAM_ON | vendor::LINKS_STREAM_OFF => Ok(()),
                _ => return unknown(Node::Isp, number),
            }
        };
        answer(result)
    })
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
    guard(PANICKED, || {
        let id = channel_id(channel);
        // SAFETY: as in tx_isp_vendor_isp().
        let result = unsafe {
            match number {
                vendor::SET_FORMAT => front.set_format(core, id, at(argument)).map(|taken| {
                    if let Some(why) = taken {
                        complain(format_args!("vendor: {why}"));
                    }
                }),
                vendor::GET_FORMAT => {
                    *at::<FrameFormat>(argument) = *front.channel(id).format();
                    Ok(())
                }
                vendor::SET_BANKS => Ok(()),
                vendor::LISTEN_BUFFER => {
                    front.listen(id).map(|frames| *at::<u32>(argument) = frames)
                }
                vendor::REQUEST_BUFFERS => front.request_buffers(id, at(argument)),
                vendor::QUERY_BUFFER => front.query_buffer(id, at(argument)),
                vendor::QUEUE_BUFFER => front.queue_buffer(core, id, at(argument)),
                vendor::DEQUEUE_BUFFER => front.dequeue(id, at(argument)),
                vendor::CHANNEL_STREAM_ON => {
                    front.channel_stream_on(core, id, *at::<u32>(argument))
                }
                vendor::CHANNEL_STREAM_OFF => {
                    front.channel_stream_off(core, id, *at::<u32>(argument))
                }
                _ => return unknown(Node::FrameChannel, number),
            }
        };
        answer(result)
    })
}

/// An ioctl of `/dev/isp-m0`.
///
/// # Safety
/// As [`tx_isp_vendor_isp`]; `banks` as in [`tx_isp_vendor_statistics`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_tuning(
    front: &mut Front,
    core: &mut Core,
    number: u32,
    argument: *mut u8,
    banks: *const u32,
) -> i32 {
    guard(PANICKED, || {
        let banks = &Banks(banks);
        match number {
            vendor::SET_CONTROL | vendor::GET_CONTROL => {
                // SAFETY: by this function's contract.
                let control = unsafe { at::<Control>(argument) };
                let get = number == vendor::GET_CONTROL;
                tune(front, core, get, control.id, &mut control.value, banks)
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
                    banks,
                )
            }
        }
    })
}

fn tune(
    front: &mut Front,
    core: &mut Core,
    get: bool,
    id: u32,
    value: &mut u32,
    banks: &Banks,
) -> i32 {
    match (id, get) {
        (tuning::FRAME_RATE, true) => {
            *value = tuning::frame_rate(core.frame_interval());
            0
        }
        (tuning::FRAME_RATE, false) => run("sensor frame rate", || {
            core.set_frame_interval(*value & 0xffff, *value >> 16)
        }),
        (tuning::AE_LUMA, true) => run("brightness", || {
            let newest = core.newest_statistics()?;
            *value = statistics::mean_luma(|index| banks.word(newest.histogram, index));
            Ok(())
        }),
        (_, true) => {
            if let Some(found) = front.tuning().get(id) {
                *value = found;
            }
            0
        }
        (_, false) => {
            front.tuning_mut().set(id, *value);
            match front.tuning().output_flips(id) {
                Some(flips) => run("mirror and flip", || core.set_output_flips(flips)),
                None => 0,
            }
        }
    }
}

/// The memory in which the chip counts, or none.
struct Banks(*const u32);

impl Banks {
    /// A word so many words behind `start`, a number of bytes. The chip may write it meanwhile.
    fn word(&self, start: u32, index: usize) -> u32 {
        let place = usize::try_from(start / 4)
            .unwrap_or(usize::MAX)
            .saturating_add(index);
        let words = usize::try_from(statistics::BYTES / 4).unwrap_or(0);
        if self.0.is_null() || place >= words {
            return 0;
        }
        // SAFETY: by the contract of those who made this there are so many bytes; `place` is in them.
        unsafe { self.0.add(place).read_volatile() }
    }
}

/// How many words a control of `/dev/isp-m0` fills behind the argument's pointer, which are stored in
/// `words`; or a negative errno.
///
/// # Safety
/// `banks` is null or points to [`tx_isp_vendor_statistics_bytes`] bytes, aligned for a word; `words`
/// points to room for 256 words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_statistics(
    core: &mut Core,
    get: bool,
    id: u32,
    banks: *const u32,
    words: *mut [u32; statistics::BINS],
) -> i32 {
    guard(PANICKED, || {
        // SAFETY: by this function's contract.
        let words = unsafe { &mut *words };
        let banks = Banks(banks);
        let count = match id {
            tuning::AE_ZONES if get => ZONES,
            tuning::AE_HISTOGRAM if get => statistics::BINS,
            _ => return 0,
        };
        let newest = match core.newest_statistics() {
            Ok(newest) => newest,
            Err(error) => return failed("statistics", error),
        };
        if id == tuning::AE_HISTOGRAM {
            for (index, word) in words.iter_mut().enumerate() {
                *word = banks.word(newest.histogram, index);
            }
        } else if let Some(means) = words.first_chunk_mut() {
            let word = |index| banks.word(newest.zones, index);
            statistics::zone_means(word, core.sensor().size, means);
        }
        i32::try_from(count).unwrap_or(0)
    })
}

/// Bytes of the memory in which the chip counts.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_statistics_bytes() -> u32 {
    statistics::BYTES
}

/// Gives the chip memory to count in, or (0) takes it.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_set_statistics(core: &mut Core, address: u32) {
    guard((), || {
        let memory = (address != 0).then_some(PhysAddr(address));
        run("statistics", || core.set_statistics(memory));
    })
}
