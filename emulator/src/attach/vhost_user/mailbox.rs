// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Queue 0: requests from the guest, one descriptor chain each.
//!
//! Whatever a guest puts into a chain, it gets the chain back. Where the writable part holds a
//! header, the header says what was wrong; where it does not, nothing is carried out and the used
//! length is 0.

use crate::device::{Device, Lines};
use std::io::{Read, Write};
use std::ops::Deref;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{
    HEADER_WORDS, Identity, MAX_OPERATIONS, MAX_REQUEST_WORDS, MAX_RESPONSE_WORDS, Request, Status,
    VERSION, decode_request,
};
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::Harb;
use virtio_queue::DescriptorChain;
use vm_memory::GuestMemoryMmap;

/// Bytes of a word.
const WORD: usize = 4;

/// How often all drains of a batch together may read a register: a FIFO has 7 entries, so this is many
/// times what a driver needs, and takes less than a millisecond.
const MAX_LOOKS: usize = 4096;

/// Who answers: the T31 (T31 1.4).
fn identity() -> Identity {
    Identity {
        version: VERSION,
        soc_id: Harb::SocId.describe().reset,
        features: 0,
    }
}

/// Room for one request and its response, kept from one to the next.
pub(super) struct Mailbox {
    bytes: [u8; MAX_REQUEST_WORDS * WORD],
    words: [u32; MAX_REQUEST_WORDS],
    operations: [Operation; MAX_OPERATIONS],
    response: [u32; MAX_RESPONSE_WORDS],
}

/// A chain that was answered.
pub(super) struct Answered {
    /// The used length: bytes of the response.
    pub(super) length: u32,
    /// What to announce when the response is on its way.
    pub(super) lines: Lines,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; MAX_REQUEST_WORDS * WORD],
            words: [0; MAX_REQUEST_WORDS],
            operations: [Operation::Read(PhysAddr(0)); MAX_OPERATIONS],
            response: [0; MAX_RESPONSE_WORDS],
        }
    }

    /// Carries out the request in `chain` and writes the response into it.
    pub(super) fn answer<M>(
        &mut self,
        chain: DescriptorChain<M>,
        memory: &GuestMemoryMmap,
        device: &Device,
    ) -> Answered
    where
        M: Clone + Deref<Target = GuestMemoryMmap>,
    {
        let nothing = Answered {
            length: 0,
            lines: Lines::NONE,
        };
        let writer = chain.clone().writer(memory);
        let Ok(mut writer) = writer else {
            device.refuse("its writable part is not in RAM");
            return nothing;
        };
        let room = (writer.available_bytes() / WORD).min(MAX_RESPONSE_WORDS);
        if room < HEADER_WORDS {
            device.refuse("its writable part has no room for a header");
            return nothing;
        }
        let request = self.receive(chain, memory);
        let (words, lines) = self.respond(request, room, device);
        let (places, _) = self.bytes.as_chunks_mut::<WORD>();
        for (place, word) in places.iter_mut().zip(&self.response[..words]) {
            *place = word.to_le_bytes();
        }
        let bytes = &self.bytes[..words * WORD];
        match writer.write_all(bytes) {
            Ok(()) => Answered {
                length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                lines,
            },
            Err(error) => {
                device.refuse(&format!("its response cannot be written: {error}"));
                Answered { lines, ..nothing }
            }
        }
    }

    /// Copies the readable part: the number of whole words, at most those of the largest request.
    fn receive<M>(
        &mut self,
        chain: DescriptorChain<M>,
        memory: &GuestMemoryMmap,
    ) -> Result<usize, Status>
    where
        M: Clone + Deref<Target = GuestMemoryMmap>,
    {
        let mut reader = chain.reader(memory).map_err(|_| Status::MalformedRequest)?;
        let length = reader.available_bytes().min(self.bytes.len());
        let bytes = &mut self.bytes[..length];
        reader
            .read_exact(bytes)
            .map_err(|_| Status::MalformedRequest)?;
        let (words, _) = bytes.as_chunks::<WORD>();
        for (word, bytes) in self.words.iter_mut().zip(words) {
            *word = u32::from_le_bytes(*bytes);
        }
        Ok(words.len())
    }

    /// Prepares the response in at most `room` words: how many it takes.
    fn respond(
        &mut self,
        request: Result<usize, Status>,
        room: usize,
        device: &Device,
    ) -> (usize, Lines) {
        let (header, results) = self.response[..room].split_at_mut(HEADER_WORDS);
        let request =
            request.and_then(|words| decode_request(&self.words[..words], &mut self.operations));
        let (result, lines) = match request {
            Ok(Request::Identify) => (identify(results), Lines::NONE),
            Ok(Request::Batch(operations)) if looks(operations) > MAX_LOOKS => {
                device.refuse("its drains would look too often");
                (Err(Status::MalformedOperation), Lines::NONE)
            }
            Ok(Request::Batch(operations)) => {
                let (result, lines) = device.execute(operations, results);
                (result.map_err(Status::from), lines)
            }
            Err(status) => {
                device.refuse(&format!("{status:?}"));
                (Err(status), Lines::NONE)
            }
        };
        let (status, count) = match result {
            Ok(count) => (Status::Ok, count),
            Err(status) => (status, 0),
        };
        header.copy_from_slice(&[status as u32, u32::try_from(count).unwrap_or(0)]);
        (HEADER_WORDS + count, lines)
    }
}

/// How often the drains of a batch read a register at most.
fn looks(operations: &[Operation]) -> usize {
    let looks = operations.iter().map(|operation| match *operation {
        Operation::Drain { reads, limit, .. } => usize::from(limit) * (1 + usize::from(reads)),
        _ => 0,
    });
    looks.sum()
}

fn identify(results: &mut [u32]) -> Result<usize, Status> {
    let place = results.get_mut(..Identity::WORDS);
    place
        .ok_or(Status::NoRoomForResults)?
        .copy_from_slice(&identity().to_words());
    Ok(Identity::WORDS)
}
