// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Mistakes of a driver, and what is told of them.

use super::*;

#[test]
fn each_mistake_has_its_finding() {
    use GuestErrorKind as Kind;
    type Mistake = fn(&mut Bench);
    let cases: [(Kind, Mistake); 17] = [
        (Kind::UndefinedRegister, |bench| {
            assert_eq!(bench.read(CORE + 0xf00), 0)
        }),
        (Kind::UndefinedRegister, |bench| bench.write(0x1234_5678, 1)),
        (Kind::WriteToReadOnly, |bench| bench.write(CORE, 0)),
        (Kind::AddressFifoOverflow, |bench| {
            (1..7).for_each(|n| bench.queue(0x10_0000 * n))
        }),
        (Kind::DoneFifoUnderflow, |bench| {
            assert_eq!(bench.read(CHANNEL0 + 0x74), 0)
        }),
        (Kind::AcknowledgeNotRaised, |bench| {
            bench.write(CORE + 0xb8, 1)
        }),
        (Kind::UndefinedValue, |bench| bench.write(VIC, 3)),
        (Kind::LumaWithoutChroma, |bench| {
            bench.write(CHANNEL0 + 0x6c, 0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            assert!(bench.frame().jobs.is_empty());
        }),
        (Kind::ChannelNotConfigured, |bench| {
            bench.write(CHANNEL0, 0);
            bench.write(CHANNEL0 + 0x2c, 0);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::ChannelNotConfigured, |bench| {
            bench.write(CHANNEL0 + 0x68, 7);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::BadStride, |bench| {
            bench.write(CHANNEL0 + 0x80, 632);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::BadStride, |bench| {
            bench.write(CHANNEL0 + 0x98, 644);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::ChromaWithoutLuma, |bench| {
            bench.write(CHANNEL0 + 0x84, 0x10_0000);
            bench.write(CHANNEL0 + 0x84, 0x20_0000);
        }),
        (Kind::BufferQueuedTwice, |bench| {
            bench.queue(0x10_0000);
            bench.queue(0x10_0000);
        }),
        (Kind::BufferQueuedTwice, |bench| {
            bench.queue(0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            bench.0.frame_start().unwrap();
            bench.queue(0x10_0000);
        }),
        (Kind::BufferTakenBack, |bench| {
            bench.queue(0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            bench.0.frame_start().unwrap();
            bench.write(MSCA + 4, 0);
            bench.write(CHANNEL0 + 0x9c, 1);
        }),
        (Kind::DoneEntryUnread, |bench| {
            bench.queue(0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            bench.frame();
            bench.write(CHANNEL0 + 0xa4, 1);
        }),
    ];
    for (kind, mistake) in cases {
        let mut bench = Bench::streaming();
        mistake(&mut bench);
        assert_eq!(bench.guest_errors(), [kind]);
    }
}

#[test]
fn a_buffer_outside_of_the_carve_out_is_found_when_it_is_pushed_and_when_it_ends() {
    for (y, kinds) in [
        (0x0630_0000, &[][..]),
        (0x062f_ff00, &[GuestErrorKind::DmaOutsideCarveOut][..]),
        // The UV plane begins inside and ends outside.
        (
            0x0638_0000 - 0x39_900,
            &[GuestErrorKind::DmaOutsideCarveOut][..],
        ),
    ] {
        let mut bench = Bench::streaming();
        bench
            .0
            .set_carve_out(Some("512K@0x6300000".parse().unwrap()));
        bench.queue(y);
        bench.write(MSCA + 4, 0xf_0001);
        bench.frame();
        assert_eq!(bench.guest_errors(), kinds, "{y:#x}");
    }
}

#[test]
fn a_finding_shows_the_decoded_accesses_before_it() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.queue(0x10_0000);
    let finding = bench.0.guest_errors().entries().next().unwrap().clone();
    assert_eq!(
        finding.first,
        "channel 0: Y address 0x00100000 pushed while it waits in a FIFO"
    );
    let before: Vec<String> = finding.before.iter().map(ToString::to_string).collect();
    assert_eq!(
        before[before.len() - 3..],
        [
            "W 0x13309984 0x00139800 MSCA_CH0.DMAOUT_UV_ADDR",
            "W 0x1330996c 0x00100000 MSCA_CH0.DMAOUT_Y_ADDR",
            "W 0x13309984 0x00139800 MSCA_CH0.DMAOUT_UV_ADDR",
        ]
    );
}
