// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The words that tell the SoC.

use super::*;
use tx_isp_abi::soc::{Identity, SOCS};

/// What get_cpu_id reads (T31 1.4).
fn identity(bench: &mut Bench) -> [Identity; 2] {
    let variant = bench.read(0x1354_0238);
    let [low, high] = [variant & 0xffff, variant >> 16].map(|half| u16::try_from(half).unwrap());
    let remark = bench.read(0x1354_0230) >> 24;
    [low, high].map(|variant| Identity {
        soc_id: 0,
        strap: 0,
        variant,
        remark: u8::try_from(remark & 0xff).unwrap(),
    })
}

#[test]
fn every_soc_reads_as_itself_in_both_halves() {
    for soc in SOCS {
        let mut bench = Bench(Chip::new(GC2053).with_soc(*soc));
        let (soc_id, strap) = (bench.read(0x1300_002c), bench.read(0x1000_0034));
        for half in identity(&mut bench) {
            let read = Identity {
                soc_id,
                strap,
                ..half
            };
            assert_eq!(read.cpu_id(), soc.identity.cpu_id(), "{}", soc.name);
        }
        bench.open_gates();
        assert_eq!(bench.read(CORE), 0x5456_0031, "the ISP stays a T31's");
        assert_eq!(bench.guest_errors(), []);
    }
}

#[test]
fn without_a_choice_it_is_a_t31x() {
    let mut bench = Bench(Chip::new(GC2053));
    assert_eq!(bench.read(0x1300_002c), 0x1003_1000);
    assert_eq!(bench.read(0x1354_0238), 0x2222_2222);
    assert_eq!(bench.0.soc().identity.cpu_id(), Some(0x11));
}
