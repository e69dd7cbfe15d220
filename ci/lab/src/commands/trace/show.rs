// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Traces as text.

use tx_isp_chip::register_name;
use tx_isp_emulator::trace::{Access, Change, Ignore, Step, decode, diff};

/// How many equal accesses are shown before and behind a difference.
const CONTEXT: usize = 3;

fn line(access: &Access) -> String {
    format!("{access}  {}", decode(access))
}

/// Every step, accesses with their register and fields; a poll is one line.
pub fn listing(trace: &[Step]) -> String {
    let mut text = String::new();
    let same = |a: &Step, b: &Step| match (a, b) {
        (Step::Access(a), Step::Access(b)) => {
            (a.write, a.address, a.value) == (b.write, b.address, b.value)
        }
        _ => a == b,
    };
    for run in trace.chunk_by(same) {
        let Some(first) = run.first() else { continue };
        text += &match first {
            Step::Access(access) => line(access),
            Step::AnyRead(address) => format!("{first}  {}", register_name(*address)),
            Step::Frames(_) | Step::Wait(_) => first.to_string(),
        };
        if run.len() > 1 {
            text += &format!("  ({} times)", run.len());
        }
        text.push('\n');
    }
    text
}

/// What the second trace does differently, with a few equal accesses around; and whether nothing.
pub fn comparison(first: &[Access], second: &[Access], ignore: Ignore) -> (String, bool) {
    let changes = diff(first, second, ignore);
    let differs: Vec<usize> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| !matches!(change, Change::Same(..)))
        .map(|(place, _)| place)
        .collect();
    let mut text = String::new();
    let mut shown = 0;
    for place in &differs {
        let from = place.saturating_sub(CONTEXT).max(shown);
        if from > shown {
            text += "  ...\n";
        }
        let to = (place + CONTEXT + 1).min(changes.len());
        for change in changes.get(from..to).unwrap_or_default() {
            let shown_change = match *change {
                Change::Same(a, _) => format!("  {}", line(&first[a])),
                Change::Removed(a) => format!("- {}", line(&first[a])),
                Change::Added(b) => format!("+ {}", line(&second[b])),
            };
            text += &shown_change;
            text.push('\n');
        }
        shown = shown.max(to);
    }
    let count =
        |wanted: fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count();
    let missing = count(|change| matches!(change, Change::Removed(_)));
    let added = count(|change| matches!(change, Change::Added(_)));
    let same = count(|change| matches!(change, Change::Same(..)));
    text +=
        &format!("{same} accesses are the same, {missing} are missing (-), {added} are more (+)\n");
    (text, differs.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_emulator::trace::{parse, parse_steps};

    #[test]
    fn polls_are_one_line_and_fields_are_named() {
        let text = "R 13309808 1\nR 13309808 1\nW 13309804 f0001\nR 13300000 *\nF 2\n";
        let steps = parse_steps(text).unwrap();
        let trace: Vec<Step> = steps.into_iter().map(|(_, step)| step).collect();
        assert_eq!(
            listing(&trace),
            "R 0x13309808 0x00000001  MSCA.CH_STAT  BUSY_CHANNELS=0x1  (2 times)\n\
             W 0x13309804 0x000f0001  MSCA.CH_EN  ENABLED_CHANNELS=0x1 INPUT_STROBE=0x1 \
             CHANNEL_STROBES=0x7\nR 0x13300000 *  ISP_CORE.ID\nF 2\n"
        );
    }

    #[test]
    fn a_difference_is_shown_in_its_surroundings() {
        let numbers = |range: std::ops::Range<u32>| {
            let lines: Vec<String> = range.map(|n| format!("W 133e0004 {n:x}\n")).collect();
            lines.concat()
        };
        let a = parse(&numbers(0..20)).unwrap();
        let b = parse(&(numbers(0..10) + "W 133e0000 1\n" + &numbers(10..20))).unwrap();
        let (text, equal) = comparison(&a, &b, Ignore::default());
        assert!(!equal);
        assert_eq!(text.lines().count(), 1 + 3 + 1 + 3 + 1, "{text}");
        assert!(
            text.contains("+ W 0x133e0000 0x00000001  VIC.CTRL  VIC_RUN=0x1"),
            "{text}"
        );
        assert!(text.ends_with("20 accesses are the same, 0 are missing (-), 1 are more (+)\n"));
        assert!(comparison(&a, &a, Ignore::default()).1);
    }
}
