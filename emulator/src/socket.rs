// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Unix sockets that we listen on: a live one of somebody else's is refused, a left-over is replaced.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{Mode, umask};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Why a socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another program answers there.
    #[error("the socket {} is in use by a running program: end that or choose another path", .0.display())]
    InUse(PathBuf),
    /// There is something else.
    #[error("{} exists and is no socket: choose another path", .0.display())]
    NoSocket(PathBuf),
    /// The system says no.
    #[error("cannot listen on the socket {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// From now on nobody waits on a descriptor: neither who reads an empty one nor who writes to a full
/// one. A peer that shares it is concerned, too.
///
/// # Errors
/// When it is no descriptor that has that choice.
pub fn never_wait(descriptor: impl AsFd) -> io::Result<()> {
    let flags = fcntl(descriptor.as_fd(), FcntlArg::F_GETFL)?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(descriptor.as_fd(), FcntlArg::F_SETFL(flags))?;
    Ok(())
}

/// The file of a socket; removed when dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            log::warn!("cannot remove the socket {}: {error}", self.0.display());
        }
    }
}

/// Listens on a socket at `path`.
///
/// # Errors
/// [`SocketError`], among others when a running program listens there already.
pub fn listen(path: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    let failed = |source| SocketError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(SocketError::NoSocket(path.to_owned()));
        }
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(failed)?;
            }
            Ok(_) => return Err(SocketError::InUse(path.to_owned())),
            Err(error) => return Err(failed(error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Ours alone: who may connect has the guest's memory or rules the emulator.
    let mask = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(mask);
    let listener = bound.map_err(failed)?;
    Ok((listener, SocketFile(path.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_socket_is_refused_and_a_left_over_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let (listener, file) = listen(&path).unwrap();
        let message = listen(&path).unwrap_err().to_string();
        assert!(message.contains("in use by a running program"), "{message}");
        drop(listener);
        assert!(path.exists());
        let again = listen(&path).unwrap();
        drop((file, again));
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let _kept = listen(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "precious").unwrap();
        let message = listen(&path).unwrap_err().to_string();
        assert!(message.contains("exists and is no socket"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let message = listen(Path::new("/nowhere/socket"))
            .unwrap_err()
            .to_string();
        assert!(message.contains("/nowhere/socket"), "{message}");
    }
}
