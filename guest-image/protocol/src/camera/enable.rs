// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How each policy asks for what a camera needs.

use std::collections::BTreeMap;

use super::report::{Pool, Queue, Refused, Report};
use super::setup::{AllocationPolicy, Channel, Cycles, Setup, Step};
use super::sizes::{
    PAGE, extension_buffer, extension_table, frame_in_pages, frame_in_pool, frame_of_library,
};

/// Blocks lie at multiples of this where nothing else is said; the pool's own rule (T31 4.5).
const NO_ALIGNMENT: u32 = 0;

/// Whoever gives memory: the driver, or what behaves like it.
pub trait Memory {
    /// What can go wrong that is no question of memory.
    type Error;

    /// Says what a channel's picture is; the answer is the bytes of one frame as the driver counts
    /// them (sizeimage).
    ///
    /// # Errors
    /// If the channel cannot write that.
    fn set_format(&mut self, channel: &Channel) -> Result<u32, Self::Error>;

    /// Tells the driver of a block that will be needed.
    ///
    /// # Errors
    /// If it cannot be told.
    fn reserve(&mut self, owner: &str, bytes: u32, alignment: u32) -> Result<(), Self::Error>;

    /// Takes a block: its physical address, or `None` if no free run is long enough.
    ///
    /// # Errors
    /// If asking fails.
    fn take(&mut self, owner: &str, bytes: u32) -> Result<Option<u32>, Self::Error>;

    /// Takes memory outside the carve-out, which is there.
    ///
    /// # Errors
    /// If it is not.
    fn take_heap(&mut self, bytes: u32) -> Result<(), Self::Error>;

    /// Asks the driver for a channel's buffers: how many it gives, 0 if it gives none.
    ///
    /// # Errors
    /// If asking fails.
    fn ask_driver(&mut self, channel: &Channel, sizeimage: u32) -> Result<u32, Self::Error>;

    /// Gives the driver the client's own frames: one after the other from `address` on, `each`
    /// bytes apart.
    ///
    /// # Errors
    /// If it does not take them.
    fn bring(
        &mut self,
        channel: &Channel,
        sizeimage: u32,
        address: u32,
        each: u32,
    ) -> Result<(), Self::Error>;

    /// Streams on every channel that has buffers.
    ///
    /// # Errors
    /// If frames do not come.
    fn stream(&mut self) -> Result<(), Self::Error>;

    /// Takes a channel's buffers from the driver's queue. Memory of the driver is the driver's
    /// again; memory of the client stays the client's.
    ///
    /// # Errors
    /// If the driver refuses.
    fn disable(&mut self, channel: &Channel) -> Result<(), Self::Error>;

    /// Gives a block that was taken back.
    ///
    /// # Errors
    /// If it was not taken.
    fn give_back(&mut self, address: u32) -> Result<(), Self::Error>;

    /// The carve-out as it is.
    ///
    /// # Errors
    /// If it cannot be asked.
    fn pool(&self) -> Result<Pool, Self::Error>;
}

/// Asks for everything in order, until all is there or a request is refused.
///
/// # Errors
/// What is no question of memory.
pub fn enable<M: Memory>(
    setup: &Setup,
    policy: AllocationPolicy,
    memory: &mut M,
) -> Result<Report, M::Error> {
    let mut client = Client::new(setup, policy, memory);
    client.take_all(&setup.steps())?;
    client.report()
}

/// Enables everything, then disables and enables the channels again, at most `cycles.most` times in all.
/// What leaks is taken anew each time: blocks that do so under every strategy, and the client's own pools
/// of frames unless it gives them back; the driver's buffers go back to the driver. Gives how many times
/// the channels could be enabled, and the last state.
///
/// # Errors
/// What is no question of memory.
pub fn cycles<M: Memory>(
    setup: &Setup,
    policy: AllocationPolicy,
    cycles: Cycles,
    memory: &mut M,
) -> Result<(u32, Report), M::Error> {
    let most = cycles.most;
    let mut client = Client::new(setup, policy, memory);
    let mut steps = setup.steps();
    for survived in 0..most {
        client.forget_grants();
        if !client.take_all(&steps)? {
            return Ok((survived, client.report()?));
        }
        client.memory.stream()?;
        if survived + 1 < most {
            for channel in setup.channels.iter().filter(|channel| !channel.extension) {
                client.memory.disable(channel)?;
                if let Some(pool) = client
                    .pools
                    .remove(&channel.id)
                    .filter(|_| cycles.frees_pools)
                {
                    client.memory.give_back(pool)?;
                }
            }
        }
        // The rest is there for good.
        steps.retain(|step| match step {
            Step::Block { leaks, .. } => *leaks,
            Step::Frames(channel) => !channel.extension,
        });
    }
    Ok((most, client.report()?))
}

