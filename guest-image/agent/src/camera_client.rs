// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The camera client: behaves towards the driver as a camera's main program does, with real memory
//! and real frames (T31 4.1 to 4.5).

use std::time::{Duration, Instant};

use crate::planes::Planes;
use guest_protocol::camera::{AllocationPolicy, Channel, Memory, Pool, cycles};
use guest_protocol::message::{CameraEvent, CameraRequest, Failure, Frame};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use tx_isp_abi::format::PixelFormat;

use crate::abi;
use crate::carve_out::{Shared, Whole};
use crate::clock;
use crate::device::{Camera, Dequeued, Mapping, Place};
use crate::failure::{At, failure};

/// Frames are reported when so many are there, and at the end.
const BATCH_FRAMES: usize = 16;

/// Runs the client to its end. The last event is [`CameraEvent::Ended`], or an error is returned.
pub fn run(
    request: &CameraRequest,
    sink: &mut dyn FnMut(CameraEvent) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut client = Client {
        request,
        carve_out: match request.policy {
            AllocationPolicy::Client => CarveOut::Own(Whole::take()?),
            _ => CarveOut::Driver(Shared::open()?),
        },
        streams: Vec::new(),
        heap: Vec::new(),
        sink,
    };
    let (survived, report) = cycles(&request.setup, request.policy, request.cycles, &mut client)?;
    client.end()?;
    if !report.streams() {
        // Whoever looks at the console sees what owners of cameras see.
        eprint!("{report}");
    }
    sink(CameraEvent::Ended { survived, report })
}

/// Who manages the carve-out.
enum CarveOut {
    Own(Whole),
    Driver(Shared),
}

/// A channel that streams.
struct Stream {
    id: u32,
    camera: Camera,
    planes: Planes,
    buffers: Vec<Buffer>,
    sizeimage: u32,
    taken: u32,
    batch: Vec<Frame>,
}

/// A buffer as the client reads it.
enum Buffer {
    /// The driver's, mapped.
    Mapped(Mapping),
    /// At an address of the client's own mapping of the carve-out.
    Own(usize),
}

struct Client<'a> {
    request: &'a CameraRequest,
    // Dropped before the carve-out in which their buffers may lie.
    streams: Vec<Stream>,
    carve_out: CarveOut,
    heap: Vec<Vec<u8>>,
    sink: &'a mut dyn FnMut(CameraEvent) -> Result<(), Failure>,
}

impl Client<'_> {
    fn stream_of(&mut self, channel: &Channel) -> Result<&mut Stream, Failure> {
        self.streams
            .iter_mut()
            .find(|stream| stream.id == channel.id)
            .ok_or_else(|| failure("the client", format!("channel {} is not open", channel.id)))
    }

    /// The V4L2 memory type of its queues.
    fn memory(&self) -> u32 {
        match self.carve_out {
            CarveOut::Own(_) => abi::MEMORY_USERPTR,
            CarveOut::Driver(_) => abi::MEMORY_MMAP,
        }
    }

    /// Ends every stream and gives the driver's buffers back, in order, so that what is wrong with
    /// that is reported.
    fn end(&mut self) -> Result<(), Failure> {
        let memory = self.memory();
        for stream in std::mem::take(&mut self.streams) {
            stream.end(memory)?;
        }
        Ok(())
    }

    /// Takes frames from every channel until each has delivered enough.
    fn take_frames(&mut self) -> Result<(), Failure> {
        let memory = self.memory();
        let wanted = self.request.frames;
        let patience = Duration::from_millis(self.request.frame_deadline_ms.into());
        let mut last = Instant::now();
        while self.streams.iter().any(|stream| stream.taken < wanted) {
            let mut came = false;
            for stream in &mut self.streams {
                while let Some(frame) = stream.camera.try_dequeue(memory)? {
                    came |= stream.taken < wanted;
                    stream.take(&frame, wanted)?;
                    if stream.batch.len() >= BATCH_FRAMES {
                        stream.report(self.sink)?;
                    }
                }
            }
            if came {
                last = Instant::now();
                continue;
            }
            let left = patience.saturating_sub(last.elapsed());
            if left.is_zero() {
                return Err(self.starved(wanted, patience));
            }
            self.wait(left)?;
        }
        for stream in &mut self.streams {
            stream.report(self.sink)?;
        }
        Ok(())
    }

    fn starved(&self, wanted: u32, patience: Duration) -> Failure {
        let counts: Vec<String> = self
            .streams
            .iter()
            .map(|stream| format!("channel {}: {} of {wanted}", stream.id, stream.taken))
            .collect();
        Failure {
            step: "waiting for frames".to_owned(),
            errno: Some(libc::ETIMEDOUT),
            message: format!(
                "none came for {} ms ({})",
                patience.as_millis(),
                counts.join(", ")
            ),
        }
    }

    fn wait(&self, limit: Duration) -> Result<(), Failure> {
        let streams = self.streams.iter();
        let mut entries: Vec<PollFd<'_>> = streams
            .map(|stream| PollFd::new(stream.camera.as_fd(), PollFlags::POLLIN))
            .collect();
        // Rounded up, so that less than a millisecond does not spin.
        let limit = limit + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match nix::poll::poll(&mut entries, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).at("poll"),
        }
        let broken = |entry: &PollFd<'_>| {
            let events = entry.revents();
            events.is_some_and(|events| events.contains(PollFlags::POLLERR))
        };
        match entries.iter().any(broken) {
            true => Err(failure("poll", "a channel reports an error")),
            false => Ok(()),
        }
    }
}

