// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI function as which a VM without a T31 sees its peripherals: claims it, sets up the parts.
 */
#include <linux/module.h>

#include "board.h"

static struct board tx_isp_board;

static int board_check_window(struct pci_dev *pci)
{
	resource_size_t start = pci_resource_start(pci, 0);

	if (pci_resource_len(pci, 0) != BOARD_WINDOW_BYTES)
		return dev_err_probe(&pci->dev, -ENODEV, "its window is no T31's\n");
	if (start != BOARD_WINDOW_BASE)
		return dev_err_probe(&pci->dev, -EBUSY,
				     "the window lies at %pa, not at %#x: another device has taken the place; start QEMU without it\n",
				     &start, BOARD_WINDOW_BASE);
	return 0;
}

static int board_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct board *board = &tx_isp_board;
	int ret;

	if (board->pci)
		return dev_err_probe(&pci->dev, -EBUSY, "there is one board, and it is there\n");
	ret = board_check_window(pci);
	if (ret)
		return ret;
	ret = pcim_enable_device(pci);
	if (ret)
		return ret;
	pci_set_master(pci);
	/* Not requested: drivers request their parts of it. */
	board->window = devm_ioremap(&pci->dev, BOARD_WINDOW_BASE, BOARD_WINDOW_BYTES);
	if (!board->window)
		return -ENOMEM;
	board->pci = pci;

	ret = board_irq_init(board);
	if (ret)
		goto err_board;
	ret = board_clk_init(board);
	if (!ret)
		ret = board_gpio_init(board);
	if (ret)
		goto err_irq;
	ret = board_i2c_init(board);
	if (ret)
		goto err_irq;
	ret = board_devices_init(board);
	if (ret)
		goto err_i2c;
	dev_info(&pci->dev, "a T31's peripherals at %#x, ISP irq %d, VIC irq %d\n",
		 BOARD_WINDOW_BASE, BOARD_IRQ(BOARD_SOURCE_ISP), BOARD_IRQ(BOARD_SOURCE_VIC));
	return 0;

err_i2c:
	board_i2c_exit();
err_irq:
	board_irq_exit(board);
err_board:
	board->pci = NULL;
	return ret;
}

static const struct pci_device_id board_ids[] = {
	{ PCI_DEVICE(BOARD_VENDOR, BOARD_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, board_ids);

/*
 * Drivers hold clocks, interrupts and an adapter of it, which nobody can take from them: what is
 * bound stays bound, and the module in place.
 */
static struct pci_driver board_driver = {
	.name = BOARD_NAME,
	.id_table = board_ids,
	.probe = board_probe,
	.driver.suppress_bind_attrs = true,
};

/* Without the board no driver has anything to work with: whoever loads it hears of that. */
static int __init board_init(void)
{
	int ret;

	ret = pci_register_driver(&board_driver);
	if (ret || tx_isp_board.pci)
		return ret;
	pci_unregister_driver(&board_driver);
	return -ENODEV;
}
module_init(board_init);

MODULE_DESCRIPTION("A T31's board for drivers, behind a PCI function");
MODULE_LICENSE("GPL");
