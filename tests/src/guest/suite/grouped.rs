// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guest test, and those of one guest made into one where each test has a process of its own.

use libtest_mimic::{Failed, Trial};

/// A test of a binary.
pub struct Test {
    /// Its name.
    pub name: String,
    /// The guest that it runs in, by its place among the binary's, if it needs one.
    pub guest: Option<usize>,
    /// Runs it.
    pub run: Box<dyn FnOnce() -> Result<(), String> + Send>,
    /// Why it is not run, if so.
    pub left_out: bool,
}

impl Test {
    /// The test as the runner takes it.
    pub fn trial(self) -> Trial {
        let run = self.run;
        Trial::test(self.name, || run().map_err(Failed::from)).with_ignored_flag(self.left_out)
    }
}

/// The tests with those that follow each other in one guest made into one, which fails if one of them does.
pub fn grouped(tests: Vec<Test>) -> Vec<Test> {
    let mut groups: Vec<Vec<Test>> = Vec::new();
    for test in tests {
        match groups.last_mut() {
            Some(group) if test.guest.is_some() && group[0].guest == test.guest => group.push(test),
            _ => groups.push(vec![test]),
        }
    }
    groups.into_iter().filter_map(joined).collect()
}

fn joined(mut group: Vec<Test>) -> Option<Test> {
    if group.len() < 2 {
        return group.pop();
    }
    let name = format!(
        "{}, and {} more in that guest",
        group[0].name,
        group.len() - 1
    );
    let guest = group[0].guest;
    let run = move || {
        let mut failures = Vec::new();
        for test in group {
            let result = (test.run)();
            let how = if result.is_ok() { "ok" } else { "FAILED" };
            eprintln!("test {} ... {how}", test.name);
            failures.extend(
                result
                    .err()
                    .map(|reason| format!("{}: {reason}", test.name)),
            );
        }
        match failures.is_empty() {
            true => Ok(()),
            false => Err(failures.join("\n")),
        }
    };
    Some(Test {
        name,
        guest,
        run: Box::new(run),
        left_out: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_follow_each_other_in_a_guest_are_one() {
        let test = |name: &str, guest, works: bool| Test {
            name: name.to_owned(),
            guest,
            run: Box::new(move || works.then_some(()).ok_or_else(|| "why".to_owned())),
            left_out: false,
        };
        let tests = grouped(vec![
            test("a", Some(0), true),
            test("b", Some(0), true),
            test("alone", None, true),
            test("c", Some(1), true),
            test("d", Some(1), false),
        ]);
        let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "a, and 1 more in that guest",
                "alone",
                "c, and 1 more in that guest"
            ]
        );
        let results: Vec<_> = tests.into_iter().map(|test| (test.run)()).collect();
        assert_eq!(results, [Ok(()), Ok(()), Err("d: why".to_owned())]);
    }
}
