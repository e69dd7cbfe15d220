// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A client library of the vendor's: the calls that it makes.

pub use tx_isp_abi::channel::ChannelId;
pub use tx_isp_abi::vendor::{
    Buffer, DropRule, FrameFormat, GPIO_BYTES, InputInfo, IspBuffer, MEMORY_USERPTR, Part,
    RequestBuffers, SensorInfo, SensorRegister, VIDEO_CAPTURE,
};
pub use tx_isp_abi::{PhysAddr, Size};
pub use tx_isp_alloc::Strategy;
pub use tx_isp_alloc::negotiation::Margin;
pub use tx_isp_driver::isp::Isp;
pub use tx_isp_driver::noise_reduction::MemoryOption;
pub use tx_isp_driver::vendor::answers::Answers;
pub use tx_isp_driver::vendor::channel::State;
pub use tx_isp_driver::vendor::front::Front;
pub use tx_isp_driver::vendor::negotiation::Room;
pub use tx_isp_driver::vendor::queue::Time;
pub use tx_isp_driver::vendor::report::{self, File};
pub use tx_isp_driver::vendor::{Failure, Quirks, pages};
pub use tx_isp_driver::{Errno, bus::Bus};
pub use tx_isp_tests::rig::{CARVE_OUT, PERIOD_NS, Rig};

pub const NV12: u32 = u32::from_le_bytes(*b"NV12");
pub const MAIN: ChannelId = ChannelId::ALL[0];
pub const SUB: ChannelId = ChannelId::ALL[1];
pub const NONE: u32 = u32::MAX;

pub struct Client {
    pub rig: Rig,
    pub isp: Isp<Rig>,
    pub front: Box<Front>,
}

pub fn info() -> SensorInfo {
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

pub fn errno<T>(result: Result<T, Failure>) -> Option<Errno> {
    result.err().map(|failure| failure.errno())
}

pub fn format(size: Size) -> FrameFormat {
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
    pub fn with(quirks: Quirks) -> Self {
        let rig = Rig::new().unwrap();
        let isp = rig.probe().unwrap();
        let front = Box::new(Front::new(MemoryOption::Full, quirks));
        Self { rig, isp, front }
    }

    pub fn new() -> Self {
        Self::with(Quirks::None)
    }

    pub fn answering(answers: &str) -> Self {
        let mut client = Self::new();
        let answers = Answers::parse(answers).unwrap();
        client
            .front
            .reset(MemoryOption::Full, Quirks::None, answers);
        client
    }

    pub fn add_sensor(&mut self) {
        self.front.open();
        self.front.register_sensor(&mut self.isp, &info()).unwrap();
        assert_eq!(
            self.front.select_input(&mut self.isp, 0).unwrap(),
            1920 << 16 | 1080
        );
    }

    pub fn enable_sensor(&mut self) {
        self.front.stream_on(&mut self.isp).unwrap();
        self.front.create_links(&mut self.isp, 0).unwrap();
    }

    pub fn prepare(&mut self, channel: ChannelId, size: Size, count: u32, at: u32) -> u32 {
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

    pub fn queue(
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

    pub fn start(&mut self, channel: ChannelId) -> Result<(), Failure> {
        self.front
            .channel_stream_on(&mut self.isp, channel, VIDEO_CAPTURE)
    }

    pub fn stop(&mut self, channel: ChannelId) -> Result<(), Failure> {
        self.front
            .channel_stream_off(&mut self.isp, channel, VIDEO_CAPTURE)
    }

    /// Lets frames come and hands them to their channels, as the interrupt's thread does.
    pub fn frames(&mut self, count: u64) {
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

    pub fn dequeue(&mut self, channel: ChannelId) -> Result<Buffer, Failure> {
        let mut buffer = Buffer {
            kind: VIDEO_CAPTURE,
            memory: MEMORY_USERPTR,
            ..Buffer::default()
        };
        self.front.dequeue(channel, &mut buffer).map(|()| buffer)
    }

    pub fn release(&mut self) {
        self.front.stream_off(&mut self.isp).unwrap();
        self.front.destroy_links(&mut self.isp).unwrap();
        self.front.select_input(&mut self.isp, NONE).unwrap();
        self.front.release_sensor(&info()).unwrap();
    }
}

/// The sub channel streams behind a stop, with its first two buffers of `bytes` each.
pub fn starts_again(client: &mut Client, bytes: u32) {
    for index in 0..2 {
        let address = CARVE_OUT.base.0 + index * bytes;
        client.queue(SUB, index, address, bytes).unwrap();
    }
    client.start(SUB).unwrap();
    client.frames(3);
    assert!(client.dequeue(SUB).is_ok());
}
