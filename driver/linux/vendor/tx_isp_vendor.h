/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor's device nodes: /dev/tx-isp, /dev/framechanN, /dev/isp-m0, /dev/avpu, /proc/jz/isp and
 * a /dev/mem for client libraries. What they do is decided in Rust (driver/src/vendor); the C files
 * copy arguments, sleep and wake.
 */
#ifndef TX_ISP_VENDOR_H
#define TX_ISP_VENDOR_H

#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include "../tx_isp.h"

/* Most buffers of a frame channel, files of /proc/jz/isp, words of an ioctl's argument. */
#define TX_ISP_VENDOR_BUFFERS 64
#define TX_ISP_VENDOR_FILES 5
#define TX_ISP_VENDOR_ARGUMENT_WORDS (0x70 / 4)

/* Most words of statistics behind a pointer. */
#define TX_ISP_VENDOR_STATISTICS_WORDS 256

/* The encoder's registers: the first, and how many bytes of them there are. */
#define TX_ISP_ENCODER_START 0x8000
#define TX_ISP_ENCODER_BYTES 0x2000

/* Numbers of the ioctls that C treats on its own; the library knows all of them. */
#define TX_ISP_VENDOR_STREAM_OFF 0x80045613
#define TX_ISP_VENDOR_DESTROY_LINKS 0x800456d1
#define TX_ISP_VENDOR_SET_BUFFER 0x800856d4
#define TX_ISP_VENDOR_GET_BUFFER 0x800856d5
#define TX_ISP_VENDOR_SET_FORMAT 0xc07056c3
#define TX_ISP_VENDOR_LISTEN 0x400456bf
#define TX_ISP_VENDOR_QUEUE 0xc044560f
#define TX_ISP_VENDOR_DEQUEUE 0xc0445611
#define TX_ISP_VENDOR_GET_CONTROL 0xc008561b
#define TX_ISP_VENDOR_SET_CONTROL 0xc008561c
#define TX_ISP_VENDOR_CACHE 0xc00c7200

/* The library's state of the front. C knows its size only. */
struct tx_isp_front;

enum tx_isp_vendor_node {
	TX_ISP_VENDOR_NODE_ISP,
	TX_ISP_VENDOR_NODE_CHANNEL,
	TX_ISP_VENDOR_NODE_TUNING,
	TX_ISP_VENDOR_NODE_ENCODER,
};

/**
 * struct tx_isp_vendor_extent - mirror of Rust's Argument
 * @read: how many bytes of an argument are read
 * @written: how many are written
 */
struct tx_isp_vendor_extent {
	u32 read, written;
};

/**
 * struct tx_isp_vendor_buffer - a frame channel's buffer, as far as C looks into it
 * @index: which buffer
 * @unused: what only the library looks at
 * @address: its physical address
 * @length: its bytes, as the client says
 * @reserved: what only the library looks at
 */
struct tx_isp_vendor_buffer {
	u32 index;
	u32 unused[12];
	u32 address;
	u32 length;
	u32 reserved[2];
};

/**
 * struct tx_isp_vendor_isp_buffer - memory of the noise reduction
 * @address: its physical address
 * @bytes: its length
 */
struct tx_isp_vendor_isp_buffer {
	u32 address, bytes;
};

/**
 * struct tx_isp_vendor_room - mirror of Rust's Room: the carve-out as GET_BUF finds it
 * @strategy: who allocates
 * @available: bytes of the largest free block
 * @reserved: bytes that clients have announced
 * @margin: how many times what is asked for is to be free
 * @reserve: bytes that are to be kept free
 */
struct tx_isp_vendor_room {
	u32 strategy, available, reserved, margin, reserve;
};

/**
 * struct tx_isp_vendor_tuning_request - any control of /dev/isp-m0
 * @get: 0 sets, 1 gets
 * @id: which control
 * @value: its value, or where that is
 */
struct tx_isp_vendor_tuning_request {
	u32 get, id, value;
};

