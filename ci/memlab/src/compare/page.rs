// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The heat map as a page that needs nothing else: a table of cells for each strategy, and a memory map
//! of each cell, shown when it is chosen.

use guest_protocol::camera::{AllocationPolicy, Pool};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::{axis, paragraph, present};
use super::cell::{Cell, Grade};
use crate::text;

/// Width of a memory map in units of its picture.
const MAP_WIDTH: f64 = 1000.0;

const STYLE: &str = "body{font:14px sans-serif;margin:2em;max-width:80em;color:#202020}\
table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{padding:0;font-weight:normal;text-align:left}\
th.r{padding-right:1em;white-space:nowrap}th.c{font-size:10px;writing-mode:vertical-rl;padding:2px}\
a{display:block;width:18px;height:18px;margin:1px}a:focus,a:hover{outline:2px solid #000}\
.m{display:none}.m:target{display:block;position:fixed;left:0;right:0;bottom:0;\
max-height:45vh;overflow:auto;background:#fff;border-top:2px solid #202020;padding:0 2em 1em}svg{width:100%;height:3em;background:#eee}\
.l span{display:inline-block;width:1em;height:1em;margin:0 .3em 0 1em;vertical-align:text-bottom}\
code{white-space:pre-wrap}";

/// The page.
pub fn page(cells: &[Cell]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Who should allocate?" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Who should allocate?" }
                p { (paragraph(cells)) }
                p class="l" {
                    @for grade in Grade::ALL {
                        span style={ "background:" (colour(grade)) } {}
                        (grade.meaning())
                    }
                }
                p { "Choose a cell to see its memory below." }
                @for policy in present(cells) { (panel(cells, policy)) }
                // The chosen cell is marked; its map is fixed to the window, so that the page does not jump to it.
                style {
                    @for index in 0..cells.len() {
                        (PreEscaped(format!("body:has(#c{index}:target) a[href=\"#c{index}\"]{{outline:3px solid #000}}")))
                    }
                }
                @for (index, cell) in cells.iter().enumerate() { (map(index, cell)) }
            }
        }
    };
    page.into_string()
}

fn panel(cells: &[Cell], policy: AllocationPolicy) -> Markup {
    let lengths = axis(cells, |cell| cell.key.rmem);
    let find = |row: &String, length: u64| {
        cells.iter().enumerate().find(move |(_, cell)| {
            cell.key.policy == policy && cell.key.rmem == length && cell.key.row() == *row
        })
    };
    html! {
        h2 { (text::strategy(policy)) }
        table {
            tr {
                th {}
                @for length in &lengths { th class="c" { (text::mib(*length)) } }
            }
            @for row in axis(cells, |cell| cell.key.row()) {
                tr {
                    th class="r" { (row) }
                    @for length in &lengths {
                        td {
                            @if let Some((index, cell)) = find(&row, *length) {
                                a href={ "#c" (index) }
                                    title={ (cell.key) ": " (cell.summary()) }
                                    style={ "background:" (colour(cell.grade())) } {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell's memory, and what came of it.
fn map(index: usize, cell: &Cell) -> Markup {
    let seen = match (&cell.guest, cell.differs()) {
        (Some(_), false) => "in a guest, to the byte as computed",
        (Some(_), true) => "in a guest, OTHERWISE than computed",
        (None, _) => "computed",
    };
    html! {
        div class="m" id={ "c" (index) } {
            h3 { (cell.key) }
            p {
                (cell.summary()) " (" (seen) ")."
                @for text in [&cell.failure, &cell.only_computed].into_iter().flatten() { " " (text) }
            }
            @if let Some(report) = cell.report() {
                (carve_out(&report.pool))
                code { (report) }
            }
        }
    }
}

/// The carve-out from its first byte to its last; what nobody holds is left empty.
fn carve_out(pool: &Pool) -> Markup {
    let total = f64::from(pool.total.max(1));
    let place = |bytes: u32| format!("{:.2}", f64::from(bytes) * MAP_WIDTH / total);
    html! {
        svg viewBox={ "0 0 " (MAP_WIDTH) " 40" } preserveAspectRatio="none" {
            @for block in &pool.allocations {
                rect x=(place(block.address.saturating_sub(pool.base))) y="0" width=(place(block.bytes)) height="40"
                    fill=(owner_colour(&block.owner)) stroke="#fff" stroke-width=".5" {
                    title {
                        (block.owner) ": " (block.bytes) " bytes at " (format!("{:#x}", block.address))
                    }
                }
            }
        }
    }
}

/// Frames stand out from the encoders, and both from the ISP's own.
fn owner_colour(owner: &str) -> &'static str {
    match owner {
        "ncubuf" => "#6a4c93",
        owner if owner.starts_with("VBMPool") || owner.starts_with("video") => "#1982c4",
        owner if owner.starts_with("enc") => "#e07a5f",
        _ => "#9a9a9a",
    }
}

fn colour(grade: Grade) -> String {
    let [red, green, blue] = grade.colour();
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;

    #[test]
    fn every_cell_has_a_memory_map_and_nothing_comes_from_elsewhere() {
        let cells = AllocationPolicy::ALL.map(|policy| cell("wyze-v3", policy));
        let page = page(&cells);
        for index in 0..cells.len() {
            assert!(page.contains(&format!("href=\"#c{index}\"")));
            assert!(page.contains(&format!("id=\"c{index}\"")));
        }
        assert!(page.contains("ncubuf: 7056896 bytes at 0x6300000"));
        assert!(!page.contains("http"), "a page that needs nothing else");
        assert_eq!(page.matches("<svg").count(), cells.len());
    }

    #[test]
    fn text_of_others_is_no_markup() {
        let mut odd = cell("wyze-v3", AllocationPolicy::Client);
        odd.key.camera = "<b>\"&".into();
        assert!(page(&[odd]).contains("&lt;b&gt;&quot;&amp;"));
    }
}
