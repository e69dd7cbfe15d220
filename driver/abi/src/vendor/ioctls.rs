// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The numbers of the vendor's ioctls (T31 3.2 to 3.6, 2e.1).

use core::mem::size_of;

use super::{
    Buffer, Control, EncoderRegister, FrameFormat, InputInfo, IspBuffer, RequestBuffers,
    SensorInfo, SensorRegister, Tuning,
};

/// The argument is a number, or nothing.
const NONE: u32 = 1;
/// The driver writes the argument.
const READ: u32 = 2;
/// The driver reads the argument.
const WRITE: u32 = 4;
/// Both.
const BOTH: u32 = READ | WRITE;

const fn number(direction: u32, letter: u8, number: u32, bytes: usize) -> u32 {
    assert!(bytes < 1 << 13);
    // Checked above.
    #[allow(clippy::cast_possible_truncation)]
    let bytes = bytes as u32;
    direction << 29 | bytes << 16 | (letter as u32) << 8 | number
}

const fn video(direction: u32, nr: u32, bytes: usize) -> u32 {
    number(direction, b'V', nr, bytes)
}

const WORD: usize = 4;

/// A node of the vendor's driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// `/dev/tx-isp`: sensors, links, the ISP's own memory.
    Isp,
    /// `/dev/framechanN`: frames.
    FrameChannel,
    /// `/dev/isp-m0`: tuning.
    Tuning,
    /// `/dev/avpu`: the video encoder.
    Encoder,
    /// `/dev/rmem`: the carve-out.
    Rmem,
}

/// One ioctl of the vendor's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ioctl {
    /// Where it is known.
    pub node: Node,
    /// Its number.
    pub number: u32,
    /// The vendor's name.
    pub name: &'static str,
    /// Whether this driver does what the vendor's does. What it does not is refused by name.
    pub served: bool,
}