/**
 * struct tx_isp_vendor_channel - /dev/framechanN
 * @isp: the ISP whose channel it is
 * @number: which channel
 * @name: the node's name
 * @device: the node
 * @opens: how many have it open; guarded by the lock of the channel's video node
 * @wait: those who wait for a frame
 * @changes: how often something has changed for them; guarded by core_lock
 * @held: the clients' memory that queued buffers are in; guarded by core_lock
 */
struct tx_isp_vendor_channel {
	struct tx_isp *isp;
	u32 number;
	char name[16];
	struct miscdevice device;
	u32 opens;
	wait_queue_head_t wait;
	u32 changes;
	struct tx_isp_memory *held[TX_ISP_VENDOR_BUFFERS];
};

/**
 * struct tx_isp_vendor_encoder - /dev/avpu: registers that can be read, and nobody who works
 * @device: the node
 * @wait: those who wait for an interrupt
 * @lock: guards the rest
 * @unblocked: how often waiting was ended
 * @words: what was written to the registers
 */
struct tx_isp_vendor_encoder {
	struct miscdevice device;
	wait_queue_head_t wait;
	/* Guards the rest. */
	struct mutex lock;
	u32 unblocked;
	u32 words[TX_ISP_ENCODER_BYTES / 4];
};

/**
 * struct tx_isp_vendor_file - a file of /proc/jz/isp
 * @vendor: whose it is
 * @number: which file
 */
struct tx_isp_vendor_file {
	struct tx_isp_vendor *vendor;
	u32 number;
};

/**
 * struct tx_isp_vendor - the vendor's front
 * @isp: the ISP behind it
 * @front: the library's state; guarded by core_lock
 * @channels: the frame channels
 * @noise_reduction: the client's memory that the noise reduction uses; guarded by core_lock
 * @statistics: where the chip counts for a control of exposure, from the first client of
 *	/dev/isp-m0 on until the end: what the chip has begun it may still write when that client is
 *	gone; guarded by core_lock
 * @statistics_address: where the chip finds that
 * @frames: interrupts that brought frames; guarded by core_lock
 * @device: /dev/tx-isp
 * @tuning: /dev/isp-m0
 * @mem: /dev/tx-isp-mem, where the ISP is behind a mailbox
 * @encoder: /dev/avpu
 * @proc: /proc/jz, or the folder in it
 * @files: the files in that
 * @quirks: whether the faults of the vendor's driver are there
 */
struct tx_isp_vendor {
	struct tx_isp *isp;
	struct tx_isp_front *front;
	struct tx_isp_vendor_channel channels[TX_ISP_CHANNELS];
	struct tx_isp_memory *noise_reduction;
	void *statistics;
	dma_addr_t statistics_address;
	u32 frames;
	struct miscdevice device, tuning, mem;
	struct tx_isp_vendor_encoder encoder;
	struct proc_dir_entry *proc;
	struct tx_isp_vendor_file files[TX_ISP_VENDOR_FILES];
	bool quirks;
};

/* vendor_isp.c */
/* 0 if the library can be called, else the error of all calls; the caller holds core_lock. */
int tx_isp_vendor_ready(const struct tx_isp *isp);
/* Copies an ioctl's argument, lets call do the rest, and copies the result back. */
long tx_isp_vendor_ioctl(struct tx_isp *isp, enum tx_isp_vendor_node node, unsigned int number,
			 unsigned long argument,
			 long (*call)(void *context, u32 number, u32 *words), void *context);
/* The block of the carve-out that the calling process has mapped and that holds the range; held. */
struct tx_isp_memory *tx_isp_vendor_memory(struct tx_isp *isp, u32 address, u32 bytes);
void tx_isp_vendor_memory_put(struct tx_isp_memory *memory);

/* vendor_channel.c */
int tx_isp_vendor_channels_register(struct tx_isp_vendor *vendor);
void tx_isp_vendor_channels_unregister(struct tx_isp_vendor *vendor);
/* Something has changed for those who wait; the caller holds core_lock. */
void tx_isp_vendor_wake(struct tx_isp_vendor_channel *channel);
/*
 * Stops the ISP's channel, if it runs. The caller holds core_lock, which is dropped meanwhile: the
 * other channels go on, also where the chip does not stop for long.
 */
