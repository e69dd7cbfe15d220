// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A client on the rig: streams through faults, checks what it gets, stops, and streams once more.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::faults::{Fault, Faults};
use tx_isp_driver::Error;
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::interrupt::{Completed, InterruptReport};
use tx_isp_driver::isp::Isp;
use tx_isp_driver::recovery::Health;

use crate::rig::{CARVE_OUT, PERIOD_NS, Rig};

/// Small pictures: the faults are the same, the machine has less to draw.
const SIZE: Size = Size::new(160, 128);
/// How much of the carve-out a channel's buffer gets.
const SLOT: u32 = 1 << 16;
/// So many buffers a channel may have.
const SLOTS: u32 = 16;
/// How often the driver's watchdog is called, as in the kernel.
const WATCH_NS: u64 = 1_000_000_000;
/// A stream is given up after so much of the rig's time without a good frame: longer than all of the
/// driver's tries.
const GIVE_UP_NS: u64 = 30_000_000_000;
/// More interrupts than this for one frame are a storm that nobody has silenced.
const MOST_INTERRUPTS: u32 = 1000;
/// A run is given up after so much real time.
const DEADLINE: Duration = Duration::from_secs(60);
/// The pattern of memory that nobody may write to.
const PAINT: u8 = 0xa5;

/// What is to be streamed through which faults.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The faults.
    pub faults: Vec<Fault>,
    /// Where random faults start.
    pub seed: u64,
    /// Channels that stream; the first is stopped while the others go on.
    pub channels: Vec<ChannelId>,
    /// Buffers of each.
    pub buffers: u32,
    /// Frames of the first channel to wait for.
    pub frames: u32,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Good frames that the plan waits for.
    pub wanted: u32,
    /// Frames delivered as good, and equal to what the frame log says.
    pub good: u32,
    /// Frames delivered as damaged.
    pub damaged: u32,
    /// Frames delivered as good that are not what the frame log says.
    pub wrong: u32,
    /// Frames whose sequence number was not above that of the frame before.
    pub disordered: u32,
    /// Sequence numbers that were left out.
    pub missing: u32,
    /// Interrupts handled.
    pub interrupts: u32,
    /// What became of the first try to identify the sensor.
    pub sensor_error: Option<Error>,
    /// Why the first start failed.
    pub start_error: Option<Error>,
    /// Why the stream ended early.
    pub stream_error: Option<Error>,
    /// What the first stop said.
    pub stop_error: Option<Error>,
    /// The rig's time that the first stop took.
    pub stop_ns: u64,
    /// Something was written to memory that the client had back behind the stop.
    pub wrote_after_stop: bool,
    /// Something was written to a buffer that was not queued, or next to one.
    pub wrote_outside: bool,
    /// Good frames of the other channels after the first was stopped.
    pub others_went_on: u32,
    /// Good frames of the second stream.
    pub second: u32,
    /// The driver's own account.
    pub health: Health,
    /// How often faults happened.
    pub fired: u32,
    /// What the emulator says the driver did wrong.
    pub guest_errors: Vec<String>,
}

struct Client {
    rig: Rig,
    isp: Isp<Rig>,
    plan: Plan,
    outcome: Outcome,
    last: [Option<u32>; ChannelId::COUNT],
    good: [u32; ChannelId::COUNT],
    /// The buffer of each channel that the client has back: painted, and queued again one frame later.
    kept: [Option<u32>; ChannelId::COUNT],
    next_watch_ns: u64,
    deadline: Instant,
}

/// Runs a plan to its end.
///
/// # Errors
/// If it does not come to its end: no interrupt storm or endless wait is survived here.
pub fn run(plan: &Plan) -> Result<Outcome> {
    let rig = Rig::new()?;
    rig.device().with_faults(|faults| {
        faults.seed(plan.seed);
        plan.faults.iter().for_each(|fault| faults.add(*fault));
    });
    let isp = rig.probe().map_err(told).context("probe")?;
    let mut client = Client {
        rig,
        isp,
        plan: plan.clone(),
        outcome: Outcome {
            wanted: plan.frames,
            ..Outcome::default()
        },
        last: [None; ChannelId::COUNT],
        good: [0; ChannelId::COUNT],
        kept: [None; ChannelId::COUNT],
        next_watch_ns: WATCH_NS,
        deadline: Instant::now() + DEADLINE,
    };
    client.all()?;
    Ok(client.outcome)
}

