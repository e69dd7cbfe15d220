// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's front on the chip model, as a client library calls it (T31 4.1).
#![allow(clippy::unwrap_used)]

use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::vendor::{
    Buffer, DropRule, FrameFormat, GPIO_BYTES, InputInfo, IspBuffer, MEMORY_USERPTR, Part,
    RequestBuffers, SensorInfo, SensorRegister, VIDEO_CAPTURE,
};
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_alloc::Strategy;
use tx_isp_alloc::negotiation::Margin;
use tx_isp_driver::isp::Isp;
use tx_isp_driver::noise_reduction::MemoryOption;
use tx_isp_driver::vendor::answers::Answers;
use tx_isp_driver::vendor::channel::State;
use tx_isp_driver::vendor::front::Front;
use tx_isp_driver::vendor::negotiation::Room;
use tx_isp_driver::vendor::queue::Time;
use tx_isp_driver::vendor::report::{self, File};
use tx_isp_driver::vendor::{Failure, Quirks, pages};
use tx_isp_driver::{Errno, bus::Bus};
use tx_isp_tests::rig::{CARVE_OUT, PERIOD_NS, Rig};

const NV12: u32 = u32::from_le_bytes(*b"NV12");
const MAIN: ChannelId = ChannelId::ALL[0];
const SUB: ChannelId = ChannelId::ALL[1];
const NONE: u32 = u32::MAX;

struct Client {
    rig: Rig,
    isp: Isp<Rig>,
    front: Box<Front>,
}

fn info() -> SensorInfo {
    let mut name = [0; 32];
    name[..6].copy_from_slice(b"gc2053");
    let mut i2c_type = [0; 20];
    i2c_type[..6].copy_from_slice(b"gc2053");
    SensorInfo {
        name,
        cbus: 1,
        i2c_type,
        i2c_address: 0x37,
        i2c_adapter: 0,
        rest: [0; 4],
    }
}

fn errno<T>(result: Result<T, Failure>) -> Option<Errno> {
    result.err().map(|failure| failure.errno())
}

fn format(size: Size) -> FrameFormat {
    FrameFormat {
        kind: 1,
        width: size.width,
        height: size.height,
        fourcc: NV12,
        colorspace: 8,
        rate_mask: 1,
        scaler_enable: 1,
        scaler_width: size.width,
        scaler_height: size.height,
        ..FrameFormat::default()
    }
}

impl Client {
    fn with(quirks: Quirks) -> Self {
        let rig = Rig::new().unwrap();
        let isp = rig.probe().unwrap();
        let front = Box::new(Front::new(MemoryOption::Full, quirks));
        Self { rig, isp, front }
    }

    fn new() -> Self {
        Self::with(Quirks::None)
    }

    fn answering(answers: &str) -> Self {
        let mut client = Self::new();
        let answers = Answers::parse(answers).unwrap();
        client
            .front
            .reset(MemoryOption::Full, Quirks::None, answers);
        client
    }

    fn add_sensor(&mut self) {
        self.front.open();
        self.front.register_sensor(&mut self.isp, &info()).unwrap();
        assert_eq!(
            self.front.select_input(&mut self.isp, 0).unwrap(),
            1920 << 16 | 1080
        );
    }

    fn enable_sensor(&mut self) {
        self.front.stream_on(&mut self.isp).unwrap();
        self.front.create_links(&mut self.isp, 0).unwrap();
    }

    fn prepare(&mut self, channel: ChannelId, size: Size, count: u32, at: u32) -> u32 {
        let mut format = format(size);
        self.front.channel_open(&mut self.isp, channel).unwrap();
        self.front
            .set_format(&mut self.isp, channel, &mut format)
            .unwrap();
        let mut request = RequestBuffers {
            count,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_USERPTR,
            reserved: [0; 2],
        };
        self.front.request_buffers(channel, &mut request).unwrap();
        assert_eq!(request.count, count);
        for index in 0..count {
            self.queue(
                channel,
                index,
                at + index * format.image_bytes,
                format.image_bytes,
            )
            .unwrap();
        }
        format.image_bytes
    }

