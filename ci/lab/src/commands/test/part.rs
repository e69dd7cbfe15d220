// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The parts of the tests that need a guest.

use clap::ValueEnum;

/// A part of the tests that need a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Streams of every kind, each frame checked.
    Streams,
    /// Controls, selection and three channels at once, seen in the pictures.
    #[value(alias = "sight")]
    Controls,
    /// The way of frames in time, and faults of the hardware.
    Faults,
    /// A Wyze Cam v3's memory, and a thousand starts and stops.
    Memory,
    /// Clients that come, go and are killed.
    #[value(alias = "life")]
    Lifecycle,
    /// Programs that everybody has: v4l2-ctl and GStreamer.
    Clients,
    /// Programs that are linked for a camera: the vendor's device nodes.
    Vendor,
    /// Random calls on all nodes while the hardware fails; only where it is named.
    Hostile,
    /// v4l2-compliance.
    Compliance,
    /// What commands write as JSON, held against its schemas; only where it is named.
    Json,
    /// A panic and a dead emulator.
    #[value(alias = "endings")]
    Failures,
    /// A driver that knows nothing of this project, on the chip at its own addresses.
    Foreign,
    /// The same stream by mailbox and by loads and stores.
    Attachments,
}

/// The parts that run over vfio-user, too, where that takes another QEMU than this machine's, unless
/// others are named.
pub(super) const OVER_VFIO_USER: [Part; 11] = [
    Part::Streams,
    Part::Controls,
    Part::Faults,
    Part::Memory,
    Part::Lifecycle,
    Part::Clients,
    Part::Vendor,
    Part::Compliance,
    Part::Failures,
    Part::Foreign,
    Part::Attachments,
];

impl Part {
    /// The test binary that has it.
    pub(super) const fn binary(self) -> &'static str {
        match self {
            Self::Streams => "guest_streams",
            Self::Controls => "guest_controls",
            Self::Faults => "guest_faults",
            Self::Memory => "guest_memory",
            Self::Lifecycle => "guest_lifecycle",
            Self::Clients => "guest_clients",
            Self::Vendor => "guest_vendor",
            Self::Hostile => "guest_hostile",
            Self::Compliance => "guest_compliance",
            Self::Json => "guest_json",
            Self::Failures => "guest_failures",
            Self::Foreign => "guest_foreign",
            Self::Attachments => "guest_attachments",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::test::TestOptions;
    use crate::options::parse;

    #[test]
    fn parts_are_named_also_as_before() {
        let options =
            parse::<TestOptions>(&["--part", "sight", "--part", "faults", "--part", "life"])
                .unwrap();
        assert_eq!(
            options.part,
            [Part::Controls, Part::Faults, Part::Lifecycle]
        );
        let error = parse::<TestOptions>(&["--part", "lunch"]).unwrap_err();
        assert!(error.contains("compliance"), "{error}");
    }
}
