// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The camera client: takes frames from a device and reports each.

use std::time::{Duration, Instant};

use crate::planes::Planes;
use guest_protocol::message::{Failure, Frame, Granted, StreamDone, StreamEvent, StreamRequest};
use tx_isp_abi::format::PixelFormat;

use crate::abi;
use crate::buffers::{Buffers, v4l2_memory};
use crate::clock;
use crate::device::Camera;
use crate::failure::failure;
use crate::rmem::Rmem;

/// Kept pictures are sent at the end, so that the stream is not held up; more than this is sent at once.
const KEPT_BYTES: usize = 16 << 20;
/// Frames come in one message when they come fast: at most this many, ...
const BATCH_FRAMES: usize = 64;
/// ... and none waits longer than this to be sent (once the next one is there).
const BATCH_TIME: Duration = Duration::from_millis(50);
/// Bytes of a picture in one message.
const PART_BYTES: usize = 1 << 20;
/// A stream of which more frames than this have an error and are not counted is given up.
const MAX_ERRORS: u32 = 1000;

/// Hears of what happens; fails if nobody listens any more.
pub trait Sink {
    /// Takes one event.
    fn event(&mut self, event: StreamEvent) -> Result<(), Failure>;
}

/// Streams as asked. The last event is the end of the stream, or an error is returned.
pub fn stream(request: &StreamRequest, sink: &mut impl Sink) -> Result<(), Failure> {
    let camera = Camera::open(&request.device)?;
    camera.identify()?;
    let mut granted = camera.set_format(request.width, request.height, request.fourcc)?;
    let planes = check_format(request, &granted)?;
    if let Some(strategy) = request.strategy {
        camera.set_control(abi::CID_STRATEGY, strategy)?;
        // A client before may have wanted it elsewhere.
        camera.set_control(abi::CID_ALIGN_CHROMA, 0)?;
    }
    let memory = v4l2_memory(request.memory);
    let used = pool_used();
    let asked = Instant::now();
    granted.buffers = camera.request_buffers(request.buffers, memory)?;
    let request_ns = nanoseconds(asked.elapsed());
    if granted.buffers == 0 {
        return Err(failure("VIDIOC_REQBUFS", "the driver granted no buffer"));
    }
    let buffers = Buffers::new(&camera, &granted, request.memory)?;
    buffers.queue_all(&camera)?;
    let buffers_ns = nanoseconds(asked.elapsed());
    let pool_bytes = used
        .zip(pool_used())
        .map(|(before, after)| after.saturating_sub(before));
    camera.stream_on()?;

    let mut client = Client {
        camera: &camera,
        buffers: &buffers,
        memory,
        planes,
        request,
        taken: 0,
        begin: Instant::now(),
        touched: Duration::ZERO,
        kept: Vec::new(),
        batch: Vec::new(),
        sent: Instant::now(),
    };
    sink.event(StreamEvent::Started(granted))?;
    client.take_all(sink)?;
    let done = StreamDone {
        frames: client.taken,
        elapsed_ns: nanoseconds(client.begin.elapsed()),
        touch_ns: nanoseconds(client.touched),
        request_ns,
        buffers_ns,
        pool_bytes,
    };
    let kept = client.kept;

    camera.stream_off()?;
    drop(buffers);
    camera.request_buffers(0, memory)?;
    for (index, picture) in kept {
        send_picture(index, &picture, sink)?;
    }
    sink.event(StreamEvent::Done(done))
}

/// Bytes of the carve-out that somebody holds; `None` without one.
fn pool_used() -> Option<u32> {
    let state = Rmem::open().ok()?.query().ok()?;
    Some(state.total - state.free)
}

/// The driver may choose another format, but the lab asks only for what the ISP can do.
fn check_format(request: &StreamRequest, granted: &Granted) -> Result<Planes, Failure> {
    let step = "VIDIOC_S_FMT";
    let asked = (request.width, request.height, request.fourcc);
    if (granted.width, granted.height, granted.fourcc) != asked {
        let text = format!(
            "asked for {}x{} {}, the driver offers {}x{} {}",
            request.width,
            request.height,
            code(request.fourcc),
            granted.width,
            granted.height,
            code(granted.fourcc),
        );
        return Err(failure(step, text));
    }
    let Some(format) = PixelFormat::from_fourcc(granted.fourcc) else {
        let text = format!("this client does not know {}", code(granted.fourcc));
        return Err(failure(step, text));
    };
    let stride = granted.bytesperline;
    Planes::new(format, granted.width, granted.height, stride).ok_or_else(|| {
        let text = format!("{stride} bytes per line are too few");
        failure(step, text)
    })
}

struct Client<'a> {
    camera: &'a Camera,
    buffers: &'a Buffers,
    memory: u32,
    planes: Planes,
    request: &'a StreamRequest,
    /// Frames taken, also those that do not count.
    taken: u32,
    begin: Instant,
    touched: Duration,
    kept: Vec<(u32, Vec<u8>)>,
    batch: Vec<Frame>,
    sent: Instant,
}

