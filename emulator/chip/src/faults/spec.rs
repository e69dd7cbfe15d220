// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A fault as users write it: `KIND[:key=value,...]`.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `frame` | the first frame that it hits, counted from 1 when the fault is armed | 1 |
//! | `at` | likewise where the occasion is no frame: the first stop, reset or start | 1 |
//! | `p` | instead: the probability with which each occasion is hit, 0 to 1 | |
//! | `count` | how many occasions it hits at most, from the first on | 1; with `p` no limit |
//! | `channel` | the channel that it hits | all |
//! | `bits`, `ms`, `times` | as the kind says | as the kind says |

use super::kind::{FaultKind, Occasion};
use std::fmt;
use std::str::FromStr;
use tx_isp_abi::channel::ChannelId;

/// The longest delay: the DMA engine must end before anybody gives it up.
const MAX_MS: u32 = 2000;
/// Probabilities are kept in millionths.
const MILLION: u32 = 1_000_000;

/// When a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// From this occasion on, counted from 1.
    At(u32),
    /// At each occasion with so many millionths of probability.
    Millionths(u32),
}

/// A fault to be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// When.
    pub when: When,
    /// How often at most.
    pub count: u32,
    /// The channel that is hit; `None` for each.
    pub channel: Option<ChannelId>,
    /// Status bits, where the kind has them.
    pub bits: u32,
    /// Milliseconds, where the kind has them.
    pub ms: u32,
    /// Repetitions, where the kind has them.
    pub times: u32,
}

/// A text that is no fault, and what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no fault: {what}")]
pub struct ParseFaultError {
    text: String,
    what: String,
}

impl Fault {
    /// A fault of that kind at its first occasion, with the kind's own values.
    #[must_use]
    pub const fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            when: When::At(1),
            count: 1,
            channel: None,
            bits: match kind {
                FaultKind::CoreError => 0x300,
                _ => 0x200,
            },
            ms: 200,
            times: match kind {
                FaultKind::InterruptStorm => 100_000,
                _ => 1_000_000,
            },
        }
    }

    /// Whether the fault hits a channel.
    #[must_use]
    pub fn hits(&self, channel: ChannelId) -> bool {
        self.channel.is_none_or(|hit| hit == channel)
    }

    /// The key that says when.
    const fn when_key(kind: FaultKind) -> &'static str {
        match kind.occasion() {
            Occasion::Frame => "frame",
            _ => "at",
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = || {
            let parsed = match value.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => value.parse().ok(),
            };
            parsed.ok_or_else(|| format!("{key}={value}: that is no number"))
        };
        let positive = || match number()? {
            0 => Err(format!("{key}={value}: count from 1")),
            number => Ok(number),
        };
        match key {
            "count" => self.count = positive()?,
            "p" => {
                self.when = When::Millionths(millionths(value)?);
                self.count = u32::MAX;
            }
            _ if key == Self::when_key(self.kind) => self.when = When::At(positive()?),
            _ if !self.kind.keys().contains(&key) => {
                let mut keys = vec![Self::when_key(self.kind), "p", "count"];
                keys.extend(self.kind.keys());
                let keys = keys.join(", ");
                return Err(format!("{} has no key {key:?}: use {keys}", self.kind));
            }
            "channel" => {
                let channel = ChannelId::new(number()?).map_err(|error| error.to_string())?;
                self.channel = Some(channel);
            }
            "bits" => self.bits = positive()?,
            "ms" => {
                self.ms = positive()?;
                if self.ms > MAX_MS {
                    return Err(format!("ms={value}: at most {MAX_MS}"));
                }
            }
            _ => self.times = positive()?,
        }
        Ok(())
    }
}