macro_rules! ioctls {
    ($($(#[$doc:meta])* $constant:ident = $node:ident, $name:literal, $number:expr, $served:literal;)*) => {
        $($(#[$doc])* pub const $constant: u32 = $number;)*
        /// Every number that is known (T31 3.2 to 3.6, 2e.1).
        pub const IOCTLS: &[Ioctl] = &[$(Ioctl {
            node: Node::$node,
            number: $constant,
            name: $name,
            served: $served,
        }),*];
    };
}

ioctls! {
    /// Makes a sensor known: [`SensorInfo`].
    REGISTER_SENSOR = Isp, "REGISTER_SENSOR", video(WRITE, 193, size_of::<SensorInfo>()), true;
    /// Forgets a sensor: [`SensorInfo`].
    RELEASE_SENSOR = Isp, "RELEASE_SENSOR", video(WRITE, 194, size_of::<SensorInfo>()), true;
    /// Names a sensor: [`InputInfo`].
    ENUM_INPUT = Isp, "VIDIOC_ENUMINPUT", video(BOTH, 26, size_of::<InputInfo>()), true;
    /// Chooses a sensor by index, -1 for none; the answer is its size.
    SET_INPUT = Isp, "VIDIOC_S_INPUT", video(BOTH, 39, WORD), true;
    /// The chosen sensor's index, or -1.
    GET_INPUT = Isp, "VIDIOC_G_INPUT", video(READ, 38, WORD), true;
    /// Starts the sensor, or a frame channel.
    STREAM_ON = Isp, "VIDIOC_STREAMON", video(WRITE, 18, WORD), true;
    /// Stops it.
    STREAM_OFF = Isp, "VIDIOC_STREAMOFF", video(WRITE, 19, WORD), true;
    /// Joins core and frame channels: the number of a set of links.
    CREATE_LINKS = Isp, "CREATE_LINKS", video(WRITE, 208, WORD), true;
    /// Parts them.
    DESTROY_LINKS = Isp, "DESTROY_LINKS", video(WRITE, 209, WORD), true;
    /// Does nothing.
    LINKS_STREAM_ON = Isp, "LINKS_STREAMON", video(WRITE, 210, WORD), true;
    /// Does nothing.
    LINKS_STREAM_OFF = Isp, "LINKS_STREAMOFF", video(WRITE, 211, WORD), true;
    /// Hands the noise reduction its memory: [`IspBuffer`].
    SET_BUFFER = Isp, "SET_BUF_INFO", video(WRITE, 212, size_of::<IspBuffer>()), true;
    /// How much of it is needed: [`IspBuffer`].
    GET_BUFFER = Isp, "GET_BUF_INFO", video(WRITE, 213, size_of::<IspBuffer>()), true;
    /// The same for wide dynamic range.
    SET_WDR_BUFFER = Isp, "SET_WDR_BUF", video(WRITE, 214, size_of::<IspBuffer>()), true;
    /// The same for wide dynamic range.
    GET_WDR_BUFFER = Isp, "GET_WDR_BUF", video(WRITE, 215, size_of::<IspBuffer>()), true;
    /// Wide dynamic range on.
    WDR_ENABLE = Isp, "WDR_ENABLE", video(WRITE, 216, WORD), true;
    /// Wide dynamic range off.
    WDR_DISABLE = Isp, "WDR_DISABLE", video(WRITE, 217, WORD), true;
    /// An exposure algorithm of the client's.
    AE_INIT = Isp, "custom AE (218)", video(WRITE, 218, WORD), false;
    /// As [`AE_INIT`].
    AE_219 = Isp, "custom AE, wait for statistics", video(WRITE, 219, WORD), false;
    /// As [`AE_INIT`].
    AE_220 = Isp, "custom AE, set", video(WRITE, 220, WORD), false;
    /// As [`AE_INIT`].
    AE_221 = Isp, "custom AE, open", video(WRITE, 221, WORD), false;
    /// As [`AE_INIT`].
    AE_222 = Isp, "custom AE, close", video(WRITE, 222, WORD), false;
    /// As [`AE_INIT`].
    AE_223 = Isp, "custom AE (223)", video(WRITE, 223, WORD), false;
    /// A white balance algorithm of the client's.
    AWB_224 = Isp, "custom AWB (224)", video(BOTH, 224, WORD), false;
    /// As [`AWB_224`].
    AWB_225 = Isp, "custom AWB, wait for statistics", video(BOTH, 225, WORD), false;
    /// As [`AWB_224`].
    AWB_226 = Isp, "custom AWB, set", video(BOTH, 226, WORD), false;
    /// As [`AWB_224`].
    AWB_227 = Isp, "custom AWB, open", video(BOTH, 227, WORD), false;
    /// As [`AWB_224`].
    AWB_228 = Isp, "custom AWB, close", video(BOTH, 228, WORD), false;
    /// As [`AWB_224`].
    AWB_229 = Isp, "custom AWB (229)", video(BOTH, 229, WORD), false;
    /// Which frames channels leave out: [`super::FrameDrop`].
    SET_FRAME_DROP = Isp, "SET_FRAME_DROP", video(BOTH, 230, WORD), true;
    /// The same, read.
    GET_FRAME_DROP = Isp, "GET_FRAME_DROP", video(BOTH, 231, WORD), true;
    /// Sensor pins: [`super::GPIO_BYTES`] of them.
    GPIO_INIT = Isp, "GPIO_INIT", video(BOTH, 232, WORD), true;
    /// As [`GPIO_INIT`].
    SET_GPIO = Isp, "SET_GPIO_STATE", video(BOTH, 233, WORD), true;
    /// The parameter file's path, [`super::BIN_PATH_BYTES`] long.
    SET_BIN_PATH = Isp, "SET_DEFAULT_BIN_PATH", video(BOTH, 199, WORD), true;
    /// The same, read.
    GET_BIN_PATH = Isp, "GET_DEFAULT_BIN_PATH", video(BOTH, 200, WORD), true;
    /// Writes a register of the sensor: [`SensorRegister`].
    SET_SENSOR_REGISTER = Isp, "VIDIOC_DBG_S_REGISTER", video(WRITE, 79, size_of::<SensorRegister>()), true;
    /// Reads one.
    GET_SENSOR_REGISTER = Isp, "VIDIOC_DBG_G_REGISTER", video(BOTH, 80, size_of::<SensorRegister>()), true;

    /// Sets a channel's picture: [`FrameFormat`].
    SET_FORMAT = FrameChannel, "SET_FRAME_FORMAT", video(BOTH, 195, size_of::<FrameFormat>()), true;
    /// Reads it.
    GET_FORMAT = FrameChannel, "GET_FRAME_FORMAT", video(READ, 196, size_of::<FrameFormat>()), true;
    /// How many banks a channel has; nobody listens (T31 3.3, row REQBUFS).
    SET_BANKS = FrameChannel, "SET_BANKS", video(WRITE, 197, WORD), true;
    /// Waits for a frame; the answer is how many there are.
    LISTEN_BUFFER = FrameChannel, "LISTEN_BUF", video(READ, 191, WORD), true;
    /// [`RequestBuffers`].
    REQUEST_BUFFERS = FrameChannel, "VIDIOC_REQBUFS", video(BOTH, 8, size_of::<RequestBuffers>()), true;
    /// [`Buffer`].
    QUERY_BUFFER = FrameChannel, "VIDIOC_QUERYBUF", video(BOTH, 9, size_of::<Buffer>()), true;
    /// [`Buffer`].
    QUEUE_BUFFER = FrameChannel, "VIDIOC_QBUF", video(BOTH, 15, size_of::<Buffer>()), true;
    /// [`Buffer`].
    DEQUEUE_BUFFER = FrameChannel, "VIDIOC_DQBUF", video(BOTH, 17, size_of::<Buffer>()), true;
    /// As [`STREAM_ON`], of a frame channel.
    CHANNEL_STREAM_ON = FrameChannel, "VIDIOC_STREAMON", STREAM_ON, true;
    /// As [`STREAM_OFF`], of a frame channel.
    CHANNEL_STREAM_OFF = FrameChannel, "VIDIOC_STREAMOFF", STREAM_OFF, true;

    /// Any control: [`Tuning`].
    TUNE = Tuning, "tuning", video(BOTH, 198, size_of::<Tuning>()), true;
    /// Sets a control: [`Control`].
    SET_CONTROL = Tuning, "VIDIOC_S_CTRL", video(BOTH, 28, size_of::<Control>()), true;
    /// Reads a control: [`Control`].
    GET_CONTROL = Tuning, "VIDIOC_G_CTRL", video(BOTH, 27, size_of::<Control>()), true;

    /// Writes a register of the encoder: [`EncoderRegister`].
    ENCODER_WRITE = Encoder, "AL_CMD_IP_WRITE_REG", number(BOTH, b'q', 10, size_of::<EncoderRegister>()), true;
    /// Reads one.
    ENCODER_READ = Encoder, "AL_CMD_IP_READ_REG", number(BOTH, b'q', 11, size_of::<EncoderRegister>()), true;
    /// Waits for the encoder's interrupt; the answer is its number.
    ENCODER_WAIT = Encoder, "AL_CMD_IP_WAIT_IRQ", number(BOTH, b'q', 12, WORD), true;
    /// Ends that wait.
    ENCODER_UNBLOCK = Encoder, "AL_CMD_UNBLOCK_CHANNEL", number(NONE, b'q', 1, 0), true;

    /// Flushes caches.
    RMEM_CACHE = Rmem, "cache operation", crate::rmem::CACHE, true;
}

/// What is known of an ioctl.
#[must_use]
pub fn find(node: Node, number: u32) -> Option<&'static Ioctl> {
    IOCTLS
        .iter()
        .find(|ioctl| ioctl.node == node && ioctl.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_vendors_library() {
        // T31 3.2 to 3.6 and 2e.1, as the library's objects hold them.
        for (ours, vendors) in [
            (REGISTER_SENSOR, 0x8050_56c1),
            (RELEASE_SENSOR, 0x8050_56c2),
            (ENUM_INPUT, 0xc050_561a),
            (SET_INPUT, 0xc004_5627),
            (GET_INPUT, 0x4004_5626),
            (STREAM_ON, 0x8004_5612),
            (STREAM_OFF, 0x8004_5613),
            (CREATE_LINKS, 0x8004_56d0),
            (DESTROY_LINKS, 0x8004_56d1),
            (LINKS_STREAM_ON, 0x8004_56d2),
            (LINKS_STREAM_OFF, 0x8004_56d3),
            (SET_BUFFER, 0x8008_56d4),
            (GET_BUFFER, 0x8008_56d5),
            (SET_WDR_BUFFER, 0x8008_56d6),
            (GET_WDR_BUFFER, 0x8008_56d7),
            (WDR_ENABLE, 0x8004_56d8),
            (WDR_DISABLE, 0x8004_56d9),
            (AE_221, 0x8004_56dd),
            (AE_223, 0x8004_56df),
            (AWB_224, 0xc004_56e0),
            (AWB_227, 0xc004_56e3),
            (SET_FRAME_DROP, 0xc004_56e6),
            (GET_FRAME_DROP, 0xc004_56e7),
            (GPIO_INIT, 0xc004_56e8),
            (SET_GPIO, 0xc004_56e9),
            (SET_BIN_PATH, 0xc004_56c7),
            (GET_BIN_PATH, 0xc004_56c8),
            (SET_SENSOR_REGISTER, 0x8038_564f),
            (GET_SENSOR_REGISTER, 0xc038_5650),
            (SET_FORMAT, 0xc070_56c3),
            (GET_FORMAT, 0x4070_56c4),
            (SET_BANKS, 0x8004_56c5),
            (LISTEN_BUFFER, 0x4004_56bf),
            (REQUEST_BUFFERS, 0xc014_5608),
            (QUERY_BUFFER, 0xc044_5609),
            (QUEUE_BUFFER, 0xc044_560f),
            (DEQUEUE_BUFFER, 0xc044_5611),
            (TUNE, 0xc00c_56c6),
            (SET_CONTROL, 0xc008_561c),
            (GET_CONTROL, 0xc008_561b),
            (ENCODER_WRITE, 0xc008_710a),
            (ENCODER_READ, 0xc008_710b),
            (ENCODER_WAIT, 0xc004_710c),
            (ENCODER_UNBLOCK, 0x2000_7101),
            (RMEM_CACHE, 0xc00c_7200),
        ] {
            assert_eq!(ours, vendors, "{ours:#010x} should be {vendors:#010x}");
        }
    }

    #[test]
    fn a_number_is_known_once_on_its_node() {
        for ioctl in IOCTLS {
            let found = find(ioctl.node, ioctl.number);
            assert_eq!(found, Some(ioctl), "{} is there twice", ioctl.name);
        }
        assert_eq!(find(Node::FrameChannel, SET_INPUT), None);
    }

    #[test]
    fn most_of_what_is_known_is_served() {
        let served = IOCTLS.iter().filter(|ioctl| ioctl.served).count();
        assert_eq!((served, IOCTLS.len()), (43, 55));
    }
}
