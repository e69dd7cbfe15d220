/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program for the camera knows of the vendor's driver: numbers and layouts, written down once
 * more on purpose, so that a mistake in the driver's own does not agree with itself.
 */
#ifndef VENDOR_H
#define VENDOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTER_SENSOR 0x805056c1u
#define RELEASE_SENSOR 0x805056c2u
#define ENUM_INPUT 0xc050561au
#define SET_INPUT 0xc0045627u
#define GET_INPUT 0x40045626u
#define STREAM_ON 0x80045612u
#define STREAM_OFF 0x80045613u
#define CREATE_LINKS 0x800456d0u
#define DESTROY_LINKS 0x800456d1u
#define LINKS_ON 0x800456d2u
#define LINKS_OFF 0x800456d3u
#define GET_BUF 0x800856d5u
#define WDR_ENABLE 0x800456d8u
#define WDR_DISABLE 0x800456d9u
#define GPIO_INIT 0xc00456e8u
#define SET_SENSOR_REGISTER 0x8038564fu
#define GET_SENSOR_REGISTER 0xc0385650u
#define SET_BUF 0x800856d4u
#define SET_FORMAT 0xc07056c3u
#define GET_FORMAT 0x407056c4u
#define SET_BANKS 0x800456c5u
#define LISTEN_BUF 0x400456bfu
#define REQBUFS 0xc0145608u
#define QUERYBUF 0xc0445609u
#define QBUF 0xc044560fu
#define DQBUF 0xc0445611u
#define TUNE 0xc00c56c6u
#define GET_CONTROL 0xc008561bu
#define SET_CONTROL 0xc008561cu
#define AVPU_WRITE 0xc008710au
#define AVPU_READ 0xc008710bu
#define AVPU_WAIT 0xc004710cu
#define AVPU_UNBLOCK 0x20007101u
#define RMEM_CACHE 0xc00c7200u

/* O_RDWR | O_CLOEXEC on MIPS, as the vendor's library passes it. */
#define OPEN_FLAGS 0x80002
/* O_RDWR | O_SYNC, for /dev/mem. */
#define OPEN_MEM_FLAGS 0x4012

#define NV12 0x3231564eu

struct sensor_info {
	char name[32];
	uint32_t cbus;
	char type[20];
	uint32_t address;
	uint32_t adapter;
	uint32_t rest[4];
};

struct input {
	uint32_t index;
	char name[32];
	uint32_t cbus;
	uint32_t rest[10];
};

struct isp_buffer {
	uint32_t paddr, size;
};

struct format {
	uint32_t type, width, height, fourcc, field, bytesperline, sizeimage, colorspace;
	uint32_t pix_rest[5];
	uint32_t crop_enable, crop_top, crop_left, crop_width, crop_height;
	uint32_t scaler_enable, scaler_width, scaler_height;
	uint32_t rate_bits, rate_mask;
	uint32_t fcrop_enable, fcrop_top, fcrop_left, fcrop_width, fcrop_height;
};

struct reqbufs {
	uint32_t count, type, memory, reserved[2];
};

struct buffer {
	uint32_t index, type, bytesused, flags, field;
	uint32_t seconds, microseconds;
	uint32_t timecode[4];
	uint32_t sequence, memory, userptr, length, reserved2, reserved;
};

struct tuning {
	uint32_t get, cid, value;
};

struct sensor_register {
	uint32_t cbus;
	char name[32];
	uint32_t bytes, number, number_high, value, value_high;
};

_Static_assert(sizeof(struct sensor_info) == 0x50, "REGISTER_SENSOR");
_Static_assert(sizeof(struct sensor_register) == 0x38, "VIDIOC_DBG_S_REGISTER");
_Static_assert(offsetof(struct sensor_register, value) == 0x30, "VIDIOC_DBG_S_REGISTER");
_Static_assert(sizeof(struct input) == 0x50, "ENUMINPUT");
_Static_assert(sizeof(struct format) == 0x70, "SET_FMT");
_Static_assert(offsetof(struct format, scaler_enable) == 0x48, "SET_FMT");
_Static_assert(sizeof(struct reqbufs) == 0x14, "REQBUFS");
_Static_assert(sizeof(struct buffer) == 0x44, "QBUF");
_Static_assert(offsetof(struct buffer, userptr) == 0x34, "QBUF");

