// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host needs to build and run the guest, how it gets it, and the runner of its programs.

pub mod process;
