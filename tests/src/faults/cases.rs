// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the driver must make of each fault.

use super::run::{Outcome, Plan};
use tx_isp_abi::channel::ChannelId;
use tx_isp_chip::faults::{Fault, FaultKind, ParseFaultError};
use tx_isp_driver::Error;
use tx_isp_driver::recovery::Health;

const MAIN: ChannelId = ChannelId::ALL[0];

/// A case of the matrix.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is streamed, through which faults.
    pub plan: Plan,
    /// What is to happen, in a sentence.
    pub expected: &'static str,
    /// Whether it did.
    pub holds: fn(&Outcome) -> bool,
    /// Neither driver nor client can see it, only the frame log.
    pub undetectable: bool,
}

type Holds = fn(&Outcome) -> bool;

/// The faults of a case, what is to happen, and whether it did; `None` for a healthy chip.
const CASES: &[(&[&str], &str, Holds)] = &[
    (&[], "every frame comes, in order", |o| {
        undisturbed(o) && o.health == Health::default()
    }),
    (
        &["lost-frame:frame=5"],
        "a gap of one in the sequence",
        |o| o.good == o.wanted && (o.missing, o.damaged) == (1, 0),
    ),
    (
        &["lost-frame:frame=5,count=3"],
        "a gap of three in the sequence",
        |o| o.good == o.wanted && (o.missing, o.damaged) == (3, 0),
    ),
    (
        &["late-frame:frame=5,ms=60"],
        "every frame comes, in order",
        undisturbed,
    ),
    (
        &["core-error:frame=5,bits=0x100"],
        "its frame is marked damaged, and perhaps the next",
        damaged,
    ),
    (
        &["core-error:frame=5,bits=0x200"],
        "its frame is marked damaged, and perhaps the next",
        damaged,
    ),
    (
        &["vic-error:frame=5,bits=0x200"],
        "the VIC is reset, the gap shows",
        vic_recovered,
    ),
    (
        &["vic-error:frame=5,bits=0x400"],
        "the VIC is reset, the gap shows",
        vic_recovered,
    ),
    (
        &["vic-error:frame=5,bits=0x800"],
        "the VIC is reset, the gap shows",
        vic_recovered,
    ),
    (
        &["vic-error:frame=5,bits=0x1000"],
        "the VIC is reset, the gap shows",
        vic_recovered,
    ),
    (
        &["vic-error:frame=5,bits=0x2000"],
        "no bit that its reset cures: the watchdog restarts the ISP",
        |o| o.good == o.wanted && o.missing > 0 && o.health.restarts == 1,
    ),
    (
        &["dma-overflow:frame=5"],
        "the gap shows, its buffer is queued again",
        |o| o.good == o.wanted && o.missing == 1 && o.health.dropped_buffers == 1,
    ),
    (
        &["stale-address:at=1"],
        "cleared before the next start",
        |o| undisturbed(o) && o.health.stale_addresses > 0 && o.health.unmatched == 0,
    ),
    (
        &["stuck-channel:at=1"],
        "the stop says so, and the ISP is reset before buffers go back",
        |o| o.good == o.wanted && o.stop_error == Some(Error::ChannelStuck(MAIN)),
    ),
    (
        &["stuck-channel:at=1", "dead-reset:at=2"],
        "with the ISP's reset dead, too, the device is reset before buffers go back",
        |o| {
            o.good == o.wanted
                && o.stop_error == Some(Error::ChannelStuck(MAIN))
                && o.health.device_resets == 1
                && o.health.quarantined == 0
        },
    ),
    (
        &["stuck-channel:at=1,times=100"],
        "the stop waits until the channel is idle",
        undisturbed,
    ),
    (&["alien-done:frame=5"], "counted, never delivered", |o| {
        undisturbed(o) && o.health.unmatched == 1
    }),
    (
        &["coalesced-frames:frame=5"],
        "both frames come from one interrupt",
        undisturbed,
    ),
    (
        // Over vfio-user a level that is still high is told again behind any access: there the watchdog's first
        // read brings the interrupt, and none is lost.
        &["lost-interrupt:frame=5"],
        "the watchdog ends the silence",
        |o| {
            let is_found = o.missing > 0 && o.health.lost_interrupts <= 1;
            o.good == o.wanted && o.damaged == 0 && is_found
        },
    ),
    (
        &["interrupt-storm:frame=5"],
        "silenced; frames are marked damaged until a restart ends it",
        |o| {
            o.good == o.wanted
                && (o.health.storms, o.health.restarts) == (1, 1)
                && o.interrupts < 300
        },
    ),
    (
        &["interrupt-storm:frame=5,times=36"],
        "silenced, and frames go on",
        |o| {
            o.good == o.wanted
                && (o.health.storms, o.health.restarts) == (1, 0)
                && o.interrupts < 200
        },
    ),
    (
        &["dead-reset:at=1"],
        "the start says so within 1.2 s, the next one works",
        |o| undisturbed(o) && o.start_error == Some(Error::ResetFailed),
    ),
    (
        &["dead-sensor:at=1"],
        "the start says so, the next one works",
        |o| undisturbed(o) && o.start_error == Some(Error::LinkDown),
    ),
    (
        &["deaf-sensor:at=1"],
        "whoever asks for the sensor hears that it is not there; pictures come all the same",
        |o| undisturbed(o) && o.sensor_error == Some(Error::NoSensor),
    ),
    (
        &["silent-sensor:at=1"],
        "the watchdog restarts the ISP",
        |o| o.good == o.wanted && o.health.restarts == 1,
    ),
    (
        &["silent-sensor:at=1,count=10"],
        "after three restarts the client gets an error",
        |o| o.good == 0 && o.stream_error == Some(Error::Stalled) && o.health.restarts == 3,
    ),
    (
        &["corrupted-picture:frame=5"],
        "nobody but the frame log can tell: it does",
        |o| o.wrong == 1 && o.good == o.wanted && o.damaged == 0,
    ),
    (
        &[
            "lost-interrupt:frame=8",
            "vic-error:frame=9",
            "dma-overflow:frame=10",
        ],
        "all three are dealt with",
        |o| o.good == o.wanted && o.health.vic_recoveries == 1 && o.health.dropped_buffers == 1,
    ),
    (
        &[
            "lost-frame:p=0.05",
            "core-error:p=0.05",
            "vic-error:p=0.03",
            "dma-overflow:p=0.05",
            "alien-done:p=0.05",
            "coalesced-frames:p=0.05",
            "lost-interrupt:p=0.02",
            "interrupt-storm:p=0.01,times=100",
        ],
        "all frames come in the end",
        // The last interrupt may bring two.
        |o| (o.wanted..=o.wanted + 1).contains(&o.good),
    ),
];

