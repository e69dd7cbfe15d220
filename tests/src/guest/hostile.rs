// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A hostile program in the guest: `ioctl-fuzz` (tests/guest/ioctl-fuzz) makes random calls on all of the
//! driver's nodes, while the hardware fails. It looks itself whether memory is written that nobody was
//! given, or that has come back, and whether a call hangs; what the kernel and the driver say of it is
//! looked at here.

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::message::RunEnd;
use testbed::guest::Guest;
use testbed::program::{ask, run};
use testbed::qemu::Carrier;

use super::health::log_is_clean;
use super::lifecycle::{COMMON, pool_is_whole};

/// How long each bout takes if nothing else is said, in seconds.
const SECONDS: u64 = 20;
/// The variable that says so.
const SECONDS_VARIABLE: &str = "TX_ISP_FUZZ_SECONDS";
/// How much longer than that a bout may take: its last calls, and what they wait for.
const SLACK: Duration = Duration::from_secs(120);

/// Random calls with one seed, and what of the hardware fails meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Bout {
    /// What it shows.
    pub name: &'static str,
    seed: u64,
    faults: &'static [&'static str],
    /// Whether frames must come all the same.
    flows: bool,
}

/// All of them.
pub const BOUTS: [Bout; 3] = [
    Bout {
        name: "random calls on all nodes, with a healthy chip",
        seed: 1,
        faults: &[],
        flows: true,
    },
    Bout {
        name: "random calls while frames are lost, late and damaged",
        seed: 2,
        faults: &[
            "lost-frame:p=0.1",
            "late-frame:p=0.1,ms=200",
            "core-error:p=0.05",
            "dma-overflow:p=0.05",
            "vic-error:p=0.05",
            "alien-done:p=0.1",
            "lost-interrupt:p=0.05",
        ],
        flows: false,
    },
    Bout {
        name: "random calls while stops and resets fail",
        seed: 3,
        faults: &[
            "stuck-channel:p=0.05",
            "dead-reset:p=0.1",
            "late-frame:p=0.2,ms=500",
            "stale-address:p=0.1",
        ],
        flows: false,
    },
];

impl Bout {
    /// Lets the program loose, and looks at what it leaves.
    ///
    /// # Errors
    /// What it, the kernel or the driver's own books complain of.
    pub fn check(self, guest: &mut Guest) -> Result<()> {
        let seconds = match env::var(SECONDS_VARIABLE) {
            Ok(text) => text
                .parse()
                .with_context(|| format!("{SECONDS_VARIABLE}={text} is no number of seconds"))?,
            Err(_) => SECONDS,
        };
        guest.emulator.monitor.clear_faults()?;
        for fault in self.faults {
            guest.emulator.monitor.inject(fault.parse()?)?;
        }
        let arguments = [self.seed.to_string(), seconds.to_string()];
        let program = ["ioctl-fuzz", &arguments[0], &arguments[1]];
        let ran = run(guest, &program, Duration::from_secs(seconds) + SLACK);
        guest.emulator.monitor.clear_faults()?;
        let ran = ran?;
        let log = ask(guest, &["dmesg"])?;
        ensure!(
            ran.end == RunEnd::Exit(0),
            "{} ({:?}); the kernel's log ends with:\n{}",
            ran.said().trim(),
            ran.end,
            last_lines(&log)
        );
        let calls = count(&ran.stdout, "calls");
        let good = count(&ran.stdout, "good");
        let frames = count(&ran.stdout, "frames");
        eprintln!("ioctl-fuzz: {calls} calls, {good} of them succeeded, {frames} frames");
        ensure!(
            calls > 100 * seconds && good * 20 > calls && (frames > 0 || !self.flows),
            "it did not get far: {calls} calls, {good} good ones, {frames} frames"
        );
        log_is_clean(guest)?;
        pool_is_whole(guest)?;
        let health = ask(guest, &["cat", "/sys/kernel/debug/tx-isp/health"])?;
        ensure!(
            health.lines().any(|line| line == "quarantined 0"),
            "buffers were lost:\n{health}"
        );
        let stream = "v4l2-ctl -d /dev/video0 \
            --set-fmt-video=width=640,height=360,pixelformat=NV12 --stream-mmap=4 --stream-count=5";
        let ran = run(guest, &["sh", "-c", stream], SLACK)?;
        ensure!(
            ran.end == RunEnd::Exit(0),
            "nothing streams afterwards: {}",
            ran.said()
        );
        Ok(())
    }
}

