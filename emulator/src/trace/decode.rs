// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An access in words.

use super::Access;
use tx_isp_abi::registers::{Core, RegisterId, core_error_cause};
use tx_isp_chip::register_name;

/// The register's block and name, and the fields that are not 0: for example
/// `MSCA.CH_EN  ENABLED_CHANNELS=0x1 INPUT_STROBE=0x1 CHANNEL_STROBES=0x7`.
#[must_use]
pub fn decode(access: &Access) -> String {
    let mut text = register_name(access.address);
    let Some(id) = RegisterId::decode(access.address) else {
        return text;
    };
    let register = id.describe();
    let set = register
        .fields
        .iter()
        .filter(|field| field.is_set(access.value));
    for (number, field) in set.enumerate() {
        text += if number == 0 { "  " } else { " " };
        text += &format!("{}={:#x}", field.name, field.get(access.value));
    }
    let known = register
        .fields
        .iter()
        .fold(0, |bits, field| bits | field.mask());
    if known != 0 && access.value & !known != 0 {
        text += &format!(" (unknown bits {:#x})", access.value & !known);
    }
    let status = RegisterId::Core(Core::IrqStatus);
    if let Some(cause) = core_error_cause(access.value).filter(|_| id == status && !access.write) {
        text += &format!(": {cause}");
    }
    if id == RegisterId::Core(Core::ErrorDetail) && !access.write {
        text += ": detail of the errors in IRQ_STATUS; nobody knows its bits (T31 2f)";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::parse;

    #[test]
    fn fields_are_named_and_unknown_bits_told() {
        let told = |line: &str| decode(&parse(line).unwrap()[0]);
        assert_eq!(
            told("W 13309804 f0001"),
            "MSCA.CH_EN  ENABLED_CHANNELS=0x1 INPUT_STROBE=0x1 CHANNEL_STROBES=0x7"
        );
        assert_eq!(
            told("R 133000b4 401001"),
            "ISP_CORE.IRQ_STATUS  IRQ_CHANNELS_DONE=0x1 IRQ_FRAME_START=0x1 (unknown bits 0x400000)"
        );
        let told_of_error = told("R 133000b4 600");
        assert!(told_of_error.contains("OUT_FMT"), "{told_of_error}");
        let detail = told("R 1330084c 5");
        assert!(
            detail.starts_with("ISP_CORE.ERROR_DETAIL: detail of"),
            "{detail}"
        );
        assert_eq!(told("R 13309a9c 0"), "MSCA_CH1.Y_ADDR_CLR");
        assert_eq!(told("R 12340000 0"), "?");
    }
}
