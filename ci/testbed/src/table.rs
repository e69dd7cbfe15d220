// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables that fit the terminal, or 80 columns where there is none.

use std::io::stdout;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};

use crate::terminal::columns;

/// Where there is no terminal.
const COLUMNS: u16 = 80;

/// An empty table; its cells are wrapped so that it fits.
pub fn table() -> Table {
    table_of(columns(stdout()).unwrap_or(COLUMNS))
}

fn table_of(width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_no_wider_than_the_terminal() {
        let mut table = table_of(80);
        table.set_header(["strategy", "what it says", "and more of it"]);
        table.add_row(["hybrid", &"word ".repeat(40), &"more ".repeat(40)]);
        let text = table.to_string();
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert_eq!(text.matches("word").count(), 40);
    }
}