/// A way in which buffers come back to their owner while DMA is late with one of them, or with all.
#[derive(Debug, Clone, Copy)]
pub struct Revocation {
    /// What it shows.
    pub name: &'static str,
    faults: &'static [&'static str],
    script: &'static str,
    /// It ends in a reset of the device that carries the mailbox: at its own addresses the chip has none.
    resets_device: bool,
}

/// Every frame is so late: longer than any of the scripts takes to take buffers back.
const LATE: &str = "late-frame:p=1,ms=2000";
/// What takes memory that has come back, paints it, and looks at it behind the latest frame.
const WATCH: &str = "held-dma watch 2500 || fail \"$(dmesg | tail -n 5)\"";
/// A stream begins with a reset of the ISP, which works; those behind a stop that did not do not.
const DEAD_RESET: &str = "dead-reset:at=2,count=5";
/// What shows that the device was reset.
const RESET: &str = "grep -q '^device-resets [1-9]' /sys/kernel/debug/tx-isp/health || \
    fail \"no reset: $(cat /sys/kernel/debug/tx-isp/health)\"";
/// Puts the driver's buffers into the kernel's memory, and back into the carve-out.
const NO_CARVE_OUT: &str = "rmmod tx_isp || fail rmmod
    insmod $MODULE rmem=none || fail insmod
    wait_until test -c $NODE || fail no node";
const CARVE_OUT: &str = "rmmod tx_isp || fail rmmod; load";

macro_rules! late {
    ($name:literal, $script:literal) => {
        Revocation {
            name: concat!("a late frame is not written behind ", $name),
            faults: &[LATE],
            script: $script,
            resets_device: false,
        }
    };
}

/// All of them.
pub const REVOCATIONS: [Revocation; 14] = [
    late!("a stop", "held-dma stop mmap 2500 || fail stop; $WATCH"),
    late!(
        "a stop of a client with memory of its own",
        "held-dma stop user 2500 || fail stop; $WATCH"
    ),
    late!(
        "a client that was killed",
        "background; sleep 1; kill -KILL $CLIENT; ends $CLIENT; $WATCH"
    ),
    late!(
        "a client with memory of its own that was killed",
        "MEMORY=user; background; sleep 1; kill -KILL $CLIENT; ends $CLIENT; $WATCH"
    ),
    late!(
        "an unbind",
        "background; sleep 1; echo $DEVICE >$DRIVER/unbind; ends $CLIENT; $WATCH
         echo $DEVICE >$DRIVER/bind; wait_until test -c $NODE || fail no node"
    ),
    late!(
        "the module's end",
        "background; sleep 1; kill -KILL $CLIENT; ends $CLIENT; rmmod tx_isp || fail rmmod; $WATCH; load"
    ),
    late!(
        "a stop where there is no carve-out",
        "$NO_CARVE_OUT; held-dma stop mmap 2500 || fail stop; $WATCH; $CARVE_OUT"
    ),
    late!(
        "a killed client where there is no carve-out",
        "$NO_CARVE_OUT; background; sleep 1; kill -KILL $CLIENT; ends $CLIENT; $WATCH; $CARVE_OUT"
    ),
    late!(
        "a killed client with memory of its own where there is no carve-out",
        "$NO_CARVE_OUT; MEMORY=user; background; sleep 1; kill -KILL $CLIENT; ends $CLIENT
         $WATCH; $CARVE_OUT"
    ),
    late!(
        "an unbind where there is no carve-out",
        "$NO_CARVE_OUT; background; sleep 1; echo $DEVICE >$DRIVER/unbind; ends $CLIENT; $WATCH
         echo $DEVICE >$DRIVER/bind; wait_until test -c $NODE || fail no node; $CARVE_OUT"
    ),
    late!(
        "the module's end where there is no carve-out",
        "$NO_CARVE_OUT; background; sleep 1; kill -KILL $CLIENT; ends $CLIENT
         rmmod tx_isp || fail rmmod; $WATCH; load"
    ),
    Revocation {
        name: "a late frame is not written behind resets of ISP and device",
        faults: &[LATE, "stuck-channel:p=1", DEAD_RESET],
        script: "held-dma stop mmap 2500 || fail stop; $RESET; $WATCH",
        resets_device: true,
    },
    Revocation {
        name: "a late frame is not written behind resets of ISP and device, of a killed client's",
        faults: &[LATE, "stuck-channel:p=1", DEAD_RESET],
        script: "MEMORY=user; background; sleep 1; kill -KILL $CLIENT; ends $CLIENT; $RESET; $WATCH",
        resets_device: true,
    },
    Revocation {
        name: "buffers that have come back stay as they are while frames are late, lost and stray",
        faults: &[
            "late-frame:p=0.2,ms=60",
            "lost-frame:p=0.1",
            "alien-done:p=0.1",
            "coalesced-frames:p=0.1",
            "core-error:p=0.05",
            "dma-overflow:p=0.05",
        ],
        script: "held-dma flow mmap 100 || fail flow; held-dma flow user 100 || fail flow; $WATCH",
        resets_device: false,
    },
];

