// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A VM without QEMU: the front end of vhost-user, memory in a file, and a driver's virtqueues.

mod ring;

pub use ring::{Buffer, Ring};

use clap::Parser;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{self, EVENT_QUEUE, REQUEST_QUEUE, Request};
use tx_isp_abi::operation::Operation;
use tx_isp_emulator::config::Config;
use tx_isp_emulator::dma::FrameWriter;
use tx_isp_emulator::emulator::Emulator;
use tx_isp_emulator::monitor::Client;
use tx_isp_emulator::monitor::protocol::Status;
use vhost::vhost_user::message::{VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost::vhost_user::{Frontend, VhostUserFrontend};
use vhost::{VhostBackend, VhostUserMemoryRegionInfo, VringConfigData};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

/// No wait in a test takes longer, however busy the machine is.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of RAM. It appears at 0 and again at [`ALIAS`], as on a Malta board.
pub const RAM: u64 = 8 << 20;
pub const ALIAS: u64 = 0x8000_0000;
/// Where requests and responses are.
const REQUEST: u64 = 0x1_0000;
const RESPONSE: u64 = 0x1_8000;
/// Host addresses of the front end: made up, they are only translated.
const HOST_BASE: u64 = 0x7f00_0000_0000;

const VERSION_1: u64 = 1 << 32;
pub const EVENT_IDX: u64 = 1 << 29;

/// A running emulator.
pub struct Emulation {
    pub dir: TempDir,
    thread: Option<JoinHandle<Status>>,
}

impl Emulation {
    /// Starts an emulator with further `arguments`.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, None)
    }

    /// As [`Emulation::start`], but frames are written by `writer`.
    pub fn start_with(arguments: &[&str], writer: Option<Box<dyn FrameWriter>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let mut line = vec!["tx-isp-emulator".to_owned()];
        line.extend(["--socket".to_owned(), path("isp")]);
        line.extend(["--control".to_owned(), path("control")]);
        line.extend(["--report".to_owned(), path("report")]);
        line.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let config = Config::try_parse_from(line).unwrap();
        let (ready, started) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let emulator = Emulator::with_writer(&config, writer).unwrap();
            ready.send(()).unwrap();
            emulator.run().unwrap()
        });
        started.recv_timeout(DEADLINE).unwrap();
        let thread = Some(thread);
        Self { dir, thread }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn operator(&self) -> Client {
        Client::connect(&self.path("control"), DEADLINE).unwrap()
    }

    pub fn status(&self) -> Status {
        self.operator().status().unwrap()
    }

    /// Waits for the emulator's end: its last status.
    pub fn ended(mut self) -> Status {
        let thread = self.thread.take().unwrap();
        until("the emulator ends", || thread.is_finished());
        thread.join().unwrap()
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !so() {
        assert!(Instant::now() < deadline, "not so in time: {what}");
        thread::sleep(Duration::from_micros(50));
    }
}

/// A VM with a driver.
pub struct Vm {
    frontend: Frontend,
    pub memory: GuestMemoryMmap,
    /// The file behind it.
    pub file: File,
    pub requests: Ring,
    pub events: Ring,
}

impl Vm {
    /// Connects to the emulator and starts both queues. `features` are those to acknowledge beside
    /// the ones that must be.
    pub fn connect(emulation: &Emulation, features: u64) -> Self {
        Self::connect_to(&emulation.path("isp"), features)
    }

