// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A chip and a bus that do not answer.

use crate::board::*;

#[test]
fn a_chip_that_does_not_stop_is_reported() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 2);
    // A frame that never ends: the board ends only frames that it began itself.
    let _stuck = board.chip(|chip| chip.frame_start()).unwrap();
    assert_eq!(isp.stream_off(MAIN), Err(Error::ChannelStuck(MAIN)));
    assert!(!isp.is_streaming(MAIN));
    // The next start resets the chip and works.
    start(&mut isp, MAIN, 2);
    board.frame().unwrap();
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 1);
}

#[test]
fn a_dead_bus_is_an_error_everywhere_and_hangs_nowhere() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 2);
    board.set_fault(Some(BusError::Timeout));
    let timeout = Error::Bus(BusError::Timeout);
    assert_eq!(isp.handle_interrupt(), Err(timeout));
    assert_eq!(isp.queue(MAIN, buffer(7)), Ok(()), "it waits");
    assert_eq!(isp.stream_off(MAIN), Err(timeout));
    assert_eq!(isp.stream_on(MAIN), Err(timeout));
    assert_eq!(timeout.errno(), Errno::Etimedout);
    board.set_fault(None);
    start(&mut isp, MAIN, 1);
    board.frame().unwrap();
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 1);
}

#[test]
fn each_way_to_fail_has_its_errno() {
    for (error, errno) in [
        (BusError::Timeout, Errno::Etimedout),
        (BusError::Busy, Errno::Ebusy),
        (BusError::NoMemory, Errno::Enomem),
        (BusError::Gone, Errno::Enodev),
        (BusError::Protocol, Errno::Eio),
    ] {
        assert_eq!(Error::Bus(error).errno(), errno);
    }
    assert_eq!(Errno::Eio.to_return_value(), -5);
    assert_eq!(Errno::Etimedout.to_return_value(), -110);
}