    fn queue(
        &mut self,
        channel: ChannelId,
        index: u32,
        address: u32,
        length: u32,
    ) -> Result<(), Failure> {
        let mut buffer = Buffer {
            index,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_USERPTR,
            address,
            length,
            ..Buffer::default()
        };
        self.front.queue_buffer(&mut self.isp, channel, &mut buffer)
    }

    fn start(&mut self, channel: ChannelId) -> Result<(), Failure> {
        self.front
            .channel_stream_on(&mut self.isp, channel, VIDEO_CAPTURE)
    }

    fn stop(&mut self, channel: ChannelId) -> Result<(), Failure> {
        self.front
            .channel_stream_off(&mut self.isp, channel, VIDEO_CAPTURE)
    }

    /// Lets frames come and hands them to their channels, as the interrupt's thread does.
    fn frames(&mut self, count: u64) {
        for _ in 0..count {
            self.rig.advance(PERIOD_NS);
            if !self.rig.take_interrupt() {
                continue;
            }
            let report = self.isp.handle_interrupt().unwrap();
            for done in report.completed.as_slice() {
                let time = Time::from_ns(self.rig.now_ns());
                self.front
                    .finish(&mut self.isp, done.channel, done.index, done.intact, time)
                    .unwrap();
            }
        }
    }

    fn dequeue(&mut self, channel: ChannelId) -> Result<Buffer, Failure> {
        let mut buffer = Buffer {
            kind: VIDEO_CAPTURE,
            memory: MEMORY_USERPTR,
            ..Buffer::default()
        };
        self.front.dequeue(channel, &mut buffer).map(|()| buffer)
    }

    fn release(&mut self) {
        self.front.stream_off(&mut self.isp).unwrap();
        self.front.destroy_links(&mut self.isp).unwrap();
        self.front.select_input(&mut self.isp, NONE).unwrap();
        self.front.release_sensor(&info()).unwrap();
    }
}

#[test]
fn two_channels_stream_in_the_librarys_order() {
    let mut client = Client::new();
    client.add_sensor();
    assert_eq!(client.front.buffer_bytes(&client.isp).unwrap(), 4_685_424);
    client.enable_sensor();
    let first = CARVE_OUT.base.0;
    let bytes = client.prepare(MAIN, Size::new(640, 480), 2, first);
    assert_eq!(bytes, 460_800);
    let second = first + 2 * bytes;
    assert_eq!(client.prepare(SUB, Size::new(640, 360), 2, second), 353_280);
    client.start(MAIN).unwrap();
    client.start(SUB).unwrap();
    for turn in 0..10 {
        client.frames(2);
        for (channel, start, bytes) in [(MAIN, first, bytes), (SUB, second, 353_280)] {
            assert!(client.front.listen(channel).is_ok(), "turn {turn}");
            let buffer = client.dequeue(channel).unwrap();
            let address = start + buffer.index * bytes;
            let layout = client.isp.layout(channel);
            assert_eq!(
                layout.uv_offset,
                layout.size.width * layout.size.height.next_multiple_of(16)
            );
            let seen = client.rig.checksum(PhysAddr(address), &layout).unwrap();
            let written = client.rig.written_checksum(channel, PhysAddr(address));
            assert_eq!(Some(seen), written, "channel {channel}, turn {turn}");
            client.queue(channel, buffer.index, address, bytes).unwrap();
        }
    }
    for channel in [MAIN, SUB] {
        client.stop(channel).unwrap();
        client
            .front
            .channel_close(&mut client.isp, channel, true)
            .unwrap();
    }
    client.release();
    client.front.close(&mut client.isp).unwrap();
}

