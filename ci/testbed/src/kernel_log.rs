// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a kernel's log says that a kernel in good health does not say.

/// How a complaint begins, on this and on the debug kernel.
const BEGINNINGS: [&str; 10] = [
    "WARNING:",
    "BUG:",
    "BUG ",
    "INFO: possible",
    "INFO: task",
    "INFO: rcu",
    "DMA-API:",
    "ODEBUG:",
    "kmemleak:",
    "unbalanced",
];

/// What such a line says where it only introduces itself.
const INTRODUCTIONS: [&str; 3] = [
    "DMA-API: preallocated",
    "DMA-API: debugging enabled",
    "kmemleak: Kernel memory leak detector initialized",
];

/// The lines of a log that complain.
pub fn kernel_warnings(log: &str) -> Vec<String> {
    let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
    log.lines()
        .filter(|line| has(line, &BEGINNINGS) && !has(line, &INTRODUCTIONS))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::kernel_warnings;

    #[test]
    fn only_complaints_are_kept() {
        let log = "[ 1.0] tx-isp virtio1: pool\n[ 2.0] WARNING: CPU: 0 PID: 7\n[ 3.0] ok\n";
        assert_eq!(kernel_warnings(log), ["[ 2.0] WARNING: CPU: 0 PID: 7"]);
        let debug = "[ 0.2] DMA-API: preallocated 65550 debug entries\n\
                     [ 9.0] kmemleak: 2 new suspected memory leaks\n";
        assert_eq!(
            kernel_warnings(debug),
            ["[ 9.0] kmemleak: 2 new suspected memory leaks"]
        );
    }
}
