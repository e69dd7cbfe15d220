// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ISP core's top block (T31 2.1, 2.2).

register_block! {
    /// The ISP core's top block: frame size, main enable, interrupts.
    Core ("ISP_CORE") at 0x1330_0000, stride 0x1000, instances 1;
    /// Chip id and version.
    Id ("ID") = 0x00: ReadOnly, reset 0x5456_0031, Modelled, "T31 2.1, 9.1";
    /// Size of the picture that comes from the VIC.
    FrameSize ("FRAME_SIZE") = 0x04: ReadWrite, reset 0x0780_0438, Modelled, "T31 2.1, 2a.3" {
        FRAME_HEIGHT [16 @ 0] "Lines.",
        FRAME_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Order of the sensor's colour filters.
    Bayer ("BAYER") = 0x08: ReadWrite, reset 1, Modelled, "T31 3.3, 2a.3" {
        BAYER_ORDER [5 @ 0] "0 RGGB, 1 BGGR, 2 GRBG, 3 GBRG; 8 to 0x17: with infrared pixels.",
    };
    /// Bypass of the core's processing blocks; a set bit takes a block out of the picture's way.
    TopBypass ("TOP_BYPASS") = 0x0c: ReadWrite, reset 0x8070_0008, Modelled, "T31 2.1, 2a.3" {
        BYPASS_BLC_DG [1 @ 0] "Black level and digital gain.",
        BYPASS_1 [1 @ 1] "Not named in the sources.",
        BYPASS_DPC [1 @ 2] "Dead pixel correction.",
        BYPASS_WDR [1 @ 3] "Wide dynamic range.",
        BYPASS_LSC [1 @ 4] "Lens shading correction.",
        BYPASS_GIB [1 @ 5] "Green balance of the Bayer picture.",
        BYPASS_LSC_LUT [1 @ 6] "Gate of the lens shading table.",
        BYPASS_ADR [1 @ 7] "Adaptive dynamic range.",
        BYPASS_DMSC [1 @ 8] "Demosaicing.",
        BYPASS_CCM [1 @ 9] "Colour correction matrix.",
        BYPASS_GAMMA [1 @ 10] "Gamma.",
        BYPASS_DEFOG [1 @ 11] "Defog.",
        BYPASS_CLM [1 @ 12] "Colour mapping, saturation and hue.",
        BYPASS_GB [1 @ 13] "GB.",
        BYPASS_SHARPEN [1 @ 14] "Sharpening.",
        BYPASS_SDNS [1 @ 15] "Spatial noise reduction.",
        BYPASS_MDNS [1 @ 16] "Motion noise reduction.",
        BYPASS_YDNS [1 @ 17] "Luma noise reduction.",
        BYPASS_RDNS [1 @ 18] "Raw noise reduction.",
        BYPASS_AE1 [1 @ 20] "AE1 statistics.",
        BYPASS_HLDC [1 @ 21] "Distortion correction.",
        BYPASS_AF [1 @ 22] "Focus statistics.",
        BYPASS_STATISTICS_DMA [7 @ 24] "DMA of the statistics, one bit each.",
        TOP_SELECT [1 @ 31] "Set by the driver at the first interrupt.",
    };
    /// Main enable: 0x133 linear, 0x33f wide dynamic range.
    MainEnable ("MAIN_ENABLE") = 0x10: ReadWrite, reset 0, Modelled, "T31 2.1" {
        MAIN_ENABLE_BITS [10 @ 0] "0 stops the core.",
    };
    /// 0x3f00 at first (0x10003f00 with infrared pixels), 8 just before START.
    InputSelect ("INPUT_SELECT") = 0x1c: ReadWrite, reset 0, Storage, "T31 3.3, 2b.4";
    /// Pipeline control.
    PipelineControl ("PIPELINE_CONTROL") = 0x20: ReadWrite, reset 0, Modelled, "T31 2.1" {
        PIPELINE_FLUSH [1 @ 2] "Its pulse, 1 then 0, drops the frame that is in the pipeline.",
    };
    /// Release request of the exception recovery.
    ReleaseRequest ("RELEASE_REQUEST") = 0x24: Command, reset 0, Modelled, "T31 2.1, 9.2" {
        RELEASE_REQUESTED [1 @ 0] "Asks the core to let go of its input, until START.",
    };
    /// Release acknowledge.
    ReleaseAcknowledge ("RELEASE_ACKNOWLEDGE") = 0x28: ReadOnly, reset 1, Modelled, "T31 2.1, 2a.5, 9.2" {
        RELEASED [1 @ 0] "The core has let go, which it does at once: reads 1, at work as at rest.",
    };
    /// Idle state.
    Idle ("IDLE") = 0x2c: ReadOnly, reset 0x0040_0040, Storage, "T31 2.1, 9.1";
    /// Written with 0xffffffff at start; reads back 0x8fffffff.
    StartMask ("START_MASK") = 0x30: ReadWrite, reset 0, Unknown, "T31 2.1, 2b.4";
    /// Reads 1 while streaming; meaning unknown.
    Status60 ("STATUS_60") = 0x60: ReadOnly, reset 0, Modelled, "T31 2a.3";
    /// Reads 1 while streaming; meaning unknown.
    Status64 ("STATUS_64") = 0x64: ReadOnly, reset 0, Modelled, "T31 2a.3";
    /// Reads 1; meaning unknown.
    Status90 ("STATUS_90") = 0x90: ReadOnly, reset 1, Unknown, "T31 2.1";
    /// Reads 1; meaning unknown.
    Status94 ("STATUS_94") = 0x94: ReadOnly, reset 1, Unknown, "T31 2.1";
    /// Reads 0x00030000; meaning unknown.
    Status98 ("STATUS_98") = 0x98: ReadOnly, reset 0x0003_0000, Unknown, "T31 2.1, 9.1";
    /// State word: moves while frames come in; what it says is not known.
    CounterA8 ("COUNTER_A8") = 0xa8: ReadOnly, reset 0x5805_0000, Unknown, "T31 2.1, 2a.5";
    /// As COUNTER_A8.
    CounterAc ("COUNTER_AC") = 0xac: ReadOnly, reset 0x5805_0000, Unknown, "T31 2.1, 2a.5";
    /// Interrupt enable, one bit for each bit of the status.
    IrqEnable ("IRQ_ENABLE") = 0xb0: ReadWrite, reset 0, Modelled, "T31 2.1, 9.2";
    /// Interrupt status. The line is high while a bit is set here and in IRQ_ENABLE.
    IrqStatus ("IRQ_STATUS") = 0xb4: ReadOnly, reset 0, Modelled, "T31 2.2, 9.2" {
        IRQ_CHANNELS_DONE [3 @ 0] "Bit n: channel n has written its last line.",
        IRQ_ERROR_GROUP [5 @ 3] "Errors without a name.",
        IRQ_OVERFLOW_0 [1 @ 8] "Overflow; starts the exception recovery in wide dynamic range.",
        IRQ_OVERFLOW_1 [1 @ 9] "Overflow; starts the exception recovery in wide dynamic range.",
        IRQ_START_TRANSIENT [1 @ 10] "Part of the pattern 0x500 seen once at a normal start.",
        IRQ_WDR [1 @ 11] "Statistics of wide dynamic range ready.",
        IRQ_FRAME_START [1 @ 12] "The first line of a frame has arrived.",
        IRQ_IP_DONE [1 @ 13] "The pipe has processed the frame.",
        IRQ_ADR_HISTOGRAM [1 @ 18] "ADR histogram ready.",
        IRQ_DEFOG [1 @ 20] "Defog statistics ready.",
        IRQ_AE0_ZONES [1 @ 26] "AE0 zone statistics ready.",
        IRQ_AE0_HISTOGRAM [1 @ 27] "AE0 histogram ready.",
        IRQ_AE1_ZONES [1 @ 28] "AE1 zone statistics ready.",
        IRQ_AE1_HISTOGRAM [1 @ 29] "AE1 histogram ready.",
        IRQ_AWB [1 @ 30] "White balance statistics ready.",
        IRQ_AF [1 @ 31] "Focus statistics ready.",
    };
    /// Interrupt acknowledge: clears the bits of IRQ_STATUS that are written as 1.
    IrqClear ("IRQ_CLEAR") = 0xb8: Acknowledge, reset 0, Modelled, "T31 2.1, 9.2";
    /// Perhaps an interrupt mask; no driver writes it while running.
    StatusBc ("STATUS_BC") = 0xbc: ReadWrite, reset 0, Unknown, "T31 2.1";
    /// Touched by the open driver only.
    WordC4 ("WORD_C4") = 0xc4: ReadWrite, reset 0x0004_0000, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordC8 ("WORD_C8") = 0xc8: ReadWrite, reset 0x0040_0040, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordCc ("WORD_CC") = 0xcc: ReadWrite, reset 0x100, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordD0 ("WORD_D0") = 0xd0: ReadWrite, reset 0, Unknown, "T31 2f";
    /// Touched by the open driver only.
    WordD4 ("WORD_D4") = 0xd4: ReadWrite, reset 0xc, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordD8 ("WORD_D8") = 0xd8: ReadWrite, reset 0x00ff_ffff, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordDc ("WORD_DC") = 0xdc: ReadWrite, reset 0, Unknown, "T31 2f";
    /// Touched by the open driver only.
    WordE0 ("WORD_E0") = 0xe0: ReadWrite, reset 0x100, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordE4 ("WORD_E4") = 0xe4: ReadWrite, reset 0x0040_0040, Unknown, "T31 2a.3";
    /// Touched by the open driver only.
    WordE8 ("WORD_E8") = 0xe8: ReadWrite, reset 0, Unknown, "T31 2f";
    /// Touched by the open driver only.
    WordEc ("WORD_EC") = 0xec: ReadWrite, reset 0, Unknown, "T31 2f";
    /// Touched by the open driver only.
    WordF0 ("WORD_F0") = 0xf0: ReadWrite, reset 0xff80_8000, Unknown, "T31 2a.3";
    /// Line of the input; of which place in the pipe is not known.
    LineCounter0 ("LINE_COUNTER_0") = 0x100: ReadOnly, reset 0, Unknown, "T31 2.1, 2a.5";
    /// Line of the input; of which place in the pipe is not known.
    LineCounter1 ("LINE_COUNTER_1") = 0x104: ReadOnly, reset 0, Unknown, "T31 2.1, 2a.5";
    /// Line of the input; of which place in the pipe is not known.
    LineCounter2 ("LINE_COUNTER_2") = 0x108: ReadOnly, reset 0, Unknown, "T31 2.1, 2a.5";
    /// Line of the input; of which place in the pipe is not known.
    LineCounter3 ("LINE_COUNTER_3") = 0x10c: ReadOnly, reset 0, Unknown, "T31 2.1, 2a.5";
    /// Reads 0x80007000; meaning unknown.
    Status110 ("STATUS_110") = 0x110: ReadOnly, reset 0x8000_7000, Unknown, "T31 2.1, 9.1";
    /// Reads 0x00777111; meaning unknown.
    Status114 ("STATUS_114") = 0x114: ReadOnly, reset 0x0077_7111, Unknown, "T31 2.1, 9.1";
    /// Start or re-arm the core.
    Start ("START") = 0x800: Command, reset 0, Modelled, "T31 2.1, 9.2" {
        CORE_START [1 @ 0] "1 starts the core; after a release, again.",
    };
    /// Mode: 0x1c linear, 0x1e monochrome, 0x10 or 0x12 wide dynamic range.
    Mode ("MODE") = 0x804: ReadWrite, reset 0, Storage, "T31 2.1";
    /// Touched by the open driver only.
    Word808 ("WORD_808") = 0x808: ReadWrite, reset 0, Unknown, "T31 2f";
    /// Touched by the open driver only.
    Word80c ("WORD_80C") = 0x80c: ReadWrite, reset 0, Unknown, "T31 2f";
    /// Detail of the error that bits 3 to 9 of IRQ_STATUS tell of; the bits' meaning is not known.
    ErrorDetail ("ERROR_DETAIL") = 0x84c: ReadOnly, reset 0, Unknown, "T31 2a.4, 2b.6";
}
