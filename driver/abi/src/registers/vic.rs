// SPDX-License-Identifier: Apache-2.0 OR MIT
//! VIC, the video input controller between the CSI host and the core (T31 2.7).

register_block! {
    /// The video input controller.
    Vic ("VIC") at 0x133e_0000, stride 0x1000, instances 1;
    /// Control; 2 and 4 clear themselves.
    Control ("CTRL") = 0x00: Command, reset 0, Modelled, "T31 2.7, 9.2" {
        VIC_RUN [1 @ 0] "Takes frames from the sensor.",
        VIC_CONFIGURE [1 @ 1] "Enters configuration.",
        VIC_RESET [1 @ 2] "Stops and resets.",
        VIC_PREPARE_CHANGE [1 @ 4] "Stops before the sensor's mode changes.",
    };
    /// Size of the sensor's picture.
    FrameSize ("RESOLUTION") = 0x04: ReadWrite, reset 0x0780_0438, Modelled, "T31 2.7" {
        SENSOR_HEIGHT [16 @ 0] "Lines.",
        SENSOR_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Input interface.
    Interface ("INTERFACE") = 0x0c: ReadWrite, reset 2, Modelled, "T31 2.7" {
        INTERFACE_KIND [3 @ 0] "0 BT656, 1 BT601, 2 MIPI, 3 DVP, 4 BT1120.",
    };
    /// Configuration of the data bus.
    BusConfig ("DB_CFG") = 0x10: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Type of the sensor's data.
    DataType ("IDI_TYPE") = 0x14: ReadWrite, reset 2, Storage, "T31 2.7" {
        DATA_TYPE [3 @ 0] "0 RAW8, 1 RAW10, 2 RAW12, 7 YUV422.",
    };
    /// Blanking; the stock driver writes 0xf00.
    Blanking ("AB_VALUE") = 0x18: ReadWrite, reset 0xf00, Storage, "T31 2.7";
    /// Parallel input: bus setting.
    Bus1c ("BUS_1C") = 0x1c: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// Parallel input: bus setting.
    Bus30 ("BUS_30") = 0x30: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// Parallel input: bus setting.
    Bus34 ("BUS_34") = 0x34: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// Parallel input: bus setting.
    Bus38 ("BUS_38") = 0x38: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// Vertical blanking.
    VerticalBlanking ("VBLANK") = 0x3c: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Timing word.
    Timing60 ("TIMING_60") = 0x60: ReadWrite, reset 0x80_0800, Storage, "T31 2.7";
    /// Timing word.
    Timing64 ("TIMING_64") = 0x64: ReadWrite, reset 0x9d_09d0, Storage, "T31 2.7";
    /// Timing word.
    Timing70 ("TIMING_70") = 0x70: ReadWrite, reset 0x6002, Storage, "T31 2.7";
    /// Timing word.
    Timing74 ("TIMING_74") = 0x74: ReadWrite, reset 0x7003, Storage, "T31 2.7";
    /// State word: 1, 8 and 0x10 were seen while frames came in.
    Counter8c ("COUNTER_8C") = 0x8c: ReadOnly, reset 0, Unknown, "T31 2.7, 2a.5";
    /// Moves while frames come in: lines of the input (inferred).
    Counter90 ("COUNTER_90") = 0x90: ReadOnly, reset 0, Unknown, "T31 2.7, 2a.5";
    /// Moves while frames come in: pixels of the input (inferred).
    CounterA0 ("COUNTER_A0") = 0xa0: ReadOnly, reset 0, Unknown, "T31 2.7, 2a.5";
    /// Moves while frames come in: frames of the input (inferred).
    CounterB0 ("COUNTER_B0") = 0xb0: ReadOnly, reset 0, Unknown, "T31 2.7, 2a.5";
    /// Colour 0 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar0 ("COLOUR_BAR_0") = 0xc0: ReadWrite, reset 0xeb_8080, Storage, "T31 2.7";
    /// Colour 1 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar1 ("COLOUR_BAR_1") = 0xc4: ReadWrite, reset 0x10_8080, Storage, "T31 2.7";
    /// Colour 2 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar2 ("COLOUR_BAR_2") = 0xc8: ReadWrite, reset 0x29_f06e, Storage, "T31 2.7";
    /// Colour 3 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar3 ("COLOUR_BAR_3") = 0xcc: ReadWrite, reset 0x91_3622, Storage, "T31 2.7";
    /// Colour 4 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar4 ("COLOUR_BAR_4") = 0xd0: ReadWrite, reset 0x51_5af0, Storage, "T31 2.7";
    /// Colour 5 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar5 ("COLOUR_BAR_5") = 0xd4: ReadWrite, reset 0xaa_a610, Storage, "T31 2.7";
    /// Colour 6 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar6 ("COLOUR_BAR_6") = 0xd8: ReadWrite, reset 0xd2_1092, Storage, "T31 2.7";
    /// Colour 7 of table 0 of the colour bar generator: Y, Cb, Cr.
    ColourBar7 ("COLOUR_BAR_7") = 0xdc: ReadWrite, reset 0x6a_cade, Storage, "T31 2.7";
    /// Colour 0 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar8 ("COLOUR_BAR_8") = 0xe0: ReadWrite, reset 0xeb_8080, Storage, "T31 2.7";
    /// Colour 1 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar9 ("COLOUR_BAR_9") = 0xe4: ReadWrite, reset 0x10_8080, Storage, "T31 2.7";
    /// Colour 2 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar10 ("COLOUR_BAR_10") = 0xe8: ReadWrite, reset 0x29_f06e, Storage, "T31 2.7";
    /// Colour 3 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar11 ("COLOUR_BAR_11") = 0xec: ReadWrite, reset 0x91_3622, Storage, "T31 2.7";
    /// Colour 4 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar12 ("COLOUR_BAR_12") = 0xf0: ReadWrite, reset 0x51_5af0, Storage, "T31 2.7";
    /// Colour 5 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar13 ("COLOUR_BAR_13") = 0xf4: ReadWrite, reset 0xaa_a610, Storage, "T31 2.7";
    /// Colour 6 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar14 ("COLOUR_BAR_14") = 0xf8: ReadWrite, reset 0xd2_1092, Storage, "T31 2.7";
    /// Colour 7 of table 1 of the colour bar generator: Y, Cb, Cr.
    ColourBar15 ("COLOUR_BAR_15") = 0xfc: ReadWrite, reset 0x6a_cade, Storage, "T31 2.7";
    /// 32-bit words in a line: (bits per pixel * width + 31) / 32.
    LineWords ("LINE_WORDS") = 0x100: ReadWrite, reset 0x2d0, Storage, "T31 2.7, 9.1";
    /// Vertical crop.
    VerticalCrop0 ("VCROP_0") = 0x104: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Vertical crop.
    VerticalCrop1 ("VCROP_1") = 0x108: ReadWrite, reset 0, Storage, "T31 2.7";
    /// MIPI control: frame mode and virtual channel bits.
    MipiControl ("MIPI_CTRL") = 0x10c: ReadWrite, reset 0x2_c000, Storage, "T31 2.7, 9.1";
    /// Horizontal window: width in bits 31:16, first pixel in bits 15:0.
    HorizontalWindow ("HWINDOW") = 0x110: ReadWrite, reset 0x0780_0000, Storage, "T31 2.7";
    /// Horizontal window of a further channel.
    HorizontalWindow1 ("HWINDOW_1") = 0x114: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Horizontal window of a further channel.
    HorizontalWindow2 ("HWINDOW_2") = 0x118: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Horizontal window of a further channel.
    HorizontalWindow3 ("HWINDOW_3") = 0x11c: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Live state: 0x10 idle, 0 or 0x10 while streaming.
    State120 ("STATE_120") = 0x120: ReadOnly, reset 0x10, Modelled, "T31 2a.3";
    /// Commits the configuration: frame mode << 4 | sensor mode.
    Commit ("UNLOCK") = 0x1a0: ReadWrite, reset 0, Storage, "T31 2.7";
    /// 0x000a000a; 0x00100010 for one vendor's MIPI mode.
    FifoThreshold ("CFG_1A4") = 0x1a4: ReadWrite, reset 0x10_0010, Storage, "T31 2.7";
    /// 0x4440 linear, 0x4140 and 0x4240 for wide dynamic range, 0x4210 for DVP.
    Cfg1a8 ("CFG_1A8") = 0x1a8: ReadWrite, reset 0x4440, Storage, "T31 2.7";
    /// As CFG_1A8.
    Cfg1ac ("CFG_1AC") = 0x1ac: ReadWrite, reset 0, Storage, "T31 2.7";
    /// 0x10.
    Cfg1b0 ("CFG_1B0") = 0x1b0: ReadWrite, reset 0x10, Storage, "T31 2.7";
    /// Parallel input: 0.
    Cfg1b4 ("CFG_1B4") = 0x1b4: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// BT656: 0x200.
    Cfg1d0 ("CFG_1D0") = 0x1d0: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// BT656: 0x200.
    Cfg1d4 ("CFG_1D4") = 0x1d4: ReadWrite, reset 0, Storage, "T31 2b.4";
    /// Interrupt status 0. The line is high while a bit of either status is set and not masked.
    IrqStatus0 ("IRQ_STATUS_0") = 0x1e0: ReadOnly, reset 0, Modelled, "T31 2.7, 9.2" {
        VIC_FRAME_DONE [1 @ 0] "A frame has come in.",
        VIC_ASYNC_OVERFLOW [1 @ 9] "The frame's asynchronous FIFO overflowed.",
        VIC_HORIZONTAL_ERROR [4 @ 10] "Bit n: lines of channel n have the wrong length.",
        VIC_VERTICAL_ERROR [4 @ 14] "Bit n: frames of channel n have the wrong number of lines.",
        VIC_LIMIT_ERROR [1 @ 18] "Horizontal or vertical limit.",
        VIC_DVP_COMPARE [1 @ 19] "DVP lines differ in length.",
        VIC_DMA_OVERFLOW [1 @ 20] "The DMA's FIFO overflowed.",
        VIC_CONTROL_LIMIT [1 @ 21] "Control limit, for example too few MDMA banks.",
        VIC_IMAGE_OVERFLOW [1 @ 22] "The image FIFO overflowed.",
        VIC_FRAME_ID_OVERFLOW [1 @ 23] "The MIPI frame id FIFO overflowed.",
        VIC_HORIZONTAL_COMPARE [4 @ 24] "Bit n: lines of channel n differ in length.",
        VIC_VERTICAL_COMPARE [4 @ 28] "Bit n: frames of channel n differ in lines.",
    };
    /// Interrupt status 1.
    IrqStatus1 ("IRQ_STATUS_1") = 0x1e4: ReadOnly, reset 0, Modelled, "T31 2.7, 9.2" {
        MDMA_DONE_0 [1 @ 0] "MDMA channel 0 has written a frame.",
        MDMA_DONE_1 [1 @ 1] "MDMA channel 1 has written a frame.",
        ARBITER_OVERFLOW [1 @ 2] "The arbiter lost a transfer's end.",
        CHANNEL_ID_OVERFLOW [1 @ 3] "Channel id overflow.",
    };
    /// Interrupt mask 0; a set bit masks.
    IrqMask0 ("IRQ_MASK_0") = 0x1e8: ReadWrite, reset 0, Modelled, "T31 2.7, 9.2";
    /// Interrupt mask 1; a set bit masks.
    IrqMask1 ("IRQ_MASK_1") = 0x1ec: ReadWrite, reset 0, Modelled, "T31 2.7, 9.2";
    /// Interrupt acknowledge: clears the bits of IRQ_STATUS_0 that are written as 1.
    IrqClear0 ("IRQ_CLEAR_0") = 0x1f0: Acknowledge, reset 0, Modelled, "T31 2.7, 9.2";
    /// Interrupt acknowledge: clears the bits of IRQ_STATUS_1 that are written as 1.
    IrqClear1 ("IRQ_CLEAR_1") = 0x1f4: Acknowledge, reset 0, Modelled, "T31 2.7, 9.2";
    /// Raw capture: control. The driver writes the number of banks and 0x80000020 (T31 2.7).
    MdmaControl ("MDMA_CTRL") = 0x300: ReadWrite, reset 0, Modelled, "T31 2.7" {
        MDMA_MODE [16 @ 0] "0x20 and the kind of data: 0 raw, 7 YUV 4:2:2.",
        MDMA_BANKS [8 @ 16] "Pictures asked for, 8 for more; so many of the five banks are filled in turn.",
        MDMA_START [1 @ 31] "Set by the driver; meaning unproven.",
    };
    /// Raw capture: size of the picture.
    MdmaSize ("MDMA_SIZE") = 0x304: ReadWrite, reset 0, Modelled, "T31 2.7" {
        MDMA_HEIGHT [16 @ 0] "Lines.",
        MDMA_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Raw capture: on and off.
    MdmaEnable ("MDMA_ENABLE") = 0x308: ReadWrite, reset 0, Modelled, "T31 2.7" {
        MDMA_ON [1 @ 0] "1: on.",
    };
    /// Raw capture: bytes from one line to the next.
    MdmaStride ("MDMA_Y_STRIDE") = 0x310: ReadWrite, reset 0, Modelled, "T31 2.7";
    /// Stride of a second plane, which raw pictures do not have.
    MdmaUvStride ("MDMA_UV_STRIDE") = 0x314: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Raw capture: address of bank 0; 0 is no bank (assumption).
    MdmaBank0 ("MDMA_BANK_0") = 0x318: ReadWrite, reset 0, Modelled, "T31 2.7";
    /// Raw capture: address of bank 1; 0 is no bank (assumption).
    MdmaBank1 ("MDMA_BANK_1") = 0x31c: ReadWrite, reset 0, Modelled, "T31 2.7";
    /// Raw capture: address of bank 2; 0 is no bank (assumption).
    MdmaBank2 ("MDMA_BANK_2") = 0x320: ReadWrite, reset 0, Modelled, "T31 2.7";
    /// Raw capture: address of bank 3; 0 is no bank (assumption).
    MdmaBank3 ("MDMA_BANK_3") = 0x324: ReadWrite, reset 0, Modelled, "T31 2.7";
    /// Raw capture: address of bank 4; 0 is no bank (assumption).
    MdmaBank4 ("MDMA_BANK_4") = 0x328: ReadWrite, reset 0, Modelled, "T31 2.7";
    /// Bank 0 of the UV plane, for YUV 4:2:2.
    MdmaSecondBank0 ("MDMA_UV_BANK_0") = 0x32c: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Bank 1 of the UV plane, for YUV 4:2:2.
    MdmaSecondBank1 ("MDMA_UV_BANK_1") = 0x330: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Bank 2 of the UV plane, for YUV 4:2:2.
    MdmaSecondBank2 ("MDMA_UV_BANK_2") = 0x334: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Bank 3 of the UV plane, for YUV 4:2:2.
    MdmaSecondBank3 ("MDMA_UV_BANK_3") = 0x338: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Bank 4 of the UV plane, for YUV 4:2:2.
    MdmaSecondBank4 ("MDMA_UV_BANK_4") = 0x33c: ReadWrite, reset 0, Storage, "T31 2.7";
    /// Raw capture of channel 1, or of the short exposure: address of bank 0.
    MdmaShortBank0 ("MDMA_SHORT_BANK_0") = 0x340: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Raw capture of channel 1, or of the short exposure: address of bank 1.
    MdmaShortBank1 ("MDMA_SHORT_BANK_1") = 0x344: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Raw capture of channel 1, or of the short exposure: address of bank 2.
    MdmaShortBank2 ("MDMA_SHORT_BANK_2") = 0x348: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Raw capture of channel 1, or of the short exposure: address of bank 3.
    MdmaShortBank3 ("MDMA_SHORT_BANK_3") = 0x34c: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Raw capture of channel 1, or of the short exposure: address of bank 4.
    MdmaShortBank4 ("MDMA_SHORT_BANK_4") = 0x350: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Address of the bank that is written, or was written last.
    MdmaCurrent ("MDMA_CURRENT") = 0x380: ReadOnly, reset 0, Modelled, "T31 2.7";
    /// What is known of a horizontal error.
    HorizontalErrorInfo ("HERR_INFO") = 0x3a8: ReadOnly, reset 0, Storage, "T31 2.7";
}

impl Vic {
    /// The banks of the raw capture in their order.
    pub const MDMA_BANK: [Self; 5] = [
        Self::MdmaBank0,
        Self::MdmaBank1,
        Self::MdmaBank2,
        Self::MdmaBank3,
        Self::MdmaBank4,
    ];
}
