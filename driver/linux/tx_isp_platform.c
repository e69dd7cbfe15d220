// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of the ISP as a platform device, as on a T31: registers in the processor's address
 * space, interrupts of the core and the VIC by their lines, clocks by name, the sensor on an I2C
 * bus.
 *
 * The device is the core's, "isp-m0". Those of the VIC and the CSI have their resources.
 */
#include <linux/clk.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/i2c.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>

#include "tx_isp.h"

/* The adapter that the sensor is on: the one of the controller I2C0 (T31 2d). */
#define TX_ISP_I2C_BUS 0
#define TX_ISP_PAGE 0x1000
/* What a load gives where nobody answers. */
#define TX_ISP_NOBODY (~0u)

/* The ISP's reset in CPM: T31 1.3. */
#define TX_ISP_SOFT_RESET 0x100000c4
#define TX_ISP_RESET_ACKNOWLEDGE BIT(20)
#define TX_ISP_RESET_REQUEST BIT(21)
#define TX_ISP_RESET BIT(22)
#define TX_ISP_RESET_POLLS 500
#define TX_ISP_RESET_POLL_US 2000

static const char *const tx_isp_clocks[] = { "cgu_isp", "isp", "csi" };

/* Blocks that are in no device's resources: T31 1.1. */
static const struct {
	const char *name;
	u32 address;
} tx_isp_shared_blocks[] = {
	{ "cpm", 0x10000000 },
	{ "gpio-a", 0x10010000 },
	{ "mipi-phy", 0x10022000 },
	{ "harb0", 0x13000000 },
};

/* Where a register is mapped; NULL outside of all blocks. */
static void __iomem *tx_isp_platform_find(struct tx_isp_platform *platform, u32 address)
{
	const struct tx_isp_window *window;
	unsigned int index;

	for (index = 0; index < TX_ISP_WINDOWS; index++) {
		window = &platform->windows[index];
		if (address - window->address < window->bytes)
			return window->registers + (address - window->address);
	}
	dev_WARN_ONCE(&platform->pdev->dev, 1, "no block has a register at %#x\n", address);
	return NULL;
}

u32 tx_isp_platform_read(struct tx_isp_platform *platform, u32 address)
{
	void __iomem *where = tx_isp_platform_find(platform, address);

	platform->reads++;
	return where ? readl(where) : TX_ISP_NOBODY;
}

void tx_isp_platform_write(struct tx_isp_platform *platform, u32 address, u32 value)
{
	void __iomem *where = tx_isp_platform_find(platform, address);

	platform->writes++;
	if (where)
		writel(value, where);
}

bool tx_isp_platform_is_closed(const struct tx_isp_platform *platform)
{
	return platform->closed;
}

void tx_isp_platform_count(struct tx_isp_platform *platform, u64 ns)
{
	platform->waited++;
	tx_isp_latency_count(container_of(platform, struct tx_isp, platform), ns);
}

static int tx_isp_platform_transfer(struct tx_isp_platform *platform, struct i2c_msg *messages,
				    int count)
{
	int ret;

	if (platform->closed)
		return -ENODEV;
	ret = i2c_transfer(platform->i2c, messages, count);
	if (ret < 0)
		return ret;
	return ret == count ? 0 : -EIO;
}

int tx_isp_platform_i2c_write(struct tx_isp_platform *platform, u32 target, const u8 *bytes,
			      u32 count)
{
	struct i2c_msg message = { .addr = target, .len = count, .buf = (u8 *)bytes };

	return tx_isp_platform_transfer(platform, &message, 1);
}

int tx_isp_platform_i2c_read(struct tx_isp_platform *platform, u32 target, const u8 *which,
			     u32 count, u8 *value)
{
	struct i2c_msg messages[] = {
		{ .addr = target, .len = count, .buf = (u8 *)which },
		{ .addr = target, .flags = I2C_M_RD, .len = sizeof(*value), .buf = value },
	};

	return tx_isp_platform_transfer(platform, messages, ARRAY_SIZE(messages));
}

/* The line is held by its controller until the thread has been through. */
static irqreturn_t tx_isp_platform_note(int irq, void *data)
{
	struct tx_isp *isp = data;

	atomic64_set(&isp->interrupt_time, ktime_get_ns());
	return IRQ_WAKE_THREAD;
}

