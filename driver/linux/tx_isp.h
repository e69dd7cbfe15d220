/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module's C files and its Rust library share. C translates between kernel frameworks and
 * the library; every decision about the ISP is taken in Rust (src/).
 */
#ifndef TX_ISP_H
#define TX_ISP_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/i2c.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>
#include <media/media-device.h>
#include <media/media-entity.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-subdev.h>
#include <media/videobuf2-memops.h>
#include <media/videobuf2-v4l2.h>

#include "tx_isp_compat.h"

#define TX_ISP_CHANNELS 3
#define TX_ISP_OWNER_LENGTH 16

/* The Rust library's state. C knows its size only. */
struct tx_isp_core;
struct tx_isp_carve_out;

/* Mirrors of Rust's repr(C) types in src/ffi.rs and src/memory.rs. */
struct tx_isp_layout {
	u32 fourcc;
	u32 width;
	u32 height;
	u32 bytesperline;
	u32 sizeimage;
};

struct tx_isp_limits {
	u32 min_width;
	u32 max_width;
	u32 step_width;
	u32 min_height;
	u32 max_height;
	u32 step_height;
};

struct tx_isp_completed {
	u32 channel;
	u32 index;
	u32 sequence;
	u32 intact;
};

/* What the sensor can do: lines, and gain in parts of one. */
struct tx_isp_sensor_limits {
	u32 max_exposure, default_exposure;
	u32 max_gain;
	u32 min_fps, max_fps;
};

/* What went wrong and was dealt with, since the device was bound. */
struct tx_isp_health {
	u32 unmatched;
	u32 dropped_buffers;
	u32 damaged_frames;
	u32 core_errors;
	u32 vic_errors;
	u32 vic_recoveries;
	u32 lost_interrupts;
	u32 storms;
	u32 restarts;
	u32 stale_addresses;
	u32 recoveries;
	u32 device_resets;
	u32 quarantined;
};

/* A part of the sensor's picture. */
struct tx_isp_rectangle {
	u32 left, top, width, height;
};

struct tx_isp_range {
	u32 base;
	u32 bytes;
};

struct tx_isp_block {
	u32 address;
	u32 bytes;
	u8 owner[TX_ISP_OWNER_LENGTH];
	u32 client;
	u32 used;
};

struct tx_isp_owner {
	u8 name[TX_ISP_OWNER_LENGTH];
	u32 client;
};

/* What REQBUFS asks for, and by which rules it is answered. */
struct tx_isp_request {
	u32 strategy;
	u32 margin;
	u32 reserve;
	u32 count;
	u32 bytes;
	u32 alignment;
	u8 owner[TX_ISP_OWNER_LENGTH];
};

struct tx_isp_pool_state {
	u32 total;
	u32 free;
	u32 largest;
	u32 reserved;
};

/* Most buffers that one interrupt finishes: interrupt::MAX_COMPLETED, checked at load. */
#define TX_ISP_MAX_COMPLETED 15

/*
 * Times are counted in buckets of a sixteenth of their power of two: below 16 ns each nanosecond
 * has its own, then 16 buckets for each further bit up to 32 (4.3 s, more than any answer takes).
 */
#define TX_ISP_LATENCY_BITS 4
#define TX_ISP_LATENCY_BUCKETS ((32 - TX_ISP_LATENCY_BITS + 1) << TX_ISP_LATENCY_BITS)

/**
 * struct tx_isp_transport - the way to the backend: two virtqueues (tx_isp_virtio.c)
 * @vdev: the virtio device
 * @requests: batches of register operations; NULL while there is none, as @events
 * @events: interrupts
 * @lock: guards both queues, and the counts of requests
 * @event_buffers: what the backend writes interrupts to
 * @request: where Rust writes a request
 * @response: where Rust reads the response
 * @stopped: the device is gone; guarded by core_lock
 * @outstanding: requests that the backend owns
 * @awaited: those of them that somebody waits for
 * @lost: those of them that were not answered in time
 * @posted: requests sent that nobody waits for
 * @waited: requests sent and waited for
 * @received: events received
 * @kicked_again: kicks for requests that had been kicked before
 * @lost_interrupts: answers that were found by looking, not by an interrupt
 * @full: tries that found no room in the ring
 * @odd_events: events that had another length than events have
 */
