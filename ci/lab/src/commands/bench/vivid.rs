// SPDX-License-Identifier: Apache-2.0 OR MIT
//! vivid, the kernel's own virtual camera, as the baseline: it draws its pictures in the guest.

use anyhow::{Result, ensure};
use guest_protocol::message::Request;

use super::client::{order, read, shell};
use testbed::guest::Guest;

/// vivid's device: a number that no other driver takes by itself.
pub const DEVICE: &str = "/dev/video40";
/// One device with one capture node whose only input is HDMI (type 3).
const PARAMETERS: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x3 vid_cap_nr=40";
/// The modules that vivid needs and itself, in order of loading, one path per line.
const ORDER: &str = "/lib/modules/vivid-order";

/// What comes in at the HDMI input.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// 1080p at 60 frames per second as CEA-861 has it (format 16).
    Hd60,
    /// 1080p at 240 frames per second by VESA's formula with reduced blanking: more than vivid
    /// can draw here.
    HdFastest,
}

impl Signal {
    /// As v4l2-ctl takes it.
    fn timings(self) -> &'static str {
        match self {
            Self::Hd60 => {
                "width=1920,height=1080,interlaced=0,polarities=3,pixelclock=148500000,\
                 hfp=88,hs=44,hbp=148,vfp=4,vs=5,vbp=36"
            }
            Self::HdFastest => "cvt,width=1920,height=1080,fps=240,reduced-blanking=1",
        }
    }
}

/// Loads vivid and connects it.
///
/// # Errors
/// If the guest cannot.
pub fn connect(guest: &mut Guest, signal: Signal) -> Result<()> {
    let order_list = String::from_utf8_lossy(&read(guest, ORDER)?).into_owned();
    ensure!(
        !order_list.trim().is_empty(),
        "this kernel has no vivid to compare with"
    );
    for path in order_list.lines() {
        let ours = path.ends_with("/vivid.ko");
        let request = Request::LoadModule {
            path: path.to_owned(),
            parameters: if ours { PARAMETERS } else { "" }.to_owned(),
        };
        order(guest, &request)?;
    }
    let timings = signal.timings();
    shell(
        guest,
        &format!("v4l2-ctl --device {DEVICE} --set-input 0 --set-dv-bt-timings {timings}"),
    )?;
    Ok(())
}