/// Reserves every block, and of each queue one buffer, in the order in which they will be asked
/// for: with one buffer a queue can begin, and the driver gives more where more is left.
fn reserve_all<M: Memory>(steps: &[Step<'_>], memory: &mut M) -> Result<(), M::Error> {
    for step in steps {
        match *step {
            Step::Block { owner, bytes, .. } => memory.reserve(owner, bytes, NO_ALIGNMENT)?,
            Step::Frames(channel) if channel.extension => {
                let bytes = bytes_of(frame_of_library(channel.size()), channel.buffers);
                memory.reserve(&channel.pool_name(), limited(bytes), NO_ALIGNMENT)?;
            }
            Step::Frames(channel) => {
                let frame = limited(frame_of_library(channel.size()));
                let bytes = frame_in_pages(frame).unwrap_or(frame);
                memory.reserve(&channel.queue_name(), bytes, PAGE)?;
            }
        }
    }
    Ok(())
}

fn bytes_of(frame: u64, count: u32) -> u64 {
    frame.saturating_mul(count.into())
}

/// A length as the carve-out's interfaces take it; what is longer than 4 GiB fits nowhere anyway.
fn limited(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

struct Client<'a, M> {
    setup: &'a Setup,
    policy: AllocationPolicy,
    memory: &'a mut M,
    queues: Vec<Queue>,
    /// Where each channel's own pool of frames is.
    pools: BTreeMap<u32, u32>,
    refused: Option<Refused>,
}

impl<'a, M: Memory> Client<'a, M> {
    fn new(setup: &'a Setup, policy: AllocationPolicy, memory: &'a mut M) -> Self {
        let queue = |channel: &Channel| Queue {
            id: channel.id,
            width: channel.width,
            height: channel.height,
            requested: channel.buffers,
            granted: 0,
        };
        Self {
            setup,
            policy,
            memory,
            queues: setup.channels.iter().map(queue).collect(),
            pools: BTreeMap::new(),
            refused: None,
        }
    }

    /// The channels are about to be enabled anew.
    fn forget_grants(&mut self) {
        let physical = |id| {
            let mut channels = self.setup.channels.iter();
            channels.any(|channel| channel.id == id && !channel.extension)
        };
        for queue in &mut self.queues {
            if physical(queue.id) {
                queue.granted = 0;
            }
        }
    }

    /// Takes what the steps ask for, in order; false if one was refused.
    fn take_all(&mut self, steps: &[Step<'_>]) -> Result<bool, M::Error> {
        if self.policy == AllocationPolicy::HybridReserve {
            reserve_all(steps, self.memory)?;
        }
        for step in steps {
            if !self.take(*step)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes what a step asks for; false if it was refused.
    fn take(&mut self, step: Step<'_>) -> Result<bool, M::Error> {
        match step {
            Step::Block { owner, bytes, .. } => Ok(self.block(owner, bytes.into())?.is_some()),
            Step::Frames(channel) => {
                let granted = match self.policy {
                    _ if channel.extension => self.extension_frames(channel)?,
                    AllocationPolicy::Client => self.own_frames(channel)?,
                    _ => self.drivers_frames(channel)?,
                };
                let number = self.queues.iter_mut().find(|queue| queue.id == channel.id);
                if let Some(queue) = number {
                    queue.granted = granted;
                }
                Ok(self.refused.is_none())
            }
        }
    }

    /// A block, or the refusal noted down.
    fn block(&mut self, owner: &str, bytes: u64) -> Result<Option<u32>, M::Error> {
        let address = match u32::try_from(bytes) {
            Ok(short) => self.memory.take(owner, short)?,
            Err(_) => None,
        };
        if address.is_none() {
            self.refuse(owner, bytes);
        }
        Ok(address)
    }

    fn refuse(&mut self, owner: &str, bytes: u64) {
        self.refused = Some(Refused {
            owner: owner.to_owned(),
            bytes,
        });
    }

    /// One contiguous pool of frames in the client's own memory (T31 4.4).
    fn own_frames(&mut self, channel: &Channel) -> Result<u32, M::Error> {
        let sizeimage = self.memory.set_format(channel)?;
        let each = frame_in_pool(channel.size(), sizeimage);
        let whole = bytes_of(each, channel.buffers);
        let Some(address) = self.block(&channel.pool_name(), whole)? else {
            return Ok(0);
        };
        self.pools.insert(channel.id, address);
        self.memory
            .bring(channel, sizeimage, address, limited(each))?;
        Ok(channel.buffers)
    }

    /// Buffers of the driver, as many as it gives.
    fn drivers_frames(&mut self, channel: &Channel) -> Result<u32, M::Error> {
        let sizeimage = self.memory.set_format(channel)?;
        let granted = self.memory.ask_driver(channel, sizeimage)?;
        if granted == 0 {
            let bytes = frame_in_pages(sizeimage).unwrap_or(sizeimage);
            self.refuse(&channel.queue_name(), bytes.into());
        }
        Ok(granted)
    }

    /// An extension channel has no queue in the driver: its frames are the client's under every
    /// strategy, with buffers on the heap beside them (T31 1.4, 4.2).
    fn extension_frames(&mut self, channel: &Channel) -> Result<u32, M::Error> {
        let whole = bytes_of(frame_of_library(channel.size()), channel.buffers);
        if self.block(&channel.pool_name(), whole)?.is_none() {
            return Ok(0);
        }
        self.memory.take_heap(extension_table(channel.buffers))?;
        for _ in 0..channel.buffers {
            self.memory.take_heap(extension_buffer(self.setup.cpu_id))?;
        }
        Ok(channel.buffers)
    }

    fn report(self) -> Result<Report, M::Error> {
        Ok(Report {
            refused: self.refused,
            queues: self.queues,
            pool: self.memory.pool()?,
        })
    }
}
