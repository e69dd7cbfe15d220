// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing a trace while a driver runs.

use super::Access;
use nix::fcntl::OFlag;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::RegisterFile;
use tx_isp_chip::register_name;

/// How much is handed to the writer at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// How many blocks may wait for the disk: what comes while they do is lost, for the guest does not wait.
const BLOCKS: usize = 256;
/// The longest trace.
const MAX_BYTES: u64 = 1 << 30;
/// How long the last blocks are waited for.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A trace that is being written, by a thread of its own.
pub struct Recorder {
    /// Lines that are not yet handed over, and how many accesses they hold.
    block: Vec<u8>,
    in_block: u64,
    blocks: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    started: Instant,
    /// Names of the registers so far: to find one takes longer than to write it.
    names: HashMap<PhysAddr, String>,
    bytes: u64,
    accesses: u64,
    lost: u64,
}

impl Recorder {
    /// Records to a file, which is replaced if it is one; times count from `started`.
    ///
    /// # Errors
    /// If it cannot be written, or is no regular file.
    pub fn create(path: &Path, started: Instant) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // A pipe that nobody reads must not keep us; a link may lead anywhere.
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
        options.write(true).create(true).custom_flags(flags.bits());
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        file.set_len(0)?;
        Self::new(Box::new(file), started)
    }

    /// Records to a new file in a folder: nothing that exists is touched.
    ///
    /// # Errors
    /// If it lies elsewhere, exists, or cannot be made.
    pub fn create_in(folder: &Path, file: &Path, started: Instant) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(&folder).canonicalize()?;
        let name = path.file_name().filter(|_| parent.starts_with(&folder));
        let Some(name) = name else {
            let folder = folder.display();
            return Err(io::Error::other(format!(
                "{} is not in the trace folder {folder}",
                path.display()
            )));
        };
        let path = parent.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&path).map_err(|error| {
            let what = match error.kind() {
                ErrorKind::AlreadyExists => "it exists; name a new file".to_owned(),
                _ => error.to_string(),
            };
            io::Error::new(error.kind(), format!("{}: {what}", path.display()))
        })?;
        Self::new(Box::new(file), started)
    }

    /// Records to `out`.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn new(mut out: Box<dyn Write + Send>, started: Instant) -> io::Result<Self> {
        writeln!(
            out,
            "# tx-isp register trace: R|W ADDRESS VALUE @SECONDS # BLOCK.REGISTER"
        )?;
        let (blocks, to_write) = sync_channel(BLOCKS);
        let writer = thread::Builder::new().name("trace".to_owned());
        let writer = writer.spawn(move || write_blocks(&mut *out, &to_write))?;
        Ok(Self {
            block: Vec::with_capacity(BLOCK_BYTES),
            in_block: 0,
            blocks: Some(blocks),
            writer: Some(writer),
            started,
            names: HashMap::new(),
            bytes: 0,
            accesses: 0,
            lost: 0,
        })
    }

    /// How many accesses were recorded.
    #[must_use]
    pub const fn accesses(&self) -> u64 {
        self.accesses
    }

    /// Ends the record: how many accesses it holds and how many it lacks.
    #[must_use]
    pub fn finish(mut self) -> (u64, u64) {
        self.end();
        (self.accesses, self.lost)
    }

    fn record(&mut self, write: bool, address: PhysAddr, value: u32) {
        let at_ns = u64::try_from(self.started.elapsed().as_nanos()).ok();
        let access = Access {
            at_ns,
            write,
            address,
            value,
        };
        if self.bytes >= MAX_BYTES {
            self.lost += 1;
            return;
        }
        let name = self.names.entry(address);
        let name = name.or_insert_with(|| register_name(address));
        let before = self.block.len();
        // To a vector nothing fails.
        let _ = writeln!(self.block, "{access} # {name}");
        self.bytes += (self.block.len() - before) as u64;
        self.accesses += 1;
        self.in_block += 1;
        if self.block.len() >= BLOCK_BYTES - 256 {
            self.hand_over();
        }
    }

    /// Hands what there is to the writer, or loses it where the writer does not keep up.
    fn hand_over(&mut self) {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_BYTES));
        let in_block = std::mem::take(&mut self.in_block);
        let taken = self.blocks.as_ref().map(|blocks| blocks.try_send(block));
        if !matches!(taken, Some(Ok(()))) {
            self.accesses -= in_block;
            self.lost += in_block;
        }
    }

    /// Everything recorded so far goes to the file.
    fn end(&mut self) {
        if self.blocks.is_none() {
            return;
        }
        self.hand_over();
        self.blocks = None;
        let until = Instant::now() + END_LIMIT;
        let Some(writer) = self.writer.take() else {
            return;
        };
        while !writer.is_finished() {
            if Instant::now() >= until {
                log::error!("the trace's disk does not answer: its end comes later or never");
                return;
            }
            thread::sleep(Duration::from_micros(200));
        }
        if self.lost > 0 {
            log::warn!(
                "the trace lacks {} accesses: the disk was too slow, or it has reached {MAX_BYTES} bytes",
                self.lost
            );
        }
    }
}

