// SPDX-License-Identifier: GPL-2.0-only
//! The driver core's bus: batches of operations as requests of the mailbox.

use core::slice;
use tx_isp_abi::mailbox::{
    HEADER_WORDS, Identity, MAX_REQUEST_WORDS, MAX_RESPONSE_WORDS, MAX_RESULT_WORDS, Request,
    Status, VERSION, encode_request,
};
use tx_isp_abi::operation::Operation;
use tx_isp_driver::Errno;
use tx_isp_driver::bus::{Bus, BusError};

use crate::print::{Level, log};

/// `struct tx_isp_transport`: opaque to Rust.
#[derive(Debug)]
#[repr(C)]
pub struct Transport {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn tx_isp_transport_request(transport: *mut Transport) -> *mut u32;
    fn tx_isp_transport_response(transport: *mut Transport) -> *mut u32;
    fn tx_isp_transport_execute(
        transport: *mut Transport,
        request: *const u32,
        request_words: u32,
        response: *mut u32,
        response_words: u32,
    ) -> i32;
    fn tx_isp_transport_post(
        transport: *mut Transport,
        request: *const u32,
        request_words: u32,
    ) -> i32;
    fn tx_isp_transport_reset(transport: *mut Transport) -> i32;
    fn tx_isp_sleep(microseconds: u32);
}

/// What C's error numbers mean.
const fn bus_error(result: i32) -> BusError {
    const TIMED_OUT: i32 = Errno::Etimedout.to_return_value();
    const BUSY: i32 = Errno::Ebusy.to_return_value();
    const NO_MEMORY: i32 = Errno::Enomem.to_return_value();
    const NO_DEVICE: i32 = Errno::Enodev.to_return_value();
    match result {
        TIMED_OUT => BusError::Timeout,
        BUSY => BusError::Busy,
        NO_MEMORY => BusError::NoMemory,
        NO_DEVICE => BusError::Gone,
        _ => BusError::Protocol,
    }
}

/// The mailbox. Its buffers belong to the transport, since the kernel's stack is small.
#[derive(Debug)]
pub struct Mailbox {
    transport: *mut Transport,
    request: &'static mut [u32],
    response: &'static mut [u32],
}

impl Mailbox {
    /// A mailbox over `transport`, before the first exchange.
    ///
    /// # Safety
    /// `transport` must be started, outlive the mailbox and have no other.
    #[must_use]
    pub unsafe fn new(transport: *mut Transport) -> Self {
        // SAFETY: the transport's buffers have these sizes (tx_isp_request_words() and
        // tx_isp_response_words() told C), live as long as it does, and nobody else uses them.
        unsafe {
            Self {
                transport,
                request: slice::from_raw_parts_mut(
                    tx_isp_transport_request(transport),
                    MAX_REQUEST_WORDS,
                ),
                response: slice::from_raw_parts_mut(
                    tx_isp_transport_response(transport),
                    MAX_RESPONSE_WORDS,
                ),
            }
        }
    }

    /// The first exchange: who answers, and in which version.
    ///
    /// # Errors
    /// [`BusError::Timeout`] if nobody does, [`BusError::Protocol`] if it is somebody else (said in
    /// the log).
    pub fn identify(&mut self) -> Result<Identity, BusError> {
        let words = self.exchange(&Request::Identify, Identity::WORDS)?;
        let identity = Identity::from_words(&self.results()[..words]).ok_or_else(|| {
            log(
                Level::Error,
                format_args!("whoever answers is no emulated ISP"),
            );
            BusError::Protocol
        })?;
        if identity.version != VERSION {
            log(
                Level::Error,
                format_args!(
                    "the emulator speaks version {} of the mailbox, this driver version {VERSION}",
                    identity.version
                ),
            );
            return Err(BusError::Protocol);
        }
        Ok(identity)
    }

    fn results(&self) -> &[u32] {
        &self.response[HEADER_WORDS..]
    }

    /// Sends `request`, waits for the answer and returns how many result words it has.
    fn exchange(&mut self, request: &Request<'_>, room: usize) -> Result<usize, BusError> {
        let length = self.encode(request)?;
        let room = HEADER_WORDS + room.min(MAX_RESULT_WORDS);
        // What an old answer left must not be taken for a new one.
        self.response[..HEADER_WORDS].fill(u32::MAX);
        // SAFETY: the transport is valid by `new`'s contract; the lengths are those of the arrays'
        // beginnings.
        let result = unsafe {
            tx_isp_transport_execute(
                self.transport,
                self.request.as_ptr(),
                length,
                self.response.as_mut_ptr(),
                words(room),
            )
        };
        let Ok(received) = usize::try_from(result) else {
            return Err(bus_error(result));
        };
        let used = usize::try_from(self.response[1]).unwrap_or(usize::MAX);
        let room = received.min(room).saturating_sub(HEADER_WORDS);
        match Status::from_word(self.response[0]) {
            Some(Status::Ok) if used <= room => Ok(used),
            status => {
                log(
                    Level::Error,
                    format_args!("a request was answered with {status:?}"),
                );
                Err(BusError::Protocol)
            }
        }
    }

    fn encode(&mut self, request: &Request<'_>) -> Result<u32, BusError> {
        encode_request(request, self.request)
            .map(words)
            .ok_or(BusError::Protocol)
    }
}

/// A count of words as C takes it; the arrays above keep it small.
fn words(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Bus for Mailbox {
    fn execute(
        &mut self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> Result<usize, BusError> {
        let used = self.exchange(&Request::Batch(operations), results.len())?;
        results[..used].copy_from_slice(&self.results()[..used]);
        Ok(used)
    }

    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError> {
        let length = self.encode(&Request::Batch(operations))?;
        // SAFETY: the transport is valid by `new`'s contract; the request is `length` words long.
        let result =
            unsafe { tx_isp_transport_post(self.transport, self.request.as_ptr(), length) };
        if result == 0 {
            Ok(())
        } else {
            Err(bus_error(result))
        }
    }

    fn reset_device(&mut self) -> Result<(), BusError> {
        // SAFETY: the transport is valid by `new`'s contract.
        match unsafe { tx_isp_transport_reset(self.transport) } {
            0 => Ok(()),
            error => Err(bus_error(error)),
        }
    }

    fn sleep(&mut self, microseconds: u32) {
        // SAFETY: takes any number; the bus is only used where sleeping is allowed.
        unsafe { tx_isp_sleep(microseconds) }
    }
}

/// Words of the largest request: C allocates the buffer.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_request_words() -> u32 {
    words(MAX_REQUEST_WORDS)
}

/// Words of the largest response: C allocates the buffer.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_response_words() -> u32 {
    words(MAX_RESPONSE_WORDS)
}
