// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How register operations travel over a virtqueue, and how interrupts come back.
//!
//! **Requests** (queue 0). One descriptor chain is one batch: a readable part with the request, a
//! writable part for the response. All numbers are little-endian 32-bit words.
//!
//! | part | words |
//! |---|---|
//! | request | a header: [`REQUEST_MAGIC`], the number of operations; then four words for each operation |
//! | operation | opcode, address, value, extra |
//! | response | a header: [`Status`], the number of result words; then the result words in order |
//!
//! | operation | opcode | address | value | extra | result words |
//! |---|---|---|---|---|---|
//! | identify | 1 | 0 | 0 | 0 | [`Identity`]: four |
//! | read | 2 | register | 0 | 0 | one |
//! | write | 3 | register | value | 0 | none |
//! | acknowledge | 4 | status register | acknowledge register | 0 | one |
//! | drain | 5 | state register | bits that say empty | reads, limit << 8 | count, then `count * reads` |
//!
//! Batches are carried out in the order in which the driver makes them available, so a write that
//! nobody waits for has taken effect before a later read.
//!
//! **Events** (queue 1). The driver offers buffers of [`EVENT_BYTES`]; each used buffer holds one
//! word: the interrupt lines that rose ([`LINE_CORE`], [`LINE_VIC`]).

use crate::PhysAddr;
use crate::operation::{BatchError, Operation};

/// Queue of requests.
pub const REQUEST_QUEUE: u16 = 0;
/// Queue of events.
pub const EVENT_QUEUE: u16 = 1;
/// How many queues the device has.
pub const QUEUES: usize = 2;

/// First word of each request: "TISP".
pub const REQUEST_MAGIC: u32 = u32::from_le_bytes(*b"TISP");
/// Version of this protocol. A driver refuses any other.
pub const VERSION: u32 = 1;
/// Words of a request's or a response's header.
pub const HEADER_WORDS: usize = 2;
/// Words of an operation.
pub const OPERATION_WORDS: usize = 4;
/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 128;
/// The most result words of one response.
pub const MAX_RESULT_WORDS: usize = 256;
/// Words of the largest request.
pub const MAX_REQUEST_WORDS: usize = HEADER_WORDS + MAX_OPERATIONS * OPERATION_WORDS;
/// Words of the largest response.
pub const MAX_RESPONSE_WORDS: usize = HEADER_WORDS + MAX_RESULT_WORDS;

/// Bytes of an event buffer.
pub const EVENT_BYTES: usize = 4;
/// Event bit: the core's interrupt line (hardware source 29, T31 1.2) rose.
pub const LINE_CORE: u32 = 1 << 0;
/// Event bit: the VIC's interrupt line (hardware source 30, T31 1.2) rose.
pub const LINE_VIC: u32 = 1 << 1;

/// Virtio device id under which the generic vhost-user device carries the mailbox: 30, a video
/// encoder, has no driver in the guest's kernel.
pub const VIRTIO_ID_GENERIC: u32 = 30;
/// Virtio device id of the GPIO device, the carrier that every QEMU since 7.2 can create.
pub const VIRTIO_ID_GPIO: u32 = 41;

const OP_IDENTIFY: u32 = 1;
const OP_READ: u32 = 2;
const OP_WRITE: u32 = 3;
const OP_ACKNOWLEDGE: u32 = 4;
const OP_DRAIN: u32 = 5;

/// Who answers behind the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// [`VERSION`] of the device.
    pub version: u32,
    /// The SoC's id word (T31 1.4).
    pub soc_id: u32,
    /// Features; none is defined yet, so 0.
    pub features: u32,
}

impl Identity {
    /// Words of an identity, its magic included.
    pub const WORDS: usize = 4;

    /// The identity as result words.
    #[must_use]
    pub const fn to_words(self) -> [u32; Self::WORDS] {
        [REQUEST_MAGIC, self.version, self.soc_id, self.features]
    }

