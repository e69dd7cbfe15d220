// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What goes to memory beside the channels' pictures: raw capture through the VIC's MDMA (T31 2.7)
//! and statistics (T31 2.9).

use super::Chip;
use super::behaviour::FlipBayer;
use super::frame::{Frame, RawJob, RawOrStatistics, StatisticsJob};
use super::guest_errors::GuestErrorKind;
use tx_isp_abi::registers::{Core, Statistics, Tuning, Vic};
use tx_isp_abi::sensor::BayerOrder;
use tx_isp_abi::statistics::{
    ADR_BLOCKS, BANKS, DEFOG_BLOCKS, GEOMETRY_WORDS, Kind, ZONES_ACROSS, ZONES_DOWN, Zones,
};
use tx_isp_abi::{PhysAddr, Size};

/// AE0's and AE1's thresholds.
const FIRST_THRESHOLDS: PhysAddr = PhysAddr(0x1330_a028);
const SECOND_THRESHOLDS: PhysAddr = PhysAddr(0x1330_a828);
/// Bytes of a raw pixel in memory (T31 6.2).
const RAW_BYTES: u32 = 2;

impl Chip {
    /// Whether raw pictures are captured. The vendor's driver ends it by a control of 0 and leaves MDMA_ENABLE as it
    /// is (T31 2b.9).
    pub(super) fn captures_raw(&self) -> bool {
        Vic::MDMA_ON.is_set(self.vic(Vic::MdmaEnable)) && self.vic(Vic::MdmaControl) != 0
    }

    /// Whether the driver has acknowledged the last raw picture.
    pub(super) fn is_ready_for_raw(&self) -> bool {
        self.captures_raw() && !Vic::MDMA_DONE_0.is_set(self.vic_status[1])
    }

    /// The raw picture of the frame that begins. With registers that do not allow one the VIC raises
    /// its control-limit error (T31 8, row 9).
    pub(super) fn start_raw(&mut self) -> Option<RawJob> {
        if !self.captures_raw() {
            return None;
        }
        let job = self.raw_job();
        match job {
            Some(job) => {
                self.bank_index.raw = self.bank_index.raw.wrapping_add(1);
                let current = Vic::MdmaCurrent.address();
                self.storage.set(current, job.address.0);
            }
            None => {
                self.vic_status[0] |= Vic::VIC_CONTROL_LIMIT.mask();
                let control = self.vic(Vic::MdmaControl);
                let size = Size::from_register(self.vic(Vic::MdmaSize));
                let stride = self.vic(Vic::MdmaStride);
                self.guest_errors
                    .report(GuestErrorKind::MdmaNotConfigured, || {
                        format!("MDMA control {control:#010x}, size {size}, stride {stride}")
                    });
            }
        }
        job
    }

