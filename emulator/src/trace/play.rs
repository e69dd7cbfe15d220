// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Playing a text trace on the chip model, without a guest.
//!
//! | line | what it does |
//! |---|---|
//! | `W ADDRESS VALUE` | writes a register |
//! | `R ADDRESS VALUE` | reads a register, which should give the value |
//! | `R ADDRESS *` | reads a register, whatever it gives |
//! | `F N` | lets N frames of the sensor pass, up to the last line of the last; at most a million |
//! | `U N` | lets N microseconds pass |
//!
//! `#` begins a comment. Addresses and values are hexadecimal, N is decimal. Addresses are those of words; in the eFUSE
//! a read may lie across two of them, as the vendor's library makes one (T31 1.4). Accesses as the kernel's mmiotrace
//! and QEMU print them are played, too.

use super::Access;
use super::played::{GuestError, MismatchedRead, Played, PlayedFrame};
use super::text::{ParseTraceError, Step, parse_steps};
use std::time::Duration;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::RegisterFile;
use tx_isp_chip::{Chip, DmaJob, Event, Frame, Pace, Strictness};

/// A trace that can be played: each step with the number of its line.
#[derive(Clone, Debug, Default)]
pub struct Script(Vec<(usize, Step)>);

impl Script {
    /// Reads a trace.
    ///
    /// # Errors
    /// [`ParseTraceError`] at the first line that cannot be played.
    pub fn parse(text: &str) -> Result<Self, ParseTraceError> {
        parse_steps(text).map(Self)
    }

    /// Plays it on a chip. With a `strictness` it ends behind the first access that makes a mistake as bad as
    /// that.
    #[must_use]
    pub fn play(&self, chip: &mut Chip, strictness: Option<&Strictness>) -> Played {
        let mut player = Player::new(chip);
        let mut stopped_at = None;
        for (line, step) in &self.0 {
            player.step(*line, *step);
            let ends = strictness.is_some_and(|strictness| {
                let mut kinds = player.chip.guest_errors().entries().map(|found| found.kind);
                kinds.any(|kind| strictness.stops_at(kind))
            });
            if ends {
                stopped_at = Some(*line);
                break;
            }
        }
        let mut played = player.played;
        played.stopped_at = stopped_at;
        played.guest_errors = chip
            .guest_errors()
            .entries()
            .map(|found| GuestError {
                id: found.kind.id().to_owned(),
                severity: found.kind.severity(),
                count: found.count,
                first: found.first.clone(),
            })
            .collect();
        played
    }
}

struct Player<'a> {
    chip: &'a mut Chip,
    /// The pictures of the frame that passes.
    pictures: Vec<PlayedFrame>,
    /// The frame itself, for what else it writes.
    passing: Option<Frame>,
    played: Played,
}

impl<'a> Player<'a> {
    fn new(chip: &'a mut Chip) -> Self {
        chip.set_pace(Pace::Sensor(Duration::ZERO));
        Self {
            chip,
            pictures: Vec::new(),
            passing: None,
            played: Played::default(),
        }
    }

    fn step(&mut self, line: usize, step: Step) {
        match step {
            Step::Access(access) => {
                self.played.accesses += 1;
                self.access(line, access);
            }
            Step::AnyRead(address) => {
                self.played.accesses += 1;
                self.read(address);
            }
            Step::Frames(count) => self.pass_frames(count),
            Step::Wait(time) => self.pass_time_to(self.chip.now().saturating_add(time)),
        }
    }

    fn access(&mut self, line: usize, access: Access) {
        if access.write {
            return self.chip.write(access.address, access.value);
        }
        let got = self.read(access.address);
        if got != access.value {
            self.played.mismatched_reads.push(MismatchedRead {
                line,
                address: access.address.0,
                expected: access.value,
                got,
            });
        }
    }

    /// What a load gives. Where it lies across words the processor traps, and the kernel reads both of them.
    fn read(&mut self, address: PhysAddr) -> u32 {
        let inside = address.0 % 4;
        if inside == 0 {
            return self.chip.read(address);
        }
        let low = PhysAddr(address.0 - inside);
        let words = [low, PhysAddr(low.0 + 4)].map(|word| self.chip.read(word));
        let both = u64::from(words[1]) << 32 | u64::from(words[0]);
        u32::try_from(both >> (inside * 8) & u64::from(u32::MAX)).unwrap_or_default()
    }

    fn pass_frames(&mut self, count: u32) {
        for _ in 0..count {
            let interval = self.chip.frame_interval();
            let begins_by = self.chip.now().saturating_add(interval);
            let ends_by = begins_by.saturating_add(interval);
            let mut over = false;
            while !over && let Some(next) = self.chip.next_event().filter(|next| *next <= ends_by) {
                over = self
                    .chip
                    .advance(next)
                    .is_some_and(|event| self.take(event));
            }
            if !over {
                // A sensor that is not heard goes on all the same.
                self.pass_time_to(begins_by);
            }
        }
    }

    fn pass_time_to(&mut self, end: Duration) {
        while let Some(event) = self.chip.advance(end) {
            self.take(event);
        }
    }

