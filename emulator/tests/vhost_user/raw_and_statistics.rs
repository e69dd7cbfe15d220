// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What goes to guest memory beside the plain pictures, and the sensor that all of it is of.

use crate::vm::{Emulation, RAM, Vm, until};
use tx_isp_abi::statistics::mean_luma;
use tx_isp_emulator::monitor::Client;
use tx_isp_emulator::monitor::protocol::FrameLogEntry;
use vm_memory::{Bytes, GuestAddress};

const I2C: u32 = 0x1005_0000;
const BUFFER: u32 = 0x10_0000;
const BANK: u32 = 0x8000;

fn stepped(source: &str) -> (Emulation, Vm, Client) {
    let emulation = Emulation::start(&["--fps", "stepped", "--source", source]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(320, 240);
    let operator = emulation.operator();
    (emulation, vm, operator)
}

fn ram(vm: &Vm, from: u32, bytes: usize) -> Vec<u8> {
    let mut data = vec![0; bytes];
    vm.memory
        .read_slice(&mut data, GuestAddress(from.into()))
        .unwrap();
    data
}

fn sensor_write(vm: &mut Vm, registers: &[(u32, u32)]) {
    for (register, value) in registers {
        let message = [
            (0x6c, 1),
            (0x04, 0x37),
            (0x10, *register),
            (0x10, *value | 0x200),
        ];
        for (offset, word) in message {
            vm.write(I2C + offset, word);
        }
    }
}

fn last_entry(operator: &mut Client) -> FrameLogEntry {
    let entries = operator.frame_log(0, None, 0).unwrap();
    entries.last().unwrap().clone()
}

#[test]
fn exposure_statistics_follow_the_exposure() {
    let (emulation, mut vm, mut operator) = stepped("bars");
    for bank in 0..4 {
        vm.write(0x1330_a03c + 4 * bank, BANK + 0x800 * bank);
    }
    let mut mean = |vm: &mut Vm, frame: u32| {
        operator.step(1).unwrap();
        let bank = ram(vm, BANK + 0x800 * ((frame - 1) % 4), 0x800);
        assert_eq!(vm.read(0x1330_a050) & 3, (frame - 1) % 4);
        assert_eq!(vm.read(0x1330_00b4) & 0x0c00_0000, 0x0800_0000);
        mean_luma(&bank).unwrap()
    };
    let normal = mean(&mut vm, 1);
    assert_eq!(normal, 125, "the mean of the bars");
    // Half the exposure, two frames later.
    sensor_write(&mut vm, &[(0x03, 352 >> 8), (0x04, 352 & 0xff)]);
    assert_eq!(mean(&mut vm, 2), normal);
    let darker = mean(&mut vm, 3);
    assert!(darker.abs_diff(16 + (normal - 16) / 2) <= 2, "{darker}");
    assert!(emulation.status().guest_errors.is_empty());
}

#[test]
fn the_picture_itself_becomes_darker_and_bright_again() {
    let (_emulation, mut vm, mut operator) = stepped("gradient");
    let mut lines = Vec::new();
    for (frame, exposure) in (1..).zip([705u32, 176, 705, 705, 705]) {
        sensor_write(&mut vm, &[(0x03, exposure >> 8), (0x04, exposure & 0xff)]);
        vm.queue_buffer(BUFFER, BUFFER + 320 * 240);
        operator.step(1).unwrap();
        let entry = last_entry(&mut operator);
        assert_eq!(
            (entry.frame, entry.crc32),
            (frame, vm.checksum(BUFFER.into(), 320 * 360))
        );
        let luma = ram(&vm, BUFFER + 320 * 200, 320 * 40);
        lines.push(luma.iter().map(|&y| u32::from(y)).sum::<u32>() / (320 * 40));
        let _ = vm.read(0x1330_9974);
        let _ = vm.read(0x1330_998c);
    }
    // The gradient moves little from frame to frame; the third frame was exposed with a quarter.
    assert!(lines[2] < lines[1] / 2, "{lines:?}");
    assert!(lines[4].abs_diff(lines[1]) < 20, "{lines:?}");
}

#[test]
fn a_raw_picture_is_written_with_its_filters() {
    let (emulation, mut vm, mut operator) = stepped("bars");
    for (offset, value) in [
        (0x300, 2 << 16 | 0x8000_0020),
        (0x304, 1920 << 16 | 8),
        (0x310, 3840),
        (0x318, BUFFER),
        (0x31c, 2 * BUFFER),
        (0x308, 1),
    ] {
        vm.write(0x133e_0000 + offset, value);
    }
    operator.step(2).unwrap();
    for bank in [BUFFER, 2 * BUFFER] {
        let bytes = ram(&vm, bank, 3840 * 8);
        let pixel = |x: usize, y: usize| {
            u16::from_le_bytes([bytes[y * 3840 + x * 2], bytes[y * 3840 + x * 2 + 1]])
        };
        // White, then red in the sixth bar: RGGB.
        assert_eq!(
            [pixel(0, 0), pixel(1, 0), pixel(0, 1), pixel(1, 1)],
            [1023; 4]
        );
        let red = 5 * 240 + 100;
        assert!(pixel(red, 2) > 900 && pixel(red + 1, 2) < 100 && pixel(red + 1, 3) < 100);
    }
    assert_eq!(vm.read(0x133e_01e4), 1);
    assert!(emulation.status().guest_errors.is_empty());
}

/// The mark that a frame leaves at both ends of a plane of the noise filter's store.
fn mark(frame: u32, plane: u32) -> [u32; 4] {
    [u32::from_le_bytes(*b"MDNS"), frame, plane, !frame]
}

#[test]
fn each_frame_leaves_its_mark_in_the_noise_filters_store() {
    let (emulation, mut vm, mut operator) = stepped("bars");
    // Y and UV of a sensor of 1080 lines, with a stride that keeps them short; a third plane has no stride.
    let (y, uv, stride) = (0x20_0000, 0x30_0000, 64);
    for (offset, value) in [
        (0x7820, y),
        (0x7824, stride),
        (0x7828, uv),
        (0x782c, stride),
        (0x7830, 0x40_0000),
    ] {
        vm.write(0x1330_0000 + offset, value);
    }
    let words = |vm: &Vm, from: u32| -> Vec<u32> {
        let bytes = ram(vm, from, 16);
        let words = bytes.chunks_exact(4);
        words
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .collect()
    };
    for frame in 1..=2 {
        vm.queue_buffer(BUFFER, BUFFER + 320 * 240);
        operator.step(1).unwrap();
        assert_eq!(last_entry(&mut operator).frame, frame);
        for (plane, start, lines) in [(0, y, 1080), (1, uv, 540)] {
            let end = start + stride * lines;
            assert_eq!(words(&vm, start), mark(frame, plane));
            assert_eq!(words(&vm, end - 16), mark(frame, plane));
            assert_eq!(words(&vm, end), [0; 4], "behind the plane");
        }
        assert_eq!(words(&vm, 0x40_0000), [0; 4]);
    }
    assert!(emulation.status().guest_errors.is_empty());
    // Bypassed, nothing is written; outside of RAM it is the driver's mistake, and the picture comes all the same.
    vm.write(0x1330_000c, 1 << 16);
    vm.queue_buffer(BUFFER, BUFFER + 320 * 240);
    operator.step(1).unwrap();
    assert_eq!(words(&vm, y), mark(2, 0));
    vm.write(0x1330_000c, 0);
    vm.write(0x1330_7828, 0x7000_0000);
    vm.queue_buffer(BUFFER, BUFFER + 320 * 240);
    operator.step(1).unwrap();
    assert_eq!(
        (last_entry(&mut operator).frame, words(&vm, y)),
        (4, mark(4, 0).to_vec())
    );
    let guest_errors = emulation.status().guest_errors;
    assert_eq!(guest_errors.len(), 1, "{guest_errors:?}");
    assert_eq!(guest_errors[0].id, "dma-outside-memory");
}

#[test]
fn banks_outside_of_ram_are_a_guest_error_and_raise_nothing() {
    let (emulation, mut vm, mut operator) = stepped("bars");
    vm.write(0x1330_b8a8, 0x7000_0000);
    operator.step(1).unwrap();
    assert_eq!(vm.read(0x1330_00b4) & 0x8000_0000, 0);
    let guest_errors = emulation.status().guest_errors;
    assert_eq!(guest_errors.len(), 1, "{guest_errors:?}");
    assert_eq!(guest_errors[0].id, "dma-outside-memory");
}

#[test]
fn a_bank_half_outside_of_ram_is_not_written_at_all() {
    let (emulation, mut vm, mut operator) = stepped("bars");
    let inside = u32::try_from(RAM).unwrap() - 0x400;
    let canary = [0xa5; 0x400];
    vm.memory
        .write_slice(&canary, GuestAddress(inside.into()))
        .unwrap();
    for bank in 0..4 {
        vm.write(0x1330_a03c + 4 * bank, inside);
    }
    operator.step(4).unwrap();
    assert_eq!(ram(&vm, inside, canary.len()), canary);
    let guest_errors = emulation.status().guest_errors;
    assert!(
        guest_errors
            .iter()
            .any(|found| found.id == "dma-outside-memory"),
        "{guest_errors:?}"
    );
}

#[test]
fn crops_masks_and_rgb_go_through_to_memory() {
    let (emulation, mut vm, mut operator) = stepped("bars");
    for (register, value) in [
        (0x28, 40 << 16 | 100),
        (0x2c, 240 << 16 | 130),
        (0x38, 200 << 16 | 100),
        (0x3c, 16 << 16 | 16),
        (0x40, 0x0051_5af0),
        (0x68, 2),
        (0x80, 240 * 4),
    ] {
        vm.write(0x1330_9900 + register, value);
    }
    vm.write(0x1330_9804, 0xf_0009);
    vm.write(0x1330_996c, BUFFER);
    operator.step(1).unwrap();
    let entry = last_entry(&mut operator);
    assert_eq!(
        (entry.width, entry.height, entry.format.as_str()),
        (240, 130, "bgr32")
    );
    assert_eq!(entry.bytes, 240 * 130 * 4);
    assert_eq!(entry.crc32, vm.checksum(BUFFER.into(), 240 * 130 * 4));
    let bytes = ram(&vm, BUFFER, 240 * 130 * 4);
    let pixel = |x: usize, y: usize| &bytes[(y * 240 + x) * 4..][..3];
    // Left of the crop was the white bar; it begins in the yellow one and ends in the blue one.
    assert!(pixel(0, 120)[0] < 60 && pixel(0, 120)[2] > 200);
    assert!(pixel(239, 120)[0] > 200 && pixel(239, 120)[2] < 60);
    assert_eq!(pixel(205, 105), [0, 0, 255], "the mask is red");
    assert!(
        emulation.status().guest_errors.is_empty(),
        "{:?}",
        emulation.status().guest_errors
    );
}

#[test]
fn the_frame_clock_follows_the_sensor() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    let frames = |emulation: &Emulation| emulation.status().frames.started;
    until("frames come", || frames(&emulation) > 2);
    // The longest frame: 65535 lines of 2200 clocks are 1.8 s.
    sensor_write(&mut vm, &[(0x41, 0xff), (0x42, 0xff)]);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let before = frames(&emulation);
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert!(
        frames(&emulation) <= before + 1,
        "at 25 frames per second there were 15"
    );
}
