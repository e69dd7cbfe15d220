// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The DMA engine: pictures straight into guest memory, on a thread of its own.
//!
//! A picture is written only if each of its planes lies in one piece of the guest's RAM as a whole;
//! else nothing of it is written, the driver's mistake is recorded, and the channel reports no done
//! frame. Addresses are those of the memory map that the VM gives: on a Malta board the lowest
//! 256 MiB appear at 0 and again at 0x80000000.

use crate::attach::GuestMemory;
use crate::device::{Device, Outcome, Revoked, StartedFrame};
use crate::frame_log::Record;
use crate::lost_frames::lost_frame_level;
use crate::raw_and_statistics_dma;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_chip::{DmaJob, GuestErrorKind, MaskRectangle};
use tx_isp_picture::{
    Brightness, FrameInfo, Geometry, Mask, OutputFormat, Planes, RenderError, Rendered, Renderer,
    View,
};
use vm_memory::{Bytes, GuestAddress, GuestAddressSpace, GuestMemoryBackend};

/// Draws frames into memory: the renderer, or a test that holds one up on purpose.
pub trait FrameWriter: Send {
    /// Writes a frame, each chunk under the frame's permit, and returns soon after that has ended.
    fn write_frame(&mut self, started: &StartedFrame) -> Outcome;
}

/// Writes the frames of a device.
pub struct Engine {
    device: Arc<Device>,
    writer: Box<dyn FrameWriter>,
}

impl Engine {
    /// An engine that writes what `renderer` draws.
    #[must_use]
    pub fn new(device: Arc<Device>, renderer: Renderer) -> Self {
        let writer = Box::new(Painter {
            device: device.clone(),
            renderer,
        });
        Self { device, writer }
    }

    /// An engine that leaves the writing to `writer`.
    #[must_use]
    pub fn with_writer(device: Arc<Device>, writer: Box<dyn FrameWriter>) -> Self {
        Self { device, writer }
    }

    /// Runs the engine on a thread of its own until [`Device::end`].
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn spawn(mut self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new()
            .name("dma".to_owned())
            .spawn(move || self.run())
    }

    /// Writes frames until [`Device::end`].
    pub fn run(&mut self) {
        while self.write_next() {}
    }

    /// Waits for the next frame and writes it; false after [`Device::end`].
    pub fn write_next(&mut self) -> bool {
        let Some(started) = self.device.next_frame() else {
            return false;
        };
        let outcome = self.writer.write_frame(&started);
        self.device.finish_frame(&started, outcome);
        true
    }
}

/// Writes what a renderer draws.
struct Painter {
    device: Arc<Device>,
    renderer: Renderer,
}

impl FrameWriter for Painter {
    fn write_frame(&mut self, started: &StartedFrame) -> Outcome {
        let mut outcome = Outcome::default();
        if self.write_all(started, &mut outcome).is_err() {
            outcome.revoked = true;
        }
        outcome
    }
}

impl Painter {
    fn write_all(&mut self, started: &StartedFrame, outcome: &mut Outcome) -> Result<(), Revoked> {
        let effects = &started.frame.effects;
        let permit = &started.permit;
        permit.sleep(Duration::from_millis(effects.delay_ms.into()))?;
        self.renderer.write_under(Arc::new(permit.clone()));
        for job in &started.frame.jobs {
            if effects.overflow & job.channel.bit() != 0 {
                continue;
            }
            let begin = Instant::now();
            let result = self.write_picture(started, job);
            outcome.busy += begin.elapsed();
            match result {
                Ok(rendered) => {
                    if effects.damages(job.channel) {
                        damage(started, job)?;
                    }
                    outcome.pictures += 1;
                    outcome.bytes += rendered.bytes;
                    outcome
                        .records
                        .push(record(started, job, rendered, self.device.now()));
                }
                Err(WriteError::Render(RenderError::Revoked)) => return Err(Revoked),
                Err(error) => {
                    outcome.failed.push(job.channel);
                    fail(started, job.channel, &error, outcome);
                }
            }
        }
        let sensor = self.device.sensor();
        raw_and_statistics_dma::write(&mut self.renderer, sensor, started, outcome)
    }

