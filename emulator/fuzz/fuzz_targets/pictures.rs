// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files as pictures and videos: opened, and a frame of each drawn.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Write;
use std::time::Duration;
use tx_isp_picture::{FrameInfo, Geometry, OutputFormat, Planes, Renderer, Source};
use vm_memory::VolatileSlice;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, content)) = data.split_first() else {
        return;
    };
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
    file.write_all(content).unwrap();
    let kind = if kind & 1 == 0 { "image" } else { "y4m" };
    let source: Source = format!("{kind}:{}", file.path().display()).parse().unwrap();
    let Ok(mut renderer) = Renderer::open(&source) else {
        return;
    };
    let _ = renderer.warning();
    let geometry = Geometry {
        format: OutputFormat::Nv12,
        width: 128,
        height: 128,
        y_stride: 128,
        uv_stride: 128,
    };
    let (mut y, mut uv) = (vec![0; 128 * 128], vec![0; 128 * 64]);
    let planes = Planes {
        y: VolatileSlice::from(&mut y[..]),
        uv: VolatileSlice::from(&mut uv[..]),
    };
    let info = FrameInfo {
        number: 3,
        time: Duration::ZERO,
        channel: 0,
        sensor: "fuzz",
    };
    let _ = renderer.render(&geometry, &info, &planes);
});