struct tx_isp_transport {
	struct virtio_device *vdev;
	struct virtqueue *requests;
	struct virtqueue *events;
	spinlock_t lock; /* see above */
	__le32 *event_buffers;
	u32 *request;
	u32 *response;
	bool stopped;
	u32 outstanding, awaited, lost;
	u64 posted, waited, received;
	u64 kicked_again, lost_interrupts, full, odd_events;
};

/* Blocks of registers that the driver reaches: see tx_isp_platform.c. */
#define TX_ISP_WINDOWS 7
/* The core's interrupt and the VIC's. */
#define TX_ISP_INTERRUPTS 2

/**
 * struct tx_isp_window - a block of registers in the processor's address space
 * @address: its physical address
 * @bytes: its length
 * @registers: where it is mapped
 */
struct tx_isp_window {
	u32 address, bytes;
	void __iomem *registers;
};

/**
 * struct tx_isp_platform - the way to the registers of a platform device (tx_isp_platform.c)
 * @pdev: the device of the core
 * @windows: all registers that the driver reaches
 * @interrupts: numbers of the interrupts
 * @requested: how many of them are requested
 * @i2c: the bus that the sensor is on
 * @closed: no register is accessed any more; guarded by core_lock, as the counts
 * @reads: loads so far
 * @writes: stores so far
 * @waited: batches with loads so far
 */
struct tx_isp_platform {
	struct platform_device *pdev;
	struct tx_isp_window windows[TX_ISP_WINDOWS];
	int interrupts[TX_ISP_INTERRUPTS];
	unsigned int requested;
	struct i2c_adapter *i2c;
	bool closed;
	u64 reads, writes, waited;
};

struct tx_isp;
struct tx_isp_vendor;

/**
 * struct tx_isp_bus - a way to the chip, as the rest of the module sees it
 * @name: what V4L2 calls the bus that the device is on
 * @has_proc_jz: the board has /proc/jz
 * @start: opens the way
 * @probe: makes the core over it; the caller holds core_lock
 * @enable: lets interrupts come, to a core that has been probed
 * @close: no register is accessed any more, no memory is written; the caller holds core_lock
 * @release: undoes start, behind close; no interrupt is handled any more
 * @nudge: looks after answers that are overdue, or NULL; the caller holds core_lock
 */
struct tx_isp_bus {
	const char *name;
	bool has_proc_jz;
	int (*start)(struct tx_isp *isp);
	int (*probe)(struct tx_isp *isp);
	int (*enable)(struct tx_isp *isp);
	void (*close)(struct tx_isp *isp);
	void (*release)(struct tx_isp *isp);
	void (*nudge)(struct tx_isp *isp);
};

/* One capture node (tx_isp_video.c). */
struct tx_isp_video {
	struct tx_isp *isp;
	u32 channel;
	struct video_device vdev;
	struct media_pad pad;
	/* It streams, and its part of the graph is taken; guarded by lock. */
	bool in_pipeline;
	struct vb2_queue queue;
	/* Serialises ioctls and the queue. */
	struct mutex lock;
	struct v4l2_ctrl_handler controls;
	struct v4l2_ctrl *pressure;
	u32 strategy;
	/* What queue_setup() has decided, and what was taken of it; guarded by lock. */
	u32 planned_count, planned_bytes;
	/* Buffers that were taken and that videobuf2 has not fetched yet. */
	u32 granted[VB2_MAX_FRAME];
	u32 granted_count, granted_next;
	/* Buffers that videobuf2 has fetched since queue_setup(). */
	u32 fetched;
	/* Frames that went through a bounce buffer. */
	u64 bounced;
};

/* How a buffer's memory was come by (tx_isp_memory.c). */
enum tx_isp_memory_kind {
	/* The driver's, from the carve-out or from system memory. */
	TX_ISP_OWN,
	/* Part of a block that a client of /dev/rmem holds. */
	TX_ISP_RMEM_MAPPING,
	/* The client's pages, which are contiguous. */
	TX_ISP_USER_PAGES,
	/* The driver's, in place of the client's scattered pages. */
	TX_ISP_BOUNCE,
	/* Somebody else's dma-buf. */
	TX_ISP_DMABUF,
};