/* rmem.c: the vendor's allocator: first fit, 256 bytes, the whole carve-out mapped once. */
void rmem_open(void);
/* The same with a carve-out that the command line does not name. */
void rmem_open_at(uint32_t address, uint32_t bytes);
void rmem_close(void);
/* Physical address, or 0 where there is no room. */
uint32_t rmem_alloc(uint32_t bytes, const char *owner);
void rmem_free(uint32_t address);
bool rmem_fits(uint32_t bytes);
/* A line for each block that is used: "held ADDRESS BYTES OWNER". */
void rmem_print(void);
void *rmem_at(uint32_t address);
uint32_t rmem_base(void);
uint32_t rmem_bytes(void);
int rmem_fd(void);

/* check.c: what is expected, what came, and the end. */
extern int failures;
void ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The ioctl must succeed. */
int must(int fd, unsigned int number, void *argument, const char *what);
/* The ioctl must fail with that error. */
void fails(int fd, unsigned int number, void *argument, int error, const char *what);
/* Ends the program: nothing after this makes sense. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t now_ms(void);
uint32_t crc32_picture(const uint8_t *at, const struct format *format);

/* calls.c: an ioctl in a thread of its own. */
struct call {
	int fd;
	uint32_t number;
	void *argument;
	unsigned int after_ms;
	/* What came of it. */
	int ret, error;
	uint64_t took_ms;
	volatile bool over;
	pthread_t thread;
};

void call_begin(struct call *call);
void call_signal(struct call *call);
/* What it returned, with its errno. */
int call_end(struct call *call);

/* flow.c: the vendor's library's calls in its order. */
#define MAX_BUFFERS 64
struct channel {
	int number, fd;
	struct format format;
	uint32_t count, frame_bytes, pool;
	uint32_t addresses[MAX_BUFFERS];
};

struct camera {
	int isp;
	uint32_t ncu;
	struct sensor_info info;
};

void camera_add_sensor(struct camera *camera);
void camera_enable_sensor(struct camera *camera);
void camera_disable_sensor(struct camera *camera);
void camera_delete_sensor(struct camera *camera);
/* Everything up to frames of the sensor, and everything back. */
void camera_start(struct camera *camera);
void camera_stop(struct camera *camera);
void camera_open(struct camera *camera);
void camera_close(struct camera *camera);
void channel_open(struct channel *channel, int number, uint32_t width, uint32_t height);
/* Pool, REQBUFS and QBUF of count buffers. */
void channel_buffers(struct channel *channel, uint32_t count);
void channel_on(struct channel *channel);
void channel_off(struct channel *channel);
void channel_close(struct channel *channel);
/* Both. */
void channel_end(struct channel *channel);
/* One turn of the library's thread: LISTEN_BUF, then DQBUF. */
void channel_take(struct channel *channel, struct buffer *buffer);
int channel_queue(struct channel *channel, uint32_t index);
struct buffer channel_buffer(const struct channel *channel, uint32_t index);

/* registers.c: a word of /dev/mem. */
uint32_t mem_word(uint32_t address);

/* The rest: one function for each thing that is tried. */
void try_stream(int frames);
void try_errors(void);
void try_dead(void);
void try_signal(void);
void try_counts(void);
void try_stuck(int least_ms);
void try_bound(int frames);
void try_quirks(void);
void try_restart(int times);
void try_two_processes(void);
void try_kill(int times);
void try_registers(void);
void try_nodes(void);
void try_speed(int seconds);

#endif
