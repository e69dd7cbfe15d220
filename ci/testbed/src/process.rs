// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that the lab starts and that never outlive it.

pub use host_setup::process::{Line, Process, ask, run};