/* A physically contiguous buffer. */
struct tx_isp_memory {
	struct tx_isp *isp;
	enum tx_isp_memory_kind kind;
	dma_addr_t address;
	void *virtual;
	unsigned long bytes;
	/* TX_ISP_OWN and TX_ISP_BOUNCE: system memory, not the carve-out. */
	bool coherent;
	refcount_t users;
	struct vb2_vmarea_handler handler;
	/* TX_ISP_RMEM_MAPPING: keeps what is mapped; one of isp->rmem_users. */
	struct file *file;
	struct list_head rmem_user;
	/* TX_ISP_USER_PAGES and TX_ISP_BOUNCE: the client's pages, pinned, and in kernel space. */
	struct frame_vector *pages;
	void *user;
	unsigned long user_bytes;
	/* TX_ISP_USER_PAGES: mapped for DMA. */
	bool is_mapped;
	struct tx_isp_video *video;
	/* The hardware may write it for ever: it stays as it is. */
	bool quarantined;
	/* TX_ISP_DMABUF. */
	struct dma_buf_attachment *attachment;
	struct sg_table *table;
};

/* Blocks of the chip in the media graph, in the order of a picture's way through them. */
enum tx_isp_subdev_kind {
	TX_ISP_SENSOR,
	TX_ISP_CSI,
	TX_ISP_VIC,
	TX_ISP_CORE,
	/* One for each channel. */
	TX_ISP_RESIZER,
};

#define TX_ISP_SUBDEVS (TX_ISP_RESIZER + TX_ISP_CHANNELS)

/**
 * struct tx_isp_subdev - a block of the chip in the media graph (tx_isp_subdev.c)
 * @sd: the sub-device
 * @isp: what it is part of
 * @kind: which block it is
 * @channel: a resizer's channel
 * @pads: its ends, those of pictures that come in first; a sensor has one only
 */
struct tx_isp_subdev {
	struct v4l2_subdev sd;
	struct tx_isp *isp;
	enum tx_isp_subdev_kind kind;
	u32 channel;
	struct media_pad pads[2];
};

struct tx_isp {
	struct v4l2_device v4l2_dev;
	struct media_device media;
	struct tx_isp_subdev subdevs[TX_ISP_SUBDEVS];
	/* All that streams: there is one way through the chip. */
	struct media_pipeline pipeline;
	/* The graph has all of its links; guarded by core_lock. */
	bool graph_complete;
	/* The way to the chip, and its state: one of the two that follow. */
	const struct tx_isp_bus *bus;
	struct tx_isp_transport transport;
	struct tx_isp_platform platform;
	/* How long answers of the chip were waited for. */
	u32 latency[TX_ISP_LATENCY_BUCKETS];
	struct tx_isp_video videos[TX_ISP_CHANNELS];

	/* Exposure, gain and the way round: part of every node's controls (tx_isp_sensor.c). */
	struct v4l2_ctrl_handler sensor_controls;
	struct v4l2_ctrl *exposure, *mirror, *flip;

	/* Guards core; taken inside of a video's lock. */
	struct mutex core_lock;
	struct tx_isp_core *core;
	/* The core has been probed; guarded by core_lock. */
	bool core_ready;
	/* The library has panicked, and the device was reset for good; guarded by core_lock. */
	bool given_up;

	/* Guards carve_out; taken inside of any other lock. NULL without a carve-out. */
	struct mutex carve_out_lock;
	struct tx_isp_carve_out *carve_out;
	struct tx_isp_range rmem;
	void *rmem_virtual;
	bool rmem_claimed;
	/* The device that can do DMA: the platform's, or virtio's parent. Held until the end. */
	struct device *dma_device;
	/* Memory of /dev/rmem's clients that is in use by a queue or a dma-buf; carve_out_lock. */
	struct list_head rmem_users;
	/* How often memory was handed to the chip and back to the processor. */
	atomic_t syncs_for_device, syncs_for_cpu;
	/* Mappings of /dev/rmem; carve_out_lock. */
	struct list_head rmem_mappings;
	struct miscdevice rmem_device;
	/* Number of the next client of /dev/rmem; 0 is the driver itself. */
	atomic_t next_client;
	/* Tells the nodes' clients that the pressure has changed. */
	struct work_struct pressure_work;

