// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the front asks for beside frame buffers: the noise reduction's memory, and that of statistics.

use crate::client::*;

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
