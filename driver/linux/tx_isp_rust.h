/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The border between the module's C files and its Rust library (src/): the structures that both
 * know, what C calls in Rust, and what Rust calls in C.
 */
#ifndef TX_ISP_RUST_H
#define TX_ISP_RUST_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

#define TX_ISP_OWNER_LENGTH 16

/* The Rust library's state. C knows its size only. */
struct tx_isp_core;
struct tx_isp_carve_out;

struct tx_isp_transport;
struct tx_isp_platform;

/* Mirrors of Rust's repr(C) types in src/. */
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
 * What C calls in Rust (src/). Whatever takes a core needs core_lock, also to
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
/* Asks for an interval and stores the one that is reached. */
int tx_isp_core_set_frame_interval(struct tx_isp_core *core, u32 *numerator, u32 *denominator);
/* The order of its colour filters: a value of the core's Bayer register. */
u32 tx_isp_core_bayer_order(const struct tx_isp_core *core);
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
int tx_isp_platform_i2c_read(struct tx_isp_platform *platform, u32 target, u8 which, u8 *value);
void tx_isp_print(u32 level, const u8 *text, u32 length);
/* The same for what a client did wrong: at a limited rate. */
void tx_isp_complain(const u8 *text, u32 length);

#endif
