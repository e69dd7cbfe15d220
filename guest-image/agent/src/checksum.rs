// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `guest-agent checksum`: the checksums of the frames in a file that another program has stored.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::process::ExitCode;

use crate::planes::Planes;
use tx_isp_abi::format::PixelFormat;

const USAGE: &str = "guest-agent checksum FILE FORMAT WIDTH HEIGHT BYTES, where FORMAT is nv12, nv21, rgb565 or bgr32, and BYTES those of a frame in the file";

/// Prints the CRC-32 of each frame's visible bytes, one line a frame.
pub fn main(arguments: &[String]) -> ExitCode {
    match print(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn print(arguments: &[String]) -> Result<(), String> {
    let [path, format, width, height, bytes] = arguments else {
        return Err(USAGE.to_owned());
    };
    let number = |text: &String| {
        text.parse::<u32>()
            .map_err(|_| format!("{text} is no number; {USAGE}"))
    };
    let format = PixelFormat::ALL
        .into_iter()
        .find(|known| known.name() == format)
        .ok_or_else(|| format!("no format is called {format}; {USAGE}"))?;
    let (width, height) = (number(width)?, number(height)?);
    let stride = width.saturating_mul(format.bytes_per_pixel());
    let planes = Planes::new(format, width, height, stride)
        .ok_or_else(|| format!("there is no picture of {width}x{height}"))?;
    let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
    let mut file = BufReader::new(file);
    let length = usize::try_from(number(bytes)?).unwrap_or(usize::MAX);
    let mut frame = vec![0; length];
    loop {
        match read_frame(&mut file, &mut frame) {
            Ok(0) => return Ok(()),
            Ok(read) if read < length => {
                return Err(format!("{path} ends {read} bytes into a frame of {length}"));
            }
            Ok(_) => {
                let crc32 = planes.checksum(&frame).map_err(|error| error.to_string())?;
                println!("{crc32:08x}");
            }
            Err(error) => return Err(format!("{path}: {error}")),
        }
    }
}

/// Fills the frame as far as the file goes; gives how far that is.
fn read_frame(file: &mut impl Read, frame: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < frame.len() {
        match file.read(&mut frame[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
