// SPDX-License-Identifier: GPL-2.0-only
/*
 * The T31's first I2C controller as Linux's bus 0 (T31, part d): sensors hang on it.
 *
 * Transfers are polled: they are a few bytes each, and the controller's FIFO holds them.
 */
#include <linux/i2c.h>
#include <linux/iopoll.h>

#include "board.h"

#define I2C_CTRL 0x00
#define I2C_TAR 0x04
#define I2C_DC 0x10
#define I2C_INTM 0x30
#define I2C_RXTL 0x38
#define I2C_TXTL 0x3c
#define I2C_CTXABRT 0x54
#define I2C_CSTP 0x60
#define I2C_ENB 0x6c
#define I2C_STA 0x70
#define I2C_TXABRT 0x80
#define I2C_ENSTA 0x9c

/* A master with 7-bit addresses and repeated starts, at 100 kHz. */
#define CTRL_MASTER_100K 0x63
#define DC_READ BIT(8)
#define DC_STOP BIT(9)
#define STA_TX_ROOM BIT(1)
#define STA_TX_EMPTY BIT(2)
#define STA_RX_DATA BIT(3)
#define STA_MASTER_ACTIVE BIT(5)

#define FIFO_DEPTH 64
#define WAIT_US 100000
#define STEP_US 100

static struct {
	struct i2c_adapter adapter;
	struct board *board;
} bus;

static u32 i2c_read(u32 offset)
{
	return readl(board_at(bus.board, BOARD_I2C0) + offset);
}

static void i2c_write(u32 offset, u32 value)
{
	writel(value, board_at(bus.board, BOARD_I2C0) + offset);
}

static int i2c_wait(u32 offset, u32 mask, u32 wanted)
{
	u32 value;

	return readl_poll_timeout(board_at(bus.board, BOARD_I2C0) + offset, value,
				  (value & mask) == wanted, STEP_US, WAIT_US);
}

static int i2c_enable(bool on)
{
	i2c_write(I2C_ENB, on);
	return i2c_wait(I2C_ENSTA, 1, on);
}

/* What the controller says of a transfer that it gave up. */
static int i2c_abort(void)
{
	u32 reason = i2c_read(I2C_TXABRT);

	if (!reason)
		return 0;
	i2c_read(I2C_CTXABRT);
	i2c_enable(false);
	i2c_enable(true);
	return reason & 1 ? -ENXIO : -EIO;
}

static int i2c_message(struct i2c_msg *msg, bool last)
{
	u32 command;
	int i, ret;

	for (i = 0; i < msg->len; i++) {
		command = msg->flags & I2C_M_RD ? DC_READ : msg->buf[i];
		if (last && i == msg->len - 1)
			command |= DC_STOP;
		ret = i2c_wait(I2C_STA, STA_TX_ROOM, STA_TX_ROOM);
		if (ret)
			return ret;
		i2c_write(I2C_DC, command);
	}
	ret = i2c_wait(I2C_STA, STA_TX_EMPTY, STA_TX_EMPTY);
	if (!ret)
		ret = i2c_abort();
	for (i = 0; !ret && msg->flags & I2C_M_RD && i < msg->len; i++) {
		ret = i2c_wait(I2C_STA, STA_RX_DATA, STA_RX_DATA);
		msg->buf[i] = i2c_read(I2C_DC);
	}
	return ret;
}

static int board_i2c_transfer(struct i2c_adapter *adapter, struct i2c_msg *msgs, int count)
{
	int i, ret;

	i2c_write(I2C_TAR, msgs[0].addr);
	i2c_write(I2C_INTM, 0);
	i2c_read(I2C_CSTP);
	i2c_read(I2C_CTXABRT);
	for (i = 0; i < count; i++) {
		ret = i2c_message(&msgs[i], i == count - 1);
		if (ret)
			return ret;
	}
	ret = i2c_wait(I2C_STA, STA_MASTER_ACTIVE, 0);
	return ret ?: count;
}

static u32 board_i2c_functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | (I2C_FUNC_SMBUS_EMUL & ~I2C_FUNC_SMBUS_QUICK);
}

static const struct i2c_algorithm board_i2c_algorithm = {
	.master_xfer = board_i2c_transfer,
	.functionality = board_i2c_functionality,
};

static const struct i2c_adapter_quirks board_i2c_quirks = {
	.flags = I2C_AQ_NO_ZERO_LEN,
	.max_read_len = FIFO_DEPTH,
};

int board_i2c_init(struct board *board)
{
	bus.board = board;
	i2c_write(I2C_ENB, 0);
	i2c_write(I2C_CTRL, CTRL_MASTER_100K);
	i2c_write(I2C_TXTL, 0);
	i2c_write(I2C_RXTL, 0);
	i2c_write(I2C_INTM, 0);
	i2c_write(I2C_ENB, 1);
	bus.adapter.owner = THIS_MODULE;
	bus.adapter.nr = 0;
	bus.adapter.algo = &board_i2c_algorithm;
	bus.adapter.quirks = &board_i2c_quirks;
	bus.adapter.retries = 5;
	bus.adapter.dev.parent = &board->pci->dev;
	strscpy(bus.adapter.name, "T31 I2C0", sizeof(bus.adapter.name));
	return i2c_add_numbered_adapter(&bus.adapter);
}

void board_i2c_exit(void)
{
	i2c_del_adapter(&bus.adapter);
}