	/* virtio: interrupts are handled here, so that the handler may sleep. */
	struct kthread_worker *worker;
	struct kthread_work interrupt_work;
	/* When the interrupt that is being handled arrived, in ns since boot. */
	atomic64_t interrupt_time;
	/* How many have been handled; guarded by core_lock. */
	u64 interrupts;
	/* Finds out that the backend is gone while nobody asks it anything. */
	struct delayed_work watchdog;
	u64 interrupts_at_last_watch;
	struct dentry *debugfs;
	/* The vendor's nodes, or NULL (vendor/). */
	struct tx_isp_vendor *vendor;
	/* Module parameters, see tx_isp_main.c. */
	u32 margin, reserve;
};

/* tx_isp_main.c */
/*
 * Makes the nodes of a chip that is reached over bus; prepare sets up the bus's part of isp, all
 * else is zero. dma_device can do DMA.
 */
struct tx_isp *tx_isp_create(struct device *dev, struct device *dma_device,
			     const struct tx_isp_bus *bus,
			     void (*prepare)(struct tx_isp *isp, void *data), void *data);
/* Undoes it; what clients hold stays until they let go. */
void tx_isp_destroy(struct tx_isp *isp);
/* An interrupt has come: takes what the chip has finished. The caller holds core_lock. */
void tx_isp_handle_interrupt(struct tx_isp *isp);

/* tx_isp_virtio_driver.c */
int tx_isp_virtio_register(void);
void tx_isp_virtio_unregister(void);
/* Called in interrupt context when the backend has raised lines. */
void tx_isp_raised(struct virtio_device *vdev);

/* tx_isp_platform.c */
int tx_isp_platform_register(void);
void tx_isp_platform_unregister(void);
void tx_isp_platform_show(struct seq_file *file, struct tx_isp *isp);

/* tx_isp_virtio.c */
int tx_isp_transport_start(struct tx_isp_transport *transport, struct virtio_device *vdev);
void tx_isp_transport_stop(struct tx_isp_transport *transport);
/* Kicks the backend again if it has not answered something; the caller holds core_lock. */
void tx_isp_transport_nudge(struct tx_isp_transport *transport);
/* Takes a batch of events; true if there are more. The caller holds core_lock, as for the next. */
bool tx_isp_transport_take_events(struct tx_isp_transport *transport);
/* Whether events have come since. */
bool tx_isp_transport_has_events(struct tx_isp_transport *transport);

/* tx_isp_latency.c */
/* Counts an answer that was waited for. */
void tx_isp_latency_count(struct tx_isp *isp, u64 ns);
/* The shortest time in ns that is counted in a bucket; there is one behind the last. */
u64 tx_isp_latency_from(unsigned int bucket);

/* tx_isp_video.c */
/* Makes a node and its queue, which nobody can open before it is registered. */
int tx_isp_video_init(struct tx_isp *isp, u32 channel, u32 strategy);
int tx_isp_video_register(struct tx_isp_video *video);
void tx_isp_video_unregister(struct tx_isp_video *video);
void tx_isp_video_complete(struct tx_isp_video *video, const struct tx_isp_completed *done,
			   u64 time);

void tx_isp_video_layout(struct tx_isp_video *video, struct tx_isp_layout *layout);

/* A client with one buffer gets a slow picture, which is better than none (T31 8, row 8). */
#define TX_ISP_MIN_BUFFERS 1

/* tx_isp_controls.c */
int tx_isp_video_create_controls(struct tx_isp_video *video);
/* What REQBUFS accepts under the node's strategy. */
unsigned int tx_isp_video_io_modes(const struct tx_isp_video *video);

/* tx_isp_pressure.c */
/* Tells each node's clients whether another of its buffers would be granted. */
void tx_isp_pressure_update(struct work_struct *work);
void tx_isp_pressure_show(struct seq_file *file, struct tx_isp *isp);

/* tx_isp_sensor.c */
int tx_isp_sensor_create_controls(struct tx_isp *isp);
int tx_isp_get_parameters(struct file *file, void *fh, struct v4l2_streamparm *parm);
int tx_isp_set_parameters(struct file *file, void *fh, struct v4l2_streamparm *parm);
/* The part that a channel shows, or may show at most, as a selection's target says. */
int tx_isp_get_part(struct tx_isp *isp, u32 channel, u32 target, struct v4l2_rect *rectangle);
int tx_isp_get_selection(struct file *file, void *fh, struct v4l2_selection *selection);
int tx_isp_set_selection(struct file *file, void *fh, struct v4l2_selection *selection);

