// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulated ISP.

pub mod chip;
pub mod control;
pub mod picture;
pub mod sensor;