    /// The identity in result words, or `None` if somebody else answered.
    #[must_use]
    pub const fn from_words(words: &[u32]) -> Option<Self> {
        match *words {
            [REQUEST_MAGIC, version, soc_id, features] => Some(Self {
                version,
                soc_id,
                features,
            }),
            _ => None,
        }
    }
}

/// How a request ended: first word of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// All operations were carried out.
    Ok = 0,
    /// The header is wrong or the request is shorter than it says.
    MalformedRequest = 1,
    /// An opcode or an operation's operands are not defined.
    MalformedOperation = 2,
    /// The results do not fit the writable part.
    NoRoomForResults = 3,
}

impl Status {
    /// The status of a response's first word.
    #[must_use]
    pub const fn from_word(word: u32) -> Option<Self> {
        match word {
            0 => Some(Self::Ok),
            1 => Some(Self::MalformedRequest),
            2 => Some(Self::MalformedOperation),
            3 => Some(Self::NoRoomForResults),
            _ => None,
        }
    }
}

impl From<BatchError> for Status {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::NoRoomForResults => Self::NoRoomForResults,
            BatchError::MalformedDrain => Self::MalformedOperation,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Who are you? The first exchange on a new connection.
    Identify,
    /// Carry out these operations.
    Batch(&'a [Operation]),
}

/// Writes `request` into `words` and returns how many words it takes, or `None` if it does not fit.
#[must_use]
pub fn encode_request(request: &Request<'_>, words: &mut [u32]) -> Option<usize> {
    let operations = match request {
        Request::Identify => 1,
        Request::Batch(batch) => batch.len(),
    };
    let length = HEADER_WORDS + operations * OPERATION_WORDS;
    if operations > MAX_OPERATIONS || words.len() < length {
        return None;
    }
    let (header, body) = words[..length].split_at_mut(HEADER_WORDS);
    header.copy_from_slice(&[REQUEST_MAGIC, u32::try_from(operations).ok()?]);
    match request {
        Request::Identify => body.copy_from_slice(&[OP_IDENTIFY, 0, 0, 0]),
        Request::Batch(batch) => {
            for (operation, record) in batch.iter().zip(body.chunks_exact_mut(OPERATION_WORDS)) {
                record.copy_from_slice(&encode_operation(*operation));
            }
        }
    }
    Some(length)
}

/// Reads the request in `words`; the operations of a batch are stored in `operations`.
///
/// # Errors
/// The [`Status`] to answer with.
pub fn decode_request<'a>(
    words: &[u32],
    operations: &'a mut [Operation; MAX_OPERATIONS],
) -> Result<Request<'a>, Status> {
    let [REQUEST_MAGIC, count, body @ ..] = words else {
        return Err(Status::MalformedRequest);
    };
    let count = usize::try_from(*count).unwrap_or(usize::MAX);
    if count > MAX_OPERATIONS || body.len() < count * OPERATION_WORDS {
        return Err(Status::MalformedRequest);
    }
    if count == 1 && body[..OPERATION_WORDS] == [OP_IDENTIFY, 0, 0, 0] {
        return Ok(Request::Identify);
    }
    let records = body.chunks_exact(OPERATION_WORDS);
    for (record, operation) in records.zip(operations[..count].iter_mut()) {
        *operation = decode_operation(record).ok_or(Status::MalformedOperation)?;
    }
    Ok(Request::Batch(&operations[..count]))
}

const fn encode_operation(operation: Operation) -> [u32; OPERATION_WORDS] {
    match operation {
        Operation::Read(address) => [OP_READ, address.0, 0, 0],
        Operation::Write(address, value) => [OP_WRITE, address.0, value, 0],
        Operation::Acknowledge { status, clear } => [OP_ACKNOWLEDGE, status.0, clear.0, 0],
        Operation::Drain {
            status,
            empty,
            reads,
            limit,
        } => [
            OP_DRAIN,
            status.0,
            empty,
            reads as u32 | (limit as u32) << 8,
        ],
    }
}

