// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Streams of every kind in one guest, one after the other: the driver must come back from each.

use std::process::ExitCode;

use testbed::capture::StreamConfig;
use tx_isp_tests::guest::clock::same_seconds;
use tx_isp_tests::guest::streams::{ALLOCATIONS, FRAMES, STREAMS, main_stream, stream_name};
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite};

fn main() -> ExitCode {
    suite::main("guest_streams", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot::default());
    suite.boots(&guest, "the guest boots and its agent answers");
    suite.test_in(&guest, "the guest's seconds are the host's", |running| {
        same_seconds(&mut running.guest)
    });
    for (size, format) in STREAMS {
        suite.test_in(&guest, &stream_name(size, format), move |running| {
            running.stream(&main_stream(size, format, FRAMES)).map(drop)
        });
    }
    for (strategy, io) in ALLOCATIONS {
        let name = format!(
            "buffers by {} arrive as written under {}",
            io.name(),
            strategy.name()
        );
        suite.test_in(&guest, &name, move |running| {
            let (size, format) = STREAMS[0];
            let config = StreamConfig {
                strategy,
                io,
                ..main_stream(size, format, FRAMES)
            };
            running.stream(&config).map(drop)
        });
    }
    let name = "the module can be unloaded and loaded again";
    suite.test_in(&guest, name, |running| {
        running.guest.reload_module()?;
        let (size, format) = STREAMS[1];
        running.stream(&main_stream(size, format, FRAMES)).map(drop)
    });
    suite.close(&guest, "those streams");
}