static irqreturn_t tx_isp_platform_handle(int irq, void *data)
{
	struct tx_isp *isp = data;
	irqreturn_t handled = IRQ_NONE;

	mutex_lock(&isp->core_lock);
	if (isp->core_ready && tx_isp_core_is_running(isp->core)) {
		tx_isp_handle_interrupt(isp);
		handled = IRQ_HANDLED;
	}
	mutex_unlock(&isp->core_lock);
	return handled;
}

static struct platform_device *tx_isp_platform_sibling(struct tx_isp_platform *platform,
						       const char *name)
{
	struct device *dev = bus_find_device_by_name(&platform_bus_type, NULL, name);

	if (dev)
		return to_platform_device(dev);
	return ERR_PTR(dev_err_probe(&platform->pdev->dev, -EPROBE_DEFER,
				     "there is no device %s beside it\n", name));
}

/* Maps a block; what others have requested of it stays theirs. */
static int tx_isp_platform_map(struct tx_isp_platform *platform, unsigned int index, u32 address,
			       u32 bytes, const char *name)
{
	struct tx_isp_window *window = &platform->windows[index];

	window->registers = devm_ioremap(&platform->pdev->dev, address, bytes);
	if (!window->registers)
		return dev_err_probe(&platform->pdev->dev, -ENOMEM, "%s at %#x cannot be mapped\n",
				     name, address);
	window->address = address;
	window->bytes = bytes;
	return 0;
}

static int tx_isp_platform_map_device(struct tx_isp_platform *platform, unsigned int index,
				      struct platform_device *pdev)
{
	struct resource *registers = platform_get_resource(pdev, IORESOURCE_MEM, 0);

	if (!registers)
		return dev_err_probe(&platform->pdev->dev, -ENODEV, "%s has no registers\n",
				     pdev->name);
	return tx_isp_platform_map(platform, index, registers->start, resource_size(registers),
				   pdev->name);
}

/* The core's registers and interrupt, then those of the devices beside it, then the rest. */
static int tx_isp_platform_find_resources(struct tx_isp_platform *platform)
{
	static const char *const siblings[] = { "isp-w02", "isp-w01" };
	struct platform_device *pdev = platform->pdev;
	unsigned int index, windows = 0;
	int ret;

	ret = tx_isp_platform_map_device(platform, windows++, pdev);
	if (ret)
		return ret;
	platform->interrupts[0] = platform_get_irq(pdev, 0);
	for (index = 0; index < ARRAY_SIZE(siblings); index++) {
		struct platform_device *sibling =
			tx_isp_platform_sibling(platform, siblings[index]);

		if (IS_ERR(sibling))
			return PTR_ERR(sibling);
		ret = tx_isp_platform_map_device(platform, windows++, sibling);
		if (index == 0)
			platform->interrupts[1] = platform_get_irq(sibling, 0);
		put_device(&sibling->dev);
		if (ret)
			return ret;
	}
	for (index = 0; index < TX_ISP_INTERRUPTS; index++)
		if (platform->interrupts[index] < 0)
			return platform->interrupts[index];
	for (index = 0; index < ARRAY_SIZE(tx_isp_shared_blocks); index++) {
		ret = tx_isp_platform_map(platform, windows++, tx_isp_shared_blocks[index].address,
					  TX_ISP_PAGE, tx_isp_shared_blocks[index].name);
		if (ret)
			return ret;
	}
	return 0;
}

static int tx_isp_platform_enable_clocks(struct device *dev)
{
	unsigned int index;

	for (index = 0; index < ARRAY_SIZE(tx_isp_clocks); index++) {
		struct clk *clk = devm_clk_get_enabled(dev, tx_isp_clocks[index]);

		if (IS_ERR(clk))
			return dev_err_probe(dev, PTR_ERR(clk), "no clock %s\n",
					     tx_isp_clocks[index]);
	}
	return 0;
}

static int tx_isp_platform_start(struct tx_isp *isp)
{
	struct tx_isp_platform *platform = &isp->platform;
	struct device *dev = &platform->pdev->dev;
	int ret;

	BUILD_BUG_ON(TX_ISP_WINDOWS != 3 + ARRAY_SIZE(tx_isp_shared_blocks));
	ret = tx_isp_platform_find_resources(platform);
	if (!ret)
		ret = tx_isp_platform_enable_clocks(dev);
	if (ret)
		return ret;
	platform->i2c = i2c_get_adapter(TX_ISP_I2C_BUS);
	if (!platform->i2c)
		return dev_err_probe(dev, -EPROBE_DEFER, "there is no I2C bus %u for the sensor\n",
				     TX_ISP_I2C_BUS);
	return 0;
}

