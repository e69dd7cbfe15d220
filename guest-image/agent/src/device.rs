// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A V4L2 capture device, opened by a client.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use guest_protocol::message::{Failure, Granted};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::abi;
use crate::failure::{At, failure};

/// An open capture device. Closing it gives everything back.
pub struct Camera {
    file: File,
}

/// What QUERYCAP says.
pub struct Identity {
    /// The driver's name.
    pub driver: String,
    /// The device's name.
    pub card: String,
}

/// Where a buffer's memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The driver knows.
    Driver,
    /// In the client's memory.
    User {
        /// Its virtual address.
        address: usize,
        /// Its bytes.
        length: u32,
    },
    /// In a dma-buf.
    Shared {
        /// Its descriptor.
        fd: RawFd,
        /// Its bytes.
        length: u32,
    },
}

/// Mapped memory.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<libc::c_void>,
    length: usize,
}

/// A dequeued buffer.
pub struct Dequeued {
    /// Which.
    pub index: u32,
    /// The driver's frame number.
    pub sequence: u32,
    /// On the monotonic clock, in nanoseconds.
    pub timestamp_ns: u64,
    /// Bytes that the driver filled.
    pub bytesused: u32,
    /// V4L2 flags.
    pub flags: u32,
}

impl Camera {
    /// Opens a device without waiting for anything later on, except in [`Camera::wait`].
    pub fn open(path: &str) -> Result<Self, Failure> {
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .at(&format!("open {path}"))?;
        Ok(Self { file })
    }

    fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Who the device is; fails if it is no streaming capture device.
    pub fn identify(&self) -> Result<Identity, Failure> {
        let step = "VIDIOC_QUERYCAP";
        let mut capability = abi::Capability::default();
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { abi::querycap(self.fd(), &mut capability) }.at(step)?;
        let needed = abi::CAP_VIDEO_CAPTURE | abi::CAP_STREAMING;
        if capability.device_caps & needed != needed {
            return Err(failure(step, "not a capture device that streams"));
        }
        Ok(Identity {
            driver: text(&capability.driver),
            card: text(&capability.card),
        })
    }

    /// Sets the picture's size and format; the driver may choose others.
    pub fn set_format(&self, width: u32, height: u32, fourcc: u32) -> Result<Granted, Failure> {
        let mut format = abi::Format {
            kind: abi::TYPE_VIDEO_CAPTURE,
            align: [],
            pix: abi::PixFormat {
                width,
                height,
                pixelformat: fourcc,
                field: abi::FIELD_NONE,
                ..Default::default()
            },
            rest: [0; 152],
        };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { abi::s_fmt(self.fd(), &mut format) }.at("VIDIOC_S_FMT")?;
        Ok(Granted {
            width: format.pix.width,
            height: format.pix.height,
            fourcc: format.pix.pixelformat,
            bytesperline: format.pix.bytesperline,
            sizeimage: format.pix.sizeimage,
            buffers: 0,
        })
    }

    /// Sets a control.
    pub fn set_control(&self, id: u32, value: i32) -> Result<(), Failure> {
        let mut control = abi::Control { id, value };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { abi::s_ctrl(self.fd(), &mut control) }
            .map(drop)
            .at("VIDIOC_S_CTRL")
    }

    /// Asks for `count` buffers of V4L2 memory type `memory` and says how many there are; 0 frees
    /// them.
    pub fn request_buffers(&self, count: u32, memory: u32) -> Result<u32, Failure> {
        let mut request = abi::RequestBuffers {
            count,
            kind: abi::TYPE_VIDEO_CAPTURE,
            memory,
            ..Default::default()
        };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { abi::reqbufs(self.fd(), &mut request) }.at("VIDIOC_REQBUFS")?;
        Ok(request.count)
    }

    /// Maps a buffer for reading.
    pub fn map(&self, index: u32) -> Result<Mapping, Failure> {
        let mut buffer = abi::Buffer::new(index, abi::MEMORY_MMAP);
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { abi::querybuf(self.fd(), &mut buffer) }.at("VIDIOC_QUERYBUF")?;
        let step = "mmap";
        let wrong = |_| failure(step, "the buffer's offset or length is no number to map");
        // The union's 32 bit member; see `abi::Buffer`.
        let offset = libc::off_t::try_from(buffer.m & 0xffff_ffff).map_err(wrong)?;
        let length = usize::try_from(buffer.length).map_err(wrong)?;
        let Some(bytes) = NonZeroUsize::new(length) else {
            return Err(failure(step, "the buffer is empty"));
        };
        // SAFETY: a new mapping at an address of the kernel's choice replaces no other one.
        let start = unsafe {
            mmap(
                None,
                bytes,
                ProtFlags::PROT_READ,
                MapFlags::MAP_SHARED,
                &self.file,
                offset,
            )
        }
        .at(step)?;
        Ok(Mapping { start, length })
    }

    /// Gives a buffer to the driver.
    pub fn queue(&self, index: u32, place: Place) -> Result<(), Failure> {
        let mut buffer = match place {
            Place::Driver => abi::Buffer::new(index, abi::MEMORY_MMAP),
            Place::User { address, length } => abi::Buffer {
                m: address,
                length,
                ..abi::Buffer::new(index, abi::MEMORY_USERPTR)
            },
            Place::Shared { fd, length } => abi::Buffer {
                m: usize::try_from(fd).unwrap_or(usize::MAX),
                length,
                ..abi::Buffer::new(index, abi::MEMORY_DMABUF)
            },
        };
        // SAFETY: the structure has the layout that the call expects and outlives it. The buffer's
        // memory is the driver's own, or outlives the stream, since its owner keeps it until
        // STREAMOFF.
        unsafe { abi::qbuf(self.fd(), &mut buffer) }
            .map(drop)
            .at("VIDIOC_QBUF")
    }