#[test]
fn nothing_is_open_before_tx_isp_is() {
    let mut client = Client::new();
    assert_eq!(
        errno(client.front.channel_open(&mut client.isp, MAIN)),
        Some(Errno::Eperm)
    );
    assert_eq!(errno(client.front.tuning_open()), Some(Errno::Eperm));
    assert_eq!(
        errno(client.front.register_sensor(&mut client.isp, &info())),
        Some(Errno::Eperm)
    );
    client.front.open();
    assert_eq!(client.front.channel(MAIN).state(), State::Activated);
    client.front.channel_open(&mut client.isp, MAIN).unwrap();
    assert_eq!(client.front.channel(MAIN).state(), State::Initialised);
    client.front.tuning_open().unwrap();
    assert_eq!(errno(client.front.tuning_open()), Some(Errno::Eperm));
}

#[test]
fn sensors_are_walked_to_the_end() {
    let mut client = Client::new();
    client.front.open();
    let input = |index| InputInfo {
        index,
        name: [0xff; 32],
        cbus: 9,
        rest: [0; 10],
    };
    assert_eq!(
        errno(client.front.enumerate(&client.isp, &mut input(0))),
        Some(Errno::Einval)
    );
    assert_eq!(client.front.input(), NONE);
    client
        .front
        .register_sensor(&mut client.isp, &info())
        .unwrap();
    let mut first = input(0);
    client.front.enumerate(&client.isp, &mut first).unwrap();
    assert_eq!((&first.name[..7], first.cbus), (&b"gc2053\0"[..], 1));
    assert_eq!(
        errno(client.front.enumerate(&client.isp, &mut input(1))),
        Some(Errno::Einval)
    );
}

#[test]
fn sensors_that_the_board_has_not_are_refused() {
    let mut client = Client::new();
    client.front.open();
    let mut other_type = info();
    other_type.i2c_type[0] = b'x';
    let wrong = [
        SensorInfo { cbus: 2, ..info() },
        SensorInfo {
            i2c_address: 0x40,
            ..info()
        },
        SensorInfo {
            i2c_adapter: 1,
            ..info()
        },
        other_type,
    ];
    for wrong in wrong {
        let refused = client.front.register_sensor(&mut client.isp, &wrong);
        assert_eq!(errno(refused), Some(Errno::Einval));
    }
    client
        .front
        .register_sensor(&mut client.isp, &info())
        .unwrap();
    let again = client.front.register_sensor(&mut client.isp, &info());
    assert_eq!(errno(again), Some(Errno::Einval));
    assert_eq!(
        client
            .front
            .select_input(&mut client.isp, 1)
            .map(drop)
            .err()
            .map(|f| f.errno()),
        Some(Errno::Einval)
    );
    client.front.select_input(&mut client.isp, 0).unwrap();
    assert_eq!(
        errno(client.front.release_sensor(&info())),
        Some(Errno::Einval),
        "it is in use"
    );
}

#[test]
fn a_killed_client_can_come_back_unless_the_quirk_is_asked_for() {
    for (quirks, expected) in [(Quirks::None, None), (Quirks::Vendor, Some(Errno::Einval))] {
        let mut client = Client::with(quirks);
        client.add_sensor();
        client.enable_sensor();
        client.front.close(&mut client.isp).unwrap();
        client.front.open();
        let again = client.front.register_sensor(&mut client.isp, &info());
        assert_eq!(errno(again), expected, "{quirks:?}");
    }
}

#[test]
fn streaming_wants_a_sensor_and_may_be_asked_for_twice() {
    let mut client = Client::new();
    client.front.open();
    assert_eq!(
        errno(client.front.stream_on(&mut client.isp)),
        Some(Errno::Eperm)
    );
    client
        .front
        .register_sensor(&mut client.isp, &info())
        .unwrap();
    client.front.select_input(&mut client.isp, 0).unwrap();
    for _ in 0..2 {
        client.enable_sensor();
    }
    let busy = client.front.select_input(&mut client.isp, NONE);
    assert_eq!(errno(busy.map(drop)), Some(Errno::Eperm), "it streams");
    assert_eq!(
        errno(client.front.create_links(&mut client.isp, 2)),
        Some(Errno::Einval)
    );
    for _ in 0..2 {
        client.front.stream_off(&mut client.isp).unwrap();
    }
}