/* tx_isp_subdev.c */
int tx_isp_subdev_register(struct tx_isp *isp, struct tx_isp_subdev *subdev,
			   enum tx_isp_subdev_kind kind, u32 channel);
/* The pad that pictures leave by. */
struct media_pad *tx_isp_subdev_source(struct tx_isp_subdev *subdev);
/* Whether a node's format is that of the resizer before it. */
int tx_isp_video_link_validate(struct media_link *link);

/* tx_isp_media.c */
void tx_isp_media_init(struct tx_isp *isp, struct device *dev);
int tx_isp_media_register(struct tx_isp *isp);
void tx_isp_media_unregister(struct tx_isp *isp);
void tx_isp_media_cleanup(struct tx_isp *isp);

/* tx_isp_memory.c */
extern const struct vb2_mem_ops tx_isp_mem_ops;
dma_addr_t tx_isp_memory_address(struct vb2_buffer *vb);
/*
 * Where the carve-out is, as the module's parameter says: SIZE@BASE. There is none if that is empty
 * or "none".
 */
int tx_isp_memory_configure(const char *range);
int tx_isp_memory_claim(struct tx_isp *isp);
/* The device is gone: if nobody holds any of it, the carve-out is the next driver's to claim. */
void tx_isp_memory_retire(struct tx_isp *isp);
void tx_isp_memory_release(struct tx_isp *isp);
void tx_isp_memory_put(void *priv);
/* The hardware may write the memory for ever: it is never freed, nor is what it depends on. */
void tx_isp_memory_quarantine(struct tx_isp_memory *memory);
struct tx_isp_memory *tx_isp_memory_new(struct tx_isp *isp, enum tx_isp_memory_kind kind,
					unsigned long bytes);
/* Gives memory a block of its size. */
int tx_isp_memory_allocate(struct tx_isp_memory *memory, const char *owner);
int tx_isp_memory_mmap(void *priv, struct vm_area_struct *vma);
void tx_isp_pool_free(struct tx_isp *isp, u32 address);
/* The same where the caller holds carve_out_lock. */
int tx_isp_pool_free_locked(struct tx_isp *isp, u32 address);
/* Memory that nobody holds is zero; the caller holds carve_out_lock. */
void tx_isp_pool_wipe(struct tx_isp *isp, u32 address, u32 bytes);
/* Before and after DMA, whatever the memory is. */
void tx_isp_memory_sync(struct tx_isp_memory *memory, bool for_device);
/* Before and after DMA, where the processor's caches do not see it. */
void tx_isp_sync_range(struct device *dev, void *virtual, unsigned long bytes);
/* How many blocks of system memory of that size could be had now, each in one piece. */
u32 tx_isp_available_coherent(unsigned long bytes);
/* What a queue asks for, of that many bytes each; NULL is the queue's own name. */
void tx_isp_video_request(struct tx_isp_video *video, struct tx_isp_request *request,
			  unsigned int count, unsigned int bytes, const char *owner);
/* Takes the blocks that queue_setup() has decided on; the caller is the queue's allocator. */
int tx_isp_video_take(struct tx_isp_video *video);

/* tx_isp_userptr.c: buffers that clients bring. */
void *tx_isp_get_userptr(struct vb2_buffer *vb, struct device *dev, unsigned long address,
			 unsigned long bytes);
void tx_isp_put_userptr(void *priv);

/* tx_isp_bounce.c: buffers of the driver's in place of scattered pages. */
int tx_isp_bounce_alloc(struct tx_isp_memory *memory, struct page **pages, unsigned int count,
			unsigned long offset);
void tx_isp_bounce_copy(struct tx_isp_memory *memory);

/* tx_isp_dmabuf.c: buffers that are shared. */
struct dma_buf *tx_isp_get_dmabuf(struct vb2_buffer *vb, void *priv, unsigned long flags);
struct dma_buf *tx_isp_export(struct tx_isp_memory *memory, unsigned long flags);
void *tx_isp_attach_dmabuf(struct vb2_buffer *vb, struct device *dev, struct dma_buf *dmabuf,
			   unsigned long size);
