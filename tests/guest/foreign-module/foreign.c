// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that knows nothing of this project: it maps the T31's registers where they are, asks for its
 * interrupt by number, and captures frames of 640x360 through channel 0's FIFO, one if nothing else is
 * said. Loading it is the test: init fails unless they came.
 */
#include <linux/clk.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#define ISP_IRQ 37
#define WIDTH 640
#define HEIGHT 360
#define CHROMA (WIDTH * ALIGN(HEIGHT, 16))
#define BYTES (CHROMA + WIDTH * HEIGHT / 2)
#define SENSOR_WIDTH 1920
#define SENSOR_HEIGHT 1080
#define UNTOUCHED 0xa5

static unsigned int frames = 1;
module_param(frames, uint, 0444);
MODULE_PARM_DESC(frames, "how many frames to capture (1)");

static void __iomem *cpm, *csi, *phy, *core, *vic;
static struct platform_device *pdev;
static dma_addr_t address, done_address;
static unsigned int interrupts, empty, captured;
static DECLARE_COMPLETION(done);

#define MSCA (core + 0x9800)
#define CHANNEL (core + 0x9900)

static void foreign_push(void)
{
	writel(address, CHANNEL + 0x6c);
	writel(address + CHROMA, CHANNEL + 0x84);
}

static irqreturn_t foreign_irq(int irq, void *data)
{
	u32 status = readl(core + 0xb4);

	writel(status, core + 0xb8);
	interrupts++;
	empty += !status;
	if (!(readl(CHANNEL + 0x7c) & 1)) {
		done_address = readl(CHANNEL + 0x74);
		readl(CHANNEL + 0x8c);
		if (++captured == frames)
			complete(&done);
		else
			foreign_push();
	}
	return IRQ_HANDLED;
}

static int foreign_reset(void)
{
	int tries = 500;
	u32 others = readl(cpm + 0xc4) & ~0x700000;

	writel(others | 1 << 21, cpm + 0xc4);
	while (!(readl(cpm + 0xc4) & 1 << 20) && --tries)
		msleep(2);
	writel(others | 1 << 22, cpm + 0xc4);
	writel(others, cpm + 0xc4);
	return tries ? 0 : -EIO;
}

static void foreign_start(void)
{
	const u32 sensor = SENSOR_WIDTH << 16 | SENSOR_HEIGHT, size = WIDTH << 16 | HEIGHT;
	int tries = 100;

	writel(sensor, core + 0x04);
	writel(0, core + 0x08);
	writel(0x3f00, core + 0x1c);
	writel(0x34000009, core + 0x0c);
	writel(~0, core + 0x30);
	writel(0x133, core + 0x10);
	writel(0x1c, core + 0x804);
	writel(8, core + 0x1c);
	writel(1, core + 0x800);

	writel(1, csi + 0x04);
	writel(1, csi + 0x08);
	writel(0, csi + 0x0c);
	writel(0, csi + 0x10);
	writel(1, csi + 0x0c);
	writel(0x7d, phy + 0x00);
	writel(0x3f, phy + 0x128);
	writel(1, csi + 0x10);

	writel(sensor, MSCA + 0x64);
	writel(0, MSCA + 0x60);
	writel(size, CHANNEL + 0x00);
	writel(SENSOR_WIDTH * 512 / WIDTH << 16 | SENSOR_HEIGHT * 512 / HEIGHT, CHANNEL + 0x04);
	writel(size, CHANNEL + 0x2c);
	writel(0, CHANNEL + 0x28);
	writel(WIDTH, CHANNEL + 0x80);
	writel(WIDTH, CHANNEL + 0x98);
	foreign_push();
	writel(0xe, MSCA + 0x18);
	writel(0xf0001, MSCA + 0x04);

	writel(0x000a000a, vic + 0x1a4);
	writel(DIV_ROUND_UP(10 * SENSOR_WIDTH, 32), vic + 0x100);
	writel(2, vic + 0x0c);
	writel(1, vic + 0x14);
	writel(sensor, vic + 0x04);
	writel(SENSOR_WIDTH << 16, vic + 0x110);
	writel(0x4440, vic + 0x1ac);
	writel(0x4440, vic + 0x1a8);
	writel(0x10, vic + 0x1b0);
	writel(2, vic + 0x00);
	writel(4, vic + 0x00);
	while (readl(vic + 0x00) && --tries)
		msleep(1);
	writel(1, vic + 0x00);
	writel(~0, core + 0xb0);
}

