// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Register operations as values, so that a batch of them can cross any bus in one transfer.

use crate::PhysAddr;

/// One step of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads a register. One result word: its value.
    Read(PhysAddr),
    /// Writes a register. No result.
    Write(PhysAddr, u32),
    /// Reads an interrupt status and writes the value read to its acknowledge register, unless it
    /// is 0. One result word: the status.
    Acknowledge {
        /// The status register.
        status: PhysAddr,
        /// The register that clears it.
        clear: PhysAddr,
    },
    /// Empties a FIFO: while the bits `empty` of `status` are 0, carries out the `reads` operations
    /// that follow, each a [`Operation::Read`]; at most `limit` times. Result words: the number of
    /// entries taken, then the words of each.
    Drain {
        /// The FIFO's state register.
        status: PhysAddr,
        /// The bits of the state that say it is empty.
        empty: u32,
        /// How many of the following operations make up one entry.
        reads: u8,
        /// The most entries to take.
        limit: u8,
    },
}

/// Why a batch was not carried out to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// The results need more words than the caller has room for.
    NoRoomForResults,
    /// The operations behind a drain are fewer than it names, or not all reads.
    MalformedDrain,
}

/// Registers that can be read and written one at a time.
pub trait RegisterFile {
    /// The register's value. Reading may have an effect on the device.
    fn read(&mut self, address: PhysAddr) -> u32;
    /// Writes the register.
    fn write(&mut self, address: PhysAddr, value: u32);
}

/// Carries out `operations` in order on `registers`, stores their results in `results` and returns
/// how many words that were.
///
/// # Errors
/// [`BatchError`]; operations before the faulty one have been carried out.
pub fn execute(
    registers: &mut impl RegisterFile,
    operations: &[Operation],
    results: &mut [u32],
) -> Result<usize, BatchError> {
    let mut results = Results {
        words: results,
        used: 0,
    };
    let mut rest = operations;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match *first {
            Operation::Read(address) => {
                results.push_with(|| registers.read(address))?;
            }
            Operation::Write(address, value) => registers.write(address, value),
            Operation::Acknowledge { status, clear } => {
                let value = results.push_with(|| registers.read(status))?;
                if value != 0 {
                    registers.write(clear, value);
                }
            }
            Operation::Drain {
                status,
                empty,
                reads,
                limit,
            } => {
                let reads = usize::from(reads);
                if behind.len() < reads {
                    return Err(BatchError::MalformedDrain);
                }
                let (entry, after) = behind.split_at(reads);
                rest = after;
                drain(registers, &mut results, entry, status, empty, limit)?;
            }
        }
    }
    Ok(results.used)
}

fn drain(
    registers: &mut impl RegisterFile,
    results: &mut Results<'_>,
    entry: &[Operation],
    status: PhysAddr,
    empty: u32,
    limit: u8,
) -> Result<(), BatchError> {
    let count_at = results.used;
    results.push_with(|| 0)?;
    for taken in 0..u32::from(limit) {
        if registers.read(status) & empty != 0 {
            break;
        }
        results.reserve(entry.len())?;
        for operation in entry {
            let Operation::Read(address) = *operation else {
                return Err(BatchError::MalformedDrain);
            };
            results.push_with(|| registers.read(address))?;
        }
        results.words[count_at] = taken + 1;
    }
    Ok(())
}

struct Results<'a> {
    words: &'a mut [u32],
    used: usize,
}

impl Results<'_> {
    /// Fails before a read that pops a FIFO, not after it: nothing that was read is lost.
    fn reserve(&self, words: usize) -> Result<(), BatchError> {
        if self.words.len() - self.used < words {
            return Err(BatchError::NoRoomForResults);
        }
        Ok(())
    }

    fn push_with(&mut self, value: impl FnOnce() -> u32) -> Result<u32, BatchError> {
        self.reserve(1)?;
        let value = value();
        self.words[self.used] = value;
        self.used += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::vec;
    use std::vec::Vec;

    const STATUS: PhysAddr = PhysAddr(0);
    const CLEAR: PhysAddr = PhysAddr(4);
    const FIFO_STATE: PhysAddr = PhysAddr(8);
    const FIFO: PhysAddr = PhysAddr(12);

    struct Device {
        status: u32,
        fifo: VecDeque<u32>,
        writes: Vec<(PhysAddr, u32)>,
    }

    impl RegisterFile for Device {
        fn read(&mut self, address: PhysAddr) -> u32 {
            match address {
                STATUS => self.status,
                FIFO_STATE => u32::from(self.fifo.is_empty()),
                FIFO => self.fifo.pop_front().unwrap_or(0xdead),
                _ => 0,
            }
        }
        fn write(&mut self, address: PhysAddr, value: u32) {
            if address == CLEAR {
                self.status &= !value;
            }
            self.writes.push((address, value));
        }
    }

    fn device() -> Device {
        Device {
            status: 0x5,
            fifo: VecDeque::from([10, 11, 12]),
            writes: Vec::new(),
        }
    }

    const DRAIN: Operation = Operation::Drain {
        status: FIFO_STATE,
        empty: 1,
        reads: 1,
        limit: 8,
    };

    #[test]
    fn an_interrupt_is_acknowledged_and_drained_in_one_batch() {
        let mut device = device();
        let mut results = [0; 16];
        let batch = [
            Operation::Acknowledge {
                status: STATUS,
                clear: CLEAR,
            },
            DRAIN,
            Operation::Read(FIFO),
            Operation::Read(STATUS),
        ];
        let used = execute(&mut device, &batch, &mut results).unwrap();
        assert_eq!(results[..used], [5, 3, 10, 11, 12, 0]);
        assert_eq!(device.writes, vec![(CLEAR, 5)]);
    }

    #[test]
    fn a_status_of_zero_is_not_written_back() {
        let mut device = Device {
            status: 0,
            ..device()
        };
        let batch = [Operation::Acknowledge {
            status: STATUS,
            clear: CLEAR,
        }];
        assert_eq!(execute(&mut device, &batch, &mut [0; 1]), Ok(1));
        assert!(device.writes.is_empty());
    }

    #[test]
    fn a_drain_without_its_reads_is_refused() {
        let mut results = [0; 16];
        assert_eq!(
            execute(&mut device(), &[DRAIN], &mut results),
            Err(BatchError::MalformedDrain)
        );
        let batch = [DRAIN, Operation::Write(STATUS, 0)];
        assert_eq!(
            execute(&mut device(), &batch, &mut results),
            Err(BatchError::MalformedDrain)
        );
    }

    #[test]
    fn no_entry_is_taken_that_the_results_cannot_hold() {
        let mut device = device();
        let batch = [DRAIN, Operation::Read(FIFO)];
        assert_eq!(
            execute(&mut device, &batch, &mut [0; 2]),
            Err(BatchError::NoRoomForResults)
        );
        assert_eq!(device.fifo, [11, 12]);
    }
}
