/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module's C files and its Rust library share. C translates between kernel frameworks and
 * the library; every decision about the ISP is taken in Rust (src/).
 */
#ifndef TX_ISP_H
#define TX_ISP_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>
#include <media/v4l2-device.h>
#include <media/videobuf2-v4l2.h>

#define TX_ISP_CHANNELS 3
#define TX_ISP_OWNER_LENGTH 16

/* The Rust library's state. C knows its size only. */
struct tx_isp_core;
struct tx_isp_pool;

/* Mirrors of Rust's repr(C) types in src/ffi.rs. */
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

struct tx_isp_range {
	u32 base;
	u32 bytes;
};

struct tx_isp_block {
	u32 address;
	u32 bytes;
	u8 owner[TX_ISP_OWNER_LENGTH];
	u32 used;
};

/* Most buffers that one interrupt finishes: interrupt::MAX_COMPLETED, checked at load. */
#define TX_ISP_MAX_COMPLETED 21

/* Way to the backend: two virtqueues (tx_isp_virtio.c). */
struct tx_isp_transport {
	struct virtio_device *vdev;
	struct virtqueue *requests;
	struct virtqueue *events;
	/* Guards both queues. */
	spinlock_t lock;
	__le32 *event_buffers;
	/* Where Rust writes a request and reads its response. */
	u32 *request;
	u32 *response;
	/* No request was answered within its deadline; none is sent any more. */
	bool dead;
	/* Requests sent, those of them that were waited for, and events received. */
	u64 posted, waited, received;
};

struct tx_isp;

/* One capture node (tx_isp_video.c). */
struct tx_isp_video {
	struct tx_isp *isp;
	u32 channel;
	struct video_device vdev;
	struct vb2_queue queue;
	/* Serialises ioctls and the queue. */
	struct mutex lock;
};

struct tx_isp {
	struct v4l2_device v4l2_dev;
	struct tx_isp_transport transport;
	struct tx_isp_video videos[TX_ISP_CHANNELS];

	/* Guards core; taken inside of a video's lock. */
	struct mutex core_lock;
	struct tx_isp_core *core;

	/* Guards pool; taken inside of any other lock. NULL without a carve-out. */
	struct mutex pool_lock;
	struct tx_isp_pool *pool;
	struct tx_isp_range rmem;
	void *rmem_virtual;

	/* Interrupts are handled here, so that the handler may sleep. */
	struct kthread_worker *worker;
	struct kthread_work interrupt_work;
	/* When the interrupt that is being handled arrived, in ns since boot. */
	u64 interrupt_time;
	/* Finds out that the backend is gone while nobody asks it anything. */
	struct delayed_work watchdog;
	u64 interrupts_at_last_watch;
	struct completion released;
	struct dentry *debugfs;
};

/* tx_isp_virtio.c */
int tx_isp_transport_start(struct tx_isp_transport *transport, struct virtio_device *vdev);
void tx_isp_transport_stop(struct tx_isp_transport *transport);
/* Called in interrupt context when the backend has raised lines. */
void tx_isp_raised(struct virtio_device *vdev);

/* tx_isp_video.c */
int tx_isp_video_register(struct tx_isp *isp, u32 channel);
void tx_isp_video_unregister(struct tx_isp_video *video);
void tx_isp_video_complete(struct tx_isp_video *video, const struct tx_isp_completed *done, u64 time);

/* tx_isp_memory.c */
extern const struct vb2_mem_ops tx_isp_mem_ops;
dma_addr_t tx_isp_memory_address(struct vb2_buffer *vb);
int tx_isp_memory_claim(struct tx_isp *isp, const char *range);
void tx_isp_memory_release(struct tx_isp *isp);

/* tx_isp_debugfs.c */
void tx_isp_debugfs_create(struct tx_isp *isp);
void tx_isp_debugfs_remove(struct tx_isp *isp);

/* What Rust calls in C. */
u32 *tx_isp_transport_request(struct tx_isp_transport *transport);
u32 *tx_isp_transport_response(struct tx_isp_transport *transport);
int tx_isp_transport_execute(struct tx_isp_transport *transport, const u32 *request, u32 request_words,
			     u32 *response, u32 response_words);
int tx_isp_transport_post(struct tx_isp_transport *transport, const u32 *request, u32 request_words);
void tx_isp_sleep(u32 microseconds);
void tx_isp_print(u32 level, const u8 *text, u32 length);
void __noreturn tx_isp_panic(const u8 *text, u32 length);

/* What C calls in Rust (src/ffi.rs). All of it but the sizes and parsers needs the named lock. */
u32 tx_isp_request_words(void);
u32 tx_isp_response_words(void);
u32 tx_isp_core_size(void);
u32 tx_isp_max_completed(void);
/* Fills core; fails if nobody answers or somebody else than a T31. */
int tx_isp_core_probe(struct tx_isp_core *core, struct tx_isp_transport *transport);
/* The backend is gone: nothing streams any more. */
void tx_isp_core_abandon(struct tx_isp_core *core);
/* Asks the backend for a sign of life. */
int tx_isp_core_ping(struct tx_isp_core *core);
u32 tx_isp_core_format(u32 index);
void tx_isp_core_sensor_name(const struct tx_isp_core *core, u8 *name, u32 room);
void tx_isp_core_frame_interval(const struct tx_isp_core *core, u32 *numerator, u32 *denominator);
void tx_isp_core_limits(const struct tx_isp_core *core, u32 channel, struct tx_isp_limits *limits);
void tx_isp_core_layout(const struct tx_isp_core *core, u32 channel, struct tx_isp_layout *layout);
/* Replaces what layout asks for by the nearest that the channel can do. */
void tx_isp_core_nearest(const struct tx_isp_core *core, u32 channel, struct tx_isp_layout *layout);
int tx_isp_core_set_layout(struct tx_isp_core *core, u32 channel, const struct tx_isp_layout *layout);
int tx_isp_core_queue(struct tx_isp_core *core, u32 channel, u32 index, u32 address);
int tx_isp_core_stream_on(struct tx_isp_core *core, u32 channel);
int tx_isp_core_stream_off(struct tx_isp_core *core, u32 channel);
void tx_isp_core_take_back(struct tx_isp_core *core, u32 channel);
/* Returns the number of entries stored in done, at most TX_ISP_MAX_COMPLETED, or an error. */
int tx_isp_core_interrupt(struct tx_isp_core *core, struct tx_isp_completed *done);

/* 1 if the command line has a carve-out, 0 if not, or -EINVAL (a message was printed). */
int tx_isp_rmem_parse(const u8 *command_line, u32 length, struct tx_isp_range *range);
u32 tx_isp_pool_size(void);
/* pool is all zeros. */
void tx_isp_pool_create(struct tx_isp_pool *pool, const struct tx_isp_range *range);
int tx_isp_pool_allocate(struct tx_isp_pool *pool, u32 bytes, u32 alignment, const u8 *owner, u32 *address);
void tx_isp_pool_free(struct tx_isp_pool *pool, u32 address);
/* Returns 1 and block number index in address order, or 0 past the last. */
int tx_isp_pool_block(const struct tx_isp_pool *pool, u32 index, struct tx_isp_block *block);

#endif
