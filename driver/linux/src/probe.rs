// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls to find the ISP, to see whether it is alive, and to shut it down.

use core::mem::MaybeUninit;
use tx_isp_abi::sensor::{GC2053, SENSORS, Sensor};
use tx_isp_driver::Error;
use tx_isp_driver::isp::Isp;

use crate::chip_bus::ChipBus;
use crate::ffi::{Core, run, size_in_bytes};
use crate::guard::{PANICKED, guard};
use crate::mailbox::{Mailbox, Transport};
use crate::platform::{Platform, Registers};
use crate::print::{Level, log};

/// The sensor that is taken to be on the board where none says its name.
const SENSOR: Sensor = GC2053;

/// Bytes that C allocates for a [`Core`].
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_size() -> u32 {
    size_in_bytes::<Core>()
}

/// Fills `core` for the ISP behind `transport`.
///
/// # Safety
/// `core` has room for [`tx_isp_core_size`] bytes, aligned for any type; `transport` is started and
/// outlives `core`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_probe(core: *mut Core, transport: *mut Transport) -> i32 {
    guard(PANICKED, || {
        run("probe", || {
            // SAFETY: by this function's contract.
            let mut mailbox = unsafe { Mailbox::new(transport) };
            let identity = mailbox.identify()?;
            log(
                Level::Info,
                format_args!(
                    "SoC {:#010x} behind mailbox version {}",
                    identity.soc_id, identity.version
                ),
            );
            // SAFETY: by this function's contract.
            unsafe { probe(core, ChipBus::Mailbox(mailbox)) }
        })
    })
}

/// Fills `core` for the ISP of a platform device.
///
/// # Safety
/// As [`tx_isp_core_probe`], for `platform`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_probe_platform(
    core: *mut Core,
    platform: *mut Platform,
) -> i32 {
    guard(PANICKED, || {
        run("probe", || {
            // SAFETY: by this function's contract.
            unsafe { probe(core, ChipBus::Registers(Registers::new(platform))) }
        })
    })
}

/// Makes a core and asks chip and sensor who they are.
///
/// # Safety
/// As [`tx_isp_core_probe`].
unsafe fn probe(core: *mut Core, bus: ChipBus) -> Result<(), Error> {
    let way = bus.name();
    // SAFETY: by this function's contract.
    let core = unsafe { place(core, bus) };
    core.identify()?;
    find_sensor(core)?;
    let sensor = core.sensor();
    log(
        Level::Info,
        format_args!("ISP of a T31 {way}, sensor {} {}", sensor.name, sensor.size),
    );
    Ok(())
}

/// Asks the sensor for its name. One that does not answer, or is none that is known, is no reason to give up:
/// its frames may still fit.
fn find_sensor(core: &mut Core) -> Result<(), Error> {
    match core.find_sensor(SENSORS) {
        Err(error @ (Error::NoSensor | Error::UnknownSensor(_))) => {
            log(
                Level::Warning,
                format_args!("{error}; taken for {}, known are:", SENSOR.name),
            );
            for known in SENSORS {
                let [first, second] = known.control.id;
                log(
                    Level::Warning,
                    format_args!(
                        "  {} {} at I2C {:#x}, id {:02x}{:02x}",
                        known.name, known.size, known.control.target, first.1, second.1
                    ),
                );
            }
            Ok(())
        }
        other => other,
    }
}

/// Makes a core in C's memory. A function of its own: what it needs of the stack, half of the kernel's
/// eight kilobytes, is given back before anybody is asked anything.
///
/// # Safety
/// As [`tx_isp_core_probe`].
#[inline(never)]
unsafe fn place<'a>(core: *mut Core, bus: ChipBus) -> &'a mut Core {
    // SAFETY: by this function's contract.
    let memory = unsafe { &mut *core.cast::<MaybeUninit<Core>>() };
    Isp::place(memory, bus, SENSOR)
}

/// Whether the ISP runs, so that an interrupt may be its.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_is_running(core: &Core) -> bool {
    guard(false, || core.is_running())
}

/// How many interrupts of the running ISP found nothing to do.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_empty_interrupts(core: &Core) -> u32 {
    guard(0, || core.empty_interrupts())
}

/// Ends every stream, whatever it takes.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_shut_down(core: &mut Core) {
    guard((), || {
        core.shut_down();
    })
}

/// Asks the backend for a sign of life.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_ping(core: &mut Core) {
    guard((), || {
        run("the ISP is silent", || core.ping());
    })
}

/// Stores a register that only keeps its value so many times, after a load of it; nobody waits for the
/// stores.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_store_straps(core: &mut Core, times: u32) -> i32 {
    guard(PANICKED, || {
        run("stores of the straps", || core.store_straps(times))
    })
}
