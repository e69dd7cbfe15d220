// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Answers that a driver could give to a library that allocates by itself, to be tried on one: the
//! parameter `answers`. Nobody else needs them.

/// What becomes of a number that the driver would answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call fails.
    Error,
    /// This number.
    Exactly(u32),
    /// So much less.
    Less(u32),
    /// So much more.
    More(u32),
}

impl Answer {
    /// The number that is answered; `None` where the call fails.
    #[must_use]
    pub const fn of(self, number: u32) -> Option<u32> {
        match self {
            Self::Error => None,
            Self::Exactly(exactly) => Some(exactly),
            Self::Less(less) => Some(number.saturating_sub(less)),
            Self::More(more) => Some(number.saturating_add(more)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match (text, text.strip_prefix('-'), text.strip_prefix('+')) {
            ("error", ..) => Some(Self::Error),
            (_, Some(less), _) => less.parse().ok().map(Self::Less),
            (_, _, Some(more)) => more.parse().ok().map(Self::More),
            _ => text.parse().ok().map(Self::Exactly),
        }
    }
}

/// Which calls are answered otherwise than they would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// GET_BUF's bytes.
    pub buffer_bytes: Option<Answer>,
    /// SET_FMT's sizeimage.
    pub image_bytes: Option<Answer>,
    /// REQBUFS's count.
    pub buffers: Option<Answer>,
    /// From which buffer on QBUF refuses.
    pub queue: Option<Answer>,
}

impl Answers {
    /// Reads `CALL=ANSWER,…`: a call is `get-buf`, `sizeimage`, `reqbufs` or `qbuf`, an answer `error`, a
    /// number, or one with a sign before it, which is added to the driver's own.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut answers = Self::default();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (call, answer) = word.trim().split_once('=')?;
            let answer = Some(Answer::parse(answer)?);
            match call {
                "get-buf" => answers.buffer_bytes = answer,
                "sizeimage" => answers.image_bytes = answer,
                "reqbufs" => answers.buffers = answer,
                "qbuf" => answers.queue = answer,
                _ => return None,
            }
        }
        Some(answers)
    }

    /// Whether QBUF refuses that buffer.
    #[must_use]
    pub fn refuses(&self, index: u32) -> bool {
        match self.queue {
            None => false,
            Some(answer) => answer.of(0).is_none_or(|first| index >= first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let read = Answers::parse("get-buf=0,reqbufs=-1,sizeimage=+4096,qbuf=error").unwrap();
        assert_eq!(read.buffer_bytes.unwrap().of(4_685_424), Some(0));
        assert_eq!(read.buffers.unwrap().of(4), Some(3));
        assert_eq!(read.image_bytes.unwrap().of(353_280), Some(357_376));
        assert!(read.refuses(0));
        assert_eq!(Answers::parse(""), Some(Answers::default()));
        for wrong in ["get-buf", "get-buf=x", "other=1", "qbuf=-", "reqbufs=--1"] {
            assert_eq!(Answers::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn qbuf_refuses_from_a_buffer_on() {
        let read = Answers::parse("qbuf=2").unwrap();
        assert_eq!(
            [1, 2, 3].map(|index| read.refuses(index)),
            [false, true, true]
        );
        assert!(!Answers::default().refuses(63));
    }
}
