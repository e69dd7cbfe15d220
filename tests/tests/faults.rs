// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The fault matrix on the host.

use tx_isp_chip::faults::FaultKind;
use tx_isp_tests::faults::{cases, guest_cases, verify};

#[test]
fn the_driver_survives_every_fault_of_the_matrix() {
    let mut failed = Vec::new();
    for case in cases().unwrap() {
        let row = verify(&case, 1);
        println!("{:?}: {}", row.faults, row.happened);
        if !row.passed() {
            failed.push(row);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_kind_of_fault_has_a_case() {
    let cases = cases().unwrap();
    for kind in FaultKind::ALL {
        let covered = |fault: &tx_isp_chip::faults::Fault| fault.kind == *kind;
        assert!(
            cases
                .iter()
                .any(|case| case.plan.faults.iter().any(covered)),
            "{kind}"
        );
    }
}

#[test]
fn the_cases_for_a_guest_are_six_of_the_matrix() {
    let chosen = guest_cases().unwrap();
    assert_eq!(chosen.len(), 6, "{chosen:#?}");
    let frames: Vec<u32> = chosen.iter().map(|case| case.plan.frames).collect();
    assert_eq!(frames, [12; 6]);
}

#[test]
fn random_faults_are_the_same_for_the_same_seed_and_survived_for_any() {
    let cases = cases().unwrap();
    let random = cases
        .iter()
        .find(|case| case.plan.faults.len() > 3)
        .unwrap();
    for seed in 1..=8 {
        let row = verify(random, seed);
        assert!(row.passed(), "seed {seed}: {row:#?}");
        assert_eq!(verify(random, seed), row);
    }
}
