// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the pictures come from, as the operator says it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What the camera sees. Written `bars`, `gradient`, `noise`, `image:FILE` or `y4m:FILE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Eight colour bars.
    #[default]
    Bars,
    /// A ramp that moves from frame to frame.
    Gradient,
    /// Noise that is new in each frame.
    Noise,
    /// A picture from a file (PNG, JPEG, BMP, PNM or WebP).
    Image(PathBuf),
    /// An uncompressed video from a YUV4MPEG2 file, over and over.
    Y4m(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bars => f.write_str("bars"),
            Self::Gradient => f.write_str("gradient"),
            Self::Noise => f.write_str("noise"),
            Self::Image(path) => write!(f, "image:{}", path.display()),
            Self::Y4m(path) => write!(f, "y4m:{}", path.display()),
        }
    }
}

/// A source that cannot be, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{reason} in picture source {text:?}: use bars, gradient, noise, image:FILE or y4m:FILE")]
pub struct ParseSourceError {
    text: String,
    reason: &'static str,
}

impl FromStr for Source {
    type Err = ParseSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| ParseSourceError {
            text: text.to_owned(),
            reason,
        };
        let (kind, file) = match text.split_once(':') {
            Some((kind, file)) => (kind, Some(file)),
            None => (text, None),
        };
        match (kind, file) {
            ("bars", None) => Ok(Self::Bars),
            ("gradient", None) => Ok(Self::Gradient),
            ("noise", None) => Ok(Self::Noise),
            ("bars" | "gradient" | "noise", Some(_)) => Err(error("a pattern takes no file")),
            ("image" | "y4m", None | Some("")) => Err(error("the file is missing")),
            ("image", Some(file)) => Ok(Self::Image(file.into())),
            ("y4m", Some(file)) => Ok(Self::Y4m(file.into())),
            _ => Err(error("unknown kind")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_displayed_can_be_parsed() {
        for text in ["bars", "gradient", "noise", "image:/a/b.png", "y4m:c:d.y4m"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_is_named_with_what_can() {
        let message = |text: &str| text.parse::<Source>().unwrap_err().to_string();
        let usage = "use bars, gradient, noise, image:FILE or y4m:FILE";
        assert_eq!(
            message("plaid"),
            format!("unknown kind in picture source \"plaid\": {usage}")
        );
        assert_eq!(
            message("image"),
            format!("the file is missing in picture source \"image\": {usage}")
        );
        assert_eq!(
            message("y4m:"),
            format!("the file is missing in picture source \"y4m:\": {usage}")
        );
        assert_eq!(
            message("bars:x"),
            format!("a pattern takes no file in picture source \"bars:x\": {usage}")
        );
        assert!(message("").starts_with("unknown kind"));
    }
}
