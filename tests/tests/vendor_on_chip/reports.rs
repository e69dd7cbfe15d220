// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the front says of itself: the files of /proc/jz/isp, the pages of registers, what is only kept.

use crate::client::*;

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
