// SPDX-License-Identifier: Apache-2.0 OR MIT
//! MSCA, the multi-scaler: three output channels, each with its own scaler and DMA (facts 2.4).

use crate::PhysAddr;
use crate::channel::ChannelId;

register_block! {
    /// The multi-scaler's global registers.
    Msca ("MSCA") at 0x1330_9800, stride 0x100, instances 1;
    /// Control.
    Control ("CTRL") = 0x00: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Channel enable.
    ChannelEnable ("CH_EN") = 0x04: ReadWrite, reset 0, Modelled, "facts 2.4, 9.2" {
        ENABLED_CHANNELS [3 @ 0] "Bit n enables channel n.",
        SCALE_BITS [6 @ 8] "Bits 8+n and 11+n: channel n scales.",
        START_BITS [4 @ 16] "Set by the vendor's driver at each start; meaning unproven.",
    };
    /// Channel state.
    ChannelState ("CH_STAT") = 0x08: ReadOnly, reset 0, Modelled, "facts 2.4, 9.2" {
        BUSY_CHANNELS [3 @ 0] "Bit n: channel n is enabled or still writes.",
    };
    /// Interrupt status, in the T30's layout.
    IrqStatus ("IRQ_STAT") = 0x0c: ReadOnly, reset 0, Modelled, "facts 2.4, 9.3" {
        IRQ_CHANNELS_DONE [3 @ 0] "Bit n: channel n has written a frame.",
        IRQ_CROP_ERROR [3 @ 3] "Bit n: channel n's crop is impossible.",
        IRQ_FRAME [1 @ 6] "Frame.",
        IRQ_CSC [1 @ 7] "Colour space conversion.",
        IRQ_OVERFLOW [1 @ 8] "Overflow.",
    };
    /// Interrupt mask; a set bit masks.
    IrqMask ("IRQ_MASK") = 0x10: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Interrupt acknowledge: clears the bits of IRQ_STAT that are written as 1.
    IrqClear ("CLR_IRQ") = 0x14: Acknowledge, reset 0, Modelled, "facts 2.4";
    /// DMA arbitration; the T31's driver writes 0xe at stream-on.
    DmaArbitration ("DMA_OUT_ARB") = 0x18: ReadWrite, reset 0, Storage, "facts 2.4, 2.5";
    /// Clock gates.
    ClockGate ("CLK_GATE_EN") = 0x1c: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Clock disable.
    ClockDisable ("CLK_DIS") = 0x20: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Position of the input crop.
    InputPosition ("SRC_POS") = 0x60: ReadWrite, reset 0, Storage, "facts 2.4" {
        INPUT_TOP [16 @ 0] "First line.",
        INPUT_LEFT [16 @ 16] "First pixel of a line.",
    };
    /// Size of the input.
    InputSize ("SRC_SIZE") = 0x64: ReadWrite, reset 0x0780_0438, Modelled, "facts 2.4, 9.1" {
        INPUT_HEIGHT [16 @ 0] "Lines.",
        INPUT_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Window through which the T30's resize coefficients are pushed.
    Coefficients ("GLO_RSZ_COEF_WR") = 0x80: ReadWrite, reset 0, Storage, "facts 2.4";
}

register_block! {
    /// One output channel of the multi-scaler: size, format, and the FIFOs of buffer addresses.
    Channel ("MSCA_CH") at 0x1330_9900, stride 0x100, instances 3;
    /// Size of the scaler's output.
    OutputSize ("RSZ_OSIZE") = 0x00: ReadWrite, reset 0, Modelled, "facts 2.4" {
        OUTPUT_HEIGHT [16 @ 0] "Lines.",
        OUTPUT_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Scaling steps: input * 512 / output; 0x200 is the identity.
    Step ("RSZ_STEP") = 0x04: ReadWrite, reset 0, Storage, "facts 2.4" {
        STEP_VERTICAL [16 @ 0] "Vertical step.",
        STEP_HORIZONTAL [16 @ 16] "Horizontal step.",
    };
    /// Position of the crop behind the scaler.
    CropPosition ("CROP_OPOS") = 0x28: ReadWrite, reset 0, Storage, "facts 2.4" {
        CROP_TOP [16 @ 0] "First line.",
        CROP_LEFT [16 @ 16] "First pixel of a line.",
    };
    /// Size of the crop behind the scaler.
    CropSize ("CROP_OSIZE") = 0x2c: ReadWrite, reset 0, Storage, "facts 2.4" {
        CROP_HEIGHT [16 @ 0] "Lines.",
        CROP_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Frame-rate control: length of the period less one.
    RateLoop ("FRA_CTRL_LOOP") = 0x30: ReadWrite, reset 0, Modelled, "facts 2.4, 9.3" {
        RATE_PERIOD [5 @ 0] "The period has this many frames plus one (our reading of libimp's 0).",
    };
    /// Frame-rate control: frames of the period that are kept.
    RateMask ("FRA_CTRL_MASK") = 0x34: ReadWrite, reset 1, Modelled, "facts 2.4, 9.3" {
        RATE_KEEP [32 @ 0] "Bit n: keep the period's frame n.",
    };
    /// Output format.
    OutputFormat ("OUT_FMT") = 0x68: ReadWrite, reset 0, Modelled, "facts 2.4" {
        OUT_FMT_CODE [5 @ 0] "0 NV12, 1 NV21, 2 BGR32, 0x1f RGB565.",
    };
    /// Appends a Y address to the input FIFO; the pair is complete when its UV address is there.
    YAddress ("DMAOUT_Y_ADDR") = 0x6c: FifoPush, reset 0, Modelled, "facts 2.4, 9.2";
    /// State of the Y input FIFO.
    YAddressState ("Y_ADDR_FIFO_STA") = 0x70: ReadOnly, reset 1, Modelled, "facts 2.4" {
        FIFO_EMPTY [1 @ 0] "No entry.",
        FIFO_FULL [1 @ 1] "No room; a further push is lost.",
        FIFO_ENTRIES [3 @ 2] "Number of entries.",
    };
    /// Takes the Y address of the oldest finished frame.
    YLastAddress ("DMAOUT_Y_LAST_ADDR") = 0x74: FifoPop, reset 0, Modelled, "facts 2.4, 9.2";
    /// Sequence number of the frame whose Y address was taken last.
    YLastSequence ("DMAOUT_Y_LAST_STATS_NUM") = 0x78: ReadOnly, reset 0, Modelled, "facts 2.4, 9.2";
    /// State of the Y done FIFO, in the layout of Y_ADDR_FIFO_STA.
    YLastState ("Y_LAST_ADDR_FIFO_STA") = 0x7c: ReadOnly, reset 1, Modelled, "facts 2.4";
    /// Bytes from one line of Y to the next.
    YStride ("DMAOUT_Y_STRI") = 0x80: ReadWrite, reset 0, Modelled, "facts 2.4";
    /// Appends a UV address to the input FIFO; pushed before its Y address.
    UvAddress ("DMAOUT_UV_ADDR") = 0x84: FifoPush, reset 0, Modelled, "facts 2.4, 9.2";
    /// State of the UV input FIFO, in the layout of Y_ADDR_FIFO_STA.
    UvAddressState ("UV_ADDR_FIFO_STA") = 0x88: ReadOnly, reset 1, Modelled, "facts 2.4";
    /// Takes the UV address of the oldest finished frame.
    UvLastAddress ("DMAOUT_UV_LAST_ADDR") = 0x8c: FifoPop, reset 0, Modelled, "facts 2.4, 9.2";
    /// Sequence number of the frame whose UV address was taken last.
    UvLastSequence ("DMAOUT_UV_LAST_STATS_NUM") = 0x90: ReadOnly, reset 0, Modelled, "facts 2.4, 9.2";
    /// State of the UV done FIFO, in the layout of Y_ADDR_FIFO_STA.
    UvLastState ("UV_LAST_ADDR_FIFO_STA") = 0x94: ReadOnly, reset 1, Modelled, "facts 2.4";
    /// Bytes from one line of UV to the next.
    UvStride ("DMAOUT_UV_STRI") = 0x98: ReadWrite, reset 0, Modelled, "facts 2.4";
    /// 1 empties the Y input FIFO.
    YAddressClear ("Y_ADDR_CLR") = 0x9c: FifoClear, reset 0, Modelled, "facts 2.4, 9.2";
    /// 1 empties the UV input FIFO.
    UvAddressClear ("UV_ADDR_CLR") = 0xa0: FifoClear, reset 0, Modelled, "facts 2.4, 9.2";
    /// 1 empties the Y done FIFO.
    YLastClear ("Y_LAST_ADDR_CLR") = 0xa4: FifoClear, reset 0, Modelled, "facts 2.4, 9.2";
    /// 1 empties the UV done FIFO.
    UvLastClear ("UV_LAST_ADDR_CLR") = 0xa8: FifoClear, reset 0, Modelled, "facts 2.4, 9.2";
    /// Scaler coefficient: 0x200, or 0x40080 where the output is less than half the input.
    Coefficient0 ("COEF_0") = 0xc0: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Scaler coefficient: 0, or 0x40080.
    Coefficient1 ("COEF_1") = 0xc4: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Scaler coefficient: 0x200, or 0x40080.
    Coefficient2 ("COEF_2") = 0xc8: ReadWrite, reset 0, Storage, "facts 2.4";
    /// Scaler coefficient: 0, or 0x40080.
    Coefficient3 ("COEF_3") = 0xcc: ReadWrite, reset 0, Storage, "facts 2.4";
}

impl Channel {
    /// The register's physical address in one channel.
    #[must_use]
    pub const fn of(self, channel: ChannelId) -> PhysAddr {
        PhysAddr(self.address().0 + channel.number() * Self::BLOCK.stride)
    }
}
