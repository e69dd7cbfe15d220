// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sensors are found, registered and chosen; their registers are read and written.

use crate::client::*;

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
