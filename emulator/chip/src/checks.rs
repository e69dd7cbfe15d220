// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules of the channels that a driver must keep: looked at when it writes, so that the guest error
//! shows the accesses that led to it.

use super::Chip;
use super::frame::DmaJob;
use super::guest_errors::GuestErrorKind;
use super::scaler::Scaler;
use crate::carve_out::CarveOut;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::Channel;

impl Chip {
    /// A write to a channel's register, before it takes effect.
    pub(super) fn check_channel_write(&mut self, id: ChannelId, register: Channel, value: u32) {
        let channel = &self.channels[id.index()];
        let address = PhysAddr(value);
        match register {
            Channel::YAddress => {
                self.check_inside(id, "Y", address, 1);
                self.check_not_held(id, address);
            }
            Channel::UvAddress => {
                let lone = channel.lone_chroma();
                self.check_inside(id, "UV", address, 1);
                if lone > 0 {
                    self.report_lone_chroma(id, lone);
                }
            }
            Channel::YAddressClear | Channel::UvAddressClear if value & 1 != 0 => {
                if let Some(y) = self.writing[id.index()] {
                    self.guest_errors
                        .report(GuestErrorKind::BufferTakenBack, || {
                            format!("channel {id}: {register:?} while DMA writes to {y}")
                        });
                }
            }
            Channel::YLastClear if value & 1 != 0 => {
                let unread = channel.unread();
                self.check_read(id, unread);
            }
            _ => {}
        }
    }

    /// A channel is about to start.
    pub(super) fn check_start(&mut self, id: ChannelId) {
        // What will be in effect with the next frame.
        let mut latch = self.latch.clone();
        latch.take_over(&self.storage);
        let scaler = Scaler {
            id,
            storage: &self.storage,
            latch: &latch,
            masked: false,
            sensor: self.sensor.size,
            sensor_flips: self.sensor_model.flips(),
        };
        let _usable = scaler.setup(&mut self.guest_errors);
        if let Some(register) = self.latch.stale(id, &self.storage) {
            self.guest_errors.report(GuestErrorKind::SettingsNotLatched, || {
                format!("channel {id} starts without its strobe, and {register:?} was written since the last one")
            });
        }
        let channel = &self.channels[id.index()];
        let (lone, unread) = (channel.lone_chroma(), channel.unread());
        if lone > 0 {
            self.report_lone_chroma(id, lone);
        }
        self.check_read(id, unread);
    }

    /// A picture is about to be written.
    pub(super) fn check_job(&mut self, job: &DmaJob) {
        let bytes = |stride: u32, lines: u32| u64::from(stride) * u64::from(lines);
        let y_bytes = bytes(job.y_stride, job.size.height);
        self.check_inside(job.channel, "Y", job.y, y_bytes);
        if job.uv != PhysAddr(0) {
            let uv_bytes = bytes(job.uv_stride, job.size.height / 2);
            self.check_inside(job.channel, "UV", job.uv, uv_bytes);
        }
    }

    fn check_inside(&mut self, id: ChannelId, plane: &str, start: PhysAddr, bytes: u64) {
        let Some(carve_out) = self.carve_out else {
            return;
        };
        if !carve_out.holds(start, bytes) {
            self.guest_errors.report(GuestErrorKind::DmaOutsideCarveOut, || {
                let CarveOut { base, bytes: room } = carve_out;
                format!("channel {id}: {plane} plane of {bytes:#x} bytes at {start}; the carve-out has {room:#x} bytes at {base}")
            });
        }
    }

    fn check_not_held(&mut self, id: ChannelId, y: PhysAddr) {
        let waits = self.channels.iter().any(|channel| channel.has_queued(y));
        let written = self.writing.contains(&Some(y));
        if waits || written {
            let state = if waits {
                "waits in a FIFO"
            } else {
                "is being written"
            };
            self.guest_errors
                .report(GuestErrorKind::BufferQueuedTwice, || {
                    format!("channel {id}: Y address {y} pushed while it {state}")
                });
        }
    }

    fn report_lone_chroma(&mut self, id: ChannelId, lone: usize) {
        self.guest_errors
            .report(GuestErrorKind::ChromaWithoutLuma, || {
                format!("channel {id}: {lone} UV address(es) without a Y address")
            });
    }

    fn check_read(&mut self, id: ChannelId, unread: usize) {
        if unread > 0 {
            self.guest_errors
                .report(GuestErrorKind::DoneEntryUnread, || {
                    format!("channel {id}: {unread} finished frame(s) were never taken")
                });
        }
    }
}