fn told(error: Error) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

impl Client {
    fn all(&mut self) -> Result<()> {
        let channels = self.plan.channels.clone();
        let Some((first, others)) = channels.split_first() else {
            bail!("a plan has at least one channel");
        };
        self.rig.paint(CARVE_OUT, PAINT)?;
        self.outcome.sensor_error = self.isp.probe_sensor().err();
        for channel in &channels {
            let set = self.isp.set_layout(*channel, PixelFormat::Nv12, SIZE);
            set.map_err(told)?;
            self.queue_all(*channel)?;
            self.start(*channel)?;
        }
        self.stream(*first, self.plan.frames)?;
        self.stop_first(*first)?;
        if !others.is_empty() {
            let before = self.outcome.good;
            if let Some(other) = others.first() {
                self.stream(*other, 5)?;
            }
            self.outcome.others_went_on = self.outcome.good - before;
            for other in others {
                self.isp.stream_off(*other).map_err(told)?;
            }
        }
        self.check_surroundings()?;
        self.check_silence()?;
        let faults = self.rig.device().status().faults;
        self.outcome.fired = faults.iter().map(|fault| fault.fired).sum();
        self.rig.device().with_faults(Faults::clear);
        self.second(*first)?;
        self.check_surroundings()?;
        self.check_silence()
    }

    fn start(&mut self, channel: ChannelId) -> Result<()> {
        if let Err(error) = self.isp.stream_on(channel) {
            self.outcome.start_error = Some(error);
            // The client tries once more.
            self.isp
                .stream_on(channel)
                .map_err(told)
                .context("the second try to start")?;
        }
        Ok(())
    }

    /// Takes frames until a channel has had so many good ones, or nothing comes any more.
    fn stream(&mut self, channel: ChannelId, frames: u32) -> Result<()> {
        let enough = self.good[channel.index()] + frames;
        let mut before = self.good[channel.index()];
        let mut give_up = self.rig.now_ns() + GIVE_UP_NS;
        while self.good[channel.index()] < enough && self.outcome.stream_error.is_none() {
            if self.rig.now_ns() > give_up || Instant::now() > self.deadline {
                bail!(
                    "{} of {frames} frames came, then nothing more: a client would hang",
                    self.good[channel.index()]
                );
            }
            if self.good[channel.index()] != before {
                before = self.good[channel.index()];
                give_up = self.rig.now_ns() + GIVE_UP_NS;
            }
            self.rig.advance(PERIOD_NS);
            self.interrupts()?;
            if self.rig.now_ns() >= self.next_watch_ns {
                self.next_watch_ns = self.rig.now_ns() + WATCH_NS;
                let report = self.isp.check(self.rig.now_ns());
                self.take(report)?;
            }
        }
        Ok(())
    }

    fn interrupts(&mut self) -> Result<()> {
        let mut count = 0;
        while self.rig.take_interrupt() {
            count += 1;
            if count > MOST_INTERRUPTS {
                bail!("more than {MOST_INTERRUPTS} interrupts for one frame");
            }
            let report = self.isp.handle_interrupt();
            self.take(report)?;
        }
        self.outcome.interrupts += count;
        Ok(())
    }

    fn take(&mut self, report: Result<InterruptReport, Error>) -> Result<()> {
        match report {
            Ok(report) => {
                for completed in report.completed.as_slice() {
                    self.verify(completed)?;
                }
            }
            Err(error) => {
                // Every stream has ended: each client hears of it and gets its buffers back.
                self.outcome.stream_error = Some(error);
            }
        }
        Ok(())
    }

    fn verify(&mut self, completed: &Completed) -> Result<()> {
        let channel = completed.channel;
        let last = self.last[channel.index()].replace(completed.sequence);
        let expected = last.map_or(0, |last| last + 1);
        match completed.sequence.checked_sub(expected) {
            Some(gap) => self.outcome.missing += gap,
            None => self.outcome.disordered += 1,
        }
        let address = address(channel, completed.index);
        if completed.intact {
            let found = self.rig.checksum(address, &self.isp.layout(channel))?;
            if self.rig.written_checksum(channel, address) == Some(found) {
                self.outcome.good += 1;
                self.good[channel.index()] += 1;
            } else {
                self.outcome.wrong += 1;
            }
        } else {
            self.outcome.damaged += 1;
        }
        self.keep(channel, completed.index)
    }

