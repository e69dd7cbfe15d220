// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of V4L2's user interface that the client uses: structures and ioctl numbers, as in the
//! kernel's `linux/videodev2.h`, for 32 and 64 bit.

use libc::{c_int, timeval};

/// V4L2_BUF_TYPE_VIDEO_CAPTURE
pub const TYPE_VIDEO_CAPTURE: u32 = 1;
/// V4L2_MEMORY_MMAP
pub const MEMORY_MMAP: u32 = 1;
/// V4L2_MEMORY_USERPTR
pub const MEMORY_USERPTR: u32 = 2;
/// V4L2_MEMORY_DMABUF
pub const MEMORY_DMABUF: u32 = 4;
/// The driver's control that chooses who allocates a queue's buffers.
pub const CID_STRATEGY: u32 = 0x0098_1f00;
/// The driver's control that puts the chroma behind a multiple of 16 lines.
pub const CID_ALIGN_CHROMA: u32 = 0x0098_1f02;
/// V4L2_FIELD_NONE
pub const FIELD_NONE: u32 = 1;
/// V4L2_CAP_VIDEO_CAPTURE
pub const CAP_VIDEO_CAPTURE: u32 = 1;
/// V4L2_CAP_STREAMING
pub const CAP_STREAMING: u32 = 0x0400_0000;

/// struct v4l2_capability
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub reserved: [u32; 3],
}

/// struct v4l2_pix_format
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct PixFormat {
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub bytesperline: u32,
    pub sizeimage: u32,
    pub colorspace: u32,
    pub private: u32,
    pub flags: u32,
    pub ycbcr_enc: u32,
    pub quantization: u32,
    pub xfer_func: u32,
}

/// struct v4l2_format: a type and 200 bytes whose largest member is aligned like a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Format {
    pub kind: u32,
    pub align: [usize; 0],
    pub pix: PixFormat,
    pub rest: [u8; 152],
}

/// struct v4l2_requestbuffers
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct RequestBuffers {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub flags: u8,
    pub reserved: [u8; 3],
}

/// struct v4l2_control
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Control {
    pub id: u32,
    pub value: i32,
}

/// struct v4l2_timecode
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Timecode {
    pub kind: u32,
    pub flags: u32,
    pub frames: u8,
    pub seconds: u8,
    pub minutes: u8,
    pub hours: u8,
    pub userbits: [u8; 4],
}

/// struct v4l2_buffer. `m` is a union of 32 bit and pointer sized members; on a little-endian
/// machine its low half is the offset or the descriptor.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Buffer {
    pub index: u32,
    pub kind: u32,
    pub bytesused: u32,
    pub flags: u32,
    pub field: u32,
    pub timestamp: timeval,
    pub timecode: Timecode,
    pub sequence: u32,
    pub memory: u32,
    pub m: usize,
    pub length: u32,
    pub reserved2: u32,
    pub request_fd: u32,
}

impl Buffer {
    /// An empty one for buffer `index` of `memory`.
    pub fn new(index: u32, memory: u32) -> Self {
        Self {
            index,
            kind: TYPE_VIDEO_CAPTURE,
            bytesused: 0,
            flags: 0,
            field: 0,
            timestamp: timeval {
                tv_sec: 0,
                tv_usec: 0,
            },
            timecode: Timecode::default(),
            sequence: 0,
            memory,
            m: 0,
            length: 0,
            reserved2: 0,
            request_fd: 0,
        }
    }
}

nix::ioctl_read!(querycap, b'V', 0, Capability);
nix::ioctl_readwrite!(s_fmt, b'V', 5, Format);
nix::ioctl_readwrite!(reqbufs, b'V', 8, RequestBuffers);
nix::ioctl_readwrite!(querybuf, b'V', 9, Buffer);
nix::ioctl_readwrite!(qbuf, b'V', 15, Buffer);
nix::ioctl_readwrite!(dqbuf, b'V', 17, Buffer);
nix::ioctl_write_ptr!(streamon, b'V', 18, c_int);
nix::ioctl_write_ptr!(streamoff, b'V', 19, c_int);
nix::ioctl_readwrite!(s_ctrl, b'V', 28, Control);

/// Sizes in bytes that the kernel's header gives these structures (T31 3.2 for 32 bit).
const _: () = {
    let wide = size_of::<usize>() == 8;
    assert!(size_of::<Capability>() == 104);
    assert!(size_of::<PixFormat>() == 48);
    assert!(size_of::<Format>() == if wide { 208 } else { 204 });
    assert!(size_of::<Control>() == 8);
    assert!(size_of::<RequestBuffers>() == 20);
    assert!(size_of::<Buffer>() == if wide { 88 } else { 0x44 });
};