#[test]
fn a_channel_that_is_started_before_its_links_starts_with_them() {
    let mut client = Client::new();
    client.add_sensor();
    client.prepare(SUB, Size::new(640, 360), 3, CARVE_OUT.base.0);
    client.start(SUB).unwrap();
    client.frames(3);
    assert_eq!(
        client.dequeue(SUB).err().map(|f| f.errno()),
        Some(Errno::Eagain)
    );
    client.enable_sensor();
    client.frames(3);
    assert!(client.dequeue(SUB).is_ok());
    // And what is parted stops, and starts again.
    client.front.destroy_links(&mut client.isp).unwrap();
    assert!(!client.front.channel(SUB).is_started());
    client.front.create_links(&mut client.isp, 0).unwrap();
    assert!(client.front.channel(SUB).is_started());
}

#[test]
fn calls_in_the_wrong_state_have_the_vendors_errors() {
    let mut client = Client::new();
    client.add_sensor();
    client.enable_sensor();
    let bytes = client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    assert_eq!(errno(client.stop(SUB)), Some(Errno::Einval));
    assert_eq!(
        client.dequeue(SUB).err().map(|f| f.errno()),
        Some(Errno::Einval)
    );
    assert_eq!(
        errno(client.front.channel_stream_on(&mut client.isp, SUB, 9)),
        Some(Errno::Einval)
    );
    client.start(SUB).unwrap();
    assert_eq!(errno(client.start(SUB)), Some(Errno::Eperm));
    let mut request = RequestBuffers {
        count: 2,
        kind: 1,
        memory: 2,
        reserved: [0; 2],
    };
    assert_eq!(
        errno(client.front.request_buffers(SUB, &mut request)),
        Some(Errno::Ebusy)
    );
    let twice = client.queue(SUB, 0, CARVE_OUT.base.0, bytes);
    assert_eq!(errno(twice), Some(Errno::Einval));
    client.stop(SUB).unwrap();
    assert_eq!(errno(client.stop(SUB)), Some(Errno::Einval));
}

#[test]
fn a_format_that_nobody_knows_is_accepted_and_brings_nothing() {
    let mut client = Client::new();
    client.add_sensor();
    client.enable_sensor();
    client.front.channel_open(&mut client.isp, SUB).unwrap();
    let mut unknown = FrameFormat {
        fourcc: u32::from_le_bytes(*b"YUYV"),
        image_bytes: 77,
        ..format(Size::new(640, 360))
    };
    client
        .front
        .set_format(&mut client.isp, SUB, &mut unknown)
        .unwrap();
    assert_eq!(unknown.image_bytes, 77);
    let mut request = RequestBuffers {
        count: 2,
        kind: 1,
        memory: 2,
        reserved: [0; 2],
    };
    client.front.request_buffers(SUB, &mut request).unwrap();
    client.queue(SUB, 0, CARVE_OUT.base.0, 77).unwrap();
    client.start(SUB).unwrap();
    client.frames(3);
    assert_eq!(
        client.dequeue(SUB).err().map(|f| f.errno()),
        Some(Errno::Eagain)
    );
    client.stop(SUB).unwrap();
}

#[test]
fn formats_are_checked_and_filled() {
    let mut client = Client::new();
    client.add_sensor();
    client.front.channel_open(&mut client.isp, MAIN).unwrap();
    let good = format(Size::new(1920, 1080));
    for wrong in [
        FrameFormat {
            colorspace: 0,
            ..good
        },
        FrameFormat { kind: 2, ..good },
        FrameFormat { field: 1, ..good },
    ] {
        let refused = client
            .front
            .set_format(&mut client.isp, MAIN, &mut { wrong });
        assert_eq!(errno(refused), Some(Errno::Einval));
    }
    let mut good = good;
    client
        .front
        .set_format(&mut client.isp, MAIN, &mut good)
        .unwrap();
    assert_eq!((good.image_bytes, good.field), (3_133_440, 4));
}

