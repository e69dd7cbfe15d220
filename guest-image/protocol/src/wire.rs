// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Messages on a byte stream: four bytes of length, least significant first, then the message in
//! postcard's format.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message in bytes without its length; a longer one is refused on both sides.
pub const MAX_MESSAGE: usize = 8 << 20;

/// Bytes of the length in front of a message.
const LENGTH_BYTES: usize = 4;

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The stream failed or ended within a message.
    #[error("the message stream failed")]
    Io(#[from] io::Error),
    /// A message is longer than both sides agreed on.
    #[error("a message of {length} bytes is longer than the limit of {MAX_MESSAGE}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The bytes are no message of this version.
    #[error("a message could not be understood; are both sides of the same version?")]
    Format(#[from] postcard::Error),
}

/// Sends one message, in one `write` where the stream takes it whole.
///
/// # Errors
/// [`WireError::TooLong`] before anything is sent, else what the stream says.
pub fn send(stream: &mut impl Write, message: &impl Serialize) -> Result<(), WireError> {
    let mut bytes = postcard::to_extend(message, vec![0; LENGTH_BYTES])?;
    let length = bytes.len() - LENGTH_BYTES;
    match u32::try_from(length) {
        Ok(word) if length <= MAX_MESSAGE => {
            bytes[..LENGTH_BYTES].copy_from_slice(&word.to_le_bytes());
        }
        _ => return Err(WireError::TooLong { length }),
    }
    stream.write_all(&bytes)?;
    Ok(stream.flush()?)
}

/// Receives one message; `None` if the stream ends before one begins.
///
/// # Errors
/// [`WireError::Io`] if the stream fails or ends within a message, [`WireError::TooLong`] or
/// [`WireError::Format`] if what came is no message.
pub fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, WireError> {
    let mut word = [0; LENGTH_BYTES];
    let begun = loop {
        match stream.read(&mut word) {
            Ok(0) => return Ok(None),
            Ok(count) => break count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    };
    stream.read_exact(&mut word[begun..])?;
    let length = usize::try_from(u32::from_le_bytes(word)).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE {
        return Err(WireError::TooLong { length });
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(Some(postcard::from_bytes(&bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Reply, Request, RunRequest};
    use proptest::prelude::*;

    /// A stream that gives one byte at a time, as a slow port may.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }

    #[test]
    fn messages_follow_each_other_and_the_end_is_told_from_a_cut() {
        let first = Request::Hello { version: 7 };
        let second = Request::Run(RunRequest {
            argv: vec!["true".into()],
            deadline_ms: 1,
        });
        let mut bytes = Vec::new();
        send(&mut bytes, &first).unwrap();
        send(&mut bytes, &second).unwrap();
        let mut stream = Trickle(&bytes);
        assert_eq!(receive(&mut stream).unwrap(), Some(first.clone()));
        assert_eq!(receive(&mut stream).unwrap(), Some(second));
        assert_eq!(receive::<Request>(&mut stream).unwrap(), None);

        let mut cut = Trickle(&bytes[..bytes.len() - 1]);
        assert_eq!(receive(&mut cut).unwrap(), Some(first));
        let error = receive::<Request>(&mut cut).unwrap_err();
        assert!(matches!(error, WireError::Io(_)), "{error}");
    }

    #[test]
    fn the_length_stands_in_front_least_significant_first() {
        let mut bytes = Vec::new();
        send(&mut bytes, &Reply::Content(vec![0xab; 300])).unwrap();
        assert_eq!(bytes[..4], [0x2f, 0x01, 0, 0]); // variant, two bytes of count, 300 bytes
        assert_eq!(bytes.len(), 4 + 303);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_unread_and_unsent() {
        let mut stream: &[u8] = &[0xff, 0xff, 0xff, 0x7f, 0];
        let error = receive::<Request>(&mut stream).unwrap_err();
        assert!(matches!(
            error,
            WireError::TooLong {
                length: 0x7fff_ffff
            }
        ));
        let mut sent = Vec::new();
        let error = send(&mut sent, &Reply::Content(vec![0; MAX_MESSAGE])).unwrap_err();
        assert!(matches!(error, WireError::TooLong { .. }) && sent.is_empty());
    }

    #[test]
    fn an_unknown_kind_of_message_is_an_error() {
        let mut stream: &[u8] = &[1, 0, 0, 0, 200];
        let error = receive::<Request>(&mut stream).unwrap_err();
        assert!(matches!(error, WireError::Format(_)), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut stream = &bytes[..];
            while let Ok(Some(_)) = receive::<Request>(&mut stream) {}
        }
    }
}
