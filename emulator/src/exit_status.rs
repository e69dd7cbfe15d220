// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How the parts of the event loop tell it to end.

use std::cell::RefCell;

/// An error of any part.
pub type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// Whether the event loop is to end, and with what. The first word counts.
#[derive(Debug, Default)]
pub struct ExitStatus(RefCell<Option<Result<(), BoxedError>>>);

impl ExitStatus {
    /// All is done.
    pub fn end(&self) {
        self.0.borrow_mut().get_or_insert(Ok(()));
    }

    /// Something went wrong that cannot be lived with.
    pub fn fail(&self, error: impl Into<BoxedError>) {
        self.0.borrow_mut().get_or_insert(Err(error.into()));
    }

    /// [`ExitStatus::fail`] if `result` is an error.
    pub fn check<E: Into<BoxedError>>(&self, result: Result<(), E>) {
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// The word, once.
    pub fn take(&self) -> Option<Result<(), BoxedError>> {
        self.0.borrow_mut().take()
    }
}