    /// Draws what begins; whether a frame is over.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::FirstLine(frame) => {
                self.chip.frame_written(&frame, &[], &[]);
                self.pictures = frame.jobs.iter().map(|job| picture(&frame, job)).collect();
                let lost = frame.is_lost();
                self.passing = Some(frame);
                lost
            }
            Event::LastLine { channels, over, .. } => {
                let done = |picture: &mut PlayedFrame| channels >> picture.channel & 1 != 0;
                self.played
                    .frames
                    .extend(self.pictures.extract_if(.., done));
                if over && let Some(frame) = self.passing.take() {
                    self.played.note_others(&frame);
                }
                over
            }
        }
    }
}

fn picture(frame: &Frame, job: &DmaJob) -> PlayedFrame {
    PlayedFrame {
        channel: job.channel.number(),
        y: job.y.0,
        uv: job.uv.0,
        width: job.size.width,
        height: job.size.height,
        frame: frame.number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::sensor::GC2053;

    fn play(text: &str) -> Played {
        let script = Script::parse(text).unwrap();
        script.play(&mut Chip::new(GC2053), None)
    }

    #[test]
    fn reads_that_differ_are_told_with_their_line() {
        let played = play("# the id\nR 0x13300000 0x54560031\nR 13300000 *\nR 0x13300008 0x2\n");
        assert_eq!(played.accesses, 3);
        let differs = MismatchedRead {
            line: 4,
            address: 0x1330_0008,
            expected: 2,
            got: 1,
        };
        assert_eq!(played.mismatched_reads, [differs]);
        assert!(!played.is_clean());
    }

    #[test]
    fn what_mmiotrace_recorded_is_played() {
        let played = play(
            "VERSION 20070824\nMAP 1.0 1 0x13300000 0xc0a00000 0x100000 0x0 0\n\
             W 4 1.000001 1 0x13300008 0x0 0x0 0\nR 4 1.000002 1 0x13300008 0x3 0x0 0\n",
        );
        let differs = MismatchedRead {
            line: 4,
            address: 0x1330_0008,
            expected: 3,
            got: 0,
        };
        assert_eq!(
            (played.accesses, &played.mismatched_reads[..]),
            (2, &[differs][..])
        );
    }

    #[test]
    fn frames_and_time_pass_although_nobody_listens() {
        let played = play("F 3\nU 100\nR 0x133098cc 0x0\n");
        assert!(played.is_clean() && played.frames.is_empty());
    }

    #[test]
    fn a_frame_that_is_lost_on_its_way_is_one_of_those_that_pass() {
        let mut chip = Chip::new(GC2053);
        chip.faults_mut()
            .add("lost-frame:frame=2,count=2".parse().unwrap());
        let started = "W 0x1002300c 1\nW 0x10023010 1\nW 0x10023004 1\nW 0x13300010 0x133\nW 0x13300800 1\n\
                       W 0x133e0014 1\nW 0x133e0100 0x258\nW 0x133e0000 1\n";
        let counted = "F 1\nR 0x133098cc 1\nF 2\nR 0x133098cc 3\nF 1\nR 0x133098cc 4\n";
        let script = Script::parse(&format!("{started}{counted}")).unwrap();
        let played = script.play(&mut chip, None);
        assert_eq!(played.mismatched_reads, []);
        assert_eq!(played.guest_errors, []);
    }

    #[test]
    fn a_mistake_ends_a_strict_run() {
        let text = "W 0x13309968 0x7\nW 0x13309804 0xf0001\nR 0x13300000 *\n";
        let script = Script::parse(text).unwrap();
        let played = script.play(&mut Chip::new(GC2053), Some(&Strictness::default()));
        assert_eq!((played.accesses, played.stopped_at), (2, Some(2)));
        assert_eq!(played.guest_errors[0].id, "channel-not-configured");
        let mut lenient = Strictness::default();
        lenient.allow("channel-not-configured".parse().unwrap());
        let played = script.play(&mut Chip::new(GC2053), Some(&lenient));
        assert_eq!((played.accesses, played.stopped_at), (3, None));
        assert!(!played.is_clean(), "it is an error all the same");
    }

    /// As the client library reads the remark: byte 2 of it is that at 233 (T31 1.4).
    #[test]
    fn the_efuse_is_read_across_words() {
        let played =
            play("R 0x13540231 0x0\nR 0xb3540236 0x22220000\nR 0x13540236 *\nR 0x13540235 0x1\n");
        let differs = MismatchedRead {
            line: 4,
            address: 0x1354_0235,
            expected: 1,
            got: 0x2200_0000,
        };
        assert_eq!(
            (played.accesses, &played.mismatched_reads[..]),
            (4, &[differs][..])
        );
        assert_eq!(played.guest_errors, []);
    }

    #[test]
    fn a_byte_order_mark_is_no_access() {
        assert_eq!(play("\u{feff}R 0x13300000 0x54560031\n").accesses, 1);
    }

    #[test]
    fn a_line_that_cannot_be_played_is_named() {
        for (line, what) in [
            ("F 1000001", "at most 1000000"),
            ("R 0x13540231 x", "value"),
            ("W 0x13540231 0", "multiples of 4"),
            ("F", "count"),
            ("F x", "count"),
            ("U 1 2", "more than a count"),
            ("R 0x13300000 * 1", "more than an access"),
            ("R 0x13300001 *", "multiples of 4"),
            ("W 0x13300000 *", "value"),
            ("G 1", "none of R, W, F and U"),
        ] {
            let error = Script::parse(&format!("# one\n{line}\n")).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("line 2") && message.contains(what),
                "{message}"
            );
        }
    }
}