    /// As [`Vm::connect`], to whoever listens at a path.
    pub fn connect_to(path: &Path, features: u64) -> Self {
        let file = tempfile::tempfile().unwrap();
        file.set_len(RAM).unwrap();
        let size = usize::try_from(RAM).unwrap();
        let at = |base: u64, file: File| (GuestAddress(base), size, Some(FileOffset::new(file, 0)));
        let memory = GuestMemoryMmap::from_ranges_with_files([
            at(0, file.try_clone().unwrap()),
            at(ALIAS, file.try_clone().unwrap()),
        ])
        .unwrap();

        let mut frontend = Frontend::connect(path, 2).unwrap();
        frontend.set_owner().unwrap();
        let offered = frontend.get_features().unwrap();
        let wanted = VERSION_1 | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits() | features;
        assert_eq!(offered & wanted, wanted);
        frontend.get_protocol_features().unwrap();
        let protocol = VhostUserProtocolFeatures::CONFIG
            | VhostUserProtocolFeatures::REPLY_ACK
            | VhostUserProtocolFeatures::RESET_DEVICE;
        frontend.set_protocol_features(protocol).unwrap();
        frontend.set_features(wanted).unwrap();
        let requests = Ring::new(memory.clone(), 0x1000);
        let events = Ring::new(memory.clone(), 0x4000);
        let mut vm = Self {
            frontend,
            memory,
            file,
            requests,
            events,
        };
        let file = vm.file.try_clone().unwrap();
        vm.set_memory(&file).unwrap();
        vm.start(REQUEST_QUEUE, 0);
        vm.start(EVENT_QUEUE, 0);
        vm
    }

    /// Starts a queue at an index, as QEMU does when a driver is ready or a paused VM goes on.
    pub fn start(&mut self, queue: u16, base: u16) {
        let ring = if queue == REQUEST_QUEUE {
            &self.requests
        } else {
            &self.events
        };
        let index = usize::from(queue);
        let [descriptors, available, used] = ring.addresses().map(|a| HOST_BASE + a);
        let config = VringConfigData {
            queue_max_size: Ring::SIZE,
            queue_size: Ring::SIZE,
            flags: 0,
            desc_table_addr: descriptors,
            used_ring_addr: used,
            avail_ring_addr: available,
            log_addr: None,
        };
        self.frontend.set_vring_num(index, Ring::SIZE).unwrap();
        self.frontend.set_vring_base(index, base).unwrap();
        self.frontend.set_vring_addr(index, &config).unwrap();
        self.frontend.set_vring_call(index, &ring.call).unwrap();
        self.frontend.set_vring_kick(index, &ring.kick).unwrap();
        self.frontend.set_vring_enable(index, true).unwrap();
    }

    /// Gives a queue another descriptor to kick with.
    pub fn replace_kick(&mut self, queue: u16) {
        let index = usize::from(queue);
        let ring = if queue == REQUEST_QUEUE {
            &mut self.requests
        } else {
            &mut self.events
        };
        ring.kick = EventFd::new(EFD_NONBLOCK).unwrap();
        self.frontend.set_vring_kick(index, &ring.kick).unwrap();
    }

    /// Gives a queue another descriptor to be interrupted by.
    pub fn replace_call(&mut self, queue: u16, call: &EventFd) {
        self.frontend.set_vring_call(queue.into(), call).unwrap();
    }

    /// Gives the memory map anew, of a file that may be too short for it.
    pub fn set_memory(&mut self, file: &File) -> Result<(), vhost::Error> {
        let regions = [0, ALIAS].map(|base| VhostUserMemoryRegionInfo {
            guest_phys_addr: base,
            memory_size: RAM,
            userspace_addr: HOST_BASE + base,
            mmap_offset: 0,
            mmap_handle: file.as_raw_fd(),
        });
        self.frontend.set_mem_table(&regions)?;
        // Whatever is answered now, the map before it is in place.
        self.frontend.get_features().map(drop)
    }

    /// Stops a queue: the index at which it would go on.
    pub fn stop(&mut self, queue: u16) -> u16 {
        let base = self.frontend.get_vring_base(queue.into()).unwrap();
        u16::try_from(base).unwrap()
    }

    /// RESET_DEVICE; afterwards features are negotiated anew.
    pub fn reset_device(&mut self) {
        self.frontend.reset_device().unwrap();
        let wanted = VERSION_1 | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits();
        self.frontend.set_features(wanted).unwrap();
    }

    pub fn config(&mut self, bytes: u32) -> Vec<u8> {
        let flags = vhost::vhost_user::message::VhostUserConfigFlags::WRITABLE;
        let room = vec![0xff; bytes as usize];
        let (_, payload) = self.frontend.get_config(0, bytes, flags, &room).unwrap();
        payload
    }