/// The cases that also run in a guest: one of each way in which a stream can suffer.
const IN_GUEST: [&str; 6] = [
    "lost-frame:frame=5",
    "core-error:frame=5,bits=0x100",
    "lost-interrupt:frame=5",
    "interrupt-storm:frame=5,times=36",
    "corrupted-picture:frame=5",
    "dead-sensor:at=1",
];

/// Frames of a case in a guest: all that a fault of the fifth one does is over by then.
const GUEST_FRAMES: u32 = 12;

fn undisturbed(outcome: &Outcome) -> bool {
    outcome.good == outcome.wanted
        && (outcome.damaged, outcome.missing) == (0, 0)
        && outcome.stream_error.is_none()
        && outcome.stop_error.is_none()
}

fn damaged(outcome: &Outcome) -> bool {
    outcome.good == outcome.wanted
        && (1..=2).contains(&outcome.damaged)
        && (outcome.missing, outcome.health.core_errors) == (0, 1)
}

fn vic_recovered(outcome: &Outcome) -> bool {
    let health = outcome.health;
    outcome.good == outcome.wanted
        && outcome.missing > 0
        && (health.vic_recoveries, health.restarts) == (1, 0)
}

/// All cases: those of one channel, then those that need more, or other buffers.
///
/// # Errors
/// If a fault of the table cannot be parsed.
pub fn cases() -> Result<Vec<Case>, ParseFaultError> {
    let mut cases = Vec::new();
    for (texts, expected, holds) in CASES {
        let random = texts.len() > 3;
        cases.push(Case {
            plan: Plan {
                faults: faults(texts)?,
                seed: 0,
                channels: vec![MAIN],
                buffers: 4,
                frames: if random { 200 } else { 30 },
            },
            expected,
            holds: *holds,
            undetectable: texts
                .iter()
                .any(|text| text.starts_with("corrupted-picture")),
        });
    }
    let base = Plan {
        faults: faults(&["dma-overflow:frame=5"])?,
        seed: 0,
        channels: vec![MAIN],
        buffers: 1,
        frames: 30,
    };
    cases.push(Case {
        plan: base.clone(),
        expected: "with the only buffer gone the watchdog restarts the ISP",
        holds: |o| o.good == o.wanted && o.health.restarts == 1,
        undetectable: false,
    });
    cases.push(Case {
        plan: Plan {
            faults: faults(&["stuck-channel:channel=0"])?,
            channels: ChannelId::ALL.to_vec(),
            buffers: 4,
            ..base
        },
        expected: "the stop says so, and the other channels go on after a restart",
        holds: |o| {
            o.stop_error == Some(Error::ChannelStuck(MAIN))
                && o.health.restarts == 1
                && o.others_went_on >= 5
        },
        undetectable: false,
    });
    Ok(cases)
}

/// Those of the [`cases`] that also run in a guest: there with fewer frames, since it takes its time for each.
///
/// # Errors
/// If a fault of the table cannot be parsed.
pub fn guest_cases() -> Result<Vec<Case>, ParseFaultError> {
    let wanted = IN_GUEST
        .iter()
        .map(|text| text.parse())
        .collect::<Result<Vec<Fault>, _>>()?;
    let mut cases = cases()?;
    cases.retain(|case| matches!(case.plan.faults[..], [only] if wanted.contains(&only)));
    // With one channel and as many buffers as a client asks for.
    cases.retain(|case| case.plan.channels.len() == 1 && case.plan.buffers > 1);
    for case in &mut cases {
        case.plan.frames = GUEST_FRAMES;
        // So few that the silence is seen even where the interrupt comes in the end: frames find no buffer.
        if case.plan.faults[0].kind == FaultKind::LostInterrupt {
            case.plan.buffers = 2;
        }
    }
    Ok(cases)
}

fn faults(texts: &[&str]) -> Result<Vec<Fault>, ParseFaultError> {
    texts.iter().map(|text| text.parse()).collect()
}
