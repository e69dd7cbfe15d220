// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver core on the chip model, without a guest: what tests of both need.
//!
//! | module | what it is |
//! |---|---|
//! | [`Board`] | driver and chip alone: no memory, no time |
//! | [`rig`] | driver and whole emulator: device, DMA, guest memory, time |
//! | [`record`] | a stream on the rig, recorded register by register |
//! | [`faults`] | the fault matrix: what the driver must make of each fault of the hardware |
//! | [`guest`] | tests that need a guest |

pub mod faults;
pub mod guest;
pub mod record;
pub mod rig;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::{Operation, RegisterFile, execute};
use tx_isp_abi::sensor::{GC2053, Sensor};
use tx_isp_chip::{Chip, Frame};
use tx_isp_driver::bus::{Bus, BusError};
use tx_isp_driver::isp::Isp;

/// What went over a bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Batches that were waited for.
    pub round_trips: u64,
    /// Batches that were posted.
    pub posts: u64,
    /// Each write in order.
    pub writes: Vec<(PhysAddr, u32)>,
}

/// A chip that a driver and a test share.
#[derive(Clone)]
pub struct Board {
    chip: Rc<RefCell<Chip>>,
    traffic: Rc<RefCell<Traffic>>,
    /// What the bus does instead of answering.
    fault: Rc<RefCell<Option<BusError>>>,
    /// How many batches pass before the fault.
    good_batches: Rc<Cell<u32>>,
    /// The device below the registers can be reset.
    has_reset: Rc<Cell<bool>>,
    /// A frame whose DMA is still going on when the driver looks; ended when the driver sleeps.
    open_frame: Rc<RefCell<Option<Frame>>>,
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

impl Board {
    /// A board with another sensor, powered up.
    #[must_use]
    pub fn with_sensor(sensor: Sensor) -> Self {
        let board = Self::new();
        *board.chip.borrow_mut() = Chip::new(sensor);
        board
    }

    /// A board with a GC2053, powered up.
    #[must_use]
    pub fn new() -> Self {
        Self {
            chip: Rc::new(RefCell::new(Chip::new(GC2053))),
            traffic: Rc::default(),
            fault: Rc::default(),
            good_batches: Rc::default(),
            has_reset: Rc::new(Cell::new(true)),
            open_frame: Rc::default(),
        }
    }

    /// The driver core, bound to this board.
    ///
    /// # Panics
    /// If the driver does not know the chip.
    #[must_use]
    #[allow(
        clippy::expect_used,
        reason = "the chip model is a T31; anything else fails the test"
    )]
    pub fn probe(&self) -> Isp<Self> {
        Isp::probe(self.clone(), GC2053).expect("the driver knows the chip model")
    }

    /// The chip.
    pub fn chip<R>(&self, look: impl FnOnce(&mut Chip) -> R) -> R {
        look(&mut self.chip.borrow_mut())
    }

    /// What went over the bus so far; counting starts anew.
    #[must_use]
    pub fn take_traffic(&self) -> Traffic {
        self.traffic.take()
    }

    /// From now on the bus fails with `fault`, or works again.
    pub fn set_fault(&self, fault: Option<BusError>) {
        self.set_fault_after(0, fault);
    }

    /// The bus carries so many batches, then it fails.
    pub fn set_fault_after(&self, batches: u32, fault: Option<BusError>) {
        *self.fault.borrow_mut() = fault;
        self.good_batches.set(batches);
    }

    /// Whether the device below the registers can be reset, as a virtio device can.
    pub fn set_resettable(&self, resettable: bool) {
        self.has_reset.set(resettable);
    }

    /// A whole frame passes; `None` while the chip does not stream.
    #[must_use]
    pub fn frame(&self) -> Option<Frame> {
        self.chip(|chip| {
            let frame = chip.frame_start()?;
            chip.frame_end(&frame, &[]);
            Some(frame)
        })
    }

    /// A frame begins; it ends when the driver sleeps for the first time.
    ///
    /// Returns whether the chip streams.
    #[must_use]
    pub fn frame_begins(&self) -> bool {
        let frame = self.chip(Chip::frame_start);
        let begun = frame.is_some();
        *self.open_frame.borrow_mut() = frame;
        begun
    }

    fn check(&self) -> Result<(), BusError> {
        let Some(fault) = *self.fault.borrow() else {
            return Ok(());
        };
        let left = self.good_batches.get();
        self.good_batches.set(left.saturating_sub(1));
        if left > 0 { Ok(()) } else { Err(fault) }
    }

    fn record(&self, operations: &[Operation]) {
        let mut traffic = self.traffic.borrow_mut();
        for operation in operations {
            if let Operation::Write(address, value) = *operation {
                traffic.writes.push((address, value));
            }
        }
    }
}

impl Bus for Board {
    fn execute(
        &mut self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> Result<usize, BusError> {
        self.check()?;
        self.record(operations);
        self.traffic.borrow_mut().round_trips += 1;
        execute(&mut *self.chip.borrow_mut(), operations, results).map_err(|_| BusError::Protocol)
    }

    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError> {
        self.check()?;
        self.record(operations);
        self.traffic.borrow_mut().posts += 1;
        for operation in operations {
            let Operation::Write(address, value) = *operation else {
                return Err(BusError::Protocol);
            };
            self.chip.borrow_mut().write(address, value);
        }
        Ok(())
    }

    fn reset_device(&mut self) -> Result<(), BusError> {
        if !self.has_reset.get() {
            return Err(BusError::Gone);
        }
        self.open_frame.borrow_mut().take();
        *self.chip.borrow_mut() = Chip::new(GC2053);
        Ok(())
    }

    fn sleep(&mut self, _microseconds: u32) {
        if let Some(frame) = self.open_frame.borrow_mut().take() {
            self.chip.borrow_mut().frame_end(&frame, &[]);
        }
    }
}
