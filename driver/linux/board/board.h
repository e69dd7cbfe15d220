/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A T31's peripherals behind a PCI function: what its parts share.
 *
 * The function's window lies at the T31's own physical addresses, so drivers that map them find the
 * registers. The rest of what board code gives them is made here.
 */
#ifndef TX_ISP_BOARD_H
#define TX_ISP_BOARD_H

#include <linux/io.h>
#include <linux/pci.h>
#include <linux/proc_fs.h>

#define BOARD_NAME "tx-isp-t31-board"

/* The PCI function (driver/abi/src/pci.rs). */
#define BOARD_VENDOR 0x1234
#define BOARD_DEVICE 0x7131
#define BOARD_WINDOW_BASE 0x10000000
#define BOARD_WINDOW_BYTES 0x04000000

/* Where the blocks are (T31 1.1). */
#define BOARD_CPM 0x10000000
#define BOARD_INTC 0x10001000
#define BOARD_GPIO 0x10010000
#define BOARD_I2C0 0x10050000

/* Linux's number of an interrupt source: T31 1.2. */
#define BOARD_FIRST_IRQ 8
#define BOARD_IRQ(source) (BOARD_FIRST_IRQ + (source))
#define BOARD_SOURCE_ISP 29
#define BOARD_SOURCE_VIC 30
#define BOARD_SOURCE_I2C0 60

/**
 * struct board - the one board
 * @pci: its PCI function
 * @window: all of the function's window
 */
struct board {
	struct pci_dev *pci;
	void __iomem *window;
};

static inline void __iomem *board_at(struct board *board, u32 address)
{
	return board->window + (address - BOARD_WINDOW_BASE);
}

int board_irq_init(struct board *board);
void board_irq_exit(struct board *board);
int board_clk_init(struct board *board);
int board_gpio_init(struct board *board);
int board_i2c_init(struct board *board);
void board_i2c_exit(void);
int board_devices_init(struct board *board);
void board_devices_exit(void);

/*
 * What the kernel of a T31 exports to its drivers beside the kernel's usual; they declare it
 * themselves, by headers of that kernel.
 */
struct proc_dir_entry *jz_proc_mkdir(char *name);
int jzgpio_set_func(int port, int function, unsigned long pins);
extern unsigned long ispmem_base, ispmem_size;

#endif
