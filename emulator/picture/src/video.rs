// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An uncompressed video from a YUV4MPEG2 (y4m) file.
//!
//! Opening walks through the whole file once to find where each frame begins; the samples are read when a frame is
//! drawn, so the size of the file does not matter. Samples are taken as BT.601, limited range, and interlaced frames as
//! they are stored. If the last frame is cut off it is left out and [`Video::warning`] says so; if there is no whole
//! frame at all the file is refused.

use super::format::{NEUTRAL, Planar};
use super::{MAX_SOURCE_PIXELS, MAX_SOURCE_SIDE, OpenError, RenderError, is_decodable, scale};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use y4m::Colorspace;

/// Longest header line that is taken, in bytes. The `y4m` crate has the same limit.
const MAX_HEADER: u64 = 1024;
/// The most frames of a file: where each begins is remembered.
const MAX_FRAMES: usize = 1 << 20;
/// What a frame begins with.
const FRAME: &[u8] = b"FRAME";

/// An open file and where its frames are.
pub(super) struct Video {
    path: PathBuf,
    file: File,
    /// Size of the luma plane in pixels.
    luma: (u32, u32),
    /// Size of each chroma plane in samples; `None` if there is none.
    chroma: Option<(u32, u32)>,
    /// Where the samples of each frame begin, in bytes.
    frames: Vec<u64>,
    /// Bytes of an incomplete frame at the end.
    cut_off: u64,
}

impl Video {
    /// Opens a file and finds its frames.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let broken = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        let refused = |reason| OpenError::Y4m {
            path: path.to_owned(),
            reason,
        };
        let mut file = BufReader::new(File::open(path).map_err(broken)?);
        let length = file.get_ref().metadata().map_err(broken)?.len();

        let header = line(&mut file).map_err(broken)?;
        let (luma, chroma) = picture_sizes(&header).map_err(refused)?;
        let mut video = Self {
            path: path.to_owned(),
            file: file.get_ref().try_clone().map_err(broken)?,
            luma,
            chroma,
            frames: Vec::new(),
            cut_off: 0,
        };
        let frame_bytes = video.frame_bytes() as u64;
        let mut at = header.len() as u64;
        while at < length {
            let header = line(&mut file).map_err(broken)?;
            let start = at + header.len() as u64;
            if start + frame_bytes > length {
                video.cut_off = length - at;
                break;
            }
            if !header.starts_with(FRAME) || !matches!(header.get(FRAME.len()), Some(b' ' | b'\n'))
            {
                let number = video.frames.len();
                return Err(refused(format!(
                    "frame {number} at byte {at} does not begin with FRAME"
                )));
            }
            if video.frames.len() >= MAX_FRAMES {
                return Err(refused(format!("it has more than {MAX_FRAMES} frames")));
            }
            video.frames.push(start);
            at = start + frame_bytes;
            file.seek(SeekFrom::Start(at)).map_err(broken)?;
        }
        match video.frames.len() {
            0 if video.cut_off > 0 => Err(refused(format!(
                "its only frame is cut off, {frame_bytes} bytes are needed"
            ))),
            0 => Err(refused("it has no frame".to_owned())),
            _ => Ok(video),
        }
    }

    /// The number of whole frames, at least one.
    pub(super) fn frames(&self) -> usize {
        self.frames.len()
    }

    /// What is wrong with the file but does not keep it from being shown.
    pub(super) fn warning(&self) -> Option<String> {
        let (path, frames) = (self.path.display(), self.frames.len());
        (self.cut_off > 0).then(|| {
            format!(
                "{path}: the last frame is cut off after {} bytes, only {frames} frames are shown",
                self.cut_off
            )
        })
    }

    /// A frame (less than [`Self::frames`]), stretched to a size in pixels (even).
    pub(super) fn scaled(
        &mut self,
        frame: usize,
        width: u32,
        height: u32,
    ) -> Result<Planar, RenderError> {
        let mut samples = vec![0; self.frame_bytes()];
        let read = self
            .file
            .seek(SeekFrom::Start(self.frames[frame]))
            .and_then(|_| self.file.read_exact(&mut samples));
        read.map_err(|source| RenderError::ReadFrame {
            path: self.path.clone(),
            frame,
            source,
        })?;
        let (y, chroma) = samples.split_at(area(self.luma));
        let y = scale::plane(y, self.luma, (width, height))?;
        let half = (width / 2, height / 2);
        let Some(size) = self.chroma else {
            let grey = vec![NEUTRAL; area(half)];
            return Ok(Planar {
                y,
                cb: grey.clone(),
                cr: grey,
            });
        };
        let (cb, cr) = chroma.split_at(area(size));
        Ok(Planar {
            y,
            cb: scale::plane(cb, size, half)?,
            cr: scale::plane(cr, size, half)?,
        })
    }

    /// Bytes of a frame's samples.
    fn frame_bytes(&self) -> usize {
        area(self.luma) + 2 * self.chroma.map_or(0, area)
    }
}

