// SPDX-License-Identifier: Apache-2.0 OR MIT
//! VIC, the video input controller between the CSI host and the core (facts 2.7).

register_block! {
    /// The video input controller.
    Vic ("VIC") at 0x133e_0000, stride 0x1000, instances 1;
    /// Control; 2 and 4 clear themselves.
    Control ("CTRL") = 0x00: Command, reset 0, Modelled, "facts 2.7, 9.2" {
        VIC_RUN [1 @ 0] "Takes frames from the sensor.",
        VIC_CONFIGURE [1 @ 1] "Enters configuration.",
        VIC_RESET [1 @ 2] "Stops and resets.",
    };
    /// Size of the sensor's picture.
    FrameSize ("RESOLUTION") = 0x04: ReadWrite, reset 0, Modelled, "facts 2.7" {
        SENSOR_HEIGHT [16 @ 0] "Lines.",
        SENSOR_WIDTH [16 @ 16] "Pixels in a line.",
    };
    /// Input interface.
    Interface ("INTERFACE") = 0x0c: ReadWrite, reset 0, Modelled, "facts 2.7" {
        INTERFACE_KIND [3 @ 0] "0 BT656, 1 BT601, 2 MIPI, 3 DVP, 4 BT1120.",
    };
    /// Configuration of the data bus.
    BusConfig ("DB_CFG") = 0x10: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Type of the sensor's data.
    DataType ("IDI_TYPE") = 0x14: ReadWrite, reset 0, Storage, "facts 2.7" {
        DATA_TYPE [3 @ 0] "0 RAW8, 1 RAW10, 2 RAW12, 7 YUV422.",
    };
    /// Blanking; the stock driver writes 0xf00.
    Blanking ("AB_VALUE") = 0x18: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Vertical blanking.
    VerticalBlanking ("VBLANK") = 0x3c: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Timing word.
    Timing60 ("TIMING_60") = 0x60: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Timing word.
    Timing64 ("TIMING_64") = 0x64: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Timing word.
    Timing70 ("TIMING_70") = 0x70: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Timing word.
    Timing74 ("TIMING_74") = 0x74: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Live counter.
    Counter8c ("COUNTER_8C") = 0x8c: ReadOnly, reset 0, Unknown, "facts 2.7";
    /// Live counter.
    Counter90 ("COUNTER_90") = 0x90: ReadOnly, reset 0, Unknown, "facts 2.7";
    /// Live counter.
    CounterA0 ("COUNTER_A0") = 0xa0: ReadOnly, reset 0, Unknown, "facts 2.7";
    /// Live counter.
    CounterB0 ("COUNTER_B0") = 0xb0: ReadOnly, reset 0, Unknown, "facts 2.7";
    /// 32-bit words in a line: (bits per pixel * width + 31) / 32.
    LineWords ("LINE_WORDS") = 0x100: ReadWrite, reset 0x2d0, Storage, "facts 2.7, 9.1";
    /// Vertical crop.
    VerticalCrop0 ("VCROP_0") = 0x104: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Vertical crop.
    VerticalCrop1 ("VCROP_1") = 0x108: ReadWrite, reset 0, Storage, "facts 2.7";
    /// MIPI control: frame mode and virtual channel bits.
    MipiControl ("MIPI_CTRL") = 0x10c: ReadWrite, reset 0x2_c000, Storage, "facts 2.7, 9.1";
    /// Horizontal window: width in bits 31:16, first pixel in bits 15:0.
    HorizontalWindow ("HWINDOW") = 0x110: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Horizontal window of a further channel.
    HorizontalWindow1 ("HWINDOW_1") = 0x114: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Horizontal window of a further channel.
    HorizontalWindow2 ("HWINDOW_2") = 0x118: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Horizontal window of a further channel.
    HorizontalWindow3 ("HWINDOW_3") = 0x11c: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Commits the configuration.
    Commit ("UNLOCK") = 0x1a0: ReadWrite, reset 0, Storage, "facts 2.7";
    /// 0x000a000a; 0x00100010 for one vendor's MIPI mode.
    FifoThreshold ("CFG_1A4") = 0x1a4: ReadWrite, reset 0, Storage, "facts 2.7";
    /// 0x4440 linear, 0x4140 and 0x4240 for wide dynamic range, 0x4210 for DVP.
    Cfg1a8 ("CFG_1A8") = 0x1a8: ReadWrite, reset 0, Storage, "facts 2.7";
    /// As CFG_1A8.
    Cfg1ac ("CFG_1AC") = 0x1ac: ReadWrite, reset 0, Storage, "facts 2.7";
    /// 0x10.
    Cfg1b0 ("CFG_1B0") = 0x1b0: ReadWrite, reset 0, Storage, "facts 2.7";
    /// Interrupt status 0. The line is high while a bit of either status is set and not masked.
    IrqStatus0 ("IRQ_STATUS_0") = 0x1e0: ReadOnly, reset 0, Modelled, "facts 2.7, 9.2" {
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
    IrqStatus1 ("IRQ_STATUS_1") = 0x1e4: ReadOnly, reset 0, Modelled, "facts 2.7, 9.2" {
        MDMA_DONE_0 [1 @ 0] "MDMA channel 0 has written a frame.",
        MDMA_DONE_1 [1 @ 1] "MDMA channel 1 has written a frame.",
        ARBITER_OVERFLOW [1 @ 2] "The arbiter lost a transfer's end.",
        CHANNEL_ID_OVERFLOW [1 @ 3] "Channel id overflow.",
    };
    /// Interrupt mask 0; a set bit masks.
    IrqMask0 ("IRQ_MASK_0") = 0x1e8: ReadWrite, reset 0xffff_ffff, Modelled, "facts 2.7, 9.2";
    /// Interrupt mask 1; a set bit masks.
    IrqMask1 ("IRQ_MASK_1") = 0x1ec: ReadWrite, reset 0xffff_ffff, Modelled, "facts 2.7, 9.2";
    /// Interrupt acknowledge: clears the bits of IRQ_STATUS_0 that are written as 1.
    IrqClear0 ("IRQ_CLEAR_0") = 0x1f0: Acknowledge, reset 0, Modelled, "facts 2.7, 9.2";
    /// Interrupt acknowledge: clears the bits of IRQ_STATUS_1 that are written as 1.
    IrqClear1 ("IRQ_CLEAR_1") = 0x1f4: Acknowledge, reset 0, Modelled, "facts 2.7, 9.2";
}
