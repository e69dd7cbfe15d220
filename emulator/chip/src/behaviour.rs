// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the silicon's behaviour is open, or differs between chips: named properties, each with a default and the
//! evidence for it.

use std::fmt;
use std::str::FromStr;

/// What an enabled channel does with a frame for which it has no address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyFifo {
    /// It skips the frame.
    #[default]
    Skip,
    /// It writes to the address that it took last.
    LastAddress,
}

/// What a push into a full address FIFO does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SixthPush {
    /// The new address is lost.
    #[default]
    Lost,
    /// It takes the oldest one's place.
    Oldest,
}

/// What an input crop does that is smaller than a channel's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmallCrop {
    /// That channel writes nothing.
    #[default]
    Refuse,
    /// No channel writes any more until the ISP is reset.
    Stall,
}

/// What emptying the address FIFO of an enabled channel does beside that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FifoClear {
    /// Nothing: the channel goes on with the addresses that follow.
    #[default]
    GoOn,
    /// It stops the channel as CH_EN would: the frame in progress ends, no other begins.
    Stop,
}

/// Whether the core raises the pattern 0x500 with the first frame after its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTransient {
    /// It does not.
    #[default]
    Off,
    /// It does.
    On,
}

/// Whether the words move that hardware shows moving and of which nobody knows what they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveWords {
    /// They do, with the time in the frame.
    #[default]
    Move,
    /// They keep the values of a chip at rest.
    Rest,
}

/// What turning the sensor's picture about does to the order of its colour filters in raw pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlipBayer {
    /// Nothing: the sensor's window moves by a pixel or a line.
    #[default]
    Keep,
    /// It turns with the picture.
    Turn,
}

/// How the chip behaves where its behaviour is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviours {
    /// `empty-fifo`.
    pub empty_fifo: EmptyFifo,
    /// `sixth-push`.
    pub sixth_push: SixthPush,
    /// `small-crop`.
    pub small_crop: SmallCrop,
    /// `start-transient`.
    pub start_transient: StartTransient,
    /// `fifo-clear`.
    pub fifo_clear: FifoClear,
    /// `live-words`.
    pub live_words: LiveWords,
    /// `flip-bayer`.
    pub flip_bayer: FlipBayer,
}

/// One property with a value, as users write it: `NAME=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// `empty-fifo`.
    EmptyFifo(EmptyFifo),
    /// `sixth-push`.
    SixthPush(SixthPush),
    /// `small-crop`.
    SmallCrop(SmallCrop),
    /// `start-transient`.
    StartTransient(StartTransient),
    /// `fifo-clear`.
    FifoClear(FifoClear),
    /// `live-words`.
    LiveWords(LiveWords),
    /// `flip-bayer`.
    FlipBayer(FlipBayer),
}

