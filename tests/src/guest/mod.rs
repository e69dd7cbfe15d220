// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests that need a guest, as the binaries `guest_*` run them.
//!
//! | module | what it has |
//! |---|---|
//! | [`suite`] | the harness: which carriers, guests that tests share, results |
//! | [`streams`] | streams of which every frame must arrive as written |
//! | [`controls`] | what a client can set, seen in the pictures that come |
//! | [`memory`] | a Wyze Cam v3's memory, leaks, a plan, a thousand starts and stops |
//! | [`hostile`] | random calls on all nodes, while the hardware fails |
//! | [`reboot`] | a guest that reboots while a frame is on its way |
//! | [`lifecycle`] | clients that come, go, are killed, and keep handles too long |
//! | [`interrupts`] | each for something, and none lost, where the chip is at its own addresses |
//! | [`clock`] | whether a second of the guest is one of the host |
//! | [`clients`] | programs that everybody has, unchanged |
//! | [`vendor`] | programs that are linked for a camera |
//! | [`health`] | what the guest's kernel makes of it |

pub mod clients;
pub mod clock;
pub mod controls;
pub mod health;
pub mod hostile;
pub mod interrupts;
pub mod lifecycle;
pub mod memory;
pub mod reboot;
pub mod streams;
pub mod suite;
pub mod vendor;
