// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whatever a guest does with the registers, the chip goes on and its rules hold.

use super::*;
use proptest::prelude::*;
use tx_isp_abi::registers::BLOCKS;

#[derive(Clone, Debug)]
enum Step {
    Read(u32),
    Write(u32, u32),
    FrameStart,
    FrameEnd,
}

/// An address of a register, or one close to it.
fn address() -> impl Strategy<Value = u32> {
    let registers: Vec<u32> = BLOCKS
        .iter()
        .flat_map(|block| {
            (0..block.instances).flat_map(move |instance| {
                let base = block.base.0 + instance * block.stride;
                block
                    .registers
                    .iter()
                    .map(move |register| base + register.offset)
            })
        })
        .collect();
    prop_oneof![
        9 => prop::sample::select(registers),
        1 => any::<u32>(),
    ]
}

/// Values that mean something more often than chance would have it.
fn value() -> impl Strategy<Value = u32> {
    let sides = prop::sample::select(vec![0u32, 1, 127, 128, 640, 641, 1080, 1920, 1921, 0xffff]);
    prop_oneof![
        (0u32..8),
        (sides.clone(), sides).prop_map(|(high, low)| high << 16 | low),
        any::<u32>(),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => address().prop_map(Step::Read),
        8 => (address(), value()).prop_map(|(address, value)| Step::Write(address, value)),
        2 => Just(Step::FrameStart),
        2 => Just(Step::FrameEnd),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    #[test]
    fn no_sequence_of_accesses_breaks_the_chip(steps in steps()) {
        let mut bench = Bench::streaming();
        let mut open: Option<Frame> = None;
        for step in steps {
            match step {
                Step::Read(address) => {
                    bench.read(address);
                }
                Step::Write(address, value) => bench.write(address, value),
                Step::FrameStart if open.is_none() => open = bench.0.frame_start(),
                Step::FrameStart => {}
                Step::FrameEnd => {
                    if let Some(frame) = open.take() {
                        bench.0.frame_end(&frame, &[]);
                    }
                }
            }
            for job in open.iter().flat_map(|frame| &frame.jobs) {
                let window = job.window;
                prop_assert!(window.left + job.size.width <= window.full.width);
                prop_assert!(window.top + job.size.height <= window.full.height);
                prop_assert!(window.full.width <= 1922 && window.full.height <= 1082);
                prop_assert!(job.y_stride >= job.size.width * job.format.bytes_per_pixel());
            }
            prop_assert!(!bench.0.frame_period().is_zero());
        }
        // Whatever happened, a power-up sequence brings frames again.
        bench.open_gates();
        bench.write(0x1000_007c, 0);
        bench.write(0x1001_0034, 1 << 18);
        bench.write(0x1001_0018, 1 << 18);
        bench.hold_in_reset();
        bench.write(SRBC, 0);
        bench.write(CORE + 0x10, 0x133);
        bench.write(CORE + 0x800, 1);
        for register in [0x0c, 0x10] {
            bench.write(CSI + register, 1);
        }
        bench.set_up_for_the_sensor();
        bench.write(VIC, 1);
        prop_assert!(bench.0.frame_start().is_some());
    }
}
