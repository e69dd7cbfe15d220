//! Guest agent messages.
