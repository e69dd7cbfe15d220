// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Faults from a file.
//!
//! ```toml
//! seed = 42                 # for faults with a probability; 0 if left out
//! faults = [
//!     "lost-frame:frame=10",
//!     "core-error:p=0.01",
//! ]
//! ```

use super::Fault;
use serde::Deserialize;
use std::path::Path;

/// What a scenario file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Where the random numbers start.
    #[serde(default)]
    pub seed: u64,
    /// The faults, as on the command line.
    pub faults: Vec<Fault>,
}

/// Why a scenario file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It does not say what it should.
    #[error("{path} is no fault scenario: {source}")]
    Parse {
        /// The file.
        path: String,
        /// What and where.
        source: toml::de::Error,
    },
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ScenarioError`], with the line where there is one.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let told = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
            path: told(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ScenarioError::Parse {
            path: told(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_names_its_faults_as_the_command_line_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("faults.toml");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("seed = 42\nfaults = [\n  \"lost-frame:frame=10\",\n  \"core-error:p=0.01\",\n]\n");
        let scenario = Scenario::read(&path).unwrap();
        assert_eq!(scenario.seed, 42);
        let texts: Vec<String> = scenario.faults.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["lost-frame:frame=10", "core-error:p=0.01"]);
        write("faults = [\n  \"lost-frame\",\n  \"meteor\",\n]\n");
        let message = Scenario::read(&path).unwrap_err().to_string();
        assert!(
            message.contains("line ") && message.contains("use one of"),
            "{message}"
        );
        write("fault = []\n");
        let message = Scenario::read(&path).unwrap_err().to_string();
        assert!(message.contains("unknown field `fault`"), "{message}");
        let missing = Scenario::read(Path::new("/no/such.toml")).unwrap_err();
        assert!(missing.to_string().contains("/no/such.toml"));
    }
}
