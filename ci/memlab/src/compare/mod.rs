// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The matrix of strategy, camera and memory.
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | which cells |
//! | [`cell`] | one cell: what it is, what is computed, what the guest did |
//! | [`record`] | finished cells as JSON lines, so that a run can be resumed, divided and merged |
//! | [`matrix`] | all cells, computed, and which of them guests are to run |
//! | [`run`] | finishes cells, and goes on where a run was interrupted |
//! | [`jobs`] | divides work among threads |
//! | [`work`] | the cells of one memory layout in one guest |
//! | [`estimate`] | how long the rest takes |
//! | [`figures`] | how fast it went, and what guests took of the host |
//! | [`answer`] | who should allocate, in words and in a table |
//! | [`picture`] | the heat map as PNG |
//! | [`page`] | the heat map as a page, with a memory map of each cell |

pub mod answer;
pub mod cell;
pub mod config;
pub mod estimate;
pub mod figures;
pub mod jobs;
pub mod matrix;
pub mod page;
pub mod picture;
pub mod record;
pub mod run;
pub mod work;