#[test]
fn closing_puts_the_channel_back_as_it_was() {
    let mut client = Client::new();
    let before = client.isp.layout(SUB);
    client.add_sensor();
    client.enable_sensor();
    client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    client.start(SUB).unwrap();
    client
        .front
        .channel_close(&mut client.isp, SUB, true)
        .unwrap();
    assert_eq!(client.isp.layout(SUB), before);
    assert!(!client.isp.is_streaming(SUB));
    // Also where /dev/tx-isp went first.
    client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    client.start(SUB).unwrap();
    client.front.close(&mut client.isp).unwrap();
    assert!(!client.isp.is_streaming(SUB));
    client
        .front
        .channel_close(&mut client.isp, SUB, true)
        .unwrap();
    assert_eq!(client.isp.layout(SUB), before);
}

#[test]
fn a_second_client_shares_a_channel_where_the_vendors_faults_are_asked_for() {
    let mut client = Client::new();
    client.add_sensor();
    client.front.channel_open(&mut client.isp, SUB).unwrap();
    let second = client.front.channel_open(&mut client.isp, SUB);
    assert_eq!(errno(second), Some(Errno::Ebusy));

    let mut client = Client::with(Quirks::Vendor);
    let before = client.isp.layout(SUB);
    client.add_sensor();
    client.enable_sensor();
    client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    client.start(SUB).unwrap();
    client.front.channel_open(&mut client.isp, SUB).unwrap();
    assert!(client.isp.is_streaming(SUB), "it goes on");
    // The channel has forgotten that it streams, the queue has not.
    assert_eq!(errno(client.start(SUB)), Some(Errno::Ebusy));
    client
        .front
        .channel_close(&mut client.isp, SUB, false)
        .unwrap();
    assert!(!client.isp.is_streaming(SUB), "the other one's stream ends");
    assert!(!client.front.channel(SUB).queue().holds_any());
    assert_eq!(errno(client.start(SUB)), Some(Errno::Eperm));
    client
        .front
        .channel_close(&mut client.isp, SUB, true)
        .unwrap();
    assert_eq!(client.isp.layout(SUB), before);
}

#[test]
fn crops_and_sizes_that_cannot_be_are_taken_where_the_vendors_faults_are_asked_for() {
    let outside = FrameFormat {
        crop_enable: 1,
        crop: Part {
            left: 600,
            top: 0,
            width: 640,
            height: 360,
        },
        ..format(Size::new(640, 360))
    };
    let no_size = format(Size::new(100, 100));
    for (what, wrong) in [("crop", outside), ("size", no_size)] {
        for quirks in [Quirks::None, Quirks::Vendor] {
            let mut client = Client::with(quirks);
            client.add_sensor();
            client.enable_sensor();
            client.front.channel_open(&mut client.isp, SUB).unwrap();
            let set = client
                .front
                .set_format(&mut client.isp, SUB, &mut { wrong });
            match quirks {
                Quirks::None => {
                    assert_eq!(set.map_err(Failure::errno), Err(Errno::Einval), "{what}")
                }
                Quirks::Vendor => assert!(matches!(set, Ok(Some(_))), "{what}: {set:?}"),
            }
        }
    }
}

#[test]
fn nothing_is_written_for_a_size_that_cannot_be() {
    let mut client = Client::with(Quirks::Vendor);
    client.add_sensor();
    client.enable_sensor();
    client.front.channel_open(&mut client.isp, SUB).unwrap();
    let mut wrong = format(Size::new(100, 100));
    client
        .front
        .set_format(&mut client.isp, SUB, &mut wrong)
        .unwrap();
    let mut request = RequestBuffers {
        count: 1,
        kind: VIDEO_CAPTURE,
        memory: MEMORY_USERPTR,
        reserved: [0; 2],
    };
    client.front.request_buffers(SUB, &mut request).unwrap();
    client
        .queue(SUB, 0, CARVE_OUT.base.0, wrong.image_bytes)
        .unwrap();
    client.start(SUB).unwrap();
    assert!(!client.isp.is_streaming(SUB));
}