/// Samples of a plane of a size.
fn area(size: (u32, u32)) -> usize {
    size.0 as usize * size.1 as usize
}

/// The next line with its end, or as much of it as there is.
fn line(file: &mut BufReader<File>) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    file.take(MAX_HEADER).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// The sizes of the luma plane and of each chroma plane that a file's header says, or what is wrong with it.
#[expect(clippy::type_complexity, reason = "two sizes")]
fn picture_sizes(header: &[u8]) -> Result<((u32, u32), Option<(u32, u32)>), String> {
    // The decoder multiplies the sides before it checks them, and does not say which colour space it does not know.
    let parameter = |name: u8| {
        let value = header
            .trim_ascii_end()
            .split(|&b| b == b' ')
            .skip(1)
            .find(|p| p.first() == Some(&name))?;
        Some(String::from_utf8_lossy(&value[1..]).into_owned())
    };
    for (name, side) in [(b'W', "width"), (b'H', "height")] {
        let value = parameter(name).unwrap_or_default();
        if header.starts_with(b"YUV4MPEG2 ")
            && !value
                .parse()
                .is_ok_and(|v| (1..=MAX_SOURCE_SIDE).contains(&v))
        {
            return Err(format!(
                "its {side} is {value:?}, a number from 1 to {MAX_SOURCE_SIDE} is needed"
            ));
        }
    }
    // Nor does it look at them before it asks for a frame's memory.
    let declared = |name| parameter(name).and_then(|side| side.parse::<u32>().ok());
    if let (Some(width), Some(height)) = (declared(b'W'), declared(b'H'))
        && !is_decodable(width, height)
    {
        return Err(format!(
            "it has {width}x{height} pixels; at most {MAX_SOURCE_SIDE} on a side and {MAX_SOURCE_PIXELS} in all can be shown"
        ));
    }
    let decoder = y4m::decode(header).map_err(|error| match error {
        y4m::Error::UnknownColorspace => unsupported(&parameter(b'C').unwrap_or_default()),
        y4m::Error::ParseError(y4m::ParseError::InvalidY4M) => {
            "it does not begin with YUV4MPEG2".to_owned()
        }
        y4m::Error::EOF => "its header is cut off".to_owned(),
        other => format!("its header is not valid ({other})"),
    })?;
    let side = |side: usize| u32::try_from(side).map_err(|e| e.to_string());
    let (width, height) = (side(decoder.get_width())?, side(decoder.get_height())?);
    let chroma = match decoder.get_colorspace() {
        Colorspace::C420 | Colorspace::C420jpeg | Colorspace::C420paldv | Colorspace::C420mpeg2 => {
            Some((width.div_ceil(2), height.div_ceil(2)))
        }
        Colorspace::C422 => Some((width.div_ceil(2), height)),
        Colorspace::C444 => Some((width, height)),
        Colorspace::Cmono => None,
        other => return Err(unsupported(format!("{other:?}").trim_start_matches('C'))),
    };
    Ok(((width, height), chroma))
}

