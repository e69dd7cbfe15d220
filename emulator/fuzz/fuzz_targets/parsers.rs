// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Texts: faults, scenarios, traces, carve-outs, the monitor's requests, cameras. What is taken is
//! written as it was, or can be read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::faults::{Fault, Scenario};
use tx_isp_emulator::trace::{Coverage, Ignore, decode, diff, parse};

fuzz_target!(|data: &[u8]| {
    let Some((&kind, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    match kind % 5 {
        0 => {
            if let Ok(fault) = text.parse::<Fault>() {
                assert_eq!(fault.to_string().parse(), Ok(fault));
            }
        }
        1 => {
            let file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
            std::fs::write(file.path(), text).unwrap();
            let _ = Scenario::read(file.path());
        }
        2 => {
            if let Ok(trace) = parse(text) {
                let _ = Coverage::of(&trace);
                trace.iter().for_each(|access| drop(decode(access)));
                let again: String = trace.iter().map(|access| format!("{access}\n")).collect();
                assert_eq!(parse(&again).unwrap(), trace);
                let _ = diff(&trace, &trace, Ignore::default());
            }
        }
        3 => {
            if let Ok(carve_out) = text.parse::<CarveOut>() {
                assert_eq!(carve_out.to_string().parse(), Ok(carve_out));
            }
        }
        #[cfg(feature = "cameras")]
        _ => drop(memlab::catalogue::CameraFile::parse(text)),
        #[cfg(not(feature = "cameras"))]
        _ => {}
    }
});
