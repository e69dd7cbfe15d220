// SPDX-License-Identifier: GPL-2.0-only
//! The driver core's bus where the processor addresses the chip: a load is a read, a store a write. The
//! sensor is reached by the kernel's own I2C.

use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::{Operation, RegisterFile, execute};
use tx_isp_abi::registers::Harb;
use tx_isp_driver::Errno;
use tx_isp_driver::bus::{Bus, BusError, I2cError, I2cMessage};

/// `struct tx_isp_platform`: opaque to Rust.
#[derive(Debug)]
#[repr(C)]
pub struct Platform {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn tx_isp_platform_read(platform: *mut Platform, address: u32) -> u32;
    fn tx_isp_platform_write(platform: *mut Platform, address: u32, value: u32);
    fn tx_isp_platform_is_closed(platform: *const Platform) -> bool;
    fn tx_isp_platform_count(platform: *mut Platform, nanoseconds: u64);
    fn tx_isp_platform_i2c_write(
        platform: *mut Platform,
        target: u32,
        bytes: *const u8,
        count: u32,
    ) -> i32;
    fn tx_isp_platform_i2c_read(
        platform: *mut Platform,
        target: u32,
        register: *const u8,
        count: u32,
        value: *mut u8,
    ) -> i32;
    fn tx_isp_sleep(microseconds: u32);
    fn tx_isp_now() -> u64;
}

/// What a load gives where nobody answers.
const NOBODY: u32 = u32::MAX;

/// The chip's registers.
#[derive(Debug)]
pub struct Registers {
    platform: *mut Platform,
}

impl Registers {
    /// The registers of a platform device.
    ///
    /// # Safety
    /// `platform` must be started, outlive this and have no other.
    #[must_use]
    pub const unsafe fn new(platform: *mut Platform) -> Self {
        Self { platform }
    }

    fn check_open(&self) -> Result<(), BusError> {
        // SAFETY: the platform is valid by `new`'s contract.
        match unsafe { tx_isp_platform_is_closed(self.platform) } {
            true => Err(BusError::Gone),
            false => Ok(()),
        }
    }

    /// Nobody answers loads any more: then all of them give ones, the SoC's id, too.
    fn check_answer(&mut self, results: &[u32]) -> Result<(), BusError> {
        if results.contains(&NOBODY) && RegisterFile::read(self, Harb::SocId.address()) == NOBODY {
            return Err(BusError::Gone);
        }
        Ok(())
    }
}

impl RegisterFile for Registers {
    fn read(&mut self, address: PhysAddr) -> u32 {
        // SAFETY: the platform is valid by `new`'s contract; any address may be asked for.
        unsafe { tx_isp_platform_read(self.platform, address.0) }
    }

    fn write(&mut self, address: PhysAddr, value: u32) {
        // SAFETY: as for a read.
        unsafe { tx_isp_platform_write(self.platform, address.0, value) }
    }
}

impl Bus for Registers {
    fn execute(
        &mut self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> Result<usize, BusError> {
        self.check_open()?;
        // SAFETY: it takes nothing.
        let begin = unsafe { tx_isp_now() };
        let used = execute(self, operations, results).map_err(|_| BusError::Protocol)?;
        // SAFETY: as above; the platform is valid by `new`'s contract.
        unsafe { tx_isp_platform_count(self.platform, tx_isp_now().saturating_sub(begin)) };
        self.check_answer(results.get(..used).unwrap_or_default())?;
        Ok(used)
    }

    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError> {
        self.check_open()?;
        // All of them are writes, which have no results.
        execute(self, operations, &mut [])
            .map(drop)
            .map_err(|_| BusError::Protocol)
    }

    fn sleep(&mut self, microseconds: u32) {
        // SAFETY: takes any number; the bus is only used where sleeping is allowed.
        unsafe { tx_isp_sleep(microseconds) }
    }

    fn write_i2c(&mut self, target: u8, messages: &[I2cMessage]) -> Option<Result<(), I2cError>> {
        let mut written = Ok(());
        for message in messages {
            let (bytes, count) = pieces(message);
            // SAFETY: the platform is valid by `new`'s contract, and so many bytes are there.
            let result =
                unsafe { tx_isp_platform_i2c_write(self.platform, target.into(), bytes, count) };
            written = written.and_then(|()| i2c_result(result));
        }
        Some(written)
    }

    fn read_i2c(&mut self, target: u8, register: &I2cMessage) -> Option<Result<u8, I2cError>> {
        let (bytes, count) = pieces(register);
        let mut value = 0;
        // SAFETY: as for a write; there is room for a byte.
        let result = unsafe {
            tx_isp_platform_i2c_read(self.platform, target.into(), bytes, count, &raw mut value)
        };
        Some(i2c_result(result).map(|()| value))
    }
}

/// Where a message's bytes are, and how many.
fn pieces(message: &I2cMessage) -> (*const u8, u32) {
    let bytes = message.as_slice();
    (bytes.as_ptr(), u32::try_from(bytes.len()).unwrap_or(0))
}

/// What the kernel's errors of an I2C transfer mean.
const fn i2c_result(result: i32) -> Result<(), I2cError> {
    const TIMED_OUT: i32 = Errno::Etimedout.to_return_value();
    const NO_DEVICE: i32 = Errno::Enodev.to_return_value();
    match result {
        0 => Ok(()),
        TIMED_OUT => Err(I2cError::Controller(BusError::Timeout)),
        NO_DEVICE => Err(I2cError::Controller(BusError::Gone)),
        _ => Err(I2cError::NoAnswer),
    }
}