#[test]
fn the_vendors_driver_refuses_a_small_buffer_behind_half_of_the_registers() {
    for (quirks, first, third) in [(Quirks::None, 0, 0), (Quirks::Vendor, CARVE_OUT.base.0, 0)] {
        let mut client = Client::with(quirks);
        client.add_sensor();
        let small = IspBuffer {
            address: CARVE_OUT.base.0,
            bytes: 4096,
        };
        let refused = client.front.set_buffer(&mut client.isp, small);
        assert_eq!(errno(refused), Some(Errno::Efault));
        let mut read = |address| client.isp.bus_mut().read(PhysAddr(address)).unwrap();
        assert_eq!(read(0x1330_7820), first, "{quirks:?}");
        assert_eq!(read(0x1330_7828), third, "{quirks:?}");
    }
}

#[test]
fn the_noise_reductions_registers_outlive_a_reset() {
    let mut client = Client::new();
    client.add_sensor();
    let too_small = IspBuffer {
        address: CARVE_OUT.base.0,
        bytes: 4_685_423,
    };
    assert_eq!(
        errno(client.front.set_buffer(&mut client.isp, too_small)),
        Some(Errno::Efault)
    );
    let buffer = IspBuffer {
        bytes: 4_685_424,
        ..too_small
    };
    client.front.set_buffer(&mut client.isp, buffer).unwrap();
    let reads = |client: &mut Client| client.isp.bus_mut().read(PhysAddr(0x1330_7820)).unwrap();
    assert_eq!(reads(&mut client), CARVE_OUT.base.0);
    client.front.stream_on(&mut client.isp).unwrap();
    assert_eq!(reads(&mut client), CARVE_OUT.base.0);
    client.front.stream_off(&mut client.isp).unwrap();
    client.front.stream_on(&mut client.isp).unwrap();
    assert_eq!(reads(&mut client), CARVE_OUT.base.0);
}

#[test]
fn every_file_of_proc_says_something() {
    let mut client = Client::new();
    client.add_sensor();
    client.enable_sensor();
    client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    client.start(SUB).unwrap();
    client.frames(3);
    let mut texts = Vec::new();
    for file in File::ALL {
        let words = report::registers(&mut client.isp, file).unwrap();
        let mut text = String::new();
        report::show(&mut text, file, &client.front, &client.isp, words, 3).unwrap();
        texts.push(text);
    }
    let [m0, fs, _, csi, vic] = &texts[..] else {
        panic!("{texts:?}")
    };
    assert!(
        m0.contains("SENSOR NAME : gc2053") && m0.contains("25 / 1"),
        "{m0}"
    );
    assert!(
        fs.contains("framesource 1") && fs.contains("640 * 360"),
        "{fs}"
    );
    assert!(
        fs.contains("done 2:") && fs.contains("the losted buffers is: 0"),
        "{fs}"
    );
    assert!(csi.starts_with("0x0000"), "{csi}");
    assert!(
        vic.starts_with(" 3, 0\n") && vic.ends_with("0 0 0\n"),
        "{vic}"
    );
}

#[test]
fn register_pages_tell_the_soc_without_a_division_by_zero() {
    let mut client = Client::new();
    let mut page = |address: u32| {
        let mut words = vec![0; 1024];
        pages::fill(&mut client.isp, PhysAddr(address), &mut words).unwrap();
        words
    };
    assert_eq!(page(0x1300_0000)[0x2c / 4], 0x1003_1000);
    assert_eq!(page(0x1354_0000)[0x238 / 4] >> 16, 0x2222);
    assert_eq!(page(0x1354_0000)[0x230 / 4], 0);
    assert_ne!(page(0x1001_1000)[0x10 / 4] & 0x100, 0);
    assert!(page(0x1338_0000).iter().all(|word| *word == 0));
}

