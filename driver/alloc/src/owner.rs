// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Who holds memory of the carve-out.

use core::fmt;

/// Who opened the door through which memory was asked for: a number that the caller chooses, so that
/// all that one client holds can be found again. 0 is the driver itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub u32);

impl Client {
    /// The driver itself.
    pub const DRIVER: Self = Self(0);
}

/// Who holds a block: up to 16 bytes of text, and the client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub(crate) name: [u8; Self::LENGTH],
    pub(crate) client: Client,
}

impl Owner {
    /// The longest name, in bytes.
    pub const LENGTH: usize = 16;
    /// Holds blocks while it is tried whether they fit: no text is named so.
    pub(crate) const TRIAL: Self = Self {
        name: [u8::MAX; Self::LENGTH],
        client: Client::DRIVER,
    };

    /// An owner of that name on the driver's own behalf, cut to [`Owner::LENGTH`] bytes at a character's boundary.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut bytes = [0; Self::LENGTH];
        let mut end = name.len().min(Self::LENGTH);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        Self {
            name: bytes,
            client: Client::DRIVER,
        }
    }

    /// The same name on a client's behalf.
    #[must_use]
    pub const fn of(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// On whose behalf.
    #[must_use]
    pub const fn client(&self) -> Client {
        self.client
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self
            .name
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(Self::LENGTH);
        core::str::from_utf8(&self.name[..end]).unwrap_or("?")
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(
            Owner::new("encoder channel 0 stream").as_str(),
            "encoder channel "
        );
        assert_eq!(Owner::new("fifteen bytes..ä").as_str(), "fifteen bytes..");
    }
}