fn unsupported(colour_space: &str) -> String {
    format!(
        "its colour space is {colour_space}; 420, 420jpeg, 420paldv, 420mpeg2, 422, 444 and mono with 8 bits can be shown"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of frames of one Y, Cb, Cr each.
    fn file(
        size: (usize, usize),
        space: Colorspace,
        frames: &[[u8; 3]],
    ) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let encoder = y4m::encode(size.0, size.1, y4m::Ratio::new(25, 1)).with_colorspace(space);
        let mut encoder = encoder.write_header(&file).unwrap();
        let half = |side: usize| side.div_ceil(2);
        let chroma = match space {
            Colorspace::Cmono => 0,
            Colorspace::C422 => half(size.0) * size.1,
            Colorspace::C444 => size.0 * size.1,
            _ => half(size.0) * half(size.1),
        };
        for (n, [y, cb, cr]) in frames.iter().enumerate() {
            let (y, cb, cr) = (
                vec![*y; size.0 * size.1],
                vec![*cb; chroma],
                vec![*cr; chroma],
            );
            let parameters = (n == 1).then(|| b"Ip".to_vec());
            encoder
                .write_frame(&y4m::Frame::new([&y, &cb, &cr], parameters))
                .unwrap();
        }
        file
    }

    fn refusal(content: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let message = Video::open(file.path()).err().unwrap().to_string();
        let prefix = format!("cannot use {}: ", file.path().display());
        message
            .strip_prefix(&prefix)
            .unwrap_or_else(|| panic!("{message}"))
            .to_owned()
    }

    #[test]
    fn every_8_bit_colour_space_is_read_at_its_size_and_at_others() {
        use Colorspace::{C420, C420jpeg, C420mpeg2, C420paldv, C422, C444, Cmono};
        for space in [C420, C420jpeg, C420mpeg2, C420paldv, C422, C444, Cmono] {
            for (width, height) in [(33, 17), (64, 32)] {
                let file = file((width, height), space, &[[50, 60, 70], [51, 61, 71]]);
                let mut video = Video::open(file.path()).unwrap();
                assert_eq!((video.frames(), video.warning()), (2, None));
                for (w, h) in [(64, 32), (128, 16)] {
                    let planar = video.scaled(1, w, h).unwrap();
                    let (cb, cr) = if matches!(space, Cmono) {
                        (128, 128)
                    } else {
                        (61, 71)
                    };
                    let all = area((w, h));
                    assert_eq!(
                        planar,
                        Planar {
                            y: vec![51; all],
                            cb: vec![cb; all / 4],
                            cr: vec![cr; all / 4]
                        }
                    );
                }
            }
        }
    }

    #[test]
    fn a_cut_off_last_frame_is_left_out_with_a_warning() {
        let file = file(
            (16, 16),
            Colorspace::C420,
            &[[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        );
        let length = file.as_file().metadata().unwrap().len();
        for cut in [1, 383, 387] {
            file.as_file().set_len(length - cut).unwrap();
            let video = Video::open(file.path()).unwrap();
            assert_eq!(video.frames(), 2);
            let warning = video.warning().unwrap();
            assert!(
                warning.ends_with(&format!(
                    "cut off after {} bytes, only 2 frames are shown",
                    390 - cut
                )),
                "{warning}"
            );
        }
    }

    #[test]
    fn a_frame_that_vanishes_later_is_named() {
        let file = file((16, 16), Colorspace::C420, &[[1, 2, 3], [4, 5, 6]]);
        let mut video = Video::open(file.path()).unwrap();
        file.as_file().set_len(500).unwrap();
        assert!(video.scaled(0, 16, 16).is_ok());
        let message = video.scaled(1, 16, 16).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!(
                "cannot read frame 1 of {}: ",
                file.path().display()
            )),
            "{message}"
        );
    }

    #[test]
    fn what_cannot_be_shown_is_refused_with_the_reason() {
        let side = "a number from 1 to 16384 is needed";
        assert_eq!(refusal(b""), "its header is cut off");
        assert_eq!(
            refusal(b"RIFF....AVI LIST\n"),
            "it does not begin with YUV4MPEG2"
        );
        assert_eq!(refusal(b"YUV4MPEG2 W16 H16"), "its header is cut off");
        assert_eq!(
            refusal(b"YUV4MPEG2 W16 F25:1\n"),
            format!("its height is \"\", {side}")
        );
        assert_eq!(
            refusal(b"YUV4MPEG2 W99999999999 H99999999999\n"),
            format!("its width is \"99999999999\", {side}")
        );
        assert_eq!(refusal(b"YUV4MPEG2 W16 H16\n"), "it has no frame");
        assert_eq!(
            refusal(b"YUV4MPEG2 W16 H16\nFRAME\n123"),
            "its only frame is cut off, 384 bytes are needed"
        );
        let mut junk = b"YUV4MPEG2 W2 H2\nFRAME\n123456JUNK\n".to_vec();
        junk.resize(100, 0);
        assert_eq!(
            refusal(&junk),
            "frame 1 at byte 28 does not begin with FRAME"
        );
        for (space, named) in [
            ("C420p10", "420p10"),
            ("C411", "411"),
            ("C444alpha", "444alpha"),
        ] {
            let message = refusal(format!("YUV4MPEG2 W16 H16 {space}\n").as_bytes());
            assert!(
                message.starts_with(&format!("its colour space is {named}; 420, ")),
                "{message}"
            );
        }
    }
}
