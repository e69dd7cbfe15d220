//! Driver core.
#![no_std]