fn millionths(text: &str) -> Result<u32, String> {
    let wrong = || format!("p={text}: use a probability above 0 and up to 1, for example 0.01");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
    if !digits(whole) || !digits(fraction) || fraction.len() > 6 {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let fraction: u32 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
    let all = whole
        .checked_mul(MILLION)
        .and_then(|whole| whole.checked_add(fraction));
    all.filter(|all| (1..=MILLION).contains(all))
        .ok_or_else(wrong)
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |what| ParseFaultError {
            text: text.to_owned(),
            what,
        };
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let Some(kind) = FaultKind::ALL.iter().find(|kind| kind.id() == name) else {
            let names: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.id()).collect();
            return Err(error(format!("use one of {}", names.join(", "))));
        };
        let mut fault = Self::new(*kind);
        let mut seen: Vec<&str> = Vec::new();
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(error(format!("{setting:?} must be key=value")));
            };
            if seen.contains(&key) {
                return Err(error(format!("{key} is there twice")));
            }
            seen.push(key);
            fault.set(key, value).map_err(error)?;
        }
        if seen.contains(&"p") && seen.contains(&Self::when_key(*kind)) {
            return Err(error(format!(
                "p and {} exclude each other",
                Self::when_key(*kind)
            )));
        }
        // `p` lifts the limit wherever it stands; a limit that was asked for holds.
        if seen.contains(&"count") && seen.contains(&"p") {
            for setting in settings
                .split(',')
                .filter(|setting| setting.starts_with("count="))
            {
                fault
                    .set("count", &setting["count=".len()..])
                    .map_err(error)?;
            }
        }
        Ok(fault)
    }
}

impl fmt::Display for Fault {
    /// As it is parsed, without what is as the kind has it anyway.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Self::new(self.kind);
        let mut settings = Vec::new();
        match self.when {
            When::At(1) => {}
            When::At(at) => settings.push(format!("{}={at}", Self::when_key(self.kind))),
            When::Millionths(p) => {
                let text = format!("{}.{:06}", p / MILLION, p % MILLION);
                let text = text.trim_end_matches('0').trim_end_matches('.');
                settings.push(format!("p={text}"));
            }
        }
        let no_limit = matches!(self.when, When::Millionths(_)) && self.count == u32::MAX;
        if self.count != usual.count && !no_limit {
            settings.push(format!("count={}", self.count));
        }
        if let Some(channel) = self.channel {
            settings.push(format!("channel={channel}"));
        }
        if self.bits != usual.bits {
            settings.push(format!("bits={:#x}", self.bits));
        }
        if self.ms != usual.ms {
            settings.push(format!("ms={}", self.ms));
        }
        if self.times != usual.times {
            settings.push(format!("times={}", self.times));
        }
        f.write_str(self.kind.id())?;
        if !settings.is_empty() {
            write!(f, ":{}", settings.join(","))?;
        }
        Ok(())
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

impl TryFrom<String> for Fault {
    type Error = ParseFaultError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_displayed_can_be_parsed() {
        for text in [
            "lost-frame",
            "lost-frame:frame=7,count=3",
            "core-error:frame=2,bits=0x100",
            "vic-error:p=0.01,count=5,bits=0x400",
            "late-frame:p=1,ms=40",
            "stuck-channel:at=2,channel=1,times=100",
            "dead-reset:p=0.000001",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        let limited: Fault = "lost-frame:count=2,p=0.5".parse().unwrap();
        assert_eq!(
            (limited.count, limited.when),
            (2, When::Millionths(500_000))
        );
    }

    #[test]
    fn a_wrong_fault_is_told_what_is_right() {
        for (text, right) in [
            ("meteor", "use one of lost-frame, late-frame"),
            ("lost-frame:at=3", "use frame, p, count"),
            ("dead-reset:frame=3", "use at, p, count"),
            ("lost-frame:frame", "must be key=value"),
            ("lost-frame:frame=0", "count from 1"),
            ("lost-frame:frame=1,frame=2", "twice"),
            ("lost-frame:frame=1,p=0.5", "exclude"),
            ("lost-frame:p=2", "up to 1"),
            ("lost-frame:p=", "up to 1"),
            ("late-frame:ms=2001", "at most 2000"),
            ("core-error:bits=x", "no number"),
            ("alien-done:channel=3", "channels 0 to 2"),
        ] {
            let message = text.parse::<Fault>().unwrap_err().to_string();
            assert!(message.contains(right), "{message}");
        }
    }
}