impl Stream {
    fn open(channel: &Channel, policy: AllocationPolicy) -> Result<(Self, u32), Failure> {
        let camera = Camera::open(&format!("/dev/{}", channel.queue_name()))?;
        let strategy = i32::try_from(policy.strategy() as u32).unwrap_or(i32::MAX);
        camera.set_control(abi::CID_STRATEGY, strategy)?;
        // The vendor's library and encoder look for the chroma there (T31 6.2).
        camera.set_control(abi::CID_ALIGN_CHROMA, 1)?;
        let format =
            camera.set_format(channel.width, channel.height, PixelFormat::Nv12.fourcc())?;
        if (format.width, format.height) != (channel.width, channel.height) {
            let text = format!(
                "asked for {}x{}, the driver offers {}x{}",
                channel.width, channel.height, format.width, format.height
            );
            return Err(failure("VIDIOC_S_FMT", text));
        }
        let (width, height) = (format.width, format.height);
        let planes = Planes::new(PixelFormat::Nv12, width, height, format.bytesperline)
            .ok_or_else(|| failure("VIDIOC_S_FMT", "too few bytes per line"))?
            .with_aligned_chroma();
        let stream = Self {
            id: channel.id,
            camera,
            planes,
            buffers: Vec::new(),
            sizeimage: format.sizeimage,
            taken: 0,
            batch: Vec::new(),
        };
        Ok((stream, format.sizeimage))
    }

    fn queue(&self, index: u32) -> Result<(), Failure> {
        // The frame was allocated for this buffer alone and is read only while it is dequeued; the
        // carve-out outlives the stream.
        let place = match self.buffer(index)? {
            Buffer::Mapped(_) => Place::Driver,
            Buffer::Own(address) => Place::User {
                address: *address,
                length: self.sizeimage,
            },
        };
        self.camera.queue(index, place)
    }

    fn buffer(&self, index: u32) -> Result<&Buffer, Failure> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.buffers.get(index))
            .ok_or_else(|| failure("VIDIOC_DQBUF", format!("no buffer {index}")))
    }

    fn start(&self) -> Result<(), Failure> {
        for index in (0..).take(self.buffers.len()) {
            self.queue(index)?;
        }
        self.camera.stream_on()
    }

    /// Looks at a frame and gives its buffer back. Frames beyond those that are wanted only keep
    /// the stream going.
    fn take(&mut self, dequeued: &Dequeued, wanted: u32) -> Result<(), Failure> {
        let dequeued_ns = clock::monotonic_ns()?;
        if self.taken < wanted {
            let length = usize::try_from(self.sizeimage)
                .map_err(|_| failure("reading a frame", "it is too long"))?;
            let bytes = match self.buffer(dequeued.index)? {
                Buffer::Mapped(mapping) => mapping.bytes(),
                // SAFETY: the client's mapping of the carve-out holds sizeimage bytes there and
                // outlives the stream; the buffer is dequeued, so nobody writes to it.
                Buffer::Own(address) => unsafe {
                    std::slice::from_raw_parts(std::ptr::with_exposed_provenance(*address), length)
                },
            };
            let checksum = self.planes.checksum(bytes);
            let crc32 = checksum.map_err(|error| failure("reading a frame", error.to_string()))?;
            self.batch.push(Frame {
                index: self.taken,
                sequence: dequeued.sequence,
                buffer: dequeued.index,
                timestamp_ns: dequeued.timestamp_ns,
                dequeued_ns,
                bytesused: dequeued.bytesused,
                flags: dequeued.flags,
                crc32: Some(crc32),
                wait_ns: 0,
            });
            self.taken += 1;
        }
        self.queue(dequeued.index)
    }

    fn report(
        &mut self,
        sink: &mut dyn FnMut(CameraEvent) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.batch.is_empty() {
            return Ok(());
        }
        sink(CameraEvent::Frames {
            channel: self.id,
            frames: std::mem::take(&mut self.batch),
        })
    }

    fn end(mut self, memory: u32) -> Result<(), Failure> {
        self.camera.stream_off()?;
        self.buffers.clear();
        self.camera.request_buffers(0, memory).map(drop)
    }
}

