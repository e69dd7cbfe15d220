/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module's C files share. They translate between kernel frameworks and the Rust library;
 * every decision about the ISP is taken there (src/).
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

#include "tx_isp_bus.h"
#include "tx_isp_compat.h"
#include "tx_isp_rust.h"

#define TX_ISP_CHANNELS 3

struct tx_isp;
struct tx_isp_vendor;

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

	/* Exposure and gain: part of every node's controls (tx_isp_sensor.c). */
	struct v4l2_ctrl_handler sensor_controls;
	struct v4l2_ctrl *exposure;

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

/* tx_isp_video.c */
/* Makes a node and its queue, which nobody can open before it is registered. */
int tx_isp_video_init(struct tx_isp *isp, u32 channel, u32 strategy);
int tx_isp_video_register(struct tx_isp_video *video);
void tx_isp_video_unregister(struct tx_isp_video *video);
void tx_isp_video_layout(struct tx_isp_video *video, struct tx_isp_layout *layout);

/* tx_isp_video_ioctl.c */
extern const struct v4l2_ioctl_ops tx_isp_video_ioctl_ops;

/* tx_isp_video_queue.c */
extern const struct vb2_ops tx_isp_video_queue_ops;
/* A frame is in memory. The caller holds core_lock, so the queue cannot stop meanwhile. */
void tx_isp_video_complete(struct tx_isp_video *video, const struct tx_isp_completed *done,
			   u64 time);
/* Forgets what was decided; blocks that were taken and not fetched go back. */
void tx_isp_video_drop_plan(struct tx_isp_video *video);
/* What a queue asks for, of that many bytes each; NULL is the queue's own name. */
void tx_isp_video_request(struct tx_isp_video *video, struct tx_isp_request *request,
			  unsigned int count, unsigned int bytes, const char *owner);
/* Takes the blocks that queue_setup() has decided on; the caller is the queue's allocator. */
int tx_isp_video_take(struct tx_isp_video *video);

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

/* tx_isp_panic.c */
/* Calls into the Rust library, unless that has panicked; comes back also if it does so now. */
void tx_isp_guard(void (*call)(void *context), void *context);
void __noreturn tx_isp_panic(const u8 *text, u32 length);
/* Whether the library is out of order. */
bool tx_isp_has_panicked(void);
/* Takes the device out of order if so; the caller holds core_lock. */
void tx_isp_give_up_if_panicked(struct tx_isp *isp);

#endif
