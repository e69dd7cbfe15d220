// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Formats, sizes and crops: those that can be, and what becomes of the others.

use crate::client::*;

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