static int tx_isp_platform_probe_core(struct tx_isp *isp)
{
	return tx_isp_core_probe_platform(isp->core, &isp->platform);
}

static int tx_isp_platform_enable(struct tx_isp *isp)
{
	struct tx_isp_platform *platform = &isp->platform;
	int irq, ret;

	while (platform->requested < TX_ISP_INTERRUPTS) {
		irq = platform->interrupts[platform->requested];
		ret = request_threaded_irq(irq, tx_isp_platform_note, tx_isp_platform_handle,
					   IRQF_ONESHOT, "tx-isp", isp);
		if (ret)
			return dev_err_probe(&platform->pdev->dev, ret,
					     "interrupt %d is somebody else's\n", irq);
		platform->requested++;
	}
	return 0;
}

/* The same handshake as the library's, for when that is out of order: it ends all DMA. */
static void tx_isp_platform_reset(struct tx_isp_platform *platform)
{
	u32 others = tx_isp_platform_read(platform, TX_ISP_SOFT_RESET) &
		     ~(TX_ISP_RESET_ACKNOWLEDGE | TX_ISP_RESET_REQUEST | TX_ISP_RESET);
	unsigned int polls;

	tx_isp_platform_write(platform, TX_ISP_SOFT_RESET, others | TX_ISP_RESET_REQUEST);
	for (polls = 0; polls < TX_ISP_RESET_POLLS; polls++) {
		if (tx_isp_platform_read(platform, TX_ISP_SOFT_RESET) & TX_ISP_RESET_ACKNOWLEDGE)
			break;
		tx_isp_sleep(TX_ISP_RESET_POLL_US);
	}
	tx_isp_platform_write(platform, TX_ISP_SOFT_RESET, others | TX_ISP_RESET);
	tx_isp_platform_write(platform, TX_ISP_SOFT_RESET, others);
}

static void tx_isp_platform_close(struct tx_isp *isp)
{
	if (isp->given_up && !isp->platform.closed)
		tx_isp_platform_reset(&isp->platform);
	isp->platform.closed = true;
}

static void tx_isp_platform_release(struct tx_isp *isp)
{
	struct tx_isp_platform *platform = &isp->platform;

	while (platform->requested > 0)
		free_irq(platform->interrupts[--platform->requested], isp);
	i2c_put_adapter(platform->i2c);
	platform->i2c = NULL;
}

static const struct tx_isp_bus tx_isp_platform_bus = {
	.name = "platform",
	.has_proc_jz = true,
	.start = tx_isp_platform_start,
	.probe = tx_isp_platform_probe_core,
	.enable = tx_isp_platform_enable,
	.close = tx_isp_platform_close,
	.release = tx_isp_platform_release,
};

static void tx_isp_platform_prepare(struct tx_isp *isp, void *data)
{
	isp->platform.pdev = data;
}

void tx_isp_platform_show(struct seq_file *file, struct tx_isp *isp)
{
	seq_printf(file, "posted %llu waited %llu events %llu\n", isp->platform.writes,
		   isp->platform.waited, isp->interrupts);
	seq_printf(file, "loads %llu empty-interrupts %u\n", isp->platform.reads,
		   tx_isp_core_empty_interrupts(isp->core));
}

static void tx_isp_platform_remove(void *isp)
{
	tx_isp_destroy(isp);
}

static int tx_isp_platform_probe(struct platform_device *pdev)
{
	struct tx_isp *isp;
	int ret;

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;
	isp = tx_isp_create(&pdev->dev, &pdev->dev, &tx_isp_platform_bus, tx_isp_platform_prepare,
			    pdev);
	if (IS_ERR(isp))
		return PTR_ERR(isp);
	return devm_add_action_or_reset(&pdev->dev, tx_isp_platform_remove, isp);
}

static const struct platform_device_id tx_isp_platform_ids[] = {
	{ .name = "isp-m0" },
	{},
};
MODULE_DEVICE_TABLE(platform, tx_isp_platform_ids);

static struct platform_driver tx_isp_platform_driver = {
	.driver.name = "tx-isp",
	.id_table = tx_isp_platform_ids,
	.probe = tx_isp_platform_probe,
};

int tx_isp_platform_register(void)
{
	return platform_driver_register(&tx_isp_platform_driver);
}

void tx_isp_platform_unregister(void)
{
	platform_driver_unregister(&tx_isp_platform_driver);
}
