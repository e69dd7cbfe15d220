// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The buffers of a stream, whoever's memory they are.

use std::os::fd::{AsRawFd, OwnedFd};

use guest_protocol::message::{Failure, Granted, Memory};

use crate::abi;
use crate::device::{Camera, Mapping, Place};
use crate::failure::failure;
use crate::rmem::Rmem;

/// Buffers begin on pages where they are mapped one by one.
const PAGE: u32 = 4096;

/// As many buffers as the driver granted, ready to be queued.
pub struct Buffers {
    items: Vec<Item>,
    /// The client's own mapping of the whole carve-out, in which the items lie one by one.
    whole: Option<(Mapping, usize)>,
    /// Keeps what was allocated through it.
    _rmem: Option<Rmem>,
}

struct Item {
    place: Place,
    /// Where the client reads the frame; `None` if in [`Buffers::whole`].
    mapping: Option<Mapping>,
    /// Keeps a shared buffer.
    _shared: Option<OwnedFd>,
}

/// The V4L2 number of a kind of memory.
pub const fn v4l2_memory(memory: Memory) -> u32 {
    match memory {
        Memory::UserPtr | Memory::Rmem => abi::MEMORY_USERPTR,
        Memory::DmaBuf => abi::MEMORY_DMABUF,
        _ => abi::MEMORY_MMAP,
    }
}

impl Buffers {
    /// Makes `granted.buffers` buffers for `camera`, whose REQBUFS has been done.
    pub fn new(camera: &Camera, granted: &Granted, memory: Memory) -> Result<Self, Failure> {
        match memory {
            Memory::Mmap => Self::each(granted, |index| {
                Ok(Item {
                    place: Place::Driver,
                    mapping: Some(camera.map(index)?),
                    _shared: None,
                })
            }),
            Memory::UserPtr => Self::each(granted, |_| {
                let mapping = Mapping::anonymous(granted.sizeimage)?;
                Ok(Item {
                    place: Place::User {
                        address: mapping.address(),
                        length: granted.sizeimage,
                    },
                    mapping: Some(mapping),
                    _shared: None,
                })
            }),
            Memory::Rmem => Self::in_whole(granted),
            Memory::DmaBuf => Self::shared(granted),
            other => {
                let text = format!("this client does not know {other:?}");
                Err(failure("memory", text))
            }
        }
    }

    fn each(
        granted: &Granted,
        item: impl FnMut(u32) -> Result<Item, Failure>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            items: (0..granted.buffers).map(item).collect::<Result<_, _>>()?,
            whole: None,
            _rmem: None,
        })
    }

    /// The vendor's way: the whole carve-out is the client's, and frames lie in it one by one.
    fn in_whole(granted: &Granted) -> Result<Self, Failure> {
        let step = "placing frames in /dev/rmem";
        let rmem = Rmem::open()?;
        let state = rmem.query()?;
        let needed = u64::from(granted.sizeimage) * u64::from(granted.buffers);
        if needed > u64::from(state.total) {
            let text = format!("frames of {needed} bytes, a carve-out of {}", state.total);
            return Err(failure(step, text));
        }
        let mapping = rmem.map(state.base, state.total)?;
        let stride = usize::try_from(granted.sizeimage).map_err(|_| failure(step, "too large"))?;
        let mut buffers = Self::each(granted, |index| {
            let number = usize::try_from(index).map_err(|_| no_buffer(index))?;
            Ok(Item {
                place: Place::User {
                    address: mapping.address() + number * stride,
                    length: granted.sizeimage,
                },
                mapping: None,
                _shared: None,
            })
        })?;
        buffers.whole = Some((mapping, stride));
        buffers._rmem = Some(rmem);
        Ok(buffers)
    }

    /// Blocks of the carve-out, shared with the driver as dma-bufs.
    fn shared(granted: &Granted) -> Result<Self, Failure> {
        let rmem = Rmem::open()?;
        let mut buffers = Self::each(granted, |_| {
            let address = rmem.allocate(granted.sizeimage, PAGE, "dmabuf")?;
            let shared = rmem.export(address)?;
            Ok(Item {
                place: Place::Shared {
                    fd: shared.as_raw_fd(),
                    length: granted.sizeimage,
                },
                mapping: Some(rmem.map(address, granted.sizeimage)?),
                _shared: Some(shared),
            })
        })?;
        buffers._rmem = Some(rmem);
        Ok(buffers)
    }

    /// Gives buffer `index` to the driver.
    pub fn queue(&self, camera: &Camera, index: u32) -> Result<(), Failure> {
        camera.queue(index, self.item(index)?.place)
    }

    /// Gives all of them to the driver.
    pub fn queue_all(&self, camera: &Camera) -> Result<(), Failure> {
        (0..)
            .zip(&self.items)
            .try_for_each(|(index, item)| camera.queue(index, item.place))
    }

    /// The bytes of buffer `index`. Only while it is dequeued: then the device leaves it alone.
    pub fn bytes(&self, index: u32) -> Result<&[u8], Failure> {
        let item = self.item(index)?;
        if let Some(mapping) = &item.mapping {
            return Ok(mapping.bytes());
        }
        let (whole, stride) = self.whole.as_ref().ok_or_else(|| no_buffer(index))?;
        let number = usize::try_from(index).map_err(|_| no_buffer(index))?;
        let mut frames = whole.bytes().chunks_exact(*stride);
        frames.nth(number).ok_or_else(|| no_buffer(index))
    }

    fn item(&self, index: u32) -> Result<&Item, Failure> {
        let found = usize::try_from(index)
            .ok()
            .and_then(|index| self.items.get(index));
        found.ok_or_else(|| no_buffer(index))
    }
}

fn no_buffer(index: u32) -> Failure {
    failure("VIDIOC_DQBUF", format!("no buffer {index}"))
}