    fn raw_job(&self) -> Option<RawJob> {
        let count = Vic::MDMA_BANKS.get(self.vic(Vic::MdmaControl));
        // 8 asks for more pictures than there are banks (T31 2b.9).
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
            address: banks[self.bank_index.raw % banks.len()],
            size,
            stride,
            bayer: self.bayer(),
            bits: self.sensor.bits_per_pixel,
        })
    }

    /// The order that the core's register names; the sensor's for monochrome and unknown values, as
    /// the sensor has its filters whatever the core thinks of them. Where turning the picture about turns the filters'
    /// order, too, it is always the sensor's.
    fn bayer(&self) -> BayerOrder {
        if self.behaviours.flip_bayer == FlipBayer::Turn {
            return self.sensor.bayer.turned(self.sensor_model.flips());
        }
        match Core::BAYER_ORDER.get(self.storage.get(Core::Bayer.address())) {
            0 => BayerOrder::Rggb,
            1 => BayerOrder::Bggr,
            2 => BayerOrder::Grbg,
            3 => BayerOrder::Gbrg,
            _ => self.sensor.bayer,
        }
    }

    /// The statistics of the frame that begins: those kinds that have banks and are not bypassed.
    pub(super) fn start_statistics(&mut self) -> Vec<StatisticsJob> {
        let jobs = Kind::ALL.into_iter().zip(self.bank_index.statistics);
        let jobs: Vec<StatisticsJob> = jobs
            .filter_map(|(kind, turn)| self.statistics_job(kind, turn))
            .collect();
        for turn in &mut self.bank_index.statistics {
            *turn = turn.wrapping_add(1);
        }
        jobs
    }

    fn statistics_job(&self, kind: Kind, turn: usize) -> Option<StatisticsJob> {
        if self.is_bypassed(kind) {
            return None;
        }
        let banks = banks(kind).map(|register| self.storage.get(register));
        let mut filled = (0..BANKS).filter(|bank| banks[*bank] != 0);
        let count = filled.clone().count();
        let bank = filled.nth(turn.checked_rem(count)?)?;
        Some(StatisticsJob {
            kind,
            bank,
            address: PhysAddr(banks[bank]),
            thresholds: self.thresholds(kind),
            zones: self.zones(kind),
        })
    }

    /// Zones as the geometry registers divide the picture; 15 times 15 equal ones where they are not set (assumption).
    /// ADR and defog have no such registers.
    fn zones(&self, kind: Kind) -> Zones {
        let size = self.sensor.size;
        let programmed = geometry(kind).and_then(|(first, unit)| {
            let words: [u32; GEOMETRY_WORDS] = std::array::from_fn(|index| {
                let offset = u32::try_from(4 * index).unwrap_or(0);
                self.storage.get(PhysAddr(first.0 + offset))
            });
            Zones::from_registers(&words, unit)
        });
        programmed.unwrap_or_else(|| {
            let blocks = match kind {
                Kind::DynamicRange => ADR_BLOCKS,
                Kind::Defog => DEFOG_BLOCKS,
                _ => [ZONES_DOWN as usize, ZONES_ACROSS as usize],
            };
            Zones::even(blocks, size)
        })
    }

    /// Whether the core's bypass takes the block out of the way (T31 2.1).
    fn is_bypassed(&self, kind: Kind) -> bool {
        let bypass = self.storage.get(Core::TopBypass.address());
        match kind {
            Kind::SecondExposure | Kind::SecondHistogram => Core::BYPASS_AE1.is_set(bypass),
            Kind::Focus => Core::BYPASS_AF.is_set(bypass),
            Kind::DynamicRange => Core::BYPASS_ADR.is_set(bypass),
            Kind::Defog => Core::BYPASS_DEFOG.is_set(bypass),
            Kind::Exposure | Kind::ExposureHistogram | Kind::WhiteBalance => false,
        }
    }

    /// Bits 7:0 and 15:8 of a028 or a828 (T31 2c). Without any, nothing is saturated (assumption).
    fn thresholds(&self, kind: Kind) -> [u8; 2] {
        let address = match kind {
            Kind::SecondExposure | Kind::SecondHistogram => SECOND_THRESHOLDS,
            _ => FIRST_THRESHOLDS,
        };
        let [dark, saturated, ..] = self.storage.get(address).to_le_bytes();
        [dark, if saturated == 0 { u8::MAX } else { saturated }]
    }

    /// Raises what says that raw picture and statistics are in memory, except the `failed` ones, after the registers
    /// that name the newest banks.
    pub(super) fn end_raw_and_statistics(&mut self, frame: &Frame, failed: &[RawOrStatistics]) {
        if frame.raw.is_some() && !failed.contains(&RawOrStatistics::Raw) {
            self.vic_status[1] |= Vic::MDMA_DONE_0.mask();
        }
        for job in &frame.statistics {
            if !failed.contains(&RawOrStatistics::Statistics(job.kind)) {
                self.name_newest(job);
                self.core_status |= interrupt(job.kind);
            }
        }
    }

    /// The bank's number, or its address for ADR and defog (T31 2c).
    fn name_newest(&mut self, job: &StatisticsJob) {
        let bank = u32::try_from(job.bank).unwrap_or(0);
        let (register, field) = match job.kind {
            Kind::Exposure => (Statistics::Ae0Current, Some(Statistics::AE_ZONES_INDEX)),
            Kind::ExposureHistogram => {
                (Statistics::Ae0Current, Some(Statistics::AE_HISTOGRAM_INDEX))
            }
            Kind::SecondExposure => (Statistics::Ae1Current, Some(Statistics::AE_ZONES_INDEX)),
            Kind::SecondHistogram => (Statistics::Ae1Current, Some(Statistics::AE_HISTOGRAM_INDEX)),
            Kind::WhiteBalance => (Statistics::AwbCurrent, None),
            Kind::Focus => (Statistics::AfCurrent, None),
            Kind::DynamicRange => {
                let register = Tuning::AdrCurrent.address();
                return self.storage.set(register, job.address.0);
            }
            Kind::Defog => {
                let register = Tuning::DefogCurrent.address();
                return self.storage.set(register, job.address.0);
            }
        };
        let before = self.storage.get(register.address());
        let value = field.map_or(bank, |field| before & !field.mask() | field.of(bank));
        self.storage.set(register.address(), value);
    }

    fn vic(&self, register: Vic) -> u32 {
        self.storage.get(register.address())
    }
}

/// A kind's first geometry register, and the pixels that a count there stands for (T31 2c).
const fn geometry(kind: Kind) -> Option<(PhysAddr, u32)> {
    match kind {
        Kind::Exposure | Kind::ExposureHistogram => Some((PhysAddr(0x1330_a004), 2)),
        Kind::SecondExposure | Kind::SecondHistogram => Some((PhysAddr(0x1330_a804), 2)),
        Kind::WhiteBalance => Some((PhysAddr(0x1330_b004), 2)),
        Kind::Focus => Some((PhysAddr(0x1330_b804), 1)),
        Kind::DynamicRange | Kind::Defog => None,
    }
}

/// The registers of a kind's banks.
fn banks(kind: Kind) -> [PhysAddr; BANKS] {
    let of = |registers: [Statistics; BANKS]| registers.map(Statistics::address);
    match kind {
        Kind::Exposure => of(Statistics::AE0_BANKS),
        Kind::ExposureHistogram => of(Statistics::AE0_HISTOGRAMS),
        Kind::SecondExposure => of(Statistics::AE1_BANKS),
        Kind::SecondHistogram => of(Statistics::AE1_HISTOGRAMS),
        Kind::WhiteBalance => of(Statistics::AWB_BANKS),
        Kind::Focus => of(Statistics::AF_BANKS),
        Kind::DynamicRange => Tuning::ADR_BANKS.map(Tuning::address),
        Kind::Defog => Tuning::DEFOG_BANKS.map(Tuning::address),
    }
}

/// The bit of the core's status that tells of a kind (T31 2.2).
const fn interrupt(kind: Kind) -> u32 {
    match kind {
        Kind::Exposure => Core::IRQ_AE0_ZONES.mask(),
        Kind::ExposureHistogram => Core::IRQ_AE0_HISTOGRAM.mask(),
        Kind::SecondExposure => Core::IRQ_AE1_ZONES.mask(),
        Kind::SecondHistogram => Core::IRQ_AE1_HISTOGRAM.mask(),
        Kind::WhiteBalance => Core::IRQ_AWB.mask(),
        Kind::Focus => Core::IRQ_AF.mask(),
        Kind::DynamicRange => Core::IRQ_ADR_HISTOGRAM.mask(),
        Kind::Defog => Core::IRQ_DEFOG.mask(),
    }
}
