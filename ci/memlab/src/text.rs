// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables and numbers as all of the memory lab shows them.

use comfy_table::Table;
use guest_protocol::camera::{AllocationPolicy, Queue};

/// An empty table with a heading.
pub fn table(heading: &[&str]) -> Table {
    let mut table = testbed::table::table();
    table.set_header(heading.iter().copied());
    table
}

/// `2/4 + 2/2`: granted of asked, channel by channel.
pub fn granted(queues: &[Queue]) -> String {
    let parts = queues
        .iter()
        .map(|queue| format!("{}/{}", queue.granted, queue.requested));
    parts.collect::<Vec<_>>().join(" + ")
}

/// A length as people compare it.
pub fn mib(bytes: u64) -> String {
    let (whole, rest) = (bytes >> 20, bytes & ((1 << 20) - 1));
    match rest {
        0 => format!("{whole}M"),
        _ => format!("{whole}.{:02}M", rest * 100 / (1 << 20)),
    }
}

/// A policy in one word of a table.
pub fn strategy(policy: AllocationPolicy) -> String {
    policy.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_not_rounded_up() {
        assert_eq!(mib(29 << 20), "29M");
        assert_eq!(mib(30_408_703), "28.99M");
    }
}