void tx_isp_detach_dmabuf(void *priv);
int tx_isp_map_dmabuf(void *priv);
void tx_isp_unmap_dmabuf(void *priv);

/* tx_isp_rmem.c: /dev/rmem. */
int tx_isp_rmem_register(struct tx_isp *isp);
void tx_isp_rmem_unregister(struct tx_isp *isp);
/*
 * Makes memory of its size at address, if that lies in a block that file's client holds; the block
 * cannot be freed until tx_isp_rmem_put().
 */
int tx_isp_rmem_use(struct tx_isp_memory *memory, struct file *file, u64 address);
void tx_isp_rmem_put(struct tx_isp_memory *memory);
/* Whether file is /dev/rmem of isp. */
bool tx_isp_is_rmem(const struct file *file, const struct tx_isp *isp);

/* vendor/vendor_isp.c: the vendor's nodes, if they are asked for. */
int tx_isp_vendor_register(struct tx_isp *isp);
void tx_isp_vendor_unregister(struct tx_isp *isp);
/* After the last user is gone. */
void tx_isp_vendor_free(struct tx_isp *isp);
/* Whether a channel is theirs; the caller holds the lock of the channel's node. */
bool tx_isp_vendor_owns(const struct tx_isp *isp, u32 channel);
/* Whether any channel streams through them. */
bool tx_isp_vendor_streams(const struct tx_isp *isp);
/* A frame is in memory: false if it is none of theirs. The caller holds core_lock. */
bool tx_isp_vendor_complete(struct tx_isp *isp, const struct tx_isp_completed *done);
/* The backend is gone. The caller holds core_lock. */
void tx_isp_vendor_give_up(struct tx_isp *isp);
/* For tests: the library panics in a call of the vendor's nodes, if there are any. */
void tx_isp_vendor_provoke_panic(struct tx_isp *isp);

/* tx_isp_debugfs.c */
void tx_isp_debugfs_create(struct tx_isp *isp);
void tx_isp_debugfs_remove(struct tx_isp *isp);

/* What Rust calls in C. */
u32 *tx_isp_transport_request(struct tx_isp_transport *transport);
u32 *tx_isp_transport_response(struct tx_isp_transport *transport);
/* Returns how many words of the response there are, or an error. */
int tx_isp_transport_execute(struct tx_isp_transport *transport, const u32 *request,
			     u32 request_words, u32 *response, u32 response_words);
/* Ends all DMA of the device, and sets its queues up again. */
int tx_isp_transport_reset(struct tx_isp_transport *transport);
int tx_isp_transport_post(struct tx_isp_transport *transport, const u32 *request,
			  u32 request_words);
void tx_isp_sleep(u32 microseconds);
u64 tx_isp_now(void);
/* Registers of a platform device by their physical addresses. The caller holds core_lock. */
u32 tx_isp_platform_read(struct tx_isp_platform *platform, u32 address);
void tx_isp_platform_write(struct tx_isp_platform *platform, u32 address, u32 value);
bool tx_isp_platform_is_closed(const struct tx_isp_platform *platform);
/* Loads and what was waited for with them have taken so long. */
void tx_isp_platform_count(struct tx_isp_platform *platform, u64 ns);
/* A device on the sensor's bus: a message of bytes to it, and one byte behind such a message. */
int tx_isp_platform_i2c_write(struct tx_isp_platform *platform, u32 target, const u8 *bytes,
			      u32 count);
int tx_isp_platform_i2c_read(struct tx_isp_platform *platform, u32 target, const u8 *which,
			     u32 count, u8 *value);
void tx_isp_print(u32 level, const u8 *text, u32 length);
/* The same for what a client did wrong: at a limited rate. */
void tx_isp_complain(const u8 *text, u32 length);

/* tx_isp_panic.c */
/* Calls into the Rust library, unless that has panicked; comes back also if it does so now. */
void tx_isp_guard(void (*call)(void *context), void *context);
void __noreturn tx_isp_panic(const u8 *text, u32 length);
/* Whether the library is out of order. */
bool tx_isp_has_panicked(void);
/* Takes the device out of order if so; the caller holds core_lock. */
void tx_isp_give_up_if_panicked(struct tx_isp *isp);

