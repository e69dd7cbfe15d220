// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver core on the whole emulator, without a guest and without threads: device, DMA engine
//! and guest memory, in a time of their own. A second of it takes milliseconds, and each run is like
//! the last.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::FrameLayout;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::sensor::GC2053;
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_driver::Error;
use tx_isp_driver::bus::{Bus, BusError};
use tx_isp_driver::isp::Isp;
use tx_isp_emulator::attach::{GuestMemory, InterruptSink};
use tx_isp_emulator::device::Device;
use tx_isp_emulator::dma::Engine;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::{Renderer, Source};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

/// Where the carve-out of a Wyze Cam v3 begins (T31 5.1); the rig's is shorter.
pub const CARVE_OUT: CarveOut = CarveOut {
    base: PhysAddr(0x0630_0000),
    bytes: 4 << 20,
};

/// Frames in a second of the rig's sensor.
const RATE: NonZeroU32 = NonZeroU32::new(25).unwrap();

/// From one frame to the next.
pub const PERIOD_NS: u64 = 40_000_000;

/// Counts the interrupts that the guest is told of.
#[derive(Debug, Default)]
struct Told(AtomicU32);

impl InterruptSink for Told {
    fn raise(&self, _lines: u32) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Parts {
    device: Arc<Device>,
    engine: RefCell<Engine>,
    memory: GuestMemoryMmap,
    told: Arc<Told>,
}

/// An emulator that a driver and a test share; it is the driver's bus.
#[derive(Clone)]
pub struct Rig(Rc<Parts>);

impl Rig {
    /// An emulator after power-up, with memory at [`CARVE_OUT`] only.
    ///
    /// # Errors
    /// If there is no memory on the host.
    pub fn new() -> anyhow::Result<Self> {
        let base = GuestAddress(CARVE_OUT.base.0.into());
        let bytes = usize::try_from(CARVE_OUT.bytes)?;
        let memory = GuestMemoryMmap::from_ranges(&[(base, bytes)])?;
        let device = Arc::new(Device::with_told_time(
            GC2053,
            ClockMode::Rate(RATE),
            "bars".to_owned(),
        ));
        let told = Arc::new(Told::default());
        device.set_carve_out(Some(CARVE_OUT));
        device.connect(GuestMemory::new(memory.clone()), told.clone());
        device.resume();
        let engine = Engine::new(device.clone(), Renderer::open(&Source::Bars)?);
        Ok(Self(Rc::new(Parts {
            device,
            engine: RefCell::new(engine),
            memory,
            told,
        })))
    }

    /// The driver core, bound to this emulator.
    ///
    /// # Errors
    /// If the driver does not know the chip.
    pub fn probe(&self) -> Result<Isp<Self>, Error> {
        Isp::probe(self.clone(), GC2053)
    }

    /// The emulator's device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// The time in nanoseconds since the rig was made.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.0.device.now().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Lets time pass: the sensor's frames come, and DMA writes them at once.
    pub fn advance(&self, nanoseconds: u64) {
        let device = &self.0.device;
        let end = device.now() + Duration::from_nanos(nanoseconds);
        while let Some(due) = device.deadline().filter(|due| *due <= end) {
            device.set_time(due);
            device.advance();
            if device.has_frame() {
                self.0.engine.borrow_mut().write_next();
            }
        }
        device.set_time(end);
        device.advance();
    }

    /// Whether the guest was told of an interrupt since it was asked last.
    #[must_use]
    pub fn take_interrupt(&self) -> bool {
        self.0.told.0.swap(0, Ordering::Relaxed) > 0
    }

    /// CRC-32 of a picture in memory, as the frame log has it: the visible bytes of Y, then of UV.
    ///
    /// # Errors
    /// If it does not lie in memory.
    pub fn checksum(&self, address: PhysAddr, layout: &FrameLayout) -> anyhow::Result<u32> {
        let mut hasher = crc32fast::Hasher::new();
        let width = usize::try_from(layout.size.width)?;
        let mut line = vec![0; width];
        let planes = [
            (0, layout.y_stride, layout.size.height),
            (layout.uv_offset, layout.uv_stride, layout.size.height / 2),
        ];
        for (offset, stride, lines) in planes {
            for number in 0..lines {
                let at = address.0 + offset + number * stride;
                self.0
                    .memory
                    .read_slice(&mut line, GuestAddress(at.into()))?;
                hasher.update(&line);
            }
        }
        Ok(hasher.finalize())
    }

    /// The checksum of the newest picture that DMA has written to an address, as the frame log tells it.
    #[must_use]
    pub fn written_checksum(&self, channel: ChannelId, address: PhysAddr) -> Option<u32> {
        let page = self.0.device.frame_log_page(channel, None, 0);
        let newest = page.entries.iter().rev();
        newest
            .filter(|entry| entry.y_address == address.0)
            .map(|entry| entry.crc32)
            .next()
    }

    /// Fills memory with a pattern.
    ///
    /// # Errors
    /// If it does not lie in memory.
    pub fn paint(&self, memory: CarveOut, byte: u8) -> anyhow::Result<()> {
        let bytes = vec![byte; usize::try_from(memory.bytes)?];
        let base = GuestAddress(memory.base.0.into());
        self.0.memory.write_slice(&bytes, base)?;
        Ok(())
    }

    /// Whether memory still holds the pattern.
    ///
    /// # Errors
    /// If it does not lie in memory.
    pub fn is_painted(&self, memory: CarveOut, byte: u8) -> anyhow::Result<bool> {
        let mut bytes = vec![0; usize::try_from(memory.bytes)?];
        let base = GuestAddress(memory.base.0.into());
        self.0.memory.read_slice(&mut bytes, base)?;
        // As a comparison of slices, which is fast in a debug build, too.
        Ok(bytes == vec![byte; bytes.len()])
    }
}

impl Bus for Rig {
    fn execute(
        &mut self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> Result<usize, BusError> {
        let (result, lines) = self.0.device.execute(operations, results);
        self.0.device.announce(lines);
        result.map_err(|_| BusError::Protocol)
    }

    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError> {
        self.execute(operations, &mut []).map(|_| ())
    }

    fn reset_device(&mut self) -> Result<(), BusError> {
        self.0.device.reset();
        self.0.device.resume();
        Ok(())
    }

    fn sleep(&mut self, microseconds: u32) {
        self.advance(u64::from(microseconds) * 1000);
    }
}