    /// A request of any words with so many bytes of room: used length and response.
    pub fn exchange(&mut self, words: &[u32], room: u32) -> (u32, Vec<u32>) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.exchange_bytes(&bytes, room)
    }

    pub fn exchange_bytes(&mut self, bytes: &[u8], room: u32) -> (u32, Vec<u32>) {
        self.memory
            .write_slice(bytes, GuestAddress(REQUEST))
            .unwrap();
        let length = u32::try_from(bytes.len()).unwrap();
        let used = self.requests.exchange(&[
            Buffer::readable(REQUEST, length),
            Buffer::writable(RESPONSE, room),
        ]);
        (used, self.words(RESPONSE, used))
    }

    pub fn words(&self, address: u64, bytes: u32) -> Vec<u32> {
        let word = |at: u64| {
            self.memory
                .read_obj::<u32>(GuestAddress(address + at))
                .unwrap()
        };
        (0..u64::from(bytes / 4)).map(|n| word(4 * n)).collect()
    }

    /// Carries out operations: their result words.
    pub fn batch(&mut self, operations: &[Operation]) -> Vec<u32> {
        let words = encode(&Request::Batch(operations));
        let (used, response) = self.exchange(&words, 4096);
        assert_eq!(response[0], mailbox::Status::Ok as u32, "{response:x?}");
        assert_eq!(
            (used, response.len()),
            (4 * (2 + response[1]), 2 + response[1] as usize)
        );
        response[2..].to_vec()
    }

    pub fn write(&mut self, address: u32, value: u32) {
        self.batch(&[Operation::Write(PhysAddr(address), value)]);
    }

    pub fn read(&mut self, address: u32) -> u32 {
        self.batch(&[Operation::Read(PhysAddr(address))])[0]
    }

    /// Offers an event buffer.
    pub fn offer_event_buffer(&mut self) {
        self.events.offer(&[Buffer::writable(0x7000, 4)]);
        self.events.kick();
    }

    /// Waits for an event: its lines.
    pub fn event(&mut self) -> u32 {
        assert_eq!(self.events.wait_used(), 4);
        self.words(0x7000, 4)[0]
    }

    /// PHY, VIC and core run, channel 0 writes NV12 of a size; interrupts of the core are enabled.
    pub fn stream(&mut self, width: u32, height: u32) {
        for (address, value) in [
            (0x1000_0020, 0),
            (0x1000_0028, 0),
            (0x1330_0010, 0x133),
            (0x1330_0008, 0), // RGGB
            (0x1330_000c, 0x3400_0009),
            (0x1330_00b0, 0x2000), // the pipe has processed a frame
            (0x1330_0800, 1),
            (0x1002_300c, 1),
            (0x1002_3010, 1),
            // Two lanes of MIPI with RAW10 in lines of 1920 pixels (T31 2.7, 2.8).
            (0x1002_3004, 1),
            (0x133e_000c, 2),
            (0x133e_0014, 1),
            (0x133e_0100, 0x258),
            (0x133e_01e8, u32::MAX),
            (0x133e_01ec, u32::MAX),
            (0x133e_0000, 1),
            (0x1330_9900, width << 16 | height),
            (
                0x1330_9904,
                ((1920 * 512 / width) << 16) | (1080 * 512 / height),
            ),
            (0x1330_992c, width << 16 | height),
            (0x1330_9968, 0),
            (0x1330_9980, width),
            (0x1330_9998, width),
            (0x1330_9804, 0xf_0001),
        ] {
            self.write(address, value);
        }
    }

    /// Gives channel 0 a buffer: UV first, then Y.
    pub fn queue_buffer(&mut self, y: u32, uv: u32) {
        self.write(0x1330_9984, uv);
        self.write(0x1330_996c, y);
    }

    /// CRC-32 of memory.
    pub fn checksum(&self, address: u64, bytes: usize) -> u32 {
        let mut data = vec![0; bytes];
        self.memory
            .read_slice(&mut data, GuestAddress(address))
            .unwrap();
        crc32fast::hash(&data)
    }
}

/// The words of a request.
pub fn encode(request: &Request<'_>) -> Vec<u32> {
    let mut words = vec![0; mailbox::MAX_REQUEST_WORDS];
    let length = mailbox::encode_request(request, &mut words).unwrap();
    words.truncate(length);
    words
}
