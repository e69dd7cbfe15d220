// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Bringing the ISP up and shutting it down, in the vendor's order (T31 2b.4).
//!
//! Left out, since nothing here depends on them: the processing blocks' tables and the statistics' buffers.

use crate::bus::{Bus, BusError};
use crate::error::Error;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::{Core, Cpm, CsiHost, CsiPhy, Vic};
use tx_isp_abi::sensor::Sensor;

/// The interrupts that the driver has a use for. The vendor's driver enables all 32 (T31 2.1);
/// each further one would wake this driver for nothing.
pub(crate) const CORE_INTERRUPTS: u32 = Core::IRQ_CHANNELS_DONE.mask()
    | Core::IRQ_ERROR_GROUP.mask()
    | Core::IRQ_OVERFLOW_0.mask()
    | Core::IRQ_OVERFLOW_1.mask();

/// The VIC's errors; its frame-done would only repeat the core's.
pub(crate) const VIC_MASK_0: u32 = Vic::VIC_FRAME_DONE.mask();

/// The VIC's errors that its reset cures (T31 2.7).
pub(crate) const VIC_RECOVERABLE: u32 = 0xde00;

/// Main enable and mode for a linear sensor (T31 2.1).
const MAIN_ENABLE_LINEAR: u32 = 0x133;
const MODE_LINEAR: u32 = 0x1c;
/// Bits that a linear start forces into the bypass word (T31 2.1).
const BYPASS_LINEAR: u32 = 0x3400_0009;
/// INPUT_SELECT while the core is set up, and just before it starts (T31 2b.4).
const INPUT_SELECT_BAYER: u32 = 0x3f00;
const INPUT_SELECT_RUN: u32 = 8;
/// Between the steps of the CSI host's resets, and after the last (T31 2b.4).
const CSI_STEP_US: u32 = 1000;
const CSI_SETTLE_US: u32 = 10_000;

/// The reset's acknowledge is polled 500 times, 2 ms apart (T31 1.3).
const RESET_POLLS: u32 = 500;
const RESET_POLL_US: u32 = 2000;
/// The VIC leaves configuration within 100 ms (T31 2.7).
const VIC_POLLS: u32 = 100;
const VIC_POLL_US: u32 = 1000;
/// The sensor's link comes up within 100 ms (assumption).
const PHY_POLLS: u32 = 100;
const PHY_POLL_US: u32 = 1000;
/// PHY_STATE with a sensor: 0x630, then 0x300 or 0x330 (T31 2.8); without, it stays at 0x200.
const PHY_ALIVE: u32 = (0x630 | 0x300 | 0x330) & !0x200;

/// Takes the ISP from reset to waiting for frames from `sensor`: [`start_vic`] lets them in.
pub(crate) fn initialise<B: Bus>(bus: &mut B, sensor: &Sensor) -> Result<(), Error> {
    open_clock_gates(bus)?;
    start_core(bus, sensor)?;
    start_csi(bus, sensor)
}

/// Stops the frames and silences the interrupts.
pub(crate) fn stop<B: Bus>(bus: &mut B) -> Result<(), BusError> {
    bus.post(&[
        write(Vic::IrqMask0.address(), u32::MAX),
        write(Vic::IrqMask1.address(), u32::MAX),
        write(Vic::Control.address(), Vic::VIC_RESET.mask()),
        write(Core::IrqEnable.address(), 0),
        write(Core::MainEnable.address(), 0),
        write(CsiHost::HostReset.address(), 0),
        write(CsiHost::PhyReset.address(), 0),
        write(CsiHost::PhyShutdown.address(), 0),
    ])?;
    // What was raised before the masks closed is acknowledged, so that no line stays high.
    bus.execute(
        &[
            acknowledge(Core::IrqStatus.address(), Core::IrqClear.address()),
            acknowledge(Vic::IrqStatus0.address(), Vic::IrqClear0.address()),
            acknowledge(Vic::IrqStatus1.address(), Vic::IrqClear1.address()),
        ],
        &mut [0; 3],
    )?;
    Ok(())
}

