// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver core controls the modelled sensor over the modelled I2C bus.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::time::Duration;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::sensor::{Flips, GC2053, IMX307, JXF37, JXQ03, SENSORS, Sensor};
use tx_isp_abi::statistics::{Kind, Zones, mean_luma};
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_driver::Error;
use tx_isp_driver::bus::{Bus, BusError, I2cError, I2cMessage};
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::isp::Isp;
use tx_isp_emulator::statistics::Statistics;
use tx_isp_picture::{Brightness, Renderer, SensorFrame, Source};
use tx_isp_tests::Board;

const MAIN: ChannelId = ChannelId::ALL[0];

/// A driver that was told of another sensor than there is.
fn mistaken(change: impl FnOnce(&mut Sensor)) -> Isp<Board> {
    let mut sensor = GC2053;
    change(&mut sensor);
    Isp::probe(Board::new(), sensor).unwrap()
}

fn stream(board: &Board, isp: &mut Isp<Board>) {
    let address = PhysAddr(0x0630_0000);
    isp.queue(MAIN, Buffer { index: 0, address }).unwrap();
    isp.stream_on(MAIN).unwrap();
    let _ = board.take_traffic();
}

fn lights(board: &Board, frames: usize) -> Vec<u32> {
    (0..frames).map(|_| board.frame().unwrap().light).collect()
}

fn no_guest_errors(board: &Board) -> bool {
    board.chip(|chip| chip.guest_errors().is_empty())
}

#[test]
fn the_sensor_is_found_and_another_one_is_not() {
    let board = Board::new();
    assert_eq!(board.probe().probe_sensor(), Ok(()));
    let mut elsewhere = mistaken(|sensor| sensor.control.target = 0x3f);
    assert_eq!(elsewhere.probe_sensor(), Err(Error::NoSensor));
    assert_eq!(elsewhere.set_exposure(1), Err(Error::NoSensor));
    let mut another = mistaken(|sensor| sensor.control.id[1].1 = 0x35);
    assert_eq!(
        another.probe_sensor(),
        Err(Error::UnknownSensor([0x20, 0x53]))
    );
    assert!(no_guest_errors(&board));
}

/// A board whose I2C bus is driven by somebody else, as by a kernel's adapter.
struct OwnI2c {
    board: Board,
    written: Vec<Vec<u8>>,
    /// What every register reads as.
    answer: Result<u8, I2cError>,
}