const fn decode_operation(record: &[u32]) -> Option<Operation> {
    Some(match *record {
        [OP_READ, address, 0, 0] => Operation::Read(PhysAddr(address)),
        [OP_WRITE, address, value, 0] => Operation::Write(PhysAddr(address), value),
        [OP_ACKNOWLEDGE, status, clear, 0] => Operation::Acknowledge {
            status: PhysAddr(status),
            clear: PhysAddr(clear),
        },
        [OP_DRAIN, status, empty, extra] if extra <= 0xffff => {
            let [reads, limit, ..] = extra.to_le_bytes();
            Operation::Drain {
                status: PhysAddr(status),
                empty,
                reads,
                limit,
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_KIND: [Operation; 5] = [
        Operation::Write(PhysAddr(0x1330_00b0), 0xffff_ffff),
        Operation::Acknowledge {
            status: PhysAddr(0x1330_00b4),
            clear: PhysAddr(0x1330_00b8),
        },
        Operation::Drain {
            status: PhysAddr(0x1330_997c),
            empty: 1,
            reads: 2,
            limit: 7,
        },
        Operation::Read(PhysAddr(0x1330_9974)),
        Operation::Read(PhysAddr(0x1330_9978)),
    ];

    #[test]
    fn a_batch_arrives_as_it_was_sent() {
        let mut words = [0; MAX_REQUEST_WORDS];
        let length = encode_request(&Request::Batch(&EVERY_KIND), &mut words).unwrap();
        assert_eq!(length, 2 + 5 * 4);
        let mut operations = [Operation::Read(PhysAddr(0)); MAX_OPERATIONS];
        let request = decode_request(&words[..length], &mut operations);
        assert_eq!(request, Ok(Request::Batch(&EVERY_KIND)));
    }

    #[test]
    fn the_first_exchange_tells_who_answers() {
        let mut words = [0; MAX_REQUEST_WORDS];
        let length = encode_request(&Request::Identify, &mut words).unwrap();
        let mut operations = [Operation::Read(PhysAddr(0)); MAX_OPERATIONS];
        assert_eq!(
            decode_request(&words[..length], &mut operations),
            Ok(Request::Identify)
        );
        let identity = Identity {
            version: VERSION,
            soc_id: 0x1003_1000,
            features: 0,
        };
        assert_eq!(Identity::from_words(&identity.to_words()), Some(identity));
        assert_eq!(Identity::from_words(&[0, 1, 2, 3]), None);
    }

    #[test]
    fn wrong_requests_are_told_apart() {
        let mut operations = [Operation::Read(PhysAddr(0)); MAX_OPERATIONS];
        let mut decode = |words: &[u32]| decode_request(words, &mut operations).map(|_| ());
        assert_eq!(decode(&[]), Err(Status::MalformedRequest));
        assert_eq!(decode(&[REQUEST_MAGIC]), Err(Status::MalformedRequest));
        assert_eq!(
            decode(&[1, 1, OP_READ, 0, 0, 0]),
            Err(Status::MalformedRequest)
        );
        assert_eq!(
            decode(&[REQUEST_MAGIC, 2, OP_READ, 0, 0, 0]),
            Err(Status::MalformedRequest)
        );
        assert_eq!(
            decode(&[REQUEST_MAGIC, u32::MAX]),
            Err(Status::MalformedRequest)
        );
        assert_eq!(
            decode(&[REQUEST_MAGIC, 1, 99, 0, 0, 0]),
            Err(Status::MalformedOperation)
        );
        assert_eq!(
            decode(&[REQUEST_MAGIC, 1, OP_READ, 0, 1, 0]),
            Err(Status::MalformedOperation)
        );
        assert_eq!(decode(&[REQUEST_MAGIC, 1, OP_READ, 0, 0, 0]), Ok(()));
    }

    #[test]
    fn a_batch_that_is_too_long_is_not_encoded() {
        let long = [Operation::Read(PhysAddr(0)); MAX_OPERATIONS + 1];
        let mut words = [0; MAX_REQUEST_WORDS + OPERATION_WORDS];
        assert_eq!(encode_request(&Request::Batch(&long), &mut words), None);
        assert_eq!(encode_request(&Request::Identify, &mut [0; 5]), None);
    }
}
