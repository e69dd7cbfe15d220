// SPDX-License-Identifier: Apache-2.0 OR MIT
//! MSCA, the multi-scaler: three output channels, each with its own scaler and DMA (T31 2.4).

use crate::PhysAddr;
use crate::channel::ChannelId;

register_block! {
    /// The multi-scaler's global registers.
    Msca ("MSCA") at 0x1330_9800, stride 0x100, instances 1;
    /// Control.
    Control ("CTRL") = 0x00: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Channel enable, averaging, and the strobes that let new settings take effect with the next frame.
    ChannelEnable ("CH_EN") = 0x04: Command, reset 0x3f00, Modelled, "T31 2a.1, 2b.5" {
        ENABLED_CHANNELS [3 @ 0] "Bit n enables channel n.",
        MASKED_CHANNELS [3 @ 3] "Bit n paints channel n's mask rectangles.",
        AVERAGE_0 [3 @ 8] "Bit n: channel n averages; set where less than half of the lines or pixels remain.",
        AVERAGE_1 [3 @ 11] "As AVERAGE_0 in the other direction; which is which is not known.",
        INPUT_STROBE [1 @ 16] "Takes SRC_POS and SRC_SIZE over; reads 0.",
        CHANNEL_STROBES [3 @ 17] "Bit n takes channel n's settings over; reads 0.",
    };
    /// Channel state.
    ChannelState ("CH_STAT") = 0x08: ReadOnly, reset 0, Modelled, "T31 2.4, 9.2" {
        BUSY_CHANNELS [3 @ 0] "Bit n: channel n is enabled or still writes.",
    };
    /// Interrupt status, in the T30's layout.
    IrqStatus ("IRQ_STAT") = 0x0c: ReadOnly, reset 0, Modelled, "T31 2.4, 9.3" {
        IRQ_CHANNELS_DONE [3 @ 0] "Bit n: channel n has written a frame.",
        IRQ_CROP_ERROR [3 @ 3] "Bit n: channel n's crop is impossible.",
        IRQ_FRAME [1 @ 6] "Frame.",
        IRQ_CSC [1 @ 7] "Colour space conversion.",
        IRQ_OVERFLOW [1 @ 8] "Overflow.",
    };
    /// Interrupt mask; a set bit masks.
    IrqMask ("IRQ_MASK") = 0x10: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Interrupt acknowledge: clears the bits of IRQ_STAT that are written as 1.
    IrqClear ("CLR_IRQ") = 0x14: Acknowledge, reset 0, Modelled, "T31 2.4";
    /// DMA arbitration, and which channels' pictures are turned about. It takes effect with the next frame (assumption).
    DmaArbitration ("DMA_OUT_ARB") = 0x18: ReadWrite, reset 0, Modelled, "T31 2.4, 2.5, 2b.5" {
        ARBITRATED_CHANNELS [3 @ 1] "Arbitration; the T31's driver writes 7 at stream-on.",
        FLIPPED_CHANNELS [3 @ 4] "Bit n: channel n's picture is upside down.",
        MIRRORED_CHANNELS [3 @ 7] "Bit n: channel n's picture is mirrored.",
    };
    /// Clock gates.
    ClockGate ("CLK_GATE_EN") = 0x1c: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Clock disable.
    ClockDisable ("CLK_DIS") = 0x20: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Position of the input crop.
    InputPosition ("SRC_POS") = 0x60: ReadWrite, reset 0, Modelled, "T31 2.4" {
        INPUT_TOP [16 @ 0] "First line.",
        INPUT_LEFT [16 @ 16] "First pixel of a line.",
    };
    /// Size of the input crop, which is the scalers' input.
    InputSize ("SRC_SIZE") = 0x64: ReadWrite, reset 0x0780_0438, Modelled, "T31 2.4, 9.1" {
        INPUT_HEIGHT [16 @ 0] "Lines.",
        INPUT_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Moves while streaming, its upper digit c, d or f; meaning unknown.
    Word7c ("WORD_7C") = 0x7c: ReadOnly, reset 0xc0000000, Unknown, "T31 2a.3, 2a.5";
    /// State word.
    State80 ("STATE_80") = 0x80: ReadOnly, reset 0x1, Unknown, "T31 2a.1, 2a.3";
    /// State word.
    State84 ("STATE_84") = 0x84: ReadOnly, reset 0x1, Unknown, "T31 2a.1, 2a.3";
    /// Where the input is in the frame: line << 16 | pixel.
    InputPoint ("POSITION_IN") = 0x88: ReadOnly, reset 0x0, Modelled, "T31 2a.1, 2a.3";
    /// Where channel 0 is in the frame: line << 16 | pixel.
    ChannelPoint0 ("POSITION_0") = 0x8c: ReadOnly, reset 0x0, Modelled, "T31 2a.1, 2a.3";
    /// State word.
    State90 ("STATE_90") = 0x90: ReadOnly, reset 0x1010001, Unknown, "T31 2a.1, 2a.3";
    /// Where channel 1 is in the frame: line << 16 | pixel.
    ChannelPoint1 ("POSITION_1") = 0x94: ReadOnly, reset 0x0, Modelled, "T31 2a.1, 2a.3";
    /// Where channel 2 is in the frame: line << 16 | pixel.
    ChannelPoint2 ("POSITION_2") = 0x98: ReadOnly, reset 0x0, Modelled, "T31 2a.1, 2a.3";
    /// State word.
    State9c ("STATE_9C") = 0x9c: ReadOnly, reset 0x1010001, Unknown, "T31 2a.1, 2a.3";
    /// State word.
    StateA0 ("STATE_A0") = 0xa0: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.3";
    /// State word.
    StateA4 ("STATE_A4") = 0xa4: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.3";
    /// State word.
    StateA8 ("STATE_A8") = 0xa8: ReadOnly, reset 0x1010001, Unknown, "T31 2a.1, 2a.3";
    /// State word.
    StateAc ("STATE_AC") = 0xac: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.3";
    /// Moves while streaming: pixels of channel 0's picture so far (inferred).
    LiveB0 ("LIVE_B0") = 0xb0: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.5";
    /// Moves while streaming: pixels of channel 1's picture so far (inferred).
    LiveB4 ("LIVE_B4") = 0xb4: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.5";
    /// Moves while streaming: pixels of channel 2's picture so far (inferred).
    LiveB8 ("LIVE_B8") = 0xb8: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.5";
    /// 0x00100000 while streaming.
    LiveC8 ("LIVE_C8") = 0xc8: ReadOnly, reset 0x0, Modelled, "T31 2a.1, 2a.3";
    /// Frames so far.
    FrameCounter ("FRAME_COUNT") = 0xcc: ReadOnly, reset 0x0, Modelled, "T31 2a.1, 2a.3";
    /// Moves while streaming: lines of channel 0's picture so far (inferred).
    LiveE4 ("LIVE_E4") = 0xe4: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.5";
    /// Moves while streaming: lines of channel 1's picture so far (inferred).
    LiveE8 ("LIVE_E8") = 0xe8: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.5";
    /// Moves while streaming: lines of channel 2's picture so far (inferred).
    LiveEc ("LIVE_EC") = 0xec: ReadOnly, reset 0x0, Unknown, "T31 2a.1, 2a.5";
}

register_block! {
    /// One output channel of the multi-scaler: size, format, and the FIFOs of buffer addresses.
    Channel ("MSCA_CH") at 0x1330_9900, stride 0x100, instances 3;
    /// Size of the scaler's output.
    OutputSize ("RSZ_OSIZE") = 0x00: ReadWrite, reset 0, Modelled, "T31 2.4" {
        OUTPUT_HEIGHT [16 @ 0] "Lines.",
        OUTPUT_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Scaling steps: input * 512 / output; 0x200 is the identity.
    Step ("RSZ_STEP") = 0x04: ReadWrite, reset 0, Modelled, "T31 2.4" {
        STEP_VERTICAL [16 @ 0] "Vertical step.",
        STEP_HORIZONTAL [16 @ 16] "Horizontal step.",
    };
    /// Appends a horizontal resize coefficient of Y.
    LumaHorizontalWrite ("Y_H_COEF_WR") = 0x08: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Reads a horizontal resize coefficient of Y back.
    LumaHorizontalRead ("Y_H_COEF_RD") = 0x0c: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Appends a vertical resize coefficient of Y.
    LumaVerticalWrite ("Y_V_COEF_WR") = 0x10: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Reads a vertical resize coefficient of Y back.
    LumaVerticalRead ("Y_V_COEF_RD") = 0x14: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Appends a horizontal resize coefficient of UV.
    ChromaHorizontalWrite ("UV_H_COEF_WR") = 0x18: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Reads a horizontal resize coefficient of UV back.
    ChromaHorizontalRead ("UV_H_COEF_RD") = 0x1c: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Appends a vertical resize coefficient of UV.
    ChromaVerticalWrite ("UV_V_COEF_WR") = 0x20: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Reads a vertical resize coefficient of UV back.
    ChromaVerticalRead ("UV_V_COEF_RD") = 0x24: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Position of the crop behind the scaler.
    CropPosition ("CROP_OPOS") = 0x28: ReadWrite, reset 0, Modelled, "T31 2.4" {
        CROP_TOP [16 @ 0] "First line.",
        CROP_LEFT [16 @ 16] "First pixel of a line.",
    };
    /// Size of the crop behind the scaler, which is what is written; 0 is all of the scaler's output
    /// (assumption).
    CropSize ("CROP_OSIZE") = 0x2c: ReadWrite, reset 0, Modelled, "T31 2.4" {
        CROP_HEIGHT [16 @ 0] "Lines.",
        CROP_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Frame-rate control: length of the period less one.
    RateLoop ("FRA_CTRL_LOOP") = 0x30: ReadWrite, reset 0, Modelled, "T31 2.4, 9.3" {
        RATE_PERIOD [5 @ 0] "The period has this many frames plus one (our reading of libimp's 0).",
    };
    /// Frame-rate control: frames of the period that are kept.
    RateMask ("FRA_CTRL_MASK") = 0x34: ReadWrite, reset 1, Modelled, "T31 2.4, 9.3" {
        RATE_KEEP [32 @ 0] "Bit n: keep the period's frame n.",
    };
    /// Position of mask rectangle 0 in the picture that is written (assumption), left << 16 | top.
    Mask0Position ("MS0_POS") = 0x38: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Size of mask rectangle 0, width << 16 | height; 0 is no rectangle (assumption).
    Mask0Size ("MS0_SIZE") = 0x3c: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Colour of mask rectangle 0. The layout is an assumption: that of the VIC's colour bars.
    Mask0Value ("MS0_VALUE") = 0x40: ReadWrite, reset 0, Modelled, "T31 2.4" {
        MASK_CR [8 @ 0] "Red difference.",
        MASK_CB [8 @ 8] "Blue difference.",
        MASK_Y [8 @ 16] "Luma.",
    };
    /// Position of mask rectangle 1 in the picture that is written (assumption), left << 16 | top.
    Mask1Position ("MS1_POS") = 0x44: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Size of mask rectangle 1, width << 16 | height; 0 is no rectangle (assumption).
    Mask1Size ("MS1_SIZE") = 0x48: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Colour of mask rectangle 1, in the layout of MS0_VALUE.
    Mask1Value ("MS1_VALUE") = 0x4c: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Position of mask rectangle 2 in the picture that is written (assumption), left << 16 | top.
    Mask2Position ("MS2_POS") = 0x50: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Size of mask rectangle 2, width << 16 | height; 0 is no rectangle (assumption).
    Mask2Size ("MS2_SIZE") = 0x54: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Colour of mask rectangle 2, in the layout of MS0_VALUE.
    Mask2Value ("MS2_VALUE") = 0x58: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Position of mask rectangle 3 in the picture that is written (assumption), left << 16 | top.
    Mask3Position ("MS3_POS") = 0x5c: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Size of mask rectangle 3, width << 16 | height; 0 is no rectangle (assumption).
    Mask3Size ("MS3_SIZE") = 0x60: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Colour of mask rectangle 3, in the layout of MS0_VALUE.
    Mask3Value ("MS3_VALUE") = 0x64: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Output format; the vendor's driver never writes it.
    OutputFormat ("OUT_FMT") = 0x68: ReadWrite, reset 0, Modelled, "T31 2.4" {
        OUT_FMT_CODE [5 @ 0] "0 NV12, 1 NV21, 2 BGR32, 0x1f RGB565.",
    };
    /// Appends a Y address to the input FIFO; the pair is complete when its UV address is there, too. The vendor's
    /// driver pushes Y first.
    YAddress ("DMAOUT_Y_ADDR") = 0x6c: FifoPush, reset 0, Modelled, "T31 2.4, 9.2";
    /// State of the Y input FIFO.
    YAddressState ("Y_ADDR_FIFO_STA") = 0x70: ReadOnly, reset 1, Modelled, "T31 2.4" {
        FIFO_EMPTY [1 @ 0] "No entry.",
        FIFO_ENTRIES [4 @ 8] "Number of entries, 0 to 5.",
        FIFO_READ_INDEX [4 @ 12] "Place that is taken next, 0 to 4.",
        FIFO_WRITE_INDEX [4 @ 16] "Place that is filled next, 0 to 4.",
    };
    /// Takes the Y address of the oldest finished frame.
    YLastAddress ("DMAOUT_Y_LAST_ADDR") = 0x74: FifoPop, reset 0, Modelled, "T31 2.4, 9.2";
    /// Sequence number of the frame whose Y address was taken last.
    YLastSequence ("DMAOUT_Y_LAST_STATS_NUM") = 0x78: ReadOnly, reset 0, Modelled, "T31 2.4, 9.2";
    /// State of the Y done FIFO, in the layout of Y_ADDR_FIFO_STA.
    YLastState ("Y_LAST_ADDR_FIFO_STA") = 0x7c: ReadOnly, reset 1, Modelled, "T31 2.4";
    /// Bytes from one line of Y to the next.
    YStride ("DMAOUT_Y_STRI") = 0x80: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// Appends a UV address to the input FIFO.
    UvAddress ("DMAOUT_UV_ADDR") = 0x84: FifoPush, reset 0, Modelled, "T31 2.4, 9.2";
    /// State of the UV input FIFO, in the layout of Y_ADDR_FIFO_STA.
    UvAddressState ("UV_ADDR_FIFO_STA") = 0x88: ReadOnly, reset 1, Modelled, "T31 2.4";
    /// Takes the UV address of the oldest finished frame.
    UvLastAddress ("DMAOUT_UV_LAST_ADDR") = 0x8c: FifoPop, reset 0, Modelled, "T31 2.4, 9.2";
    /// Sequence number of the frame whose UV address was taken last.
    UvLastSequence ("DMAOUT_UV_LAST_STATS_NUM") = 0x90: ReadOnly, reset 0, Modelled, "T31 2.4, 9.2";
    /// State of the UV done FIFO, in the layout of Y_ADDR_FIFO_STA.
    UvLastState ("UV_LAST_ADDR_FIFO_STA") = 0x94: ReadOnly, reset 1, Modelled, "T31 2.4";
    /// Bytes from one line of UV to the next.
    UvStride ("DMAOUT_UV_STRI") = 0x98: ReadWrite, reset 0, Modelled, "T31 2.4";
    /// 1 empties the Y input FIFO.
    YAddressClear ("Y_ADDR_CLR") = 0x9c: FifoClear, reset 0, Modelled, "T31 2.4, 9.2";
    /// 1 empties the UV input FIFO.
    UvAddressClear ("UV_ADDR_CLR") = 0xa0: FifoClear, reset 0, Modelled, "T31 2.4, 9.2";
    /// 1 empties the Y done FIFO.
    YLastClear ("Y_LAST_ADDR_CLR") = 0xa4: FifoClear, reset 0, Modelled, "T31 2.4, 9.2";
    /// 1 empties the UV done FIFO.
    UvLastClear ("UV_LAST_ADDR_CLR") = 0xa8: FifoClear, reset 0, Modelled, "T31 2.4, 9.2";
    /// Scaler coefficient: 0x200, or 0x40080 where the output is less than half the input.
    Coefficient0 ("COEF_0") = 0xc0: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Scaler coefficient: 0, or 0x40080.
    Coefficient1 ("COEF_1") = 0xc4: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Scaler coefficient: 0x200, or 0x40080.
    Coefficient2 ("COEF_2") = 0xc8: ReadWrite, reset 0, Storage, "T31 2.4";
    /// Scaler coefficient: 0, or 0x40080.
    Coefficient3 ("COEF_3") = 0xcc: ReadWrite, reset 0, Storage, "T31 2.4";
}

impl Channel {
    /// The register's physical address in one channel.
    #[must_use]
    pub const fn of(self, channel: ChannelId) -> PhysAddr {
        PhysAddr(self.address().0 + channel.number() * Self::BLOCK.stride)
    }

    /// The register's value after reset in one channel: channel 0 comes up for 1920x1080, channel 1 for
    /// 1280x720 (T31 2a.3); that channel 2 does as channel 1 is an assumption.
    #[must_use]
    pub fn reset_in(self, channel: ChannelId) -> u32 {
        let first = channel.index() == 0;
        let of = |main, other| if first { main } else { other };
        match self {
            Self::OutputSize | Self::CropSize => of(0x0780_0438, 0x0500_02d0),
            Self::Step => of(0x0200_0200, 0x0300_0300),
            Self::YStride | Self::UvStride => of(0x780, 0x500),
            Self::Coefficient0 | Self::Coefficient2 => 0x200,
            _ => self.describe().reset,
        }
    }

    /// The settings that a strobe of CH_EN takes over as a whole (T31 2b.11).
    pub const LATCHED: [Self; 22] = [
        Self::OutputSize,
        Self::Step,
        Self::CropPosition,
        Self::CropSize,
        Self::Mask0Position,
        Self::Mask0Size,
        Self::Mask0Value,
        Self::Mask1Position,
        Self::Mask1Size,
        Self::Mask1Value,
        Self::Mask2Position,
        Self::Mask2Size,
        Self::Mask2Value,
        Self::Mask3Position,
        Self::Mask3Size,
        Self::Mask3Value,
        Self::YStride,
        Self::UvStride,
        Self::Coefficient0,
        Self::Coefficient1,
        Self::Coefficient2,
        Self::Coefficient3,
    ];

    /// Position, size and colour of each mask rectangle.
    pub const MASKS: [[Self; 3]; 4] = [
        [Self::Mask0Position, Self::Mask0Size, Self::Mask0Value],
        [Self::Mask1Position, Self::Mask1Size, Self::Mask1Value],
        [Self::Mask2Position, Self::Mask2Size, Self::Mask2Value],
        [Self::Mask3Position, Self::Mask3Size, Self::Mask3Value],
    ];
}