void tx_isp_vendor_stop(struct tx_isp *isp, u32 channel);
/* Gives memory back that neither driver nor chip have any more; the caller holds core_lock. */
void tx_isp_vendor_release_idle(struct tx_isp_vendor_channel *channel);

/* vendor_tuning.c, vendor_encoder.c, vendor_mem.c, vendor_proc.c */
int tx_isp_vendor_tuning_register(struct tx_isp_vendor *vendor);
/* Once the chip can write nothing any more. */
void tx_isp_vendor_tuning_free(struct tx_isp_vendor *vendor);
int tx_isp_vendor_encoder_register(struct tx_isp_vendor *vendor);
int tx_isp_vendor_mem_register(struct tx_isp_vendor *vendor);
void tx_isp_vendor_mem_unregister(struct tx_isp_vendor *vendor);
int tx_isp_vendor_proc_create(struct tx_isp_vendor *vendor);

/* What C calls in Rust (src/vendor.rs); all of it needs core_lock, except what takes no front. */
u32 tx_isp_front_size(void);
int tx_isp_front_create(struct tx_isp_front *front, u32 memopt, bool quirks, const u8 *answers,
			u32 length);
void tx_isp_vendor_negotiate(struct tx_isp_front *front, const struct tx_isp_core *core,
			     const struct tx_isp_vendor_room *room);
u32 tx_isp_vendor_written_bytes(const struct tx_isp_front *front, const struct tx_isp_core *core,
				u32 channel);
bool tx_isp_vendor_stop_begin(struct tx_isp_front *front, struct tx_isp_core *core, u32 channel);
int tx_isp_vendor_argument(u32 node, u32 number, struct tx_isp_vendor_extent *extent);
int tx_isp_vendor_isp(struct tx_isp_front *front, struct tx_isp_core *core, u32 number,
		      u32 *words);
int tx_isp_vendor_channel(struct tx_isp_front *front, struct tx_isp_core *core, u32 channel,
			  u32 number, u32 *words);
int tx_isp_vendor_tuning(struct tx_isp_front *front, struct tx_isp_core *core, u32 number,
			 u32 *words, const u32 *banks);
u32 tx_isp_vendor_statistics_bytes(void);
void tx_isp_vendor_set_statistics(struct tx_isp_core *core, u32 address);
int tx_isp_vendor_statistics(struct tx_isp_core *core, bool get, u32 id, const u32 *banks,
			     u32 *words);
int tx_isp_vendor_check(const struct tx_isp_front *front, u32 channel,
			const struct tx_isp_vendor_buffer *buffer);
bool tx_isp_vendor_holds(const struct tx_isp_front *front, u32 channel, u32 index);
bool tx_isp_vendor_is_selected(const struct tx_isp_front *front);
bool tx_isp_vendor_is_last(const struct tx_isp_front *front);
void tx_isp_vendor_open(struct tx_isp_front *front);
void tx_isp_vendor_close(struct tx_isp_front *front, struct tx_isp_core *core);
int tx_isp_vendor_channel_open(struct tx_isp_front *front, struct tx_isp_core *core, u32 channel);
void tx_isp_vendor_channel_close(struct tx_isp_front *front, struct tx_isp_core *core, u32 channel,
				 bool last);
bool tx_isp_vendor_channel_runs(const struct tx_isp_front *front, u32 channel);
bool tx_isp_vendor_channel_started(const struct tx_isp_front *front, u32 channel);
int tx_isp_vendor_tuning_open(struct tx_isp_front *front);
void tx_isp_vendor_tuning_close(struct tx_isp_front *front);
int tx_isp_vendor_finish(struct tx_isp_front *front, struct tx_isp_core *core, u32 channel,
			 u32 index, bool intact, u64 time);
void tx_isp_vendor_abandon(struct tx_isp_front *front);
bool tx_isp_vendor_may_map(u32 address, u32 bytes);
int tx_isp_vendor_page(struct tx_isp_core *core, u32 address, u32 *words);
int tx_isp_vendor_show(const struct tx_isp_front *front, struct tx_isp_core *core, u32 file,
		       u32 frames, u8 *text, u32 room);
int tx_isp_vendor_store(u32 file, const u8 *text, u32 length);

#endif
