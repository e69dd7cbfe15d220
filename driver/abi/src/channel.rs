// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The MSCA's output channels and what each can do.

use crate::Size;
use core::fmt;

/// One of the MSCA's output channels, 0 to 2 (T31 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(u8);

/// There is no channel of that number; the T31 has [`ChannelId::COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchChannel(pub u32);

impl ChannelId {
    /// How many channels the MSCA has.
    pub const COUNT: usize = 3;
    /// Every channel, in order.
    pub const ALL: [Self; Self::COUNT] = [Self(0), Self(1), Self(2)];

    /// The channel of that number.
    ///
    /// # Errors
    /// [`NoSuchChannel`] for a number above 2.
    pub const fn new(number: u32) -> Result<Self, NoSuchChannel> {
        match number {
            0 => Ok(Self(0)),
            1 => Ok(Self(1)),
            2 => Ok(Self(2)),
            _ => Err(NoSuchChannel(number)),
        }
    }

    /// The channel's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// The channel's place in a table of [`ChannelId::COUNT`] entries.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The channel's bit in CH_EN and CH_STAT (T31 2.4).
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self.0
    }

    /// The largest picture that the channel can write: 2624x2048 for channel 0, 1920x1080 for
    /// channel 1 (T31 2.4). Nothing is known of channel 2; it takes channel 1's limit (assumption).
    #[must_use]
    pub const fn max_size(self) -> Size {
        match self.0 {
            0 => Size::new(2624, 2048),
            _ => Size::new(1920, 1080),
        }
    }
}

/// The smallest picture that the scaler can write (T31 2.4, 6.3).
pub const MIN_SIZE: Size = Size::new(128, 128);

/// The width's step in pixels: libimp prefers multiples of 16 (T31 6.3); the driver insists on it,
/// so that the stride of every plane is a multiple of 16 bytes.
pub const WIDTH_STEP: u32 = 16;

/// The height's step in lines: chroma is halved vertically (T31 6.3).
pub const HEIGHT_STEP: u32 = 2;

/// Places of each address FIFO: the logged indices run from 0 to 4 (T31 2a.1).
pub const ADDRESS_FIFO_DEPTH: usize = 5;

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for NoSuchChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no channel {}: the T31 has channels 0 to {}",
            self.0,
            ChannelId::COUNT - 1
        )
    }
}

impl core::error::Error for NoSuchChannel {}