impl Client<'_> {
    /// Takes all frames. What was taken before a failure is reported before it.
    fn take_all(&mut self, sink: &mut impl Sink) -> Result<(), Failure> {
        let mut left = self.request.frames;
        let mut index = 0;
        while left > 0 {
            let taken = self.take(index);
            let intact = self.batch.last().is_some_and(|frame| !frame.is_error());
            let counts = intact || !self.request.only_intact;
            left -= u32::from(counts);
            let full = self.batch.len() >= BATCH_FRAMES || self.sent.elapsed() >= BATCH_TIME;
            // The first one goes at once: the lab measures the time to it.
            let flush = full || index == 0 || left == 0 || taken.is_err();
            if flush && !self.batch.is_empty() {
                sink.event(StreamEvent::Frames(std::mem::take(&mut self.batch)))?;
                self.sent = Instant::now();
            }
            taken?;
            if self
                .kept
                .iter()
                .map(|(_, picture)| picture.len())
                .sum::<usize>()
                > KEPT_BYTES
            {
                if !self.batch.is_empty() {
                    sink.event(StreamEvent::Frames(std::mem::take(&mut self.batch)))?;
                    self.sent = Instant::now();
                }
                for (index, picture) in self.kept.drain(..) {
                    send_picture(index, &picture, sink)?;
                }
            }
            index += 1;
            if index - (self.request.frames - left) > MAX_ERRORS {
                let text = format!("more than {MAX_ERRORS} frames have an error");
                return Err(failure("taking frames", text));
            }
        }
        self.taken = index;
        Ok(())
    }

    fn take(&mut self, index: u32) -> Result<(), Failure> {
        let begin = Instant::now();
        let limit = Duration::from_millis(self.request.frame_deadline_ms.into());
        let buffer = self.camera.wait(self.memory, limit)?;
        let got = Instant::now();
        let dequeued_ns = clock::monotonic_ns()?;

        let bytes = self.buffers.bytes(buffer.index)?;
        let too_short =
            |error: crate::planes::BufferTooShort| failure("reading the frame", error.to_string());
        let mut crc32 = None;
        if self.request.checksum {
            crc32 = Some(self.planes.checksum(bytes).map_err(too_short)?);
        }
        if self.request.keep.contains(&index) {
            let picture = self.planes.pack(bytes).map_err(too_short)?;
            self.kept.push((index, picture));
        }
        self.touched += got.elapsed();

        self.batch.push(Frame {
            index,
            sequence: buffer.sequence,
            buffer: buffer.index,
            timestamp_ns: buffer.timestamp_ns,
            dequeued_ns,
            bytesused: buffer.bytesused,
            flags: buffer.flags,
            crc32,
            wait_ns: nanoseconds(got - begin),
        });
        self.buffers.queue(self.camera, buffer.index)
    }
}

fn send_picture(index: u32, picture: &[u8], sink: &mut impl Sink) -> Result<(), Failure> {
    let total = u32::try_from(picture.len())
        .map_err(|_| failure("sending a picture", "it has more than 4 GiB"))?;
    for part in picture.chunks(PART_BYTES) {
        sink.event(StreamEvent::Picture {
            index,
            total,
            part: part.to_vec(),
        })?;
    }
    Ok(())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A V4L2 code as people write it.
fn code(fourcc: u32) -> String {
    String::from_utf8_lossy(&fourcc.to_le_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest_protocol::message::Memory;

    struct Nobody;

    impl Sink for Nobody {
        fn event(&mut self, event: StreamEvent) -> Result<(), Failure> {
            panic!("nothing was to happen, but {event:?} did");
        }
    }

    fn request() -> StreamRequest {
        StreamRequest {
            device: "/dev/null".into(),
            width: 640,
            height: 360,
            fourcc: u32::from_le_bytes(*b"NV12"),
            buffers: 4,
            frames: 1,
            only_intact: false,
            memory: Memory::Mmap,
            strategy: None,
            checksum: true,
            keep: vec![0],
            frame_deadline_ms: 1,
        }
    }

    #[test]
    fn a_device_that_is_none_ends_the_stream_before_it_begins() {
        let error = stream(&request(), &mut Nobody).unwrap_err();
        assert_eq!(error.step, "VIDIOC_QUERYCAP");
        // However many pictures are wanted: they do not pile up in the guest.
        let all = StreamRequest {
            keep: (0..100).collect(),
            ..request()
        };
        assert_eq!(
            stream(&all, &mut Nobody).unwrap_err().step,
            "VIDIOC_QUERYCAP"
        );
    }

    #[test]
    fn another_format_than_asked_for_is_named() {
        let granted = Granted {
            width: 640,
            height: 352,
            fourcc: u32::from_le_bytes(*b"NV21"),
            bytesperline: 640,
            sizeimage: 1,
            buffers: 0,
        };
        let error = check_format(&request(), &granted).unwrap_err();
        assert_eq!(
            error.message,
            "asked for 640x360 NV12, the driver offers 640x352 NV21"
        );
    }

    #[test]
    fn a_format_that_nobody_can_check_is_refused() {
        let fourcc = u32::from_le_bytes(*b"YUYV");
        let granted = Granted {
            width: 640,
            height: 360,
            fourcc,
            bytesperline: 1280,
            sizeimage: 1,
            buffers: 0,
        };
        let asked = StreamRequest {
            fourcc,
            ..request()
        };
        let error = check_format(&asked, &granted).unwrap_err();
        assert_eq!(error.message, "this client does not know YUYV");
    }

    #[test]
    fn pictures_go_in_parts_that_fit_a_message() {
        struct Parts(Vec<(u32, usize)>);
        impl Sink for Parts {
            fn event(&mut self, event: StreamEvent) -> Result<(), Failure> {
                if let StreamEvent::Picture { total, part, .. } = event {
                    self.0.push((total, part.len()));
                }
                Ok(())
            }
        }
        let mut parts = Parts(Vec::new());
        send_picture(3, &vec![0; PART_BYTES + 5], &mut parts).unwrap();
        let total = u32::try_from(PART_BYTES + 5).unwrap();
        assert_eq!(parts.0, [(total, PART_BYTES), (total, 5)]);
    }
}