/*
 * What C calls in Rust (src/ffi.rs, src/memory.rs). Whatever takes a core needs core_lock, also to
 * read what never changes; tx_isp_carve_out_* needs carve_out_lock.
 */
u32 tx_isp_request_words(void);
u32 tx_isp_response_words(void);
u32 tx_isp_core_size(void);
/* Panics on purpose. */
void tx_isp_provoke_panic(void);
u32 tx_isp_max_completed(void);
/* Fills core; fails if nobody answers or somebody else than a T31. */
int tx_isp_core_probe(struct tx_isp_core *core, struct tx_isp_transport *transport);
/* The same for the registers of a platform device. */
int tx_isp_core_probe_platform(struct tx_isp_core *core, struct tx_isp_platform *platform);
/* Whether the ISP runs, so that an interrupt may be its. */
bool tx_isp_core_is_running(const struct tx_isp_core *core);
/* Interrupts that found nothing to do, of a running ISP. */
u32 tx_isp_core_empty_interrupts(const struct tx_isp_core *core);
/* Ends every stream, whatever it takes. */
void tx_isp_core_shut_down(struct tx_isp_core *core);
/* Asks the backend for a sign of life; if none comes, tx_isp_core_check() deals with it. */
void tx_isp_core_ping(struct tx_isp_core *core);
int tx_isp_core_store_straps(struct tx_isp_core *core, u32 times);
void tx_isp_core_health(const struct tx_isp_core *core, struct tx_isp_health *health);
u32 tx_isp_core_format(u32 index);
bool tx_isp_core_is_rgb(u32 fourcc);
void tx_isp_core_sensor_name(const struct tx_isp_core *core, u8 *name, u32 room);
void tx_isp_core_frame_interval(const struct tx_isp_core *core, u32 *numerator, u32 *denominator);
/* What the sensor can do; gain in unity parts of one. */
void tx_isp_core_sensor_limits(const struct tx_isp_core *core, u32 unity,
			       struct tx_isp_sensor_limits *limits);
/* The most lines that can be exposed at the frame length that is set. */
u32 tx_isp_core_max_exposure(const struct tx_isp_core *core);
int tx_isp_core_set_exposure(struct tx_isp_core *core, u32 lines);
int tx_isp_core_set_gain(struct tx_isp_core *core, u32 gain, u32 unity);
/* Turns the sensor's picture about. */
int tx_isp_core_set_flips(struct tx_isp_core *core, bool horizontal, bool vertical);
/* Asks for an interval and stores the one that is reached. */
int tx_isp_core_set_frame_interval(struct tx_isp_core *core, u32 *numerator, u32 *denominator);
/* The order of its colour filters: a value of the core's Bayer register. */
u32 tx_isp_core_bayer_order(const struct tx_isp_core *core);
/* Bits of its raw pixels. */
u32 tx_isp_core_raw_bits(const struct tx_isp_core *core);
/* The sensor's whole picture. */
void tx_isp_core_sensor_size(const struct tx_isp_core *core, struct tx_isp_rectangle *size);
/* The part that a channel shows, and the nearest that it can show to what is asked for. */
void tx_isp_core_source(const struct tx_isp_core *core, u32 channel,
			struct tx_isp_rectangle *source);
void tx_isp_core_nearest_source(const struct tx_isp_core *core, u32 channel,
				struct tx_isp_rectangle *source);
int tx_isp_core_set_source(struct tx_isp_core *core, u32 channel, struct tx_isp_rectangle *source);
void tx_isp_core_limits(const struct tx_isp_core *core, u32 channel, struct tx_isp_limits *limits);
void tx_isp_core_layout(const struct tx_isp_core *core, u32 channel, struct tx_isp_layout *layout);
/* Replaces what layout asks for by the nearest that the channel can do. */
void tx_isp_core_nearest(const struct tx_isp_core *core, u32 channel, struct tx_isp_layout *layout);
int tx_isp_core_set_layout(struct tx_isp_core *core, u32 channel,
			   const struct tx_isp_layout *layout);