static void foreign_stop(void)
{
	int tries = 3000;

	writel(0, core + 0xb0);
	writel(0xf0000, MSCA + 0x04);
	while (readl(MSCA + 0x08) & 1 && --tries)
		msleep(1);
	writel(0, vic + 0x00);
}

/* The picture is there if no line of it is as it was before. */
static unsigned int foreign_untouched(const u8 *picture)
{
	unsigned int line, lines = 0;

	for (line = 0; line < HEIGHT; line++)
		lines += !memchr_inv(picture + line * WIDTH, UNTOUCHED, WIDTH);
	for (line = 0; line < HEIGHT / 2; line++)
		lines += !memchr_inv(picture + CHROMA + line * WIDTH, UNTOUCHED, WIDTH);
	return lines;
}

static int foreign_capture(void)
{
	struct clk *isp = clk_get(NULL, "isp"), *csi_clock = clk_get(NULL, "csi");
	u8 *picture;
	int ret = -ENOENT;

	if (IS_ERR(isp) || IS_ERR(csi_clock))
		goto out_clocks;
	clk_prepare_enable(isp);
	clk_prepare_enable(csi_clock);
	ret = -ENOMEM;
	picture = dma_alloc_coherent(&pdev->dev, BYTES, &address, GFP_KERNEL);
	if (!picture)
		goto out_disable;
	memset(picture, UNTOUCHED, BYTES);
	ret = foreign_reset();
	if (!ret)
		ret = request_irq(ISP_IRQ, foreign_irq, 0, "foreign", &done);
	if (ret)
		goto out_memory;
	foreign_start();
	if (!wait_for_completion_timeout(&done, 10 * HZ + frames * HZ / 5))
		ret = -ETIMEDOUT;
	foreign_stop();
	free_irq(ISP_IRQ, &done);
	if (!ret && (done_address != address || foreign_untouched(picture)))
		ret = -EIO;
	pr_info("foreign: id %#x, %u frames, the last at %pad of %pad, %u lines untouched, %u interrupts, %u empty: %d\n",
		readl(core), captured, &done_address, &address, foreign_untouched(picture), interrupts,
		empty, ret);
out_memory:
	dma_free_coherent(&pdev->dev, BYTES, picture, address);
out_disable:
	clk_disable_unprepare(csi_clock);
	clk_disable_unprepare(isp);
out_clocks:
	if (!IS_ERR(csi_clock))
		clk_put(csi_clock);
	if (!IS_ERR(isp))
		clk_put(isp);
	return ret;
}

static int __init foreign_init(void)
{
	int ret = -ENOMEM;

	pdev = platform_device_register_simple("foreign", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	cpm = ioremap(0x10000000, 0x1000);
	phy = ioremap(0x10022000, 0x1000);
	csi = ioremap(0x10023000, 0x1000);
	core = ioremap(0x13300000, 0x10000);
	vic = ioremap(0x133e0000, 0x10000);
	if (cpm && phy && csi && core && vic)
		ret = foreign_capture();
	iounmap(vic);
	iounmap(core);
	iounmap(csi);
	iounmap(phy);
	iounmap(cpm);
	platform_device_unregister(pdev);
	return ret;
}
module_init(foreign_init);

static void __exit foreign_exit(void)
{
}
module_exit(foreign_exit);

MODULE_DESCRIPTION("Captures frames as a driver would on a T31");
MODULE_LICENSE("GPL");
