/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two ways to the chip, a virtio device and a platform device, and how long their answers take.
 */
#ifndef TX_ISP_BUS_H
#define TX_ISP_BUS_H

#include <linux/io.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio.h>

struct i2c_adapter;
struct platform_device;
struct seq_file;
struct tx_isp;

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
/* Takes a batch of events; true if there are more. The caller holds core_lock, as for the next. */
bool tx_isp_transport_take_events(struct tx_isp_transport *transport);
/* Whether events have come since. */
bool tx_isp_transport_has_events(struct tx_isp_transport *transport);

/* tx_isp_virtio_requests.c */
/* Requests have come back. */
void tx_isp_requests_done(struct virtqueue *queue);
/* The device was reset: what it owned is ours again. The caller holds the transport's lock. */
void tx_isp_requests_detach(struct tx_isp_transport *transport);
/* Kicks the backend again if it has not answered something; the caller holds core_lock. */
void tx_isp_transport_nudge(struct tx_isp_transport *transport);

/* tx_isp_latency.c */
/* Counts an answer that was waited for. */
void tx_isp_latency_count(struct tx_isp *isp, u64 ns);
/* The shortest time in ns that is counted in a bucket; there is one behind the last. */
u64 tx_isp_latency_from(unsigned int bucket);

#endif