/// Every value of every property, the default first, with what is known of it.
pub const BEHAVIOURS: [(Behaviour, &str, &str); 14] = {
    use Behaviour as B;
    [
        (
            B::EmptyFifo(EmptyFifo::Skip),
            "empty-fifo=skip",
            "a channel without an address skips the frame (inferred)",
        ),
        (
            B::EmptyFifo(EmptyFifo::LastAddress),
            "empty-fifo=last-address",
            "it writes to the address that it took last (measured on a sibling chip)",
        ),
        (
            B::SixthPush(SixthPush::Lost),
            "sixth-push=lost",
            "a push into a full FIFO is lost (inferred)",
        ),
        (
            B::SixthPush(SixthPush::Oldest),
            "sixth-push=oldest",
            "it takes the oldest address's place (open)",
        ),
        (
            B::SmallCrop(SmallCrop::Refuse),
            "small-crop=refuse",
            "a channel whose input crop is smaller than its output writes nothing (inferred)",
        ),
        (
            B::SmallCrop(SmallCrop::Stall),
            "small-crop=stall",
            "no channel writes any more until the ISP is reset (reported by users)",
        ),
        (
            B::StartTransient(StartTransient::Off),
            "start-transient=off",
            "the first frame raises what all others do (the vendor's handler has no exception)",
        ),
        (
            B::StartTransient(StartTransient::On),
            "start-transient=on",
            "the first frame after a start raises bits 8 and 10, too (logged once, T31 2.2)",
        ),
        (
            B::FifoClear(FifoClear::GoOn),
            "fifo-clear=go-on",
            "an enabled channel whose FIFO is emptied takes the addresses that follow (inferred)",
        ),
        (
            B::FifoClear(FifoClear::Stop),
            "fifo-clear=stop",
            "it stops until CH_EN enables it again (open: drivers clear only after they have disabled it)",
        ),
        (
            B::LiveWords(LiveWords::Move),
            "live-words=move",
            "state words and counters move with the frame (logged that they do; inferred how, T31 2a.5)",
        ),
        (
            B::LiveWords(LiveWords::Rest),
            "live-words=rest",
            "they keep the values of a chip at rest",
        ),
        (
            B::FlipBayer(FlipBayer::Keep),
            "flip-bayer=keep",
            "a sensor that mirrors or turns its picture moves its window, the filters' order stays (the vendor's sensor drivers)",
        ),
        (
            B::FlipBayer(FlipBayer::Turn),
            "flip-bayer=turn",
            "the order of raw pictures turns with the picture (as sensors do whose driver moves no window)",
        ),
    ]
};

/// A text that is no property with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no behaviour; use one of {list}", list = choices())]
pub struct ParseBehaviourError(String);

fn choices() -> String {
    BEHAVIOURS.map(|(_, text, _)| text).join(", ")
}

impl Behaviours {
    /// Chooses a property's value.
    pub const fn choose(&mut self, behaviour: Behaviour) {
        match behaviour {
            Behaviour::EmptyFifo(value) => self.empty_fifo = value,
            Behaviour::SixthPush(value) => self.sixth_push = value,
            Behaviour::SmallCrop(value) => self.small_crop = value,
            Behaviour::StartTransient(value) => self.start_transient = value,
            Behaviour::FifoClear(value) => self.fifo_clear = value,
            Behaviour::LiveWords(value) => self.live_words = value,
            Behaviour::FlipBayer(value) => self.flip_bayer = value,
        }
    }

    /// The value of each property.
    #[must_use]
    pub const fn all(self) -> [Behaviour; 7] {
        [
            Behaviour::EmptyFifo(self.empty_fifo),
            Behaviour::SixthPush(self.sixth_push),
            Behaviour::SmallCrop(self.small_crop),
            Behaviour::StartTransient(self.start_transient),
            Behaviour::FifoClear(self.fifo_clear),
            Behaviour::LiveWords(self.live_words),
            Behaviour::FlipBayer(self.flip_bayer),
        ]
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = BEHAVIOURS.iter().find(|(value, ..)| value == self);
        f.write_str(named.map_or("?", |(_, text, _)| text))
    }
}

impl FromStr for Behaviour {
    type Err = ParseBehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = BEHAVIOURS.iter().find(|(_, name, _)| *name == text);
        named
            .map(|(value, ..)| *value)
            .ok_or_else(|| ParseBehaviourError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_chosen_by_its_name() {
        for (value, text, _) in BEHAVIOURS {
            assert_eq!(text.parse(), Ok(value));
            assert_eq!(value.to_string(), text);
            let mut behaviours = Behaviours::default();
            behaviours.choose(value);
            assert!(behaviours.all().contains(&value));
        }
        let error = "empty-fifo=never".parse::<Behaviour>().unwrap_err();
        assert!(
            error.to_string().contains("empty-fifo=last-address"),
            "{error}"
        );
    }

    #[test]
    fn the_first_value_of_each_property_is_the_default() {
        let defaults = Behaviours::default().all().map(|value| value.to_string());
        let first = [0, 2, 4, 6, 8, 10, 12].map(|place| BEHAVIOURS[place].1);
        assert_eq!(defaults, first);
    }
}
