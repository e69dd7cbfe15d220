// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Channels stream, alone and together, in the order of calls that is right and in others.

use crate::client::*;

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
