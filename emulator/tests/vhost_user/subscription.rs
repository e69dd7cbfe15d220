// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What happens, told to who has subscribed.

use crate::vm::{Emulation, Vm};
use tx_isp_abi::mailbox::REQUEST_QUEUE;

const BUFFER: u32 = 0x10_0000;

#[test]
fn who_has_subscribed_is_told_of_drivers_frames_and_guest_errors() {
    use tx_isp_emulator::monitor::protocol::{Event, EventKind};
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut watcher = emulation.operator();
    let kinds = [EventKind::Frame, EventKind::GuestError, EventKind::Driver];
    assert_eq!(watcher.subscribe(&kinds).unwrap().subscribed, kinds);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.queue_buffer(BUFFER, BUFFER + 128 * 128);
    emulation.operator().step(1).unwrap();
    vm.read(0x1330_0bac);
    vm.read(0x1330_0bac);
    vm.stop(REQUEST_QUEUE);
    let next = |watcher: &mut tx_isp_emulator::monitor::Client| watcher.next_event().unwrap();
    assert!(matches!(
        next(&mut watcher),
        Event::Driver { begins: true, .. }
    ));
    let entry = emulation
        .operator()
        .frame_log(0, None, 0)
        .unwrap()
        .remove(0);
    assert_eq!(next(&mut watcher), Event::Frame { entry });
    match next(&mut watcher) {
        Event::GuestError { error } => assert_eq!(error.id, "undefined-register"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        next(&mut watcher),
        Event::Driver { begins: false, .. }
    ));
    // Requests are answered among them.
    assert_eq!(watcher.status().unwrap().dma.frames, 1);
}
