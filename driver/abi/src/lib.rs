//! Registers, mailbox messages, formats.
#![no_std]
