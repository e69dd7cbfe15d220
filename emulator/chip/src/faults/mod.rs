// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Faults of the hardware, injected on purpose: at a given occasion, or at random with a seed.
//!
//! [`Faults`] is a value that the chip holds. It decides; what a fault does to registers is in
//! [`crate::Chip`], what it does to memory and time is the emulator's. The table in
//! `emulator/README.md` says what a driver must make of each.

mod kind;
mod random;
mod scenario;
mod spec;

pub use kind::{FaultKind, Occasion};
pub use scenario::{Scenario, ScenarioError};
pub use spec::{Fault, ParseFaultError, When};

use random::Random;
use tx_isp_abi::channel::ChannelId;

/// A fault and what has become of it.
#[derive(Clone, Debug)]
struct Armed {
    fault: Fault,
    /// Occasions so far.
    occasions: u32,
    /// How often it happened.
    fired: u32,
}

/// The faults that are to happen.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Vec<Armed>,
    ever_armed: bool,
    random: Random,
}

/// What faults do to one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The frame never arrives: no picture, no interrupt.
    pub lost: bool,
    /// DMA takes so much longer.
    pub delay_ms: u32,
    /// Error bits of the core's status.
    pub core_bits: u32,
    /// Error bits of the VIC's status 0.
    pub vic_bits: u32,
    /// Channels whose DMA overflows, by their bits.
    pub overflow: u32,
    /// Channels whose picture is damaged, by their bits.
    pub corrupted: u32,
    /// Channels that report an address that was never queued, by their bits.
    pub alien: u32,
    /// The frame's end raises nothing.
    pub coalesced: bool,
    /// The interrupt at the frame's end reaches nobody.
    pub interrupt_lost: bool,
    /// Error bits that rise again after each of so many acknowledges.
    pub storm: Option<(u32, u32)>,
}

impl Effects {
    /// Whether a channel's picture is not what it should be.
    #[must_use]
    pub fn damages(&self, channel: ChannelId) -> bool {
        self.core_bits != 0 || self.corrupted & channel.bit() != 0
    }
}

impl Faults {
    /// Arms a fault: its occasions count from now on.
    pub fn add(&mut self, fault: Fault) {
        self.ever_armed = true;
        self.armed.push(Armed {
            fault,
            occasions: 0,
            fired: 0,
        });
    }

    /// Takes all faults away; what lasts ends as it would have.
    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// Starts the random numbers anew.
    pub fn seed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// Whether nothing can happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    /// Whether there ever was a fault: some last longer than they are armed.
    #[must_use]
    pub const fn ever_armed(&self) -> bool {
        self.ever_armed
    }

    /// Each fault, and how often it happened.
    pub fn fired(&self) -> impl Iterator<Item = (Fault, u32)> {
        self.armed.iter().map(|armed| (armed.fault, armed.fired))
    }

    /// An occasion for faults of a kind, on one channel if it concerns one: the fault that happens.
    pub fn occasion(&mut self, kind: FaultKind, channel: Option<ChannelId>) -> Option<Fault> {
        let random = &mut self.random;
        let concerned = |armed: &&mut Armed| {
            armed.fault.kind == kind && channel.is_none_or(|channel| armed.fault.hits(channel))
        };
        let mut happens = None;
        for armed in self.armed.iter_mut().filter(concerned) {
            armed.occasions = armed.occasions.saturating_add(1);
            let due = match armed.fault.when {
                When::At(at) => armed.occasions >= at,
                When::Millionths(p) => random.below(1_000_000) < p,
            };
            if due && armed.fired < armed.fault.count {
                armed.fired += 1;
                happens = Some(armed.fault);
            }
        }
        happens
    }

    /// What happens to the frame that begins.
    pub fn frame(&mut self) -> Effects {
        if self.is_empty() {
            return Effects::default();
        }
        let mut hit = |kind| self.occasion(kind, None);
        let channels = |fault: Option<Fault>| {
            let hit = |channel: &ChannelId| fault.is_some_and(|fault| fault.hits(*channel));
            let all = ChannelId::ALL.into_iter().filter(hit);
            all.fold(0, |bits, channel| bits | channel.bit())
        };
        Effects {
            lost: hit(FaultKind::LostFrame).is_some(),
            delay_ms: hit(FaultKind::LateFrame).map_or(0, |fault| fault.ms),
            core_bits: hit(FaultKind::CoreError).map_or(0, |fault| fault.bits),
            vic_bits: hit(FaultKind::VicError).map_or(0, |fault| fault.bits),
            overflow: channels(hit(FaultKind::DmaOverflow)),
            corrupted: channels(hit(FaultKind::CorruptedPicture)),
            alien: channels(hit(FaultKind::AlienDone)),
            coalesced: hit(FaultKind::CoalescedFrames).is_some(),
            interrupt_lost: hit(FaultKind::LostInterrupt).is_some(),
            storm: hit(FaultKind::InterruptStorm).map(|fault| (fault.bits, fault.times)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(faults: &mut Faults, frames: u32) -> Vec<u32> {
        (1..=frames).filter(|_| faults.frame().lost).collect()
    }

    fn lost_of(text: &str, seed: u64) -> Vec<u32> {
        let mut faults = Faults::default();
        faults.seed(seed);
        faults.add(text.parse().unwrap());
        let mut hits = Vec::new();
        for frame in 1..=1000 {
            if faults.frame().lost {
                hits.push(frame);
            }
        }
        hits
    }

    #[test]
    fn a_fault_hits_its_frame_and_as_many_after_it_as_it_counts() {
        assert_eq!(lost_of("lost-frame:frame=7", 0), [7]);
        assert_eq!(lost_of("lost-frame:frame=7,count=3", 0), [7, 8, 9]);
    }

    #[test]
    fn the_same_seed_hits_the_same_frames() {
        let hits = lost_of("lost-frame:p=0.1", 42);
        assert!((60..140).contains(&hits.len()), "{}", hits.len());
        assert_eq!(lost_of("lost-frame:p=0.1", 42), hits);
        assert_ne!(lost_of("lost-frame:p=0.1", 43), hits);
        assert_eq!(lost_of("lost-frame:p=0.1,count=4", 42), hits[..4]);
    }

    #[test]
    fn a_fault_of_one_channel_leaves_the_others_alone() {
        let mut faults = Faults::default();
        faults.add("stuck-channel:channel=1".parse().unwrap());
        let [zero, one, _] = ChannelId::ALL;
        assert_eq!(faults.occasion(FaultKind::StuckChannel, Some(zero)), None);
        assert!(
            faults
                .occasion(FaultKind::StuckChannel, Some(one))
                .is_some()
        );
        assert_eq!(faults.occasion(FaultKind::StuckChannel, Some(one)), None);
        faults.add("dma-overflow:channel=2".parse().unwrap());
        assert_eq!(faults.frame().overflow, 0b100);
        assert!(lost(&mut faults, 3).is_empty());
    }
}
