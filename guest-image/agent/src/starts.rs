// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `guest-agent starts COUNT`: starts and stops a stream so often, each with a frame in between every
//! tenth time, without leaving the process: as fast as the driver lets it.

use std::process::ExitCode;
use std::time::Duration;

use guest_protocol::message::{Failure, Memory};
use tx_isp_abi::format::PixelFormat;

use crate::abi;
use crate::buffers::Buffers;
use crate::device::Camera;

const NODE: &str = "/dev/video0";
/// A frame comes within this time, or something is wrong.
const FRAME_LIMIT: Duration = Duration::from_secs(20);
/// Every so many starts a frame is waited for.
const FRAME_EVERY: u32 = 10;

/// The program: 0 if each start worked, 1 with the reason if not, 2 for a wrong call.
pub fn main(arguments: &[String]) -> ExitCode {
    let [count] = arguments else {
        eprintln!("usage: guest-agent starts COUNT");
        return ExitCode::from(2);
    };
    let Ok(count) = count.parse() else {
        eprintln!("{count} is no number of starts");
        return ExitCode::from(2);
    };
    match run(count) {
        Ok(()) => {
            println!("{count} starts and stops");
            ExitCode::SUCCESS
        }
        Err((number, failure)) => {
            println!("start {number}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(count: u32) -> Result<(), (u32, Failure)> {
    let camera = Camera::open(NODE).map_err(|failure| (0, failure))?;
    let buffers = prepare(&camera).map_err(|failure| (0, failure))?;
    for number in 0..count {
        once(&camera, &buffers, number % FRAME_EVERY == 0).map_err(|failure| (number, failure))?;
    }
    Ok(())
}

fn prepare(camera: &Camera) -> Result<Buffers, Failure> {
    let mut granted = camera.set_format(640, 360, PixelFormat::Nv12.fourcc())?;
    granted.buffers = camera.request_buffers(2, abi::MEMORY_MMAP)?;
    Buffers::new(camera, &granted, Memory::Mmap)
}

fn once(camera: &Camera, buffers: &Buffers, with_frame: bool) -> Result<(), Failure> {
    buffers.queue_all(camera)?;
    camera.stream_on()?;
    if with_frame {
        camera.wait(abi::MEMORY_MMAP, FRAME_LIMIT)?;
    }
    camera.stream_off()
}
