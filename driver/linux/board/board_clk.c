// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clocks that the ISP's drivers ask for, by their names on a T31.
 *
 * Which gate belongs to which clock is not known; those that drivers open for the ISP are divided
 * between "isp" and "csi" as the two registers hold them (assumption). Rates are kept and told,
 * nothing runs slower or faster.
 */
#include <linux/clk-provider.h>
#include <linux/clkdev.h>
#include <linux/module.h>

#include "board.h"

#define CPM_CLKGR0 0x20
#define CPM_CLKGR1 0x28
#define ISP_GATES 0x40202080
#define CSI_GATES 0x40000004

static bool open_gates = true;
module_param(open_gates, bool, 0444);
MODULE_PARM_DESC(open_gates, "open the ISP's clock gates at once, as a boot loader leaves them (Y)");

/**
 * struct board_clk - a clock
 * @hw: the framework's part
 * @gate: the register of its gates, or NULL
 * @bits: its gates; a set bit stops it
 * @rate: its rate in hertz
 */
struct board_clk {
	struct clk_hw hw;
	void __iomem *gate;
	u32 bits;
	unsigned long rate;
};

static DEFINE_SPINLOCK(board_clk_lock);

static struct board_clk *to_board_clk(struct clk_hw *hw)
{
	return container_of(hw, struct board_clk, hw);
}

static void board_clk_gate(struct board_clk *clk, bool open)
{
	unsigned long flags;
	u32 value;

	if (!clk->gate)
		return;
	spin_lock_irqsave(&board_clk_lock, flags);
	value = readl(clk->gate);
	writel(open ? value & ~clk->bits : value | clk->bits, clk->gate);
	spin_unlock_irqrestore(&board_clk_lock, flags);
}

static int board_clk_enable(struct clk_hw *hw)
{
	board_clk_gate(to_board_clk(hw), true);
	return 0;
}

static void board_clk_disable(struct clk_hw *hw)
{
	board_clk_gate(to_board_clk(hw), false);
}

static unsigned long board_clk_recalc_rate(struct clk_hw *hw, unsigned long parent_rate)
{
	return to_board_clk(hw)->rate;
}

/* Any rate can be had. */
static int board_clk_determine_rate(struct clk_hw *hw, struct clk_rate_request *request)
{
	return 0;
}

static int board_clk_set_rate(struct clk_hw *hw, unsigned long rate, unsigned long parent_rate)
{
	to_board_clk(hw)->rate = rate;
	return 0;
}

static const struct clk_ops board_clk_ops = {
	.enable = board_clk_enable,
	.disable = board_clk_disable,
	.recalc_rate = board_clk_recalc_rate,
	.determine_rate = board_clk_determine_rate,
	.set_rate = board_clk_set_rate,
};

static const struct {
	const char *name;
	u32 gate;
	u32 bits;
	unsigned long rate;
} board_clocks[] = {
	{ "cgu_isp", 0, 0, 100000000 },
	{ "isp", CPM_CLKGR0, ISP_GATES, 100000000 },
	{ "csi", CPM_CLKGR1, CSI_GATES, 100000000 },
	{ "cgu_cim", 0, 0, 24000000 },
};

int board_clk_init(struct board *board)
{
	struct device *dev = &board->pci->dev;
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(board_clocks); i++) {
		struct clk_init_data init = {
			.name = board_clocks[i].name,
			.ops = &board_clk_ops,
			.flags = CLK_IGNORE_UNUSED | CLK_GET_RATE_NOCACHE,
		};
		struct board_clk *clk = devm_kzalloc(dev, sizeof(*clk), GFP_KERNEL);

		if (!clk)
			return -ENOMEM;
		if (board_clocks[i].bits)
			clk->gate = board_at(board, BOARD_CPM) + board_clocks[i].gate;
		clk->bits = board_clocks[i].bits;
		clk->rate = board_clocks[i].rate;
		clk->hw.init = &init;
		ret = devm_clk_hw_register(dev, &clk->hw);
		if (!ret)
			ret = devm_clk_hw_register_clkdev(dev, &clk->hw, init.name, NULL);
		if (ret)
			return dev_err_probe(dev, ret, "no clock %s\n", init.name);
		if (open_gates)
			board_clk_gate(clk, true);
	}
	return 0;
}