/// Writes until there is nothing more. The first failure is told; a full disk must not end the run.
fn write_blocks(out: &mut dyn Write, blocks: &Receiver<Vec<u8>>) {
    let mut failed = false;
    for block in blocks {
        if let Err(error) = out.write_all(&block)
            && !std::mem::replace(&mut failed, true)
        {
            log::error!("the trace cannot be written: {error}");
        }
    }
    if let Err(error) = out.flush() {
        log::error!("the trace cannot be written: {error}");
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

/// Registers whose accesses are recorded.
pub struct Traced<'a, R> {
    /// The registers.
    pub registers: &'a mut R,
    /// Where the accesses go.
    pub recorder: &'a mut Recorder,
}

impl<R: RegisterFile> RegisterFile for Traced<'_, R> {
    fn read(&mut self, address: PhysAddr) -> u32 {
        let value = self.registers.read(address);
        self.recorder.record(false, address, value);
        value
    }

    fn write(&mut self, address: PhysAddr, value: u32) {
        self.registers.write(address, value);
        self.recorder.record(true, address, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Nothing;

    impl RegisterFile for Nothing {
        fn read(&mut self, _address: PhysAddr) -> u32 {
            0
        }

        fn write(&mut self, _address: PhysAddr, _value: u32) {}
    }

    fn refused(folder: &Path, file: &str) -> String {
        let recorder = Recorder::create_in(folder, Path::new(file), Instant::now());
        recorder.err().unwrap().to_string()
    }

    #[test]
    fn only_new_files_of_the_folder_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("traces");
        fs::create_dir(&folder).unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, folder.join("link")).unwrap();
        fs::write(folder.join("old"), "old").unwrap();
        for file in ["link", "old"] {
            assert!(refused(&folder, file).contains("name a new file"));
        }
        for file in ["../precious", "../new", "/tmp/new"] {
            let message = refused(&folder, file);
            assert!(message.contains("is not in the trace folder"), "{message}");
        }
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert_eq!(fs::read(folder.join("old")).unwrap(), b"old");
        let path = folder.join("new");
        let mut recorder = Recorder::create_in(&folder, &path, Instant::now()).unwrap();
        for n in 0..10_000 {
            let mut traced = Traced {
                registers: &mut Nothing,
                recorder: &mut recorder,
            };
            traced.write(PhysAddr(0x1330_0000), n);
        }
        assert_eq!(recorder.finish(), (10_000, 0));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 10_001);
    }

    #[test]
    fn a_pipe_and_a_link_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let link = dir.path().join("link");
        symlink(&precious, &link).unwrap();
        for path in [pipe, link] {
            assert!(Recorder::create(&path, Instant::now()).is_err());
        }
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
    }
}
