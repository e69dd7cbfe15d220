// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a camera's client would get, computed with the driver's own allocator.

use std::collections::BTreeMap;

use guest_protocol::camera::allocator::{room, state_of};
use guest_protocol::camera::sizes::{PAGE, frame_in_pages, frame_of_driver};
use guest_protocol::camera::{
    AllocationPolicy, Channel, Cycles, Memory, Pool, Report, Setup, cycles, enable,
};
use tx_isp_abi::PhysAddr;
use tx_isp_alloc::carve_out::{CarveOut, Reservation};
use tx_isp_alloc::negotiation::{self, Margin, Request};
use tx_isp_alloc::pool::{Client, GRANULE, Owner};

/// Blocks and reservations that the kernel's driver has room for.
type DriverCarveOut = CarveOut<256, 64>;

/// The client as the driver knows it.
const CLIENT: Client = Client(1);

/// Why there is no prediction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// A picture of which no buffer has a length in 32 bits.
    #[error("a picture of {width}x{height} has no buffer of less than 4 GiB")]
    Size {
        /// Pixels in a line.
        width: u32,
        /// Lines.
        height: u32,
    },
    /// The driver's tables are too small.
    #[error("the client reserves more than the driver's 64 reservations")]
    TooManyReservations,
    /// More blocks than the allocator's table holds.
    #[error("{0}")]
    Pool(String),
}

/// What `policy` gets of the camera's requests. No time passes and nothing is allocated.
///
/// # Errors
/// [`PredictError`].
pub fn predict(
    setup: &Setup,
    policy: AllocationPolicy,
    margin: Margin,
) -> Result<Report, PredictError> {
    enable(setup, policy, &mut Host::new(setup, policy, margin))
}

/// As [`cycles`]: how many times the channels could be enabled.
///
/// # Errors
/// [`PredictError`].
pub fn predict_cycles(
    setup: &Setup,
    policy: AllocationPolicy,
    margin: Margin,
    repeat: Cycles,
) -> Result<(u32, Report), PredictError> {
    let mut host = Host::new(setup, policy, margin);
    cycles(setup, policy, repeat, &mut host)
}

/// The carve-out without a camera around it.
struct Host {
    base: u32,
    margin: Margin,
    policy: AllocationPolicy,
    carve_out: Box<DriverCarveOut>,
    /// What each queue of the driver holds.
    buffers: BTreeMap<u32, Vec<PhysAddr>>,
}

impl Host {
    fn new(setup: &Setup, policy: AllocationPolicy, margin: Margin) -> Self {
        Self {
            base: setup.base,
            margin,
            policy,
            carve_out: Box::new(DriverCarveOut::new(PhysAddr(setup.base), setup.bytes)),
            buffers: BTreeMap::new(),
        }
    }
}

fn owner(name: &str) -> Owner {
    Owner::new(name).of(CLIENT)
}

impl Memory for Host {
    type Error = PredictError;

    fn set_format(&mut self, channel: &Channel) -> Result<u32, PredictError> {
        frame_of_driver(channel.size()).ok_or(PredictError::Size {
            width: channel.width,
            height: channel.height,
        })
    }

    fn reserve(&mut self, name: &str, bytes: u32, alignment: u32) -> Result<(), PredictError> {
        let reservation = Reservation {
            owner: owner(name),
            bytes,
            alignment: if alignment == 0 { GRANULE } else { alignment },
        };
        self.carve_out
            .reserve(reservation)
            .map_err(|_| PredictError::TooManyReservations)
    }

    fn take(&mut self, name: &str, bytes: u32) -> Result<Option<u32>, PredictError> {
        room(self.carve_out.allocate(bytes, GRANULE, owner(name)))
            .map_err(|error| PredictError::Pool(error.to_string()))
    }

    fn take_heap(&mut self, _bytes: u32) -> Result<(), PredictError> {
        Ok(())
    }

    fn ask_driver(&mut self, channel: &Channel, sizeimage: u32) -> Result<u32, PredictError> {
        let name = channel.queue_name();
        let request = Request {
            count: channel.buffers,
            bytes: frame_in_pages(sizeimage).unwrap_or(sizeimage),
            alignment: PAGE,
            owner: &name,
        };
        let strategy = self.policy.strategy();
        let (grant, _) = negotiation::grant(strategy, self.margin, &mut self.carve_out, &request);
        if grant.count == 0 {
            return Ok(0);
        }
        let taken = self
            .carve_out
            .take(&request, &grant)
            .map_err(|error| PredictError::Pool(error.to_string()))?;
        self.buffers.insert(channel.id, taken.as_slice().to_vec());
        Ok(grant.count)
    }

    fn bring(&mut self, _: &Channel, _: u32, _: u32, _: u32) -> Result<(), PredictError> {
        Ok(())
    }

    fn stream(&mut self) -> Result<(), PredictError> {
        Ok(())
    }

    fn disable(&mut self, channel: &Channel) -> Result<(), PredictError> {
        for address in self.buffers.remove(&channel.id).unwrap_or_default() {
            self.give_back(address.0)?;
        }
        Ok(())
    }

    fn give_back(&mut self, address: u32) -> Result<(), PredictError> {
        self.carve_out
            .free(PhysAddr(address))
            .map(drop)
            .map_err(|error| PredictError::Pool(error.to_string()))
    }

    fn pool(&self) -> Result<Pool, PredictError> {
        Ok(state_of(self.base, self.carve_out.pool()))
    }
}

#[cfg(test)]
mod tests;
