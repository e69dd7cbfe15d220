// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a panic of the Rust library: the call from C that led to it ends, no further one
 * enters the library, the device is reset, and its nodes answer with -EIO. The kernel lives.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "tx_isp.h"

/* Words that the compiler's own setjmp needs. */
#define TX_ISP_JUMP_WORDS 5

/**
 * struct tx_isp_guarded - a thread that is inside of the library
 * @entry: one of tx_isp_inside
 * @task: the thread
 * @jump: where it goes on if the library panics
 */
struct tx_isp_guarded {
	struct list_head entry;
	struct task_struct *task;
	void *jump[TX_ISP_JUMP_WORDS];
};

/* Guards the list; the newest call of a thread comes first. */
static DEFINE_SPINLOCK(tx_isp_inside_lock);
static LIST_HEAD(tx_isp_inside);
static bool tx_isp_panicked;

bool tx_isp_has_panicked(void)
{
	return READ_ONCE(tx_isp_panicked);
}

static void tx_isp_guard_enter(struct tx_isp_guarded *guarded)
{
	unsigned long flags;

	guarded->task = current;
	spin_lock_irqsave(&tx_isp_inside_lock, flags);
	list_add(&guarded->entry, &tx_isp_inside);
	spin_unlock_irqrestore(&tx_isp_inside_lock, flags);
}

static void tx_isp_guard_leave(struct tx_isp_guarded *guarded)
{
	unsigned long flags;

	spin_lock_irqsave(&tx_isp_inside_lock, flags);
	list_del(&guarded->entry);
	spin_unlock_irqrestore(&tx_isp_inside_lock, flags);
}

/* The library's frames below hold nothing that has to be given back: they can be left behind. */
noinline void tx_isp_guard(void (*call)(void *context), void *context)
{
	struct tx_isp_guarded guarded;

	if (tx_isp_has_panicked())
		return;
	tx_isp_guard_enter(&guarded);
	if (!__builtin_setjmp(guarded.jump))
		call(context);
	tx_isp_guard_leave(&guarded);
}

static struct tx_isp_guarded *tx_isp_guard_of(struct task_struct *task)
{
	struct tx_isp_guarded *guarded, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&tx_isp_inside_lock, flags);
	list_for_each_entry(guarded, &tx_isp_inside, entry)
		if (!found && guarded->task == task)
			found = guarded;
	spin_unlock_irqrestore(&tx_isp_inside_lock, flags);
	return found;
}

void __noreturn tx_isp_panic(const u8 *text, u32 length)
{
	struct tx_isp_guarded *guarded = tx_isp_guard_of(current);

	WRITE_ONCE(tx_isp_panicked, true);
	pr_err("tx-isp: %.*s\n", (int)length, text);
	if (guarded)
		__builtin_longjmp(guarded->jump, 1);
	/* Every call into the library is guarded; were one not, its thread could not go on. */
	pr_err("tx-isp: this thread stops here\n");
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule();
	}
}

/* What the library knew is lost, so only a reset of the device ends its DMA for certain. */
void tx_isp_give_up_if_panicked(struct tx_isp *isp)
{
	u32 channel;

	if (!tx_isp_has_panicked() || isp->given_up)
		return;
	isp->given_up = true;
	isp->core_ready = false;
	tx_isp_transport_stop(&isp->transport);
	for (channel = 0; channel < TX_ISP_CHANNELS; channel++)
		if (isp->videos[channel].isp)
			vb2_queue_error(&isp->videos[channel].queue);
	tx_isp_vendor_give_up(isp);
	dev_err(isp->v4l2_dev.dev,
		"the driver has panicked: the device is reset, and out of order until the module is loaded anew\n");
}
