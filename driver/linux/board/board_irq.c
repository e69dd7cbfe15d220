// SPDX-License-Identifier: GPL-2.0-only
/*
 * The T31's interrupt controller, behind the PCI function's one interrupt: its sources have the
 * numbers that they have on a T31.
 */
#include <linux/debugfs.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>

#include "board.h"

/* The controller has two banks of 32 sources, with registers this far apart. */
#define INTC_BANK_BYTES 0x20
#define INTC_BANKS 2
#define INTC_SOURCES 64
#define INTC_MASK_SET 0x08
#define INTC_MASK_CLEAR 0x0c
#define INTC_PENDING 0x10

/*
 * The first source that has a number: those below would have the numbers of the board's i8259 (0 to
 * 15) and of the CPU's own interrupts (16 to 23). None of them is the ISP's.
 */
#define FIRST_SOURCE 16

/* The i8259's edge/level registers, a bit for each interrupt. */
#define ELCR1 0x4d0

/* So often at most the handler looks again: a source that never falls leaves the CPU to others. */
#define MAX_ROUNDS 8

static struct irq_domain *board_domain;
/* The sources that are not masked, a bit for each. */
static unsigned long board_unmasked[INTC_BANKS];
/* Interrupts of the function, and those that found no source pending: debugfs tells them. */
static u64 board_interrupts, board_empty_interrupts;
static struct dentry *board_debugfs;

static void __iomem *bank_of(struct irq_data *data)
{
	struct board *board = irq_data_get_irq_chip_data(data);

	return board_at(board, BOARD_INTC) + data->hwirq / 32 * INTC_BANK_BYTES;
}

static void board_irq_mask(struct irq_data *data)
{
	clear_bit(data->hwirq % 32, &board_unmasked[data->hwirq / 32]);
	writel(BIT(data->hwirq % 32), bank_of(data) + INTC_MASK_SET);
}

static void board_irq_unmask(struct irq_data *data)
{
	set_bit(data->hwirq % 32, &board_unmasked[data->hwirq / 32]);
	writel(BIT(data->hwirq % 32), bank_of(data) + INTC_MASK_CLEAR);
}

static struct irq_chip board_irq_chip = {
	.name = "T31-INTC",
	.irq_mask = board_irq_mask,
	.irq_mask_ack = board_irq_mask,
	.irq_unmask = board_irq_unmask,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int board_irq_map(struct irq_domain *domain, unsigned int irq, irq_hw_number_t source)
{
	irq_set_chip_data(irq, domain->host_data);
	irq_set_chip_and_handler(irq, &board_irq_chip, handle_level_irq);
	irq_set_probe(irq);
	return 0;
}

static const struct irq_domain_ops board_irq_ops = {
	.map = board_irq_map,
};

/* Handles all sources that are pending; a bank without an unmasked source is not asked. */
static bool board_irq_handle_pending(struct board *board)
{
	unsigned long pending;
	bool found = false;
	int bank, bit;

	for (bank = 0; bank < INTC_BANKS; bank++) {
		if (bank > 0 && !board_unmasked[bank])
			continue;
		pending = readl(board_at(board, BOARD_INTC) + bank * INTC_BANK_BYTES +
				INTC_PENDING);
		for_each_set_bit(bit, &pending, 32) {
			generic_handle_domain_irq(board_domain, bank * 32 + bit);
			found = true;
		}
	}
	return found;
}

/*
 * The function's interrupt: of all sources that are pending, until none is. The look that finds
 * none keeps interrupts from coming for nothing, too: every load takes QEMU's pin back, so that one
 * which rose while sources were handled is not found asserted behind the handler.
 */
static irqreturn_t board_irq_handler(int irq, void *data)
{
	int round;

	board_interrupts++;
	for (round = 0; round < MAX_ROUNDS; round++)
		if (!board_irq_handle_pending(data))
			break;
	if (round > 0)
		return IRQ_HANDLED;
	board_empty_interrupts++;
	return IRQ_NONE;
}

/*
 * The i8259 hears edges unless told otherwise, and PCI's interrupts are levels: of two functions
 * that share one, the second would not be heard while the first holds it.
 */
static void board_irq_make_level(unsigned int irq)
{
	unsigned int port = ELCR1 + irq / 8;

	if (irq < 16)
		outb(inb(port) | BIT(irq % 8), port);
}

int board_irq_init(struct board *board)
{
	const int first = BOARD_IRQ(FIRST_SOURCE), count = INTC_SOURCES - FIRST_SOURCE;
	int bank, ret;

	for (bank = 0; bank < INTC_BANKS; bank++)
		writel(~0, board_at(board, BOARD_INTC) + bank * INTC_BANK_BYTES + INTC_MASK_SET);
	ret = irq_alloc_descs(first, first, count, NUMA_NO_NODE);
	if (ret < 0)
		return dev_err_probe(&board->pci->dev, ret,
				     "the interrupts %d to %d are not free: this kernel has other uses for them\n",
				     first, first + count - 1);
	board_domain = irq_domain_create_legacy(NULL, count, first, FIRST_SOURCE,
						&board_irq_ops, board);
	if (!board_domain) {
		irq_free_descs(first, count);
		return -ENOMEM;
	}
	board_irq_make_level(board->pci->irq);
	ret = request_irq(board->pci->irq, board_irq_handler, IRQF_SHARED | IRQF_NO_THREAD,
			  BOARD_NAME, board);
	if (ret) {
		irq_domain_remove(board_domain);
		irq_free_descs(first, count);
		return ret;
	}
	board_debugfs = debugfs_create_dir(BOARD_NAME, NULL);
	debugfs_create_u64("interrupts", 0444, board_debugfs, &board_interrupts);
	debugfs_create_u64("empty-interrupts", 0444, board_debugfs, &board_empty_interrupts);
	return 0;
}

void board_irq_exit(struct board *board)
{
	debugfs_remove(board_debugfs);
	free_irq(board->pci->irq, board);
	irq_domain_remove(board_domain);
	irq_free_descs(BOARD_IRQ(FIRST_SOURCE), INTC_SOURCES - FIRST_SOURCE);
}