impl Memory for Client<'_> {
    type Error = Failure;

    fn set_format(&mut self, channel: &Channel) -> Result<u32, Failure> {
        let (stream, sizeimage) = Stream::open(channel, self.request.policy)?;
        self.streams.push(stream);
        Ok(sizeimage)
    }

    fn reserve(&mut self, owner: &str, bytes: u32, alignment: u32) -> Result<(), Failure> {
        match &self.carve_out {
            CarveOut::Driver(shared) => shared.reserve(owner, bytes, alignment),
            CarveOut::Own(_) => Ok(()), // There is nobody to tell.
        }
    }

    fn take(&mut self, owner: &str, bytes: u32) -> Result<Option<u32>, Failure> {
        match &mut self.carve_out {
            CarveOut::Own(whole) => whole.allocate(owner, bytes),
            CarveOut::Driver(shared) => shared.allocate(owner, bytes),
        }
    }

    fn take_heap(&mut self, bytes: u32) -> Result<(), Failure> {
        let length = usize::try_from(bytes).map_err(|_| failure("malloc", "too many bytes"))?;
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(length)
            .map_err(|_| failure("malloc", format!("no {bytes} bytes on the heap")))?;
        memory.resize(length, 1); // Touches every page.
        self.heap.push(memory);
        Ok(())
    }

    fn ask_driver(&mut self, channel: &Channel, _sizeimage: u32) -> Result<u32, Failure> {
        let stream = self.stream_of(channel)?;
        let granted = match stream
            .camera
            .request_buffers(channel.buffers, abi::MEMORY_MMAP)
        {
            Ok(granted) => granted,
            Err(refused) if refused.errno == Some(libc::ENOMEM) => 0,
            Err(error) => return Err(error),
        };
        if granted == 0 {
            // Closed at once: there is nothing to end.
            self.streams.retain(|stream| stream.id != channel.id);
            return Ok(0);
        }
        for index in 0..granted {
            let mapping = stream.camera.map(index)?;
            stream.buffers.push(Buffer::Mapped(mapping));
        }
        stream.start()?;
        Ok(granted)
    }

    fn bring(
        &mut self,
        channel: &Channel,
        sizeimage: u32,
        address: u32,
        each: u32,
    ) -> Result<(), Failure> {
        let CarveOut::Own(whole) = &self.carve_out else {
            return Err(failure("the client", "it has no memory of its own"));
        };
        let frames = (0..channel.buffers)
            .map(|index| {
                whole
                    .find(address + index * each, sizeimage)
                    .map(Buffer::Own)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let stream = self.stream_of(channel)?;
        let granted = stream
            .camera
            .request_buffers(channel.buffers, abi::MEMORY_USERPTR)?;
        if granted < channel.buffers {
            let text = format!("{} buffers were brought, {granted} taken", channel.buffers);
            return Err(failure("VIDIOC_REQBUFS", text));
        }
        stream.buffers = frames;
        stream.start()
    }

    fn stream(&mut self) -> Result<(), Failure> {
        for stream in &mut self.streams {
            stream.taken = 0;
        }
        self.take_frames()
    }

    fn disable(&mut self, channel: &Channel) -> Result<(), Failure> {
        let memory = self.memory();
        let found = self
            .streams
            .iter()
            .position(|stream| stream.id == channel.id);
        match found {
            Some(index) => self.streams.remove(index).end(memory),
            None => Ok(()),
        }
    }

    fn give_back(&mut self, address: u32) -> Result<(), Failure> {
        match &mut self.carve_out {
            CarveOut::Own(whole) => whole.free(address),
            CarveOut::Driver(shared) => shared.free(address),
        }
    }

    fn pool(&self) -> Result<Pool, Failure> {
        match &self.carve_out {
            CarveOut::Own(whole) => Ok(whole.state()),
            CarveOut::Driver(shared) => shared.state(),
        }
    }
}