#[test]
fn an_isp_that_stops_by_itself_is_told_of_and_can_be_started_again() {
    let mut client = Client::new();
    client.add_sensor();
    client.enable_sensor();
    let bytes = client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    client.start(SUB).unwrap();
    client.isp.shut_down();
    client.front.abandon();
    let errno_of = |result: Result<Buffer, Failure>| result.err().map(|failure| failure.errno());
    assert_eq!(errno_of(client.dequeue(SUB)), Some(Errno::Eio));
    let listened = client.front.listen(SUB).err();
    assert_eq!(listened.map(|failure| failure.errno()), Some(Errno::Eio));
    client.stop(SUB).unwrap();
    starts_again(&mut client, bytes);
}

/// The sub channel streams behind a stop, with its first two buffers of `bytes` each.
fn starts_again(client: &mut Client, bytes: u32) {
    for index in 0..2 {
        let address = CARVE_OUT.base.0 + index * bytes;
        client.queue(SUB, index, address, bytes).unwrap();
    }
    client.start(SUB).unwrap();
    client.frames(3);
    assert!(client.dequeue(SUB).is_ok());
}

#[test]
fn a_small_carve_out_is_asked_for_less_under_hybrid() {
    let mut client = Client::new();
    client.add_sensor();
    for (strategy, available, bytes) in [
        (Strategy::Hybrid, 29 << 20, 4_685_424),
        (Strategy::Hybrid, 8 << 20, 3_114_816),
        (Strategy::Client, 8 << 20, 4_685_424),
    ] {
        let room = Room {
            available,
            reserved: 0,
        };
        client
            .front
            .negotiate(&client.isp, strategy, room, Margin::default());
        assert_eq!(client.front.buffer_bytes(&client.isp).unwrap(), bytes);
        let buffer = IspBuffer {
            address: CARVE_OUT.base.0,
            bytes,
        };
        client.front.set_buffer(&mut client.isp, buffer).unwrap();
    }
}

#[test]
fn answers_are_tried_instead_of_the_drivers_own() {
    let mut client = Client::answering("get-buf=error,reqbufs=-1,sizeimage=+4096,qbuf=1");
    client.add_sensor();
    assert_eq!(
        client
            .front
            .buffer_bytes(&client.isp)
            .err()
            .map(|f| f.errno()),
        Some(Errno::Efault)
    );
    client.front.channel_open(&mut client.isp, SUB).unwrap();
    let mut asked = format(Size::new(640, 360));
    client
        .front
        .set_format(&mut client.isp, SUB, &mut asked)
        .unwrap();
    assert_eq!(asked.image_bytes, 353_280 + 4096);
    assert_eq!(client.front.written_bytes(&client.isp, SUB), 353_280);
    let mut request = RequestBuffers {
        count: 3,
        kind: 1,
        memory: 2,
        reserved: [0; 2],
    };
    client.front.request_buffers(SUB, &mut request).unwrap();
    assert_eq!(request.count, 2);
    let queue = |client: &Client, index| {
        let buffer = Buffer {
            index,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_USERPTR,
            length: asked.image_bytes,
            ..Buffer::default()
        };
        errno(client.front.check_buffer(SUB, &buffer))
    };
    assert_eq!(queue(&client, 0), None);
    assert_eq!(queue(&client, 1), Some(Errno::Enomem));
}

#[test]
fn the_sensors_registers_are_read_and_written() {
    let mut client = Client::new();
    let request = |register, value| SensorRegister {
        cbus: 1,
        name: [0; 32],
        bytes: 1,
        register: [register, 0],
        value: [value, 0],
    };
    client.front.open();
    let nobody = client
        .front
        .read_sensor(&mut client.isp, &mut request(0xf0, 0));
    assert_eq!(errno(nobody), Some(Errno::Einval), "none is registered");
    client
        .front
        .register_sensor(&mut client.isp, &info())
        .unwrap();
    let mut id = request(0xf0, 7);
    client.front.read_sensor(&mut client.isp, &mut id).unwrap();
    assert_eq!(id.value, [0x20, 0]);
    let written = request(0xb8, 5);
    client
        .front
        .write_sensor(&mut client.isp, &written)
        .unwrap();
    let mut read = request(0xb8, 0);
    client
        .front
        .read_sensor(&mut client.isp, &mut read)
        .unwrap();
    assert_eq!(read.value, [5, 0]);
    for wrong in [request(0x100, 0), request(0xb8, 0x100)] {
        let refused = client.front.write_sensor(&mut client.isp, &wrong);
        assert_eq!(errno(refused), Some(Errno::Einval));
    }
}

