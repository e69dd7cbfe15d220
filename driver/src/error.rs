// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What can go wrong, and the errno that user space sees of it.

pub use crate::Errno;
use crate::alloc::pool::PoolError;
use crate::bus::BusError;
use core::fmt;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::{PhysAddr, Size};

/// Why the driver could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bus failed.
    Bus(BusError),
    /// The chip is none that this driver knows: SoC id and core id as read.
    UnknownChip(u32, u32),
    /// The soft reset was not acknowledged in time (T31 1.3).
    ResetFailed,
    /// The VIC did not leave configuration in time (T31 2.7).
    VicNotReady,
    /// The sensor's link did not come up (T31 2.8).
    LinkDown,
    /// No frame comes, although the ISP was started anew.
    Stalled,
    /// An input FIFO is not empty although it was cleared (T31 8, row 6).
    StaleFifo(ChannelId),
    /// A channel was still busy 3 s after it was disabled (T31 2.5).
    ChannelStuck(ChannelId),
    /// Nobody answers at the sensor's address.
    NoSensor,
    /// The sensor is another one: its id as read.
    UnknownSensor([u8; 2]),
    /// The channel cannot write pictures of this size.
    UnsupportedSize(Size),
    /// The channel streams; stop it first.
    Busy(ChannelId),
    /// Another channel streams RGB, and only one may (T31 2.4).
    RgbTaken(ChannelId),
    /// The channel does not stream.
    NotStreaming(ChannelId),
    /// More buffers than the channel can hold.
    QueueFull(ChannelId),
    /// The buffer is queued already.
    AlreadyQueued(ChannelId),
    /// The buffer at this address overlaps another that is queued.
    Overlap(PhysAddr),
    /// The hardware may still write to the buffer at this address: no reset has worked since it was
    /// given to it.
    Quarantined(PhysAddr),
    /// The buffer at this address ends beyond 4 GiB.
    OutOfRange(PhysAddr),
    /// The noise reduction was offered too little memory: so many bytes.
    NoiseReduction(u32),
    /// The pool could not serve the request.
    Pool(PoolError),
}

impl Error {
    /// The errno that user space sees.
    #[must_use]
    pub const fn errno(self) -> Errno {
        match self {
            Self::Bus(BusError::Gone)
            | Self::UnknownChip(..)
            | Self::LinkDown
            | Self::UnknownSensor(_) => Errno::Enodev,
            Self::Bus(BusError::Timeout) => Errno::Etimedout,
            Self::Bus(BusError::NoMemory) => Errno::Enomem,
            Self::Bus(BusError::Protocol)
            | Self::ResetFailed
            | Self::VicNotReady
            | Self::NoSensor
            | Self::Stalled
            | Self::StaleFifo(_)
            | Self::ChannelStuck(_) => Errno::Eio,
            Self::UnsupportedSize(_)
            | Self::NotStreaming(_)
            | Self::AlreadyQueued(_)
            | Self::Overlap(_)
            | Self::OutOfRange(_) => Errno::Einval,
            Self::Bus(BusError::Busy)
            | Self::Busy(_)
            | Self::RgbTaken(_)
            | Self::Quarantined(_) => Errno::Ebusy,
            Self::QueueFull(_) => Errno::Enobufs,
            Self::NoiseReduction(_) => Errno::Efault,
            Self::Pool(error) => error.errno(),
        }
    }
}

impl From<BusError> for Error {
    fn from(error: BusError) -> Self {
        Self::Bus(error)
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(BusError::Timeout) => f.write_str("the ISP did not answer in time"),
            Self::Bus(BusError::Busy) => {
                f.write_str("the ISP has not answered earlier requests; there is no room for more")
            }
            Self::Bus(BusError::NoMemory) => f.write_str("no memory for a request"),
            Self::Bus(BusError::Gone) => f.write_str("the ISP is gone"),
            Self::Bus(BusError::Protocol) => f.write_str("the ISP's answer makes no sense"),
            Self::UnknownChip(soc, core) => write!(
                f,
                "SoC id {soc:#010x} with ISP id {core:#010x} is not a T31 (0x10031000, 0x54560031)"
            ),
            Self::ResetFailed => f.write_str("the soft reset was not acknowledged within 1 s"),
            Self::VicNotReady => f.write_str("the VIC did not leave configuration within 100 ms"),
            Self::LinkDown => f.write_str("the sensor's link did not come up within 100 ms"),
            Self::Stalled => f.write_str("no frame comes, although the ISP was started anew"),
            Self::StaleFifo(channel) => write!(
                f,
                "channel {channel} keeps a stale address although its FIFOs were cleared"
            ),
            Self::ChannelStuck(channel) => {
                write!(
                    f,
                    "channel {channel} is still busy 3 s after it was disabled"
                )
            }
            Self::NoSensor => f.write_str("nobody answers at the sensor's address"),
            Self::UnknownSensor([high, low]) => {
                write!(
                    f,
                    "the sensor's id is {high:#04x}{low:02x}, which is another sensor's"
                )
            }
            Self::UnsupportedSize(size) => {
                write!(f, "{size} is no size that the channel can write")
            }
            Self::Busy(channel) => write!(f, "channel {channel} streams"),
            Self::RgbTaken(channel) => {
                write!(
                    f,
                    "channel {channel} streams RGB, and only one may at a time"
                )
            }
            Self::NotStreaming(channel) => write!(f, "channel {channel} does not stream"),
            Self::QueueFull(channel) => {
                write!(f, "channel {channel} holds as many buffers as it can")
            }
            Self::AlreadyQueued(channel) => {
                write!(f, "the buffer is already queued on channel {channel}")
            }
            Self::Overlap(address) => {
                write!(f, "the buffer at {address} overlaps another that is queued")
            }
            Self::Quarantined(address) => write!(
                f,
                "the hardware may still write to the buffer at {address}: no reset has worked"
            ),
            Self::OutOfRange(address) => write!(f, "the buffer at {address} ends beyond 4 GiB"),
            Self::NoiseReduction(bytes) => write!(
                f,
                "{bytes} bytes are too few for the noise reduction; GET_BUF says how many it needs"
            ),
            Self::Pool(error) => error.fmt(f),
        }
    }
}
