// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What drives the frame clock: the sensor's own timing, a rate of the operator's, or nobody's time.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;
use tx_isp_abi::sensor::{SENSORS, Sensor};

/// The fastest rate that [`ClockMode::Rate`] takes, in frames per second (assumption: twice 120).
pub const MAX_RATE: u32 = 240;

/// When the next frame begins. Written `sensor`, `fps N`, `max` or `stepped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ClockMode {
    /// At the sensor's rate, exact to the line and frame length that are set at it.
    #[default]
    Sensor,
    /// At so many frames per second, 1 to [`MAX_RATE`]. Rates that the sensor itself does not reach
    /// are allowed (assumption).
    Rate(NonZeroU32),
    /// As soon as the frame before is written and each enabled channel has a buffer.
    Max,
    /// When the operator says so.
    Stepped,
}

/// A frame rate that cannot be, and what can.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is no frame rate: use a number of frames per second from 1 to {MAX_RATE}, max or stepped"
)]
pub struct ParseClockError(String);

/// A sensor that nobody described, and those that somebody did.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no sensor {name:?}: use {}", known_sensors())]
pub struct UnknownSensor {
    name: String,
}

impl ClockMode {
    /// The time from one frame to the next where time decides; with the sensor as after power-up.
    #[must_use]
    pub fn period(self, sensor: &Sensor) -> Option<Duration> {
        match self {
            Self::Sensor => Some(Duration::from_nanos(sensor.frame_period_ns())),
            Self::Rate(fps) => Some(Duration::from_secs(1) / fps.get()),
            Self::Max | Self::Stepped => None,
        }
    }

    /// Says so if the real sensor could not run at the rate.
    #[must_use]
    pub fn beyond(self, sensor: &Sensor) -> Option<String> {
        let Self::Rate(fps) = self else { return None };
        let (min, max) = (sensor.min_fps, sensor.max_fps);
        if (min..=max).contains(&fps.get()) {
            return None;
        }
        Some(format!(
            "{fps} frames per second: a {} does {min} to {max}",
            sensor.name
        ))
    }
}

/// The sensor of that name.
///
/// # Errors
/// [`UnknownSensor`], which names those that there are.
pub fn by_name(name: &str) -> Result<&'static Sensor, UnknownSensor> {
    let found = SENSORS.iter().find(|sensor| sensor.name == name);
    found.ok_or_else(|| UnknownSensor {
        name: name.to_owned(),
    })
}

fn known_sensors() -> String {
    let names: Vec<&str> = SENSORS.iter().map(|sensor| sensor.name).collect();
    names.join(", ")
}

impl fmt::Display for ClockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sensor => f.write_str("sensor"),
            Self::Rate(fps) => write!(f, "fps {fps}"),
            Self::Max => f.write_str("max"),
            Self::Stepped => f.write_str("stepped"),
        }
    }
}

impl FromStr for ClockMode {
    type Err = ParseClockError;

    /// Reads both what is displayed and the bare number that users type.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sensor" => Ok(Self::Sensor),
            "max" => Ok(Self::Max),
            "stepped" => Ok(Self::Stepped),
            _ => {
                let number = text.strip_prefix("fps ").unwrap_or(text);
                let rate: Option<NonZeroU32> = number.parse().ok();
                rate.filter(|rate| rate.get() <= MAX_RATE)
                    .map(Self::Rate)
                    .ok_or_else(|| ParseClockError(text.to_owned()))
            }
        }
    }
}

impl From<ClockMode> for String {
    fn from(mode: ClockMode) -> Self {
        mode.to_string()
    }
}

impl TryFrom<String> for ClockMode {
    type Error = ParseClockError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::sensor::GC2053;

    #[test]
    fn what_is_displayed_can_be_parsed() {
        for text in ["sensor", "fps 1", "fps 240", "max", "stepped"] {
            assert_eq!(text.parse::<ClockMode>().unwrap().to_string(), text);
        }
        assert_eq!("30".parse(), "fps 30".parse::<ClockMode>());
    }

    #[test]
    fn a_rate_out_of_range_is_refused_with_the_range() {
        for text in ["0", "241", "-1", "fast", "", "2.5"] {
            let message = text.parse::<ClockMode>().unwrap_err().to_string();
            assert!(
                message.contains("from 1 to 240, max or stepped"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_period_is_the_sensors_unless_the_operator_says_otherwise() {
        let period = |text: &str| text.parse::<ClockMode>().unwrap().period(&GC2053);
        assert_eq!(period("sensor"), Some(Duration::from_nanos(39_994_871)));
        assert_eq!(period("50"), Some(Duration::from_millis(20)));
        assert_eq!(period("max"), None);
        assert_eq!(period("stepped"), None);
    }

    #[test]
    fn a_rate_that_the_sensor_does_not_reach_is_named() {
        let beyond = |text: &str| text.parse::<ClockMode>().unwrap().beyond(&GC2053);
        assert_eq!(beyond("5"), None);
        assert_eq!(beyond("40"), None);
        assert_eq!(
            beyond("60").unwrap(),
            "60 frames per second: a gc2053 does 5 to 40"
        );
        assert!(beyond("4").is_some());
    }

    #[test]
    fn a_sensor_is_found_by_its_name() {
        assert_eq!(by_name("gc2053"), Ok(&GC2053));
        let message = by_name("ov2735").unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no sensor \"ov2735\": use gc2053, jxf37, jxq03, imx307"
        );
    }
}