#[test]
fn wishes_that_change_nothing_are_kept_and_shown() {
    let mut client = Client::new();
    client.add_sensor();
    client.enable_sensor();
    client.front.set_wide_range(true);
    let mut pins = [0; GPIO_BYTES];
    pins[..2].copy_from_slice(&18u16.to_le_bytes());
    client.front.set_pins(&pins);
    let mut show = |file| {
        let words = report::registers(&mut client.isp, file).unwrap();
        let mut text = String::new();
        report::show(&mut text, file, &client.front, &client.isp, words, 0).unwrap();
        text
    };
    assert!(show(File::M0).contains("Linear (asked for"));
    assert!(show(File::W00).starts_with("pins: 0x12 0x0"));
}

#[test]
fn a_rule_that_is_off_may_have_any_period() {
    let mut client = Client::new();
    client.add_sensor();
    let rules = |enabled| {
        [DropRule {
            enabled,
            period: 40,
            mask: 1,
        }; 3]
    };
    let refused = client
        .front
        .set_frame_drop(&mut client.isp, &rules(1))
        .err();
    assert_eq!(refused.map(|f| f.errno()), Some(Errno::Einval));
    client
        .front
        .set_frame_drop(&mut client.isp, &rules(0))
        .unwrap();
}

#[test]
fn a_channel_may_be_stopped_before_the_call_that_stops_it() {
    let mut client = Client::new();
    client.add_sensor();
    client.enable_sensor();
    let bytes = client.prepare(SUB, Size::new(640, 360), 2, CARVE_OUT.base.0);
    assert!(!client.front.stop_begin(&mut client.isp, SUB), "it stands");
    client.start(SUB).unwrap();
    client.frames(2);
    let taken = client.dequeue(SUB).unwrap().index;
    assert!(client.front.stop_begin(&mut client.isp, SUB));
    let mut steps = 0;
    while client.isp.stop_step(SUB).is_none() {
        client.rig.advance(PERIOD_NS / 4);
        steps += 1;
        assert!(steps < 100, "it does not stop");
    }
    // Somebody queues a buffer before the call that stops comes.
    let address = CARVE_OUT.base.0 + taken * bytes;
    client.queue(SUB, taken, address, bytes).unwrap();
    client.stop(SUB).unwrap();
    // And it starts again.
    starts_again(&mut client, bytes);
}

#[test]
fn the_statistics_banks_outlive_a_reset() {
    let mut client = Client::new();
    client.add_sensor();
    client.isp.set_statistics(Some(CARVE_OUT.base)).unwrap();
    let read =
        |client: &mut Client, register| client.isp.bus_mut().read(PhysAddr(register)).unwrap();
    let first = CARVE_OUT.base.0;
    for (register, expected) in [
        (0x1330_a02c, first),
        (0x1330_a038, first + 0x3000),
        (0x1330_a03c, first + 0x4000),
        (0x1330_a048, first + 0x5800),
        (0x1330_a04c, 0x33),
    ] {
        assert_eq!(read(&mut client, register), expected, "{register:#x}");
    }
    client.enable_sensor();
    client.front.stream_off(&mut client.isp).unwrap();
    client.front.stream_on(&mut client.isp).unwrap();
    assert_eq!(read(&mut client, 0x1330_a02c), first);
    client.isp.set_statistics(None).unwrap();
    assert_eq!(read(&mut client, 0x1330_a02c), 0);
}
