// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::permit::{DmaGate, DmaState, Revoked};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[test]
fn a_revoked_permit_writes_nothing_and_the_next_one_does() {
    let gate = Arc::new(DmaGate::default());
    assert_eq!(gate.state(), DmaState::Stopped);
    let first = gate.permit();
    assert_eq!(gate.state(), DmaState::Running);
    assert_eq!(first.write(|| 7), Ok(7));
    assert_eq!(gate.revoke(), DmaState::Stopped);
    assert_eq!(gate.revoke(), DmaState::Stopped, "again");
    assert_eq!(first.write(|| 8), Err(Revoked));
    let second = gate.permit();
    assert_eq!(first.write(|| 9), Err(Revoked));
    assert_eq!(second.write(|| 10), Ok(10));
    let third = gate.permit();
    assert!(!second.is_valid() && third.is_valid());
}

#[test]
fn what_revokes_waits_for_the_chunk_under_way_and_for_no_more() {
    let gate = Arc::new(DmaGate::default());
    let permit = gate.permit();
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        let first = permit.write(|| {
            begun.send(()).unwrap();
            released.recv().unwrap();
        });
        (first, permit.write(|| ()))
    });
    has_begun.recv().unwrap();
    assert_eq!(gate.revoke(), DmaState::Draining);
    assert!(!gate.wait_stopped(Duration::from_millis(20)));
    release.send(()).unwrap();
    assert!(gate.wait_stopped(Duration::from_secs(60)));
    assert_eq!(writer.join().unwrap(), (Ok(()), Err(Revoked)));
}

#[test]
fn a_wait_ends_when_the_permit_does() {
    let gate = Arc::new(DmaGate::default());
    let permit = gate.permit();
    assert_eq!(permit.sleep(Duration::from_millis(1)), Ok(()));
    let sleeper = thread::spawn(move || permit.sleep(Duration::from_secs(600)));
    thread::sleep(Duration::from_millis(20));
    gate.revoke();
    assert_eq!(sleeper.join().unwrap(), Err(Revoked));
}
