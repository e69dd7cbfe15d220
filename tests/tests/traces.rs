// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the driver core does to the registers, as recorded by the emulator.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::{ChromaStart, PixelFormat};
use tx_isp_abi::{Size, registers::Fidelity};
use tx_isp_driver::channel::Buffer;
use tx_isp_emulator::trace::{
    Access, Change, Coverage, Ignore, Recorder, SEQUENCES, decode, diff, parse,
};
use tx_isp_tests::rig::{PERIOD_NS, Rig};

const MAIN: ChannelId = ChannelId::ALL[0];

/// A file in memory.
#[derive(Clone, Default)]
struct Sheet(Arc<Mutex<Vec<u8>>>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sheet {
    fn record(&self, rig: &Rig) {
        let recorder = Recorder::new(Box::new(self.clone()), Instant::now()).unwrap();
        rig.device().trace_with(Some(recorder));
    }

    /// Ends the record and reads it.
    fn accesses(&self, rig: &Rig) -> Vec<Access> {
        rig.device().trace_with(None);
        parse(std::str::from_utf8(&self.0.lock().unwrap()).unwrap()).unwrap()
    }
}

fn buffer(index: u32, step: u32) -> Buffer {
    let address = PhysAddr(0x0630_0000 + index * step);
    Buffer { index, address }
}

#[test]
fn stream_on_is_in_the_documented_order() {
    let rig = Rig::new().unwrap();
    let mut isp = rig.probe().unwrap();
    // Where the vendor's driver has it (T31 6.2).
    isp.set_chroma_start(MAIN, ChromaStart::Aligned).unwrap();
    let sheet = Sheet::default();
    sheet.record(&rig);
    isp.queue(MAIN, buffer(0, 0)).unwrap();
    isp.stream_on(MAIN).unwrap();
    let documented = parse(include_str!("../traces/stream-on.txt")).unwrap();
    let recorded = sheet.accesses(&rig);
    let ignore = Ignore {
        buffers: false,
        reads: true,
        ..Ignore::default()
    };
    let changes = diff(&documented, &recorded, ignore);
    let missing: Vec<String> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Removed(place) => Some(decode(&documented[*place])),
            _ => None,
        })
        .collect();
    assert_eq!(missing, [""; 0], "missing or out of order");
    // The driver may do more, but nothing to registers that are unknown.
    for change in &changes {
        if let Change::Added(place) = change {
            let access = &recorded[*place];
            let id = tx_isp_abi::registers::RegisterId::decode(access.address).unwrap();
            assert_ne!(id.describe().fidelity, Fidelity::Unknown, "{access}");
        }
    }
}

#[test]
fn a_swapped_write_is_not_in_the_documented_order() {
    let documented = parse(include_str!("../traces/stream-on.txt")).unwrap();
    let mut swapped = documented.clone();
    let last = swapped.len() - 1;
    swapped.swap(last, last - 2);
    let changes = diff(&documented, &swapped, Ignore::default());
    let removed = |change: &&Change| matches!(change, Change::Removed(_));
    assert!(changes.iter().filter(removed).count() >= 2);
}

#[test]
fn two_runs_of_the_driver_leave_the_same_trace() {
    let run = || {
        let rig = Rig::new().unwrap();
        let mut isp = rig.probe().unwrap();
        let sheet = Sheet::default();
        sheet.record(&rig);
        isp.queue(MAIN, buffer(0, 0)).unwrap();
        isp.stream_on(MAIN).unwrap();
        rig.advance(PERIOD_NS);
        isp.handle_interrupt().unwrap();
        isp.stream_off(MAIN).unwrap();
        sheet.accesses(&rig)
    };
    let (a, b) = (run(), run());
    let strict = Ignore {
        polls: false,
        counters: false,
        buffers: false,
        reads: false,
    };
    let changes = diff(&a, &b, strict);
    assert!(
        changes
            .iter()
            .all(|change| matches!(change, Change::Same(..)))
    );
    assert!(a.len() > 60, "{}", a.len());
}

/// As the vendor's driver does (T31 2.3).
#[test]
fn the_detail_of_a_core_error_is_read_behind_its_status() {
    let rig = Rig::new().unwrap();
    rig.device()
        .inject("core-error:frame=2,bits=0x100".parse().unwrap());
    let mut isp = rig.probe().unwrap();
    let sheet = Sheet::default();
    sheet.record(&rig);
    isp.queue(MAIN, buffer(0, 0)).unwrap();
    isp.queue(MAIN, buffer(1, 0x30_0000)).unwrap();
    isp.stream_on(MAIN).unwrap();
    let mut errors = Vec::new();
    for _ in 0..3 {
        rig.advance(PERIOD_NS);
        errors.push(isp.handle_interrupt().unwrap().core_errors);
    }
    assert!(errors.contains(&0x100), "{errors:x?}");
    let detail = PhysAddr(0x1330_084c);
    let accesses = sheet.accesses(&rig);
    let reads = accesses.iter().filter(|access| access.address == detail);
    let with_error = errors.iter().filter(|error| **error != 0);
    assert_eq!(reads.count(), with_error.count());
}

#[test]
fn a_stream_with_a_fault_exercises_every_sequence() {
    let rig = Rig::new().unwrap();
    rig.device().inject("vic-error:frame=3".parse().unwrap());
    let mut isp = rig.probe().unwrap();
    let sheet = Sheet::default();
    sheet.record(&rig);
    let size = Size::new(160, 128);
    isp.set_layout(MAIN, PixelFormat::Nv12, size).unwrap();
    for index in 0..2 {
        isp.queue(MAIN, buffer(index, 0x1_0000)).unwrap();
    }
    isp.stream_on(MAIN).unwrap();
    for _ in 0..6 {
        rig.advance(PERIOD_NS);
        let report = isp.handle_interrupt().unwrap();
        for done in report.completed.as_slice() {
            isp.queue(MAIN, buffer(done.index, 0x1_0000)).unwrap();
        }
    }
    isp.stream_off(MAIN).unwrap();
    let coverage = Coverage::of(&sheet.accesses(&rig));
    let seen: Vec<(&str, u32)> = SEQUENCES
        .iter()
        .zip(coverage.sequences)
        .map(|((name, _), times)| (*name, times))
        .collect();
    assert_eq!(
        seen,
        [
            ("bring-up", 1),
            ("set-up", 1),
            // Two at the start, and four that came back: the sixth frame has not had its last line.
            ("feed", 6),
            ("drain", 5),
            ("stop", 1),
            ("recovery", 1),
        ]
    );
    assert!(coverage.undefined.is_empty());
    let msca = coverage
        .blocks
        .iter()
        .find(|block| block.block.name == "MSCA")
        .unwrap();
    assert!(msca.written.contains("CH_EN") && msca.read.contains("CH_STAT"));
    assert!(msca.fields.contains(&("CH_EN", "AVERAGE_0")));
    assert!(
        msca.untouched()
            .any(|register| register.name == "CLK_GATE_EN")
    );
}
