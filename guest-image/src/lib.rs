//! Guest image.
