/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels call differently, from 6.1 to 7.3. The rest of the driver is written for the newest.
 */
#ifndef TX_ISP_COMPAT_H
#define TX_ISP_COMPAT_H

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/version.h>
#include <linux/virtio_config.h>
#include <media/videobuf2-core.h>
#include <media/videobuf2-memops.h>

#ifdef __CHECKER__
/* sparse does not know what every compiler has. */
int __builtin_setjmp(void **jump);
void __noreturn __builtin_longjmp(void **jump, int value);
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline struct frame_vector *tx_isp_pin(unsigned long start, unsigned long bytes)
{
	return vb2_create_framevec(start, bytes);
}
#else
/* The device writes to what is pinned. */
static inline struct frame_vector *tx_isp_pin(unsigned long start, unsigned long bytes)
{
	return vb2_create_framevec(start, bytes, true);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline unsigned int vb2_get_num_buffers(struct vb2_queue *queue)
{
	return queue->num_buffers;
}

static inline void tx_isp_queue_needs(struct vb2_queue *queue, unsigned int buffers)
{
	queue->min_buffers_needed = buffers;
}

static inline void tx_isp_queue_takes(struct vb2_queue *queue, unsigned int buffers)
{
}

/* Blocks of free pages have orders below this; MAX_ORDER was the last order itself for a while. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define NR_PAGE_ORDERS MAX_ORDER
#else
#define NR_PAGE_ORDERS (MAX_ORDER + 1)
#endif
#else
static inline void tx_isp_queue_needs(struct vb2_queue *queue, unsigned int buffers)
{
	queue->min_queued_buffers = buffers;
}

/* Behind vb2_queue_init(), which would have one more of them or none at all. */
static inline void tx_isp_queue_takes(struct vb2_queue *queue, unsigned int buffers)
{
	queue->min_reqbufs_allocation = buffers;
}
#endif

/* Two queues, each with a name and a callback. */
static inline int tx_isp_find_queues(struct virtio_device *vdev, struct virtqueue *queues[2],
				     vq_callback_t *callbacks[2], const char *const names[2])
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return virtio_find_vqs(vdev, 2, queues, callbacks, names, NULL);
#else
	struct virtqueue_info info[] = {
		{ .name = names[0], .callback = callbacks[0] },
		{ .name = names[1], .callback = callbacks[1] },
	};

	return virtio_find_vqs(vdev, 2, queues, info, NULL);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define TX_ISP_IMPORT_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
/* Later ones let go of a queue's lock by themselves while a client waits. */
#define TX_ISP_QUEUE_LETS_GO
#else
#define TX_ISP_IMPORT_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#endif

#endif