impl Revocation {
    /// Whether it can be done over a carrier.
    #[must_use]
    pub fn is_for(&self, carrier: Carrier) -> bool {
        carrier != Carrier::VfioUser || !self.resets_device
    }

    /// Takes the buffers back while a frame is held; then nothing is written any more.
    ///
    /// # Errors
    /// If anything is, or if the script fails.
    pub fn check(self, guest: &mut Guest) -> Result<()> {
        guest.emulator.monitor.clear_faults()?;
        for fault in self.faults {
            guest.emulator.monitor.inject(fault.parse()?)?;
        }
        let script = self
            .script
            .replace("$WATCH", WATCH)
            .replace("$RESET", RESET)
            .replace("$NO_CARVE_OUT", NO_CARVE_OUT)
            .replace("$CARVE_OUT", CARVE_OUT);
        let script = format!("{COMMON}\n{script}");
        let ran = run(guest, &["sh", "-c", &script], SLACK);
        let fired = guest.emulator.monitor.status()?.faults;
        let fired: u32 = fired.iter().map(|fault| fault.fired).sum();
        guest.emulator.monitor.clear_faults()?;
        let ran = ran?;
        ensure!(
            ran.end == RunEnd::Exit(0),
            "{} ({:?})",
            ran.said().trim(),
            ran.end
        );
        ensure!(fired > 0, "no frame was late");
        pool_is_whole(guest)?;
        log_is_clean(guest)
    }
}

/// The sum of the numbers behind a word.
fn count(said: &str, word: &str) -> u64 {
    let words: Vec<&str> = said.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == word);
    pairs.filter_map(|pair| pair[1].parse::<u64>().ok()).sum()
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_all_processes_are_summed() {
        let said = "calls 10 good 3 frames 0 rounds 1\ncalls 5 good 2 frames 7 rounds 1\n";
        assert_eq!(
            ["calls", "good", "frames"].map(|word| count(said, word)),
            [15, 5, 7]
        );
    }

    #[test]
    fn every_fault_can_be_armed() {
        let bouts = BOUTS.iter().flat_map(|bout| bout.faults);
        let revocations = REVOCATIONS.iter().flat_map(|way| way.faults);
        for fault in bouts.chain(revocations) {
            let parsed = fault.parse::<tx_isp_chip::faults::Fault>();
            assert!(parsed.is_ok(), "{fault}: {parsed:?}");
        }
    }
}
