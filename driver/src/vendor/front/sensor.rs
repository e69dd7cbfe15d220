// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! `/dev/tx-isp` and its sensor: which there is, whether it is chosen and streams, its registers.

use super::Front;
use crate::bus::Bus;
use crate::error::Errno;
use crate::isp::Isp;
use crate::vendor::Failure;
use tx_isp_abi::vendor::{CBUS_I2C, InputInfo, NAME_BYTES, SensorInfo, SensorRegister};

/// No input is chosen.
const NO_INPUT: u32 = u32::MAX;
/// What is said of a register that the sensor cannot have.
const TOO_LARGE: &str = "a sensor's register: numbers and values have 8 bits";

impl Front {
    /// REGISTER_SENSOR: the sensor that the board has, where it has it.
    pub fn register_sensor<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        info: &SensorInfo,
    ) -> Result<(), Failure> {
        let refuse = |why| Err(Failure::Refused(Errno::Einval, why));
        if self.opens == 0 {
            return Err(Errno::Eperm.into());
        }
        if info.cbus != CBUS_I2C {
            return refuse("REGISTER_SENSOR: the control bus must be 1, I2C");
        }
        if self.sensor.is_some() {
            return refuse("REGISTER_SENSOR: a sensor is registered already");
        }
        let sensor = *isp.sensor();
        if text(&info.i2c_type) != sensor.name {
            return refuse("REGISTER_SENSOR: the I2C type is not the sensor of this board");
        }
        if info.i2c_address & 0xffff != u32::from(sensor.control.target) {
            return refuse("REGISTER_SENSOR: no sensor answers at that I2C address");
        }
        if info.i2c_adapter != 0 {
            return refuse("REGISTER_SENSOR: the sensor is on I2C adapter 0");
        }
        if isp.probe_sensor().is_err() {
            return refuse("REGISTER_SENSOR: the sensor does not answer with its id");
        }
        self.sensor = Some(info.name);
        Ok(())
    }

    /// RELEASE_SENSOR.
    pub fn release_sensor(&mut self, info: &SensorInfo) -> Result<(), Failure> {
        if self.selected || self.sensor != Some(info.name) {
            return Err(Errno::Einval.into());
        }
        self.sensor = None;
        Ok(())
    }

    /// ENUMINPUT; there is one sensor at most.
    pub fn enumerate<B: Bus>(&self, isp: &Isp<B>, input: &mut InputInfo) -> Result<(), Failure> {
        if self.sensor.is_none() || input.index != 0 {
            return Err(Errno::Einval.into());
        }
        let name = isp.sensor().name.as_bytes();
        input.name = [0; NAME_BYTES];
        input.name[..name.len()].copy_from_slice(name);
        input.cbus = CBUS_I2C;
        Ok(())
    }

    /// S_INPUT: resets the ISP and sets it up for a sensor, or (-1) undoes that. Returns the sensor's
    /// size as width and height in one word, or the index.
    pub fn select_input<B: Bus>(&mut self, isp: &mut Isp<B>, index: u32) -> Result<u32, Failure> {
        if index == NO_INPUT {
            if self.streaming {
                return Err(Errno::Eperm.into());
            }
            self.deselect(isp)?;
            return Ok(index);
        }
        if index != 0 || self.sensor.is_none() {
            return Err(Errno::Einval.into());
        }
        if !self.selected {
            isp.initialise().map_err(|_| {
                Failure::Refused(Errno::Einval, "S_INPUT: the ISP could not be set up")
            })?;
            self.selected = true;
        }
        Ok(isp.sensor().size.to_register())
    }

    pub(super) fn deselect<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        if !core::mem::take(&mut self.selected) {
            return Ok(());
        }
        Ok(isp.deinitialise()?)
    }

    /// G_INPUT: the chosen sensor's index, or -1.
    #[must_use]
    pub const fn input(&self) -> u32 {
        if self.selected { 0 } else { NO_INPUT }
    }

    /// STREAMON of `/dev/tx-isp`: frames reach the core. It may be asked for more than once.
    pub fn stream_on<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        if !self.selected {
            let why = "STREAMON of /dev/tx-isp: no sensor is chosen; S_INPUT comes first";
            return Err(Failure::Refused(Errno::Eperm, why));
        }
        if !self.streaming {
            isp.hold(true)?;
            self.streaming = true;
        }
        self.update(isp)
    }

    /// STREAMOFF of `/dev/tx-isp`: channels that run are stopped; their clients keep waiting.
    pub fn stream_off<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        self.stop_sensor(isp)
    }

    pub(super) fn stop_sensor<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        if !core::mem::take(&mut self.streaming) {
            return Ok(());
        }
        let stopped = self.update(isp);
        let idle = isp.hold(false).map_err(Failure::from);
        stopped.and(idle)
    }

    /// Reads a register of the sensor.
    pub fn read_sensor<B: Bus>(
        &self,
        isp: &mut Isp<B>,
        request: &mut SensorRegister,
    ) -> Result<(), Failure> {
        let register = self.sensor_register(isp, request.register)?;
        request.value = [isp.sensor_register(register)?.into(), 0];
        Ok(())
    }

    /// Writes a register of the sensor.
    pub fn write_sensor<B: Bus>(
        &self,
        isp: &mut Isp<B>,
        request: &SensorRegister,
    ) -> Result<(), Failure> {
        let register = self.sensor_register(isp, request.register)?;
        let [value, 0] = request.value else {
            return Err(Failure::Refused(Errno::Einval, TOO_LARGE));
        };
        let value = u8::try_from(value).map_err(|_| Failure::Refused(Errno::Einval, TOO_LARGE))?;
        Ok(isp.set_sensor_register(register, value)?)
    }

    fn sensor_register<B: Bus>(&self, isp: &Isp<B>, words: [u32; 2]) -> Result<u16, Failure> {
        if self.sensor.is_none() {
            let why = "a sensor's register: no sensor is registered";
            return Err(Failure::Refused(Errno::Einval, why));
        }
        let [register, 0] = words else {
            return Err(Failure::Refused(Errno::Einval, TOO_LARGE));
        };
        let last = isp.sensor().control.address_width.last();
        let register = u16::try_from(register).ok();
        let register = register.filter(|register| *register <= last);
        register.ok_or(Failure::Refused(Errno::Einval, TOO_LARGE))
    }
}

/// What stands before the first zero.
fn text(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| *byte == 0);
    core::str::from_utf8(&bytes[..end.unwrap_or(bytes.len())]).unwrap_or("?")
}