    /// Dequeues a frame of V4L2 memory type `memory` if there is one.
    pub fn try_dequeue(&self, memory: u32) -> Result<Option<Dequeued>, Failure> {
        let mut buffer = abi::Buffer::new(0, memory);
        // SAFETY: the structure has the layout that the call expects and outlives it.
        match unsafe { abi::dqbuf(self.fd(), &mut buffer) } {
            Ok(_) => Ok(Some(dequeued(&buffer))),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error).at("VIDIOC_DQBUF"),
        }
    }

    /// To wait on several devices at once.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Waits until a frame of V4L2 memory type `memory` can be dequeued or the device reports an error, then dequeues.
    pub fn wait(&self, memory: u32, limit: Duration) -> Result<Dequeued, Failure> {
        let end = Instant::now() + limit;
        let mut broken = false;
        loop {
            if let Some(frame) = self.try_dequeue(memory)? {
                return Ok(frame);
            }
            if broken {
                return Err(failure("poll", "the device reports an error"));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = format!("no frame within {} ms", limit.as_millis());
                return Err(Failure {
                    step: "VIDIOC_DQBUF".to_owned(),
                    errno: Some(libc::ETIMEDOUT),
                    message: text,
                });
            }
            broken = self.poll(left)?;
        }
    }

    /// Waits for a frame or an error; says whether it was an error.
    fn poll(&self, limit: Duration) -> Result<bool, Failure> {
        // Rounded up, so that less than a millisecond does not spin.
        let limit = limit + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        let mut entries = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut entries, timeout) {
            Ok(_) => Ok(entries[0]
                .revents()
                .is_some_and(|events| events.contains(PollFlags::POLLERR))),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error).at("poll"),
        }
    }

    /// Starts the stream.
    pub fn stream_on(&self) -> Result<(), Failure> {
        // SAFETY: the call reads one int.
        unsafe { abi::streamon(self.fd(), &capture_type()) }
            .map(drop)
            .at("VIDIOC_STREAMON")
    }

    /// Ends the stream; all buffers are the client's again.
    pub fn stream_off(&self) -> Result<(), Failure> {
        // SAFETY: the call reads one int.
        unsafe { abi::streamoff(self.fd(), &capture_type()) }
            .map(drop)
            .at("VIDIOC_STREAMOFF")
    }
}

impl Mapping {
    /// Takes over a mapping.
    ///
    /// # Safety
    /// `length` bytes from `start` on are mapped readable, page by page, and nobody else unmaps them.
    pub const unsafe fn new(start: NonNull<libc::c_void>, length: usize) -> Self {
        Self { start, length }
    }

    /// Fresh memory of the client's own, wherever the kernel finds pages.
    pub fn anonymous(bytes: u32) -> Result<Self, Failure> {
        let step = "mmap of the client's own memory";
        let length = usize::try_from(bytes).ok().and_then(NonZeroUsize::new);
        let length = length.ok_or_else(|| failure(step, "no bytes to map"))?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces no other one.
        let start =
            unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_PRIVATE) }.at(step)?;
        Ok(Self {
            start,
            length: length.get(),
        })
    }

    /// Where it begins.
    pub fn address(&self) -> usize {
        self.start.as_ptr() as usize
    }

    /// The address of `bytes` bytes from `offset` on, if it has them.
    pub fn find(&self, offset: u32, bytes: u32) -> Result<usize, Failure> {
        let end = u64::from(offset) + u64::from(bytes);
        let inside = usize::try_from(end).is_ok_and(|end| end <= self.length);
        match usize::try_from(offset) {
            Ok(offset) if inside => Ok(self.address() + offset),
            _ => Err(failure("mapped memory", format!("byte {end} lies outside"))),
        }
    }

    /// The buffer's bytes. Only while the buffer is dequeued: then the device leaves it alone.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is readable, `length` long, and lives as long as `self`. The caller
        // has the buffer dequeued, so nobody writes to it.
        unsafe { std::slice::from_raw_parts(self.start.cast().as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this start and length; no slice of it outlives `self`.
        // It can fail only for a wrong address.
        let _ = unsafe { munmap(self.start, self.length) };
    }
}

fn capture_type() -> libc::c_int {
    1 // V4L2_BUF_TYPE_VIDEO_CAPTURE, as an int
}

fn dequeued(buffer: &abi::Buffer) -> Dequeued {
    let seconds = u64::try_from(buffer.timestamp.tv_sec).unwrap_or(0);
    let micros = u64::try_from(buffer.timestamp.tv_usec).unwrap_or(0);
    Dequeued {
        index: buffer.index,
        sequence: buffer.sequence,
        timestamp_ns: seconds * 1_000_000_000 + micros * 1000,
        bytesused: buffer.bytesused,
        flags: buffer.flags,
    }
}

/// The text of a field that is filled up with zeros.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&field[..end.unwrap_or(field.len())]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_zero_or_with_the_field() {
        assert_eq!(text(b"tx-isp\0\0x"), "tx-isp");
        assert_eq!(text(b"full"), "full");
    }

    #[test]
    fn a_file_that_is_no_device_is_refused_by_the_call_that_says_so() {
        let camera = Camera::open("/dev/null").unwrap();
        let error = camera.identify().err().unwrap();
        assert_eq!(
            (error.step.as_str(), error.errno),
            ("VIDIOC_QUERYCAP", Some(libc::ENOTTY))
        );
        let error = Camera::open("/no/such/device").err().unwrap();
        assert_eq!(error.errno, Some(libc::ENOENT));
    }
}
