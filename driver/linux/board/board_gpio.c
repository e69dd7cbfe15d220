// SPDX-License-Identifier: GPL-2.0-only
/*
 * The T31's pins, by the numbers that its drivers know: PA18 is 18, PB0 is 32.
 */
#include <linux/gpio/driver.h>

#include "board.h"
#include "board_compat.h"

#define PORT_BYTES 0x1000
#define PORT_PINS 32
#define PORTS 3

/* A pin's function is the bits INT, MSK, PAT1 and PAT0, each with registers to set and to clear. */
#define PIN_LEVEL 0x00
#define INT_SET 0x14
#define INT_CLEAR 0x18
#define MASK_SET 0x24
#define MASK_CLEAR 0x28
#define PAT1 0x30
#define PAT1_SET 0x34
#define PAT1_CLEAR 0x38
#define PAT0_SET 0x44
#define PAT0_CLEAR 0x48

/* The bits of a function, from the lowest. */
static const struct {
	u32 set;
	u32 clear;
} function_bits[] = {
	{ PAT0_SET, PAT0_CLEAR },
	{ PAT1_SET, PAT1_CLEAR },
	{ MASK_SET, MASK_CLEAR },
	{ INT_SET, INT_CLEAR },
};

static struct board *board_of_pins;

static void __iomem *port_of(struct gpio_chip *chip, unsigned int pin)
{
	struct board *board = gpiochip_get_data(chip);

	return board_at(board, BOARD_GPIO) + pin / PORT_PINS * PORT_BYTES;
}

static u32 bit_of(unsigned int pin)
{
	return BIT(pin % PORT_PINS);
}

static int board_gpio_get(struct gpio_chip *chip, unsigned int pin)
{
	return !!(readl(port_of(chip, pin) + PIN_LEVEL) & bit_of(pin));
}

static int board_gpio_set(struct gpio_chip *chip, unsigned int pin, int value)
{
	writel(bit_of(pin), port_of(chip, pin) + (value ? PAT0_SET : PAT0_CLEAR));
	return 0;
}

#ifdef BOARD_GPIO_SET_TELLS_NOTHING
static void board_gpio_set_value(struct gpio_chip *chip, unsigned int pin, int value)
{
	board_gpio_set(chip, pin, value);
}
#else
#define board_gpio_set_value board_gpio_set
#endif

static int board_gpio_get_direction(struct gpio_chip *chip, unsigned int pin)
{
	return readl(port_of(chip, pin) + PAT1) & bit_of(pin) ? GPIO_LINE_DIRECTION_IN :
								 GPIO_LINE_DIRECTION_OUT;
}

static void board_gpio_select(struct gpio_chip *chip, unsigned int pin)
{
	writel(bit_of(pin), port_of(chip, pin) + INT_CLEAR);
	writel(bit_of(pin), port_of(chip, pin) + MASK_SET);
}

static int board_gpio_direction_input(struct gpio_chip *chip, unsigned int pin)
{
	board_gpio_select(chip, pin);
	writel(bit_of(pin), port_of(chip, pin) + PAT1_SET);
	return 0;
}

static int board_gpio_direction_output(struct gpio_chip *chip, unsigned int pin, int value)
{
	board_gpio_select(chip, pin);
	board_gpio_set(chip, pin, value);
	writel(bit_of(pin), port_of(chip, pin) + PAT1_CLEAR);
	return 0;
}

/*
 * Gives pins of a port (0 is A) a function: 0 to 3 a device's, 4 and 5 an output, low and high, 6
 * an input. Higher bits choose pulls, which have no registers here.
 */
int jzgpio_set_func(int port, int function, unsigned long pins)
{
	void __iomem *base;
	int bit;

	if (!board_of_pins || port < 0 || port >= PORTS)
		return -EINVAL;
	base = board_at(board_of_pins, BOARD_GPIO) + port * PORT_BYTES;
	for (bit = ARRAY_SIZE(function_bits) - 1; bit >= 0; bit--)
		writel(pins, base + (function & BIT(bit) ? function_bits[bit].set :
							   function_bits[bit].clear));
	return 0;
}
EXPORT_SYMBOL(jzgpio_set_func);

int board_gpio_init(struct board *board)
{
	struct device *dev = &board->pci->dev;
	struct gpio_chip *chip = devm_kzalloc(dev, sizeof(*chip), GFP_KERNEL);

	if (!chip)
		return -ENOMEM;
	chip->label = "T31-GPIO";
	chip->parent = dev;
	chip->owner = THIS_MODULE;
	/* Drivers of this family know pins by number. */
	chip->base = 0;
	chip->ngpio = PORTS * PORT_PINS;
	chip->get = board_gpio_get;
	chip->set = board_gpio_set_value;
	chip->get_direction = board_gpio_get_direction;
	chip->direction_input = board_gpio_direction_input;
	chip->direction_output = board_gpio_direction_output;
	board_of_pins = board;
	return devm_gpiochip_add_data(dev, chip, board);
}
