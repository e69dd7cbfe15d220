// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that asks a T31's board for what it has beside the registers, as drivers of sensors do: clocks by
 * name, pins by number, bus 0, and a folder in /proc/jz. The folder's file tells the sensor's chip id.
 */
#include <linux/clk.h>
#include <linux/delay.h>
#include <linux/gpio.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

/* Of the T31's kernel, whose headers are not there. */
struct proc_dir_entry *jz_proc_mkdir(char *name);
int jzgpio_set_func(int port, int function, unsigned long pins);
extern unsigned long ispmem_base, ispmem_size;

#define PORT_A 0
#define OUTPUT_LOW 4
#define OUTPUT_HIGH 5
#define SENSOR_RESET 18
#define SENSOR_CLOCK_HZ 24000000
#define SENSOR_ADDRESS 0x37

static struct proc_dir_entry *folder;
static struct i2c_adapter *adapter;
static struct clk *clock;
static int id_held, id_free, level_held, level_free;

static int peripherals_read(u8 reg)
{
	u8 value;
	struct i2c_msg messages[] = {
		{ .addr = SENSOR_ADDRESS, .len = 1, .buf = &reg },
		{ .addr = SENSOR_ADDRESS, .flags = I2C_M_RD, .len = 1, .buf = &value },
	};
	int ret = i2c_transfer(adapter, messages, ARRAY_SIZE(messages));

	if (ret != ARRAY_SIZE(messages))
		return ret < 0 ? ret : -EIO;
	return value;
}

static int peripherals_id(void)
{
	int high = peripherals_read(0xf0), low = peripherals_read(0xf1);

	return high < 0 || low < 0 ? min(high, low) : high << 8 | low;
}

static int peripherals_show(struct seq_file *file, void *data)
{
	seq_printf(file, "held %d %d, free %d %#x, ispmem %lu@%lu\n", level_held, id_held, level_free,
		   id_free, ispmem_size, ispmem_base);
	return 0;
}

/* With its reset low the sensor does not answer; with its reset high and its clock on it does. */
static int peripherals_ask(void)
{
	int ret = gpio_request(SENSOR_RESET, "sensor_reset");

	if (ret)
		return ret;
	clk_set_rate(clock, SENSOR_CLOCK_HZ);
	ret = clk_prepare_enable(clock);
	if (ret)
		goto out;
	ret = jzgpio_set_func(PORT_A, OUTPUT_LOW, BIT(SENSOR_RESET));
	level_held = gpio_get_value(SENSOR_RESET);
	id_held = peripherals_id();
	if (!ret)
		ret = jzgpio_set_func(PORT_A, OUTPUT_HIGH, BIT(SENSOR_RESET));
	msleep(20);
	level_free = gpio_get_value(SENSOR_RESET);
	id_free = peripherals_id();
	clk_disable_unprepare(clock);
out:
	gpio_free(SENSOR_RESET);
	return ret;
}

static int __init peripherals_init(void)
{
	int ret = -ENODEV;

	adapter = i2c_get_adapter(0);
	if (!adapter)
		return ret;
	clock = clk_get(NULL, "cgu_cim");
	if (IS_ERR(clock)) {
		ret = PTR_ERR(clock);
		goto err_adapter;
	}
	ret = peripherals_ask();
	if (ret)
		goto err_clock;
	folder = jz_proc_mkdir("peripherals");
	ret = -ENOMEM;
	if (!folder)
		goto err_clock;
	if (!proc_create_single_data("sensor", 0444, folder, peripherals_show, NULL))
		goto err_folder;
	return 0;

err_folder:
	proc_remove(folder);
err_clock:
	clk_put(clock);
err_adapter:
	i2c_put_adapter(adapter);
	return ret;
}
module_init(peripherals_init);

static void __exit peripherals_exit(void)
{
	proc_remove(folder);
	clk_put(clock);
	i2c_put_adapter(adapter);
}
module_exit(peripherals_exit);

MODULE_DESCRIPTION("Asks a T31's board for clocks, pins, bus and folder");
MODULE_LICENSE("GPL");
