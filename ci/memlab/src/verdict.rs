// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What came of a camera, in one line.

use guest_protocol::camera::{Refused, Report};
use tx_isp_alloc::pool::GRANULE;

use crate::oom::{Front, Outcome};
use crate::text;

/// One line: how many cycles each strategy survives.
pub fn survivors(most: u32, outcomes: &[Outcome]) -> String {
    let list = outcomes.iter().map(|outcome| {
        let (who, survived) = (who(outcome), outcome.survived());
        match outcome.report().refused.as_ref() {
            None => format!("{who} all {survived}"),
            Some(refused) => format!("{who} {survived} ({})", lack(outcome.report(), refused)),
        }
    });
    let list: Vec<String> = list.collect();
    format!("verdict: of {most} cycles survive: {}", list.join(", "))
}

/// Who allocates, and through which front where it is not V4L2's.
fn who(outcome: &Outcome) -> String {
    match outcome.front {
        Front::V4l2 => outcome.policy.to_string(),
        Front::Vendor => format!("{} (vendor's nodes)", outcome.policy),
    }
}

/// Why a request was refused.
fn lack(report: &Report, refused: &Refused) -> String {
    let granules = refused.bytes.next_multiple_of(GRANULE.into());
    match granules.saturating_sub(report.pool.largest.into()) {
        0 => format!(
            "keeps {} bytes from {} for what was reserved or may come",
            refused.bytes, refused.owner
        ),
        bytes => format!("lacks {bytes} bytes for {}", refused.owner),
    }
}

/// One line: who survives.
pub fn verdict(outcomes: &[Outcome]) -> String {
    let (streams, fails): (Vec<_>, Vec<_>) = outcomes
        .iter()
        .partition(|outcome| outcome.report().streams());
    let list = |outcomes: &[&Outcome], what: fn(&Outcome) -> String| {
        let texts: Vec<String> = outcomes.iter().map(|outcome| what(outcome)).collect();
        texts.join(", ")
    };
    let streaming = |outcome: &Outcome| {
        let granted = text::granted(&outcome.report().queues);
        format!("{} ({granted} buffers)", who(outcome))
    };
    let failing = |outcome: &Outcome| match &outcome.report().refused {
        Some(refused) => format!("{} ({})", who(outcome), lack(outcome.report(), refused)),
        None => who(outcome),
    };
    match (streams.is_empty(), fails.is_empty()) {
        (false, true) => format!("verdict: streams under {}", list(&streams, streaming)),
        (true, false) => format!("verdict: streams under none: {}", list(&fails, failing)),
        _ => format!(
            "verdict: streams under {}; fails under {}",
            list(&streams, streaming),
            list(&fails, failing)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Camera;
    use crate::catalogue;
    use crate::predict::predict_cycles;
    use guest_protocol::camera::AllocationPolicy;
    use guest_protocol::camera::Cycles;
    use tx_isp_alloc::negotiation::Margin;

    #[test]
    fn the_verdict_names_survivors_and_what_the_others_lack() {
        let camera = catalogue::find("wyze-v3").unwrap();
        let camera = Camera::new("wyze-v3", &camera, &Default::default()).unwrap();
        let outcomes: Vec<Outcome> = AllocationPolicy::ALL
            .into_iter()
            .map(|policy| Outcome {
                front: Front::V4l2,
                policy,
                predicted: predict_cycles(&camera.setup, policy, Margin::default(), Cycles::ONE)
                    .unwrap(),
                run: None,
            })
            .collect();
        assert_eq!(
            verdict(&outcomes),
            "verdict: streams under hybrid (margin) (2/4 + 2/2 buffers), hybrid (reserve) (3/4 + 2/2 \
             buffers); fails under client (lacks 103168 bytes for enc1.stream), driver (lacks 103424 \
             bytes for enc1.stream)"
        );
        assert_eq!(
            survivors(1, &outcomes[1..3]),
            "verdict: of 1 cycles survive: driver 0 (lacks 103424 bytes for enc1.stream), hybrid (margin) all 1"
        );
        assert!(verdict(&outcomes[..2]).starts_with("verdict: streams under none: client"));
    }
}