    /// A buffer is the client's, who keeps it until the next one comes: nobody may write to it meanwhile.
    fn keep(&mut self, channel: ChannelId, index: u32) -> Result<()> {
        if self.plan.buffers == 1 {
            return self.queue(channel, index);
        }
        let kept = self.kept[channel.index()].replace(index);
        self.rig.paint(self.buffer(channel, index), PAINT)?;
        let Some(kept) = kept else { return Ok(()) };
        let memory = self.buffer(channel, kept);
        self.outcome.wrote_outside |= !self.rig.is_painted(memory, PAINT)?;
        self.queue(channel, kept)
    }

    fn buffer(&self, channel: ChannelId, index: u32) -> CarveOut {
        CarveOut {
            base: address(channel, index),
            bytes: self.isp.layout(channel).sizeimage,
        }
    }

    /// Nothing was written next to buffers, nor to what never was one, nor to what the client has back.
    fn check_surroundings(&mut self) -> Result<()> {
        for channel in ChannelId::ALL {
            let kept = self.kept[channel.index()];
            for index in 0..SLOTS {
                let slot = CarveOut {
                    base: address(channel, index),
                    bytes: SLOT,
                };
                let was_queued = self.plan.channels.contains(&channel)
                    && index < self.plan.buffers
                    && kept != Some(index);
                let used = match was_queued {
                    true => self.isp.layout(channel).sizeimage,
                    false => 0,
                };
                let rest = CarveOut {
                    base: PhysAddr(slot.base.0 + used),
                    bytes: slot.bytes - used,
                };
                self.outcome.wrote_outside |= !self.rig.is_painted(rest, PAINT)?;
            }
        }
        let slots = u32::try_from(ChannelId::COUNT)? * SLOTS * SLOT;
        let beyond = CarveOut {
            base: PhysAddr(CARVE_OUT.base.0 + slots),
            bytes: CARVE_OUT.bytes - slots,
        };
        self.outcome.wrote_outside |= !self.rig.is_painted(beyond, PAINT)?;
        Ok(())
    }

    fn stop_first(&mut self, channel: ChannelId) -> Result<()> {
        if self.outcome.stream_error.is_some() {
            return Ok(());
        }
        let begin = self.rig.now_ns();
        self.outcome.stop_error = self.isp.stream_off(channel).err();
        self.outcome.stop_ns = self.rig.now_ns() - begin;
        // What was raised meanwhile is handled late, as in the kernel.
        self.interrupts()
    }

    /// All buffers are the client's: nothing may be written any more.
    fn check_silence(&mut self) -> Result<()> {
        self.rig.paint(CARVE_OUT, PAINT)?;
        self.rig.advance(10 * PERIOD_NS);
        self.outcome.wrote_after_stop |= !self.rig.is_painted(CARVE_OUT, PAINT)?;
        Ok(())
    }

    fn second(&mut self, channel: ChannelId) -> Result<()> {
        let stream_error = self.outcome.stream_error.take();
        self.last = [None; ChannelId::COUNT];
        let before = self.outcome.clone();
        self.isp.take_back(channel);
        self.kept = [None; ChannelId::COUNT];
        self.queue_all(channel)?;
        let started = self.isp.stream_on(channel).map_err(told);
        started.context("the second stream does not start")?;
        self.stream(channel, 5).context("the second stream")?;
        let stopped = self.isp.stream_off(channel).map_err(told);
        stopped.context("the second stream does not stop")?;
        let after = &mut self.outcome;
        after.second = after.good - before.good;
        (after.good, after.missing) = (before.good, before.missing);
        after.stream_error = stream_error;
        after.health = self.isp.health();
        let status = self.rig.device().status();
        after.guest_errors = status
            .guest_errors
            .iter()
            .map(|error| format!("{}: {}", error.id, error.first))
            .collect();
        Ok(())
    }

    fn queue_all(&mut self, channel: ChannelId) -> Result<()> {
        (0..self.plan.buffers).try_for_each(|index| self.queue(channel, index))
    }

    fn queue(&mut self, channel: ChannelId, index: u32) -> Result<()> {
        let address = address(channel, index);
        let queued = self.isp.queue(channel, Buffer { index, address });
        queued.map_err(told)
    }
}

fn address(channel: ChannelId, index: u32) -> PhysAddr {
    PhysAddr(CARVE_OUT.base.0 + (channel.number() * SLOTS + index) * SLOT)
}
