// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a kernel's log says that a kernel in good health does not say.

/// How a complaint begins, on this and on the debug kernel.
const BEGINNINGS: [&str; 9] = [
    "WARNING:",
    "BUG:",
    "BUG ",
    "INFO: possible",
    "INFO: task",
    "DMA-API:",
    "ODEBUG:",
    "kmemleak:",
    "unbalanced",
];

/// The lines of a log that complain.
pub fn complaints(log: &str) -> Vec<String> {
    log.lines()
        .filter(|line| BEGINNINGS.iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::complaints;

    #[test]
    fn only_complaints_are_kept() {
        let log = "[ 1.0] tx-isp virtio1: pool\n[ 2.0] WARNING: CPU: 0 PID: 7\n[ 3.0] ok\n";
        assert_eq!(complaints(log), ["[ 2.0] WARNING: CPU: 0 PID: 7"]);
    }
}