/* Whether the chroma plane begins behind a multiple of 16 lines. */
int tx_isp_core_align_chroma(struct tx_isp_core *core, u32 channel, bool aligned);
/* Notes a buffer that is about to be queued: 0, or -EINVAL where it overlaps another that is. */
int tx_isp_core_prepare(struct tx_isp_core *core, u32 channel, u32 index, u32 address);
void tx_isp_core_release(struct tx_isp_core *core, u32 channel, u32 index);
int tx_isp_core_queue(struct tx_isp_core *core, u32 channel, u32 index, u32 address);
int tx_isp_core_stream_on(struct tx_isp_core *core, u32 channel);
/*
 * Stops a channel: begin once, then step every millisecond as long as it returns true. Other
 * channels need core_lock in between. Afterwards the channel's buffers go back, but for those of
 * which tx_isp_core_may_write() says that the hardware may still write them: their memory is kept
 * for ever.
 */
void tx_isp_core_stop_begin(struct tx_isp_core *core, u32 channel);
bool tx_isp_core_stop_step(struct tx_isp_core *core, u32 channel);
bool tx_isp_core_may_write(const struct tx_isp_core *core, u32 address, u32 bytes);
void tx_isp_core_take_back(struct tx_isp_core *core, u32 channel);
/* Returns the number of entries stored in done, at most TX_ISP_MAX_COMPLETED. */
int tx_isp_core_interrupt(struct tx_isp_core *core, struct tx_isp_completed *done);
/*
 * The same for frames whose interrupt was lost; starts an ISP anew that has stalled or was out of
 * reach. Called from time to time while a channel streams, with the time in ns. An error ends every
 * stream, as tx_isp_core_stop_step() does.
 */
int tx_isp_core_check(struct tx_isp_core *core, u64 now, struct tx_isp_completed *done);

/* 1 if the command line has a carve-out, 0 if not, or -EINVAL (a message was printed). */
int tx_isp_rmem_parse(const u8 *command_line, u32 length, struct tx_isp_range *range);
/* The number of the strategy of that name, or -EINVAL (a message was printed). */
int tx_isp_strategy_parse(const u8 *name, u32 length);
bool tx_isp_strategy_bounces(u32 strategy);
/* Whether REQBUFS accepts a memory type (V4L2_MEMORY_*). */
bool tx_isp_strategy_accepts(u32 strategy, u32 memory);
u32 tx_isp_carve_out_size(void);
/* carve_out is all zeros. */
void tx_isp_carve_out_create(struct tx_isp_carve_out *carve_out, const struct tx_isp_range *range);
void tx_isp_carve_out_state(const struct tx_isp_carve_out *carve_out,
			    struct tx_isp_pool_state *state);
/* The number of buffers that a queue may take, or -ENOMEM. Nothing is taken. */
int tx_isp_carve_out_decide(struct tx_isp_carve_out *carve_out,
			    const struct tx_isp_request *request);
/* Stores up to VB2_MAX_FRAME addresses and returns their number, or -ENOMEM. */
int tx_isp_carve_out_grant(struct tx_isp_carve_out *carve_out, const struct tx_isp_request *request,
			   u32 *addresses);
int tx_isp_carve_out_allocate(struct tx_isp_carve_out *carve_out, u32 bytes, u32 alignment,
			      const struct tx_isp_owner *owner, u32 *address);
int tx_isp_carve_out_free(struct tx_isp_carve_out *carve_out, u32 address);
int tx_isp_carve_out_reserve(struct tx_isp_carve_out *carve_out, u32 bytes, u32 alignment,
			     const struct tx_isp_owner *owner);
/* The number of buffers from system memory, where so many could be had, or -ENOMEM. */
int tx_isp_grant_coherent(const struct tx_isp_request *request, u32 available);
/* Whether a queue of buffers this large would be granted less than it asks for. */
bool tx_isp_is_pressure(const struct tx_isp_pool_state *state, u32 margin, u32 reserve, u32 bytes);
/* Bytes of a buffer for a picture of that format, known or not. */
u32 tx_isp_buffer_bytes(u32 fourcc, u32 width, u32 height);
void tx_isp_carve_out_release(struct tx_isp_carve_out *carve_out, u32 client);
/* 1 and block or reservation number index, or 0 past the last. */
int tx_isp_carve_out_block(const struct tx_isp_carve_out *carve_out, u32 index,
			   struct tx_isp_block *block);
int tx_isp_carve_out_reservation(const struct tx_isp_carve_out *carve_out, u32 index,
				 struct tx_isp_block *block);

#endif
