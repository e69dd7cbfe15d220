// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Clock gates and reset.

use super::*;

const CLKGR0: u32 = 0x1000_0020;
const CLKGR1: u32 = 0x1000_0028;

#[test]
fn a_block_without_clock_does_not_answer() {
    let mut bench = Bench(Chip::new(GC2053));
    assert_eq!(
        bench.read(CORE),
        0x5456_0031,
        "as the boot loader leaves it"
    );
    bench.write(CLKGR0, 1 << 21);
    assert_eq!(bench.read(CORE), 0);
    bench.write(CSI + 0x0c, 1);
    assert_eq!(bench.guest_errors(), [GuestErrorKind::ClockGated]);
    assert_eq!(
        bench.read(0x1300_002c),
        0x1003_1000,
        "the SoC's id needs no gate"
    );
    bench.open_gates();
    assert_eq!(bench.read(CORE), 0x5456_0031);
    assert_eq!(bench.read(CSI + 0x0c), 0, "the write was lost");
}

#[test]
fn each_gate_stops_frames_and_registers() {
    for (register, gate) in [
        (CLKGR0, 7),
        (CLKGR0, 13),
        (CLKGR0, 21),
        (CLKGR0, 30),
        (CLKGR1, 2),
        (CLKGR1, 30),
    ] {
        let mut bench = Bench::streaming();
        bench.write(register, 1 << gate);
        assert!(bench.0.frame_start().is_none(), "gate {gate}");
        assert_eq!(bench.read(VIC + 0x1e8), 0);
        assert_eq!(bench.guest_errors(), [GuestErrorKind::ClockGated]);
        bench.write(register, 0);
        assert_eq!(bench.read(VIC + 0x1e8), 1);
        bench.frame();
    }
    let mut bench = Bench::streaming();
    bench.write(CLKGR0, !(1 << 7 | 1 << 13 | 1 << 21 | 1 << 30));
    bench.frame();
    assert_eq!(
        bench.guest_errors(),
        [],
        "the other gates are not the ISP's"
    );
}

#[test]
fn a_block_that_is_held_in_reset_does_not_answer() {
    let mut bench = Bench::streaming();
    bench.hold_in_reset();
    assert_eq!(bench.read(CORE), 0);
    assert_eq!(
        bench.read(CSI),
        0x3130_322a,
        "the CSI host is not part of it"
    );
    assert_eq!(bench.guest_errors(), [GuestErrorKind::AccessInReset]);
    bench.write(SRBC, 0);
    assert_eq!(bench.read(CORE), 0x5456_0031);
}

#[test]
fn a_reset_without_its_handshake_is_found() {
    for before in [0, 1 << 20] {
        let mut bench = Bench::streaming();
        bench.write(SRBC, before);
        bench.write(SRBC, 1 << 22);
        assert_eq!(bench.read(SRBC), 1 << 22, "it is reset all the same");
        assert_eq!(
            bench.guest_errors(),
            [GuestErrorKind::ResetWithoutHandshake]
        );
    }
}