/// The handshake of T31 1.3: request, acknowledge, reset, release.
pub(crate) fn soft_reset<B: Bus>(bus: &mut B) -> Result<(), Error> {
    let address = Cpm::SoftReset.address();
    let others = bus.read(address)?
        & !(Cpm::ISP_RESET_REQUEST.mask()
            | Cpm::ISP_RESET_ACKNOWLEDGE.mask()
            | Cpm::ISP_RESET.mask());
    bus.post(&[write(address, others | Cpm::ISP_RESET_REQUEST.mask())])?;
    let acknowledged = |value| Cpm::ISP_RESET_ACKNOWLEDGE.is_set(value);
    let stopped = poll(bus, address, RESET_POLLS, RESET_POLL_US, acknowledged)?;
    if stopped {
        bus.post(&[write(address, others | Cpm::ISP_RESET.mask())])?;
    }
    bus.post(&[write(address, others)])?;
    if stopped {
        Ok(())
    } else {
        Err(Error::ResetFailed)
    }
}

/// Opens the gates that T31 1.3 name.
pub(crate) fn open_clock_gates<B: Bus>(bus: &mut B) -> Result<(), BusError> {
    let mut gates = [0; 2];
    bus.execute(
        &[
            Operation::Read(Cpm::ClockGate0.address()),
            Operation::Read(Cpm::ClockGate1.address()),
        ],
        &mut gates,
    )?;
    bus.post(&[
        write(Cpm::ClockGate0.address(), gates[0] & !Cpm::ISP_GATES_0),
        write(Cpm::ClockGate1.address(), gates[1] & !Cpm::ISP_GATES_1),
    ])
}

fn start_core<B: Bus>(bus: &mut B, sensor: &Sensor) -> Result<(), BusError> {
    bus.post(&[
        write(Core::FrameSize.address(), sensor.size.to_register()),
        write(Core::Bayer.address(), sensor.bayer as u32),
        write(Core::InputSelect.address(), INPUT_SELECT_BAYER),
        write(Core::TopBypass.address(), BYPASS_LINEAR),
        write(Core::StartMask.address(), u32::MAX),
        write(Core::MainEnable.address(), MAIN_ENABLE_LINEAR),
        write(Core::Mode.address(), MODE_LINEAR),
        write(Core::InputSelect.address(), INPUT_SELECT_RUN),
        write(Core::Start.address(), Core::CORE_START.mask()),
    ])
}

/// Host and PHY through their resets, 1 ms each, and the PHY set to the sensor's rate (T31 2b.4). Shutdown is left
/// as it is but for its bit 0, which the vendor's driver clears.
fn start_csi<B: Bus>(bus: &mut B, sensor: &Sensor) -> Result<(), Error> {
    const RATES: [CsiPhy; 3] = [CsiPhy::Rate0, CsiPhy::Rate1, CsiPhy::Rate2];
    let host = |register: CsiHost, bit| write(register.address(), bit);
    bus.post(&[
        host(CsiHost::Lanes, sensor.lanes.saturating_sub(1)),
        host(CsiHost::PhyShutdown, 0),
        host(CsiHost::PhyReset, 0),
    ])?;
    bus.sleep(CSI_STEP_US);
    bus.post(&[host(CsiHost::HostReset, 0)])?;
    bus.sleep(CSI_STEP_US);
    bus.post(&[host(CsiHost::PhyReset, CsiHost::PHY_OUT_OF_RESET.mask())])?;
    bus.sleep(CSI_STEP_US);
    let rate = bus.read(CsiPhy::Rate0.address())? & !0xf | rate_code(sensor.mipi_mhz);
    let rates = RATES.map(|register| write(register.address(), rate));
    bus.post(&rates)?;
    bus.post(&[
        write(CsiPhy::Control0.address(), 0x7d),
        write(CsiPhy::ClockConfig.address(), 0x3f),
        host(CsiHost::HostReset, CsiHost::HOST_OUT_OF_RESET.mask()),
    ])?;
    bus.sleep(CSI_SETTLE_US);
    let state = CsiHost::PhyState.address();
    let alive = |value| value & PHY_ALIVE != 0;
    if poll(bus, state, PHY_POLLS, PHY_POLL_US, alive)? {
        Ok(())
    } else {
        Err(Error::LinkDown)
    }
}

