// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What goes to memory beside the channels' pictures: raw capture through the VIC's MDMA (facts 2.7)
//! and statistics (facts 2.9).

use super::Chip;
use super::findings::FindingKind;
use super::frame::{Frame, RawJob, SideJob, StatisticsJob};
use tx_isp_abi::registers::{Core, Statistics, Vic};
use tx_isp_abi::sensor::BayerOrder;
use tx_isp_abi::statistics::{BANKS, Kind};
use tx_isp_abi::{PhysAddr, Size};

/// Bytes of a raw pixel in memory (facts 6.2).
const RAW_BYTES: u32 = 2;

/// How far the banks have turned.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    raw: usize,
    statistics: [usize; Kind::ALL.len()],
}

impl Chip {
    /// Whether raw pictures are captured.
    pub(super) fn captures_raw(&self) -> bool {
        Vic::MDMA_ON.is_set(self.vic(Vic::MdmaEnable))
    }

    /// Whether the driver has acknowledged the last raw picture.
    pub(super) fn is_ready_for_raw(&self) -> bool {
        self.captures_raw() && !Vic::MDMA_DONE_0.is_set(self.vic_status[1])
    }

    /// The raw picture of the frame that begins. With registers that do not allow one the VIC raises
    /// its control-limit error (facts 8, row 9).
    pub(super) fn start_raw(&mut self) -> Option<RawJob> {
        if !self.captures_raw() {
            return None;
        }
        let job = self.raw_job();
        match job {
            Some(job) => {
                self.turns.raw = self.turns.raw.wrapping_add(1);
                let current = Vic::MdmaCurrent.address();
                self.storage.set(current, job.address.0);
            }
            None => {
                self.vic_status[0] |= Vic::VIC_CONTROL_LIMIT.mask();
                let control = self.vic(Vic::MdmaControl);
                let size = Size::from_register(self.vic(Vic::MdmaSize));
                let stride = self.vic(Vic::MdmaStride);
                self.findings.report(FindingKind::MdmaNotConfigured, || {
                    format!("MDMA control {control:#010x}, size {size}, stride {stride}")
                });
            }
        }
        job
    }

    fn raw_job(&self) -> Option<RawJob> {
        let count = Vic::MDMA_BANKS.get(self.vic(Vic::MdmaControl));
        // 8 asks for more pictures than there are banks (facts 2b.9).
        let count = usize::try_from(count).ok()?.min(Vic::MDMA_BANK.len());
        let banks: Vec<PhysAddr> = Vic::MDMA_BANK
            .get(..count)?
            .iter()
            .map(|bank| PhysAddr(self.vic(*bank)))
            .filter(|address| address.0 != 0)
            .collect();
        let size = Size::from_register(self.vic(Vic::MdmaSize));
        let stride = self.vic(Vic::MdmaStride);
        let sensor = self.sensor.size;
        let fits =
            |pixels: u32, limit: u32| pixels > 0 && pixels <= limit && pixels.is_multiple_of(2);
        let usable = !banks.is_empty()
            && banks.len() == count
            && fits(size.width, sensor.width)
            && fits(size.height, sensor.height)
            && stride >= size.width * RAW_BYTES;
        usable.then(|| RawJob {
            address: banks[self.turns.raw % banks.len()],
            size,
            stride,
            bayer: self.bayer(),
        })
    }

    /// The order that the core's register names; the sensor's for monochrome and unknown values, as
    /// the sensor has its filters whatever the core thinks of them.
    fn bayer(&self) -> BayerOrder {
        match Core::BAYER_ORDER.get(self.storage.get(Core::Bayer.address())) {
            0 => BayerOrder::Rggb,
            1 => BayerOrder::Bggr,
            2 => BayerOrder::Grbg,
            3 => BayerOrder::Gbrg,
            _ => self.sensor.bayer,
        }
    }

    /// The statistics of the frame that begins: those kinds that have banks.
    pub(super) fn start_statistics(&mut self) -> Vec<StatisticsJob> {
        let jobs = Kind::ALL.into_iter().zip(self.turns.statistics);
        let jobs: Vec<StatisticsJob> = jobs
            .filter_map(|(kind, turn)| {
                let banks = self.banks(kind);
                let bank = banks.get(turn % banks.len().max(1))?;
                Some(StatisticsJob {
                    kind,
                    address: *bank,
                })
            })
            .collect();
        for turn in &mut self.turns.statistics {
            *turn = turn.wrapping_add(1);
        }
        jobs
    }

    fn banks(&self, kind: Kind) -> Vec<PhysAddr> {
        let value = |register: Statistics| self.storage.get(register.address());
        let set = |registers: [Statistics; BANKS]| {
            let addresses = registers.map(value).into_iter();
            addresses
                .filter(|address| *address != 0)
                .map(PhysAddr)
                .collect()
        };
        match kind {
            Kind::Exposure => set(Statistics::AE0_BANKS),
            Kind::WhiteBalance => set(Statistics::AWB_BANKS),
            Kind::Focus => set(Statistics::AF_BANKS),
        }
    }

    /// Raises what says that raw picture and statistics are in memory, except the `failed` ones.
    pub(super) fn end_side_jobs(&mut self, frame: &Frame, failed: &[SideJob]) {
        if frame.raw.is_some() && !failed.contains(&SideJob::Raw) {
            self.vic_status[1] |= Vic::MDMA_DONE_0.mask();
        }
        let done = frame.statistics.iter().map(|job| job.kind);
        for kind in done.filter(|kind| !failed.contains(&SideJob::Statistics(*kind))) {
            self.core_status |= match kind {
                Kind::Exposure => Core::IRQ_AE0_ZONES.mask() | Core::IRQ_AE0_HISTOGRAM.mask(),
                Kind::WhiteBalance => Core::IRQ_AWB.mask(),
                Kind::Focus => Core::IRQ_AF.mask(),
            };
        }
    }

    fn vic(&self, register: Vic) -> u32 {
        self.storage.get(register.address())
    }
}
