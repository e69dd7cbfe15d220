// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Bytes to the two sockets of a running emulator: vhost-user messages and the monitor's lines.

#![no_main]

use clap::Parser;
use libfuzzer_sys::fuzz_target;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tx_isp_emulator::config::Config;
use tx_isp_emulator::emulator::Emulator;
use tx_isp_emulator::monitor::Client;

/// The folder of the sockets; the emulator runs until the process ends.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        let path = |name: &str| folder.join(name).display().to_string();
        let traces = folder.join("traces");
        std::fs::create_dir(&traces).unwrap();
        let line = [
            "fuzz".to_owned(), "--socket".to_owned(), path("isp"), "--monitor".to_owned(), path("monitor"),
            "--trace-dir".to_owned(), traces.display().to_string(), "--persist".to_owned(),
        ];
        let config = Config::try_parse_from(line).unwrap();
        std::thread::spawn(move || {
            // A `quit` is a request like others: the next emulator listens at the same place.
            loop {
                Emulator::new(&config).unwrap().run().unwrap();
            }
        });
        folder
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((&to, rest)) = data.split_first() else {
        return;
    };
    let folder = folder();
    let name = if to & 1 == 0 { "isp" } else { "monitor" };
    let Ok(mut stream) = UnixStream::connect(folder.join(name)) else {
        return;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_millis(1)));
    let _ = stream.set_write_timeout(Some(Duration::from_millis(20)));
    let _ = stream.write_all(rest);
    let mut answer = [0; 4096];
    let _ = stream.read(&mut answer);
    drop(stream);
    if to == 0xff {
        // Whatever came before, the monitor answers.
        let limit = Duration::from_secs(20);
        let client = Client::connect(&folder.join("monitor"), limit);
        if let Ok(mut client) = client {
            client.status().unwrap();
        }
    }
});