/// The PHY's code for a MIPI clock in MHz: the table of T31 2b.4.
const fn rate_code(mhz: u32) -> u32 {
    match mhz {
        0..110 => 0,
        110..150 => 1,
        150..200 => 2,
        200..250 => 3,
        250..300 => 4,
        300..400 => 5,
        400..500 => 6,
        500..600 => 7,
        600..700 => 8,
        700..800 => 9,
        800..1000 => 10,
        _ => 11,
    }
}

/// The VIC's recovery after errors: reset, wait, rewrite the vertical crop, run (T31 2.7).
pub(crate) fn recover_vic<B: Bus>(bus: &mut B, sensor: &Sensor) -> Result<(), Error> {
    let control = Vic::Control.address();
    bus.post(&[write(control, Vic::VIC_RESET.mask())])?;
    if !poll(bus, control, VIC_POLLS, VIC_POLL_US, |value| value == 0)? {
        return Err(Error::VicNotReady);
    }
    bus.post(&[
        write(Vic::VerticalCrop0.address(), sensor.border.top),
        write(Vic::VerticalCrop1.address(), 0),
        write(control, Vic::VIC_RUN.mask()),
    ])?;
    Ok(())
}

/// What the VIC is told where the sensor sends as Sony's do (T31 2b.4).
const SONY_MODE: u32 = 0x20000;
const SONY_THRESHOLD: u32 = 0x0010_0010;

/// Lets the sensor's frames in.
pub(crate) fn start_vic<B: Bus>(bus: &mut B, sensor: &Sensor) -> Result<(), Error> {
    let control = Vic::Control.address();
    // Interface 2 is MIPI, data type 1 RAW10 (T31 2.7).
    let data_type = match sensor.bits_per_pixel {
        8 => 0,
        10 => 1,
        _ => 2,
    };
    let border = sensor.border;
    if border.sony {
        bus.post(&[write(Vic::BusConfig.address(), SONY_MODE)])?;
    }
    bus.post(&[
        write(
            Vic::FifoThreshold.address(),
            if border.sony {
                SONY_THRESHOLD
            } else {
                0x000a_000a
            },
        ),
        write(
            Vic::LineWords.address(),
            (sensor.bits_per_pixel * border.line_pixels).div_ceil(32),
        ),
        write(Vic::Interface.address(), 2),
        write(Vic::DataType.address(), data_type),
        write(Vic::FrameSize.address(), sensor.size.to_register()),
        write(Vic::MipiControl.address(), 0),
        write(
            Vic::HorizontalWindow.address(),
            border.line_pixels << 16 | border.left,
        ),
        write(Vic::HorizontalWindow1.address(), 0),
        write(Vic::HorizontalWindow2.address(), 0),
        write(Vic::HorizontalWindow3.address(), 0),
        write(Vic::Cfg1ac.address(), 0x4440),
        write(Vic::Cfg1a8.address(), 0x4440),
        write(Vic::Cfg1b0.address(), 0x10),
        write(control, Vic::VIC_CONFIGURE.mask()),
        write(control, Vic::VIC_RESET.mask()),
        write(Vic::Commit.address(), 0),
    ])?;
    if !poll(bus, control, VIC_POLLS, VIC_POLL_US, |value| value == 0)? {
        return Err(Error::VicNotReady);
    }
    bus.post(&[
        write(Vic::VerticalCrop0.address(), sensor.border.top),
        write(Vic::VerticalCrop1.address(), 0),
        write(Vic::IrqMask0.address(), VIC_MASK_0),
        write(Vic::IrqMask1.address(), 0),
        write(control, Vic::VIC_RUN.mask()),
        write(Core::IrqEnable.address(), CORE_INTERRUPTS),
    ])?;
    Ok(())
}

/// Reads `address` until `done`, at most `polls` times `interval_us` apart; whether it came true.
pub(crate) fn poll<B: Bus>(
    bus: &mut B,
    address: PhysAddr,
    polls: u32,
    interval_us: u32,
    done: impl Fn(u32) -> bool,
) -> Result<bool, BusError> {
    for _ in 1..polls {
        if done(bus.read(address)?) {
            return Ok(true);
        }
        bus.sleep(interval_us);
    }
    Ok(done(bus.read(address)?))
}

pub(crate) const fn write(address: PhysAddr, value: u32) -> Operation {
    Operation::Write(address, value)
}

pub(crate) const fn acknowledge(status: PhysAddr, clear: PhysAddr) -> Operation {
    Operation::Acknowledge { status, clear }
}
