// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What came of a camera, in one line.

use guest_protocol::camera::{Refused, Report};
use tx_isp_driver::alloc::pool::GRANULE;

use crate::oom::{Finding, Front};
use crate::text;

/// One line: how many cycles each strategy survives.
pub fn survivors(most: u32, findings: &[Finding]) -> String {
    let list = findings.iter().map(|finding| {
        let (who, survived) = (who(finding), finding.survived());
        match finding.report().refused.as_ref() {
            None => format!("{who} all {survived}"),
            Some(refused) => format!("{who} {survived} ({})", lack(finding.report(), refused)),
        }
    });
    let list: Vec<String> = list.collect();
    format!("verdict: of {most} cycles survive: {}", list.join(", "))
}

/// Who allocates, and through which front where it is not V4L2's.
fn who(finding: &Finding) -> String {
    match finding.front {
        Front::V4l2 => finding.personality.to_string(),
        Front::Vendor => format!("{} (vendor's nodes)", finding.personality),
    }
}

/// Why a request was refused.
fn lack(report: &Report, refused: &Refused) -> String {
    let granules = refused.bytes.next_multiple_of(GRANULE.into());
    match granules.saturating_sub(report.pool.largest.into()) {
        0 => format!(
            "keeps {} bytes from {} for what was announced or may come",
            refused.bytes, refused.owner
        ),
        bytes => format!("lacks {bytes} bytes for {}", refused.owner),
    }
}

/// One line: who survives.
pub fn verdict(findings: &[Finding]) -> String {
    let (streams, fails): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.report().streams());
    let list = |findings: &[&Finding], what: fn(&Finding) -> String| {
        let texts: Vec<String> = findings.iter().map(|finding| what(finding)).collect();
        texts.join(", ")
    };
    let streaming = |finding: &Finding| {
        let granted = text::granted(&finding.report().queues);
        format!("{} ({granted} buffers)", who(finding))
    };
    let failing = |finding: &Finding| match &finding.report().refused {
        Some(refused) => format!("{} ({})", who(finding), lack(finding.report(), refused)),
        None => who(finding),
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
    use guest_protocol::camera::Cycles;
    use guest_protocol::camera::Personality;
    use tx_isp_driver::alloc::negotiation::Margin;

    #[test]
    fn the_verdict_names_survivors_and_what_the_others_lack() {
        let camera = catalogue::find("wyze-v3").unwrap();
        let camera = Camera::new("wyze-v3", &camera, &Default::default()).unwrap();
        let findings: Vec<Finding> = Personality::ALL
            .into_iter()
            .map(|personality| Finding {
                front: Front::V4l2,
                personality,
                predicted: predict_cycles(
                    &camera.setup,
                    personality,
                    Margin::default(),
                    Cycles::ONE,
                )
                .unwrap(),
                run: None,
            })
            .collect();
        assert_eq!(
            verdict(&findings),
            "verdict: streams under hybrid (margin) (2/4 + 2/2 buffers), hybrid (reserve) (3/4 + 2/2 \
             buffers); fails under client (lacks 103168 bytes for enc1.stream), driver (lacks 103424 \
             bytes for enc1.stream)"
        );
        assert_eq!(
            survivors(1, &findings[1..3]),
            "verdict: of 1 cycles survive: driver 0 (lacks 103424 bytes for enc1.stream), hybrid (margin) all 1"
        );
        assert!(verdict(&findings[..2]).starts_with("verdict: streams under none: client"));
    }
}