impl Bus for OwnI2c {
    fn execute(
        &mut self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> Result<usize, BusError> {
        self.board.execute(operations, results)
    }

    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError> {
        self.board.post(operations)
    }

    fn sleep(&mut self, microseconds: u32) {
        self.board.sleep(microseconds);
    }

    fn write_i2c(&mut self, target: u8, messages: &[I2cMessage]) -> Option<Result<(), I2cError>> {
        assert!(SENSORS.iter().any(|sensor| sensor.control.target == target));
        let bytes = messages.iter().map(|message| message.as_slice().to_vec());
        self.written.extend(bytes);
        Some(self.answer.map(drop))
    }

    fn read_i2c(&mut self, _target: u8, _register: &I2cMessage) -> Option<Result<u8, I2cError>> {
        Some(self.answer)
    }
}

#[test]
fn a_bus_with_an_i2c_of_its_own_is_used_in_place_of_the_controller() {
    let board = Board::new();
    let bus = OwnI2c {
        board: board.clone(),
        written: Vec::new(),
        answer: Ok(0),
    };
    let mut isp = Isp::probe(bus, GC2053).unwrap();
    let _ = board.take_traffic();
    assert_eq!(isp.set_frame_length(1500), Ok(1500));
    assert_eq!(isp.bus_mut().written, [[0x41, 0x05], [0x42, 0xdc]]);
    assert_eq!(isp.probe_sensor(), Err(Error::UnknownSensor([0, 0])));
    let traffic = board.take_traffic();
    let controller = |address: &PhysAddr| address.0 >> 12 == 0x1_0050;
    assert!(
        !traffic
            .writes
            .iter()
            .any(|(address, _)| controller(address))
    );
    isp.bus_mut().answer = Err(I2cError::NoAnswer);
    assert_eq!(isp.set_frame_length(1500), Err(Error::NoSensor));
    isp.bus_mut().answer = Err(I2cError::Controller(BusError::Timeout));
    assert_eq!(
        isp.set_exposure(1),
        Err(Error::Bus(BusError::Timeout)),
        "a controller that fails is no missing sensor"
    );
}

#[test]
fn a_bus_with_an_i2c_of_its_own_is_given_numbers_of_two_bytes() {
    let bus = OwnI2c {
        board: Board::with_sensor(IMX307),
        written: Vec::new(),
        answer: Ok(0),
    };
    let mut isp = Isp::probe(bus, IMX307).unwrap();
    assert_eq!(isp.set_gain(2 << 16), Ok(2 << 16));
    assert_eq!(isp.bus_mut().written, [[0x30, 0x14, 20]]);
}

#[test]
fn the_driver_works_with_whichever_sensor_is_there() {
    for sensor in SENSORS {
        let board = Board::with_sensor(*sensor);
        let mut isp = board.probe();
        assert_eq!(isp.find_sensor(SENSORS), Ok(()));
        assert_eq!(isp.sensor().name, sensor.name);
        let layout = isp.nearest_layout(MAIN, PixelFormat::Nv12, Size::new(4000, 3000));
        assert_eq!(layout.size, sensor.size, "{}", sensor.name);
        isp.set_layout(MAIN, PixelFormat::Nv12, sensor.size)
            .unwrap();
        stream(&board, &mut isp);
        let frame = board.frame().unwrap();
        assert_eq!(frame.jobs[0].size, sensor.size);
        assert!(no_guest_errors(&board), "{}", sensor.name);
    }
}

#[test]
fn a_sensor_that_is_unknown_or_absent_is_told_and_the_usual_one_stays() {
    let board = Board::with_sensor(JXF37);
    let mut isp = board.probe();
    assert_eq!(isp.find_sensor(&[GC2053]), Err(Error::NoSensor));
    assert_eq!(
        isp.find_sensor(&[GC2053, JXQ03]),
        Err(Error::UnknownSensor([0x0f, 0x37]))
    );
    assert_eq!(isp.sensor().name, "gc2053");
}

#[test]
fn exposure_changes_the_light_two_frames_later() {
    let board = Board::new();
    let mut isp = board.probe();
    stream(&board, &mut isp);
    assert_eq!(lights(&board, 2), [1 << 16; 2], "as after power-up");
    assert_eq!(isp.set_exposure(1410), Ok(1410));
    assert_eq!(
        board.take_traffic().round_trips,
        5,
        "two reads of the frame's length, each sent and fetched, one write"
    );
    assert_eq!(lights(&board, 3), [1 << 16, 2 << 16, 2 << 16]);
    assert_eq!(isp.set_exposure(9999), Ok(1410), "the frame is no longer");
    assert!(no_guest_errors(&board));
}

#[test]
fn gain_is_analogue_first_and_never_more_than_asked_for() {
    let board = Board::new();
    let mut isp = board.probe();
    stream(&board, &mut isp);
    for factor in [1 << 16, 3 << 15, 2 << 16, 100 << 16, 1000 << 16] {
        let reached = isp.set_gain(factor).unwrap();
        assert!(
            reached <= factor && reached > factor / 100 * 97,
            "{factor:#x}: {reached:#x}"
        );
        let light = lights(&board, 3)[2];
        assert!(light.abs_diff(reached) <= 2, "{light:#x} {reached:#x}");
    }
    assert_eq!(isp.set_gain(0), Ok(1 << 16));
    assert!(no_guest_errors(&board));
}

#[test]
fn the_frame_length_sets_the_rate_within_the_sensors_limits() {
    let board = Board::new();
    let mut isp = board.probe();
    let period = || board.chip(|chip| chip.frame_period());
    assert_eq!(period(), Duration::from_nanos(39_994_871));
    // 78 MHz / 2200 / 30 lines are 30 frames per second (T31 7.3).
    assert_eq!(isp.set_frame_length(0x49d), Ok(0x49d));
    assert_eq!(period(), Duration::from_nanos(33_310_256));
    assert_eq!(isp.set_exposure(5000), Ok(0x49d - 8));
    assert_eq!(
        isp.set_frame_length(0),
        Ok(1080),
        "no frame is shorter than its picture"
    );
    assert_eq!(
        isp.set_frame_length(100_000),
        Ok(7090),
        "5 frames per second"
    );
}

#[test]
fn an_exposure_that_counts_from_the_frames_end_stays_when_the_frame_grows() {
    let board = Board::with_sensor(IMX307);
    let mut isp = board.probe();
    isp.find_sensor(SENSORS).unwrap();
    stream(&board, &mut isp);
    assert_eq!(lights(&board, 1), [1 << 16], "as after power-up");
    assert_eq!(isp.set_exposure(9999), Ok(1123), "the frame is no longer");
    assert_eq!(isp.sensor_register(0x3020), Ok(1), "SHS1");
    let double = lights(&board, 3)[2];
    assert!(double.abs_diff(2 << 16) < 0x200, "{double:#x}");
    // 15 frames per second: twice the lines, the same exposure.
    assert_eq!(isp.set_frame_length(2250), Ok(2250));
    assert_eq!(lights(&board, 3)[2], double);
    assert_eq!(isp.set_gain(4 << 16), Ok(4 << 16));
    let brighter = lights(&board, 3)[2];
    assert!(brighter.abs_diff(4 * double) < 8, "{brighter:#x}");
    assert!(no_guest_errors(&board));
}

#[test]
fn every_sensor_turns_its_picture_about() {
    let ways = [(false, false), (true, false), (false, true), (true, true)];
    for sensor in SENSORS {
        let board = Board::with_sensor(*sensor);
        let mut isp = board.probe();
        isp.find_sensor(SENSORS).unwrap();
        stream(&board, &mut isp);
        for (horizontal, vertical) in ways {
            let flips = Flips {
                horizontal,
                vertical,
            };
            isp.set_flips(flips).unwrap();
            assert_eq!(isp.flips(), Ok(flips), "{}", sensor.name);
            assert_eq!(board.frame().unwrap().flips, flips, "{}", sensor.name);
        }
        assert!(no_guest_errors(&board), "{}", sensor.name);
    }
}

#[test]
fn the_isp_turns_about_what_the_sensor_has_turned() {
    let (mirrored, upside_down) = (
        Flips {
            horizontal: true,
            vertical: false,
        },
        Flips {
            horizontal: false,
            vertical: true,
        },
    );
    let board = Board::new();
    let mut isp = board.probe();
    isp.set_flips(mirrored).unwrap();
    isp.set_output_flips(upside_down).unwrap();
    stream(&board, &mut isp);
    let job = board.frame().unwrap().jobs[0];
    assert_eq!(job.window.flips, mirrored.and(upside_down));
    let address = PhysAddr(0x0670_0000);
    isp.set_output_flips(mirrored).unwrap();
    isp.queue(MAIN, Buffer { index: 1, address }).unwrap();
    let job = board.frame().unwrap().jobs[0];
    assert_eq!(job.window.flips, Flips::default(), "turned twice");
    assert!(no_guest_errors(&board));
}

/// The mean luma that the statistics of a frame tell.
fn mean(renderer: &mut Renderer, board: &Board) -> u32 {
    let frame = board.frame().unwrap();
    let picture = SensorFrame {
        size: (1920, 1080),
        number: frame.number,
        brightness: Brightness(frame.light),
        flips: frame.flips,
    };
    let (kind, zones) = (Kind::ExposureHistogram, Zones::even([15, 15], GC2053.size));
    let statistics = Statistics::of(renderer, &picture, &[(kind, zones)]).unwrap();
    mean_luma(&statistics.bank(kind, &zones, [0, 255])).unwrap()
}

#[test]
fn a_control_loop_on_the_statistics_finds_the_wanted_brightness() {
    const BLACK: u32 = 16;
    const WANTED: u32 = 60;
    let board = Board::new();
    let mut isp = board.probe();
    stream(&board, &mut isp);
    let mut renderer = Renderer::open(&Source::Bars).unwrap();
    let mut exposure = isp.set_exposure(1410).unwrap();
    let mut means = Vec::new();
    for _ in 0..8 {
        // What was set before counts from the second frame on.
        let seen = [(); 3].map(|()| mean(&mut renderer, &board))[2];
        means.push(seen);
        let lines = exposure * (WANTED - BLACK) / (seen - BLACK).max(1);
        exposure = isp.set_exposure(lines.max(1)).unwrap();
    }
    assert!(means[0] > 2 * WANTED, "{means:?}");
    assert!(
        means[5..].iter().all(|mean| mean.abs_diff(WANTED) <= 2),
        "{means:?}"
    );
    assert!(no_guest_errors(&board));
}
