//! The emulated ISP.
