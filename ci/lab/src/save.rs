// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames as the guest received them, as a video file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;

/// A file that takes frames.
pub struct VideoFile {
    path: PathBuf,
    size: Size,
    format: PixelFormat,
    writer: Writer,
}

enum Writer {
    /// The frames' own bytes, one after the other.
    Raw(BufWriter<File>),
    /// YUV4MPEG2, which players know by itself.
    Y4m(Box<y4m::Encoder<BufWriter<File>>>),
}

/// Whether a file of that name can be written, and for which formats.
///
/// # Errors
/// If not, with what can be.
pub fn check(path: &Path, format: PixelFormat) -> Result<()> {
    match path.extension().and_then(|kind| kind.to_str()) {
        Some("y4m") if format.is_rgb() => {
            bail!("a .y4m file holds YUV; save {format} as .yuv, which takes the bytes as they are")
        }
        Some("y4m" | "yuv") => Ok(()),
        _ => bail!(
            "{} is neither .y4m (for players) nor .yuv (the frames' own bytes)",
            path.display()
        ),
    }
}

impl VideoFile {
    /// Starts a file for frames of that size and format, so many a second.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path, size: Size, format: PixelFormat, fps: u32) -> Result<Self> {
        check(path, format)?;
        let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
        let file = BufWriter::new(file);
        let writer = if path.extension().is_some_and(|kind| kind == "y4m") {
            let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
            let rate = y4m::Ratio::new(side(fps.max(1)), 1);
            let encoder = y4m::encode(side(size.width), side(size.height), rate)
                .with_colorspace(y4m::Colorspace::C420)
                .write_header(file)
                .with_context(|| format!("writing {}", path.display()))?;
            Writer::Y4m(Box::new(encoder))
        } else {
            Writer::Raw(file)
        };
        Ok(Self {
            path: path.to_path_buf(),
            size,
            format,
            writer,
        })
    }

    /// Adds a frame: its visible bytes without gaps.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let Self {
            path,
            size,
            format,
            writer,
        } = self;
        let doing = || format!("writing {}", path.display());
        match writer {
            Writer::Raw(file) => file.write_all(bytes).with_context(doing),
            Writer::Y4m(encoder) => {
                let luma = usize::try_from(size.width * size.height)?;
                let [u, v] = planes(&bytes[luma..], *format);
                let frame = y4m::Frame::new([&bytes[..luma], &u, &v], None);
                encoder.write_frame(&frame).with_context(doing)
            }
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<()> {
        match self.writer {
            Writer::Raw(mut file) => file
                .flush()
                .with_context(|| format!("writing {}", self.path.display())),
            // It writes when it is dropped; each frame was written before.
            Writer::Y4m(_) => Ok(()),
        }
    }
}

/// U and V of lines in which they alternate.
fn planes(chroma: &[u8], format: PixelFormat) -> [Vec<u8>; 2] {
    let first = chroma.iter().copied().step_by(2).collect();
    let second = chroma.iter().copied().skip(1).step_by(2).collect();
    match format {
        PixelFormat::Nv21 => [second, first],
        _ => [first, second],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(4, 2);

    #[test]
    fn a_y4m_file_has_the_planes_of_both_orders() {
        let folder = tempfile::tempdir().unwrap();
        for (format, chroma) in [
            (PixelFormat::Nv12, [1, 2, 1, 2]),
            (PixelFormat::Nv21, [2, 1, 2, 1]),
        ] {
            let path = folder.path().join("a.y4m");
            let mut file = VideoFile::create(&path, SIZE, format, 25).unwrap();
            let frame = [&[9; 8][..], &chroma].concat();
            file.add(&frame).unwrap();
            file.finish().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.starts_with("YUV4MPEG2 W4 H2 F25:1 C420"), "{text}");
            assert!(bytes.ends_with(&[9, 9, 1, 1, 2, 2]), "{bytes:?}");
        }
    }

    #[test]
    fn a_yuv_file_has_the_frames_own_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yuv");
        let mut file = VideoFile::create(&path, SIZE, PixelFormat::Rgb565, 25).unwrap();
        file.add(&[1, 2, 3]).unwrap();
        file.add(&[4]).unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read(path).unwrap(), [1, 2, 3, 4]);
    }

    #[test]
    fn what_cannot_be_saved_says_what_can() {
        let error = check(Path::new("a.mp4"), PixelFormat::Nv12).unwrap_err();
        assert!(error.to_string().contains(".y4m"), "{error}");
        let error = check(Path::new("a.y4m"), PixelFormat::Bgr32).unwrap_err();
        assert!(error.to_string().contains(".yuv"), "{error}");
    }
}