    fn write_picture(
        &mut self,
        started: &StartedFrame,
        job: &DmaJob,
    ) -> Result<Rendered, WriteError> {
        let memory = started.memory.memory();
        let y = plane(&memory, "Y", job, job.y, job.y_stride, job.size.height)?;
        let uv = if job.format.is_rgb() {
            y.subslice(0, 0).map_err(RenderError::from)?
        } else {
            let lines = job.size.height / 2;
            plane(&memory, "UV", job, job.uv, job.uv_stride, lines)?
        };
        let planes = Planes { y, uv };
        let geometry = Geometry {
            format: output_format(job.format),
            width: job.size.width,
            height: job.size.height,
            y_stride: job.y_stride,
            uv_stride: job.uv_stride,
        };
        let sensor = self.device.sensor();
        let info = FrameInfo {
            number: started.frame.number,
            time: started.frame.time,
            channel: u8::try_from(job.channel.number()).unwrap_or(u8::MAX),
            sensor: sensor.name,
        };
        let masks: Vec<Mask> = job.masks.iter().flatten().map(mask).collect();
        let view = View {
            full: (job.window.full.width, job.window.full.height),
            left: job.window.left,
            top: job.window.top,
            flips: job.window.flips,
            brightness: Brightness(started.frame.light),
            masks: &masks,
        };
        Ok(self
            .renderer
            .render_view(&geometry, &view, &info, &planes)?)
    }
}

/// Changes one byte in the middle of the picture, as an injected fault asks for.
fn damage(started: &StartedFrame, job: &DmaJob) -> Result<(), Revoked> {
    let offset = job.y_stride * (job.size.height / 2) + job.size.width / 2;
    let address = GuestAddress(u64::from(job.y.0) + u64::from(offset));
    let memory = started.memory.memory();
    let byte: Result<u8, _> = memory.read_obj(address);
    let write = |byte: u8| started.permit.write(|| memory.write_obj(!byte, address));
    let written = match byte {
        Ok(byte) => write(byte)?,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        log::error!("a picture cannot be damaged: {error}");
    }
    Ok(())
}

/// Why a picture was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("{plane} plane of {job}: {length:#x} bytes at {address} are not in RAM")]
    OutsideMemory {
        plane: &'static str,
        job: String,
        address: PhysAddr,
        length: u64,
    },
    #[error(transparent)]
    Render(#[from] RenderError),
}

type Slice<'a> = vm_memory::VolatileSlice<'a, ()>;

/// The memory of a plane, from its first visible byte to its last; a line of chroma has as many bytes
/// as one of Y.
fn plane<'a>(
    memory: &'a <GuestMemory as GuestAddressSpace>::M,
    name: &'static str,
    job: &DmaJob,
    address: PhysAddr,
    stride: u32,
    lines: u32,
) -> Result<Slice<'a>, WriteError> {
    let before_last = u64::from(lines.saturating_sub(1)) * u64::from(stride);
    let length = before_last + u64::from(job.size.width * job.format.bytes_per_pixel());
    let slice = usize::try_from(length)
        .ok()
        .and_then(|count| memory.get_slice(GuestAddress(address.0.into()), count).ok());
    slice.ok_or_else(|| WriteError::OutsideMemory {
        plane: name,
        job: format!("channel {}, {} {}", job.channel, job.size, job.format),
        address,
        length,
    })
}

/// What a failure means: a mistake of the driver's, or trouble on the host.
fn fail(started: &StartedFrame, channel: ChannelId, error: &WriteError, outcome: &mut Outcome) {
    let number = started.frame.number;
    let kind = match error {
        WriteError::OutsideMemory { .. } | WriteError::Render(RenderError::Memory(_)) => {
            GuestErrorKind::DmaOutsideMemory
        }
        WriteError::Render(RenderError::Geometry { .. } | RenderError::PlaneTooSmall { .. }) => {
            GuestErrorKind::ChannelNotConfigured
        }
        WriteError::Render(_) => {
            log::log!(
                lost_frame_level(),
                "frame {number} of channel {channel} is lost: {error}"
            );
            return;
        }
    };
    let detail = format!("frame {number}: {error}");
    outcome.guest_errors.push((kind, detail));
}

fn record(started: &StartedFrame, job: &DmaJob, rendered: Rendered, done: Duration) -> Record {
    Record {
        channel: job.channel,
        session: job.session,
        frame: started.frame.number,
        bytes: rendered.bytes,
        crc32: rendered.crc32,
        y: job.y,
        size: job.size,
        format: job.format,
        start: started.start,
        done,
    }
}

const fn output_format(format: PixelFormat) -> OutputFormat {
    match format {
        PixelFormat::Nv12 => OutputFormat::Nv12,
        PixelFormat::Nv21 => OutputFormat::Nv21,
        PixelFormat::Rgb565 => OutputFormat::Rgb565,
        PixelFormat::Bgr32 => OutputFormat::Bgr32,
    }
}

const fn mask(rectangle: &MaskRectangle) -> Mask {
    Mask {
        left: rectangle.left,
        top: rectangle.top,
        width: rectangle.size.width,
        height: rectangle.size.height,
        colour: rectangle.colour,
    }
}
