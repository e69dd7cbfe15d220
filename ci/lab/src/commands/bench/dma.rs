// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How fast the emulator writes pictures: its renderer into a mapping of a shared memory file, as
//! it has the guest's memory, beside memcpy of as many bytes to the same places.

use std::fs::File;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::memfd::{MFdFlags, memfd_create};
use tx_isp_abi::format::{FrameLayout, PixelFormat};
use tx_isp_picture::{FrameInfo, Geometry, OutputFormat, Planes, Renderer, Source};
use vm_memory::{FileOffset, GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

use super::base::{Bench, FULL_HD};
use super::figures::{Aim, Row, Spread, Unit};

/// Pictures in a row, so that the clock's own steps do not count.
const PICTURES: u32 = 24;
/// They go to so many buffers in turn, as in a stream.
const BUFFERS: u32 = 4;
/// Of memcpy's rate; checksum included.
const AIM: f64 = 0.8;

/// The patterns beside memcpy.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let target = Target::new()?;
    let mut patterns = [Source::Bars, Source::Gradient, Source::Noise]
        .map(|source| Renderer::open(&source).map(|renderer| (source, renderer)))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let original = vec![0x55_u8; target.picture_bytes];
    let mut rates = vec![Spread::default(); patterns.len()];
    let mut memcpys = vec![Spread::default(); patterns.len()];

    for (_, renderer) in &mut patterns {
        target.draw(renderer)?; // pages are faulted in, tables are made
    }
    bench.rounds(|| {
        for (index, (_, renderer)) in patterns.iter_mut().enumerate() {
            rates[index].push(target.rate(|| target.draw(renderer))?);
            memcpys[index].push(target.rate(|| target.copy(&original))?);
        }
        Ok(())
    })?;
    let rows = patterns.iter().zip(rates.into_iter().zip(memcpys));
    Ok(rows
        .map(|((source, _), (rate, memcpy))| {
            Row::new(source.to_string(), Unit::BytesPerSecond, rate)
                .against("memcpy", memcpy)
                .aim(Aim::TimesAtLeast(AIM))
        })
        .collect())
}

/// Guest memory with buffers for pictures.
struct Target {
    memory: GuestMemoryMmap<()>,
    geometry: Geometry,
    /// Bytes of a plane with its padding lines; the second plane has as much room.
    plane_bytes: usize,
    /// Bytes from one buffer to the next.
    buffer_bytes: usize,
    /// Visible bytes of a picture.
    picture_bytes: usize,
}

impl Target {
    fn new() -> Result<Self> {
        let layout = FrameLayout::new(PixelFormat::Nv12, FULL_HD);
        let buffer_bytes = usize::try_from(layout.sizeimage)?.next_multiple_of(4096);
        let bytes = buffer_bytes * usize::try_from(BUFFERS)?;
        let file = memfd_create("bench", MFdFlags::empty()).context("creating shared memory")?;
        let file = File::from(file);
        file.set_len(bytes.try_into()?)
            .context("sizing shared memory")?;
        let region = (GuestAddress(0), bytes, Some(FileOffset::new(file, 0)));
        let memory =
            GuestMemoryMmap::from_ranges_with_files([region]).context("mapping shared memory")?;
        let (width, height) = (FULL_HD.width, FULL_HD.height);
        Ok(Self {
            memory,
            geometry: Geometry {
                format: OutputFormat::Nv12,
                width,
                height,
                y_stride: width,
                uv_stride: width,
            },
            plane_bytes: usize::try_from(width * height.next_multiple_of(16))?,
            buffer_bytes,
            picture_bytes: usize::try_from(width * height * 3 / 2)?,
        })
    }

    /// Bytes per second of `work`, which writes [`PICTURES`] pictures.
    fn rate(&self, work: impl FnOnce() -> Result<()>) -> Result<f64> {
        let begin = Instant::now();
        work()?;
        let bytes = f64::from(u32::try_from(self.picture_bytes)?) * f64::from(PICTURES);
        Ok(bytes / begin.elapsed().as_secs_f64())
    }

    fn draw(&self, renderer: &mut Renderer) -> Result<()> {
        for number in 0..PICTURES {
            let (y, uv) = (self.offset(number)?, self.plane_bytes);
            let planes = Planes {
                y: self.memory.get_slice(GuestAddress(y.try_into()?), uv)?,
                uv: self
                    .memory
                    .get_slice(GuestAddress((y + uv).try_into()?), self.picture_bytes / 3)?,
            };
            let info = FrameInfo {
                number,
                time: Duration::from_millis(40) * number,
                channel: 0,
                sensor: "gc2053",
            };
            black_box(renderer.render(&self.geometry, &info, &planes)?);
        }
        Ok(())
    }

    fn copy(&self, original: &[u8]) -> Result<()> {
        for number in 0..PICTURES {
            let place = GuestAddress(self.offset(number)?.try_into()?);
            let slice = self.memory.get_slice(place, self.picture_bytes)?;
            slice.copy_from(black_box(original));
        }
        Ok(())
    }

    fn offset(&self, number: u32) -> Result<usize> {
        Ok(usize::try_from(number % BUFFERS)? * self.buffer_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vm_memory::Bytes;

    #[test]
    fn both_write_every_buffer() {
        let target = Target::new().unwrap();
        let original = vec![0x55_u8; target.picture_bytes];
        assert!(target.rate(|| target.copy(&original)).unwrap() > 0.0);
        let last_byte = |number| {
            let at = target.offset(number).unwrap() + target.picture_bytes - 1;
            let mut byte = [0];
            let place = GuestAddress(at.try_into().unwrap());
            target.memory.read_slice(&mut byte, place).unwrap();
            byte[0]
        };
        assert!((0..BUFFERS).all(|number| last_byte(number) == 0x55));
        let mut renderer = Renderer::open(&Source::Noise).unwrap();
        target.draw(&mut renderer).unwrap();
        // The stamp and the pattern cannot both be 0x55 in the last byte of all buffers.
        assert!((0..BUFFERS).any(|number| last_byte(number) != 0x55));
    }
}
