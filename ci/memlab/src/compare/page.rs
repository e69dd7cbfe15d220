// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The heat map as a page that needs nothing else: a table of cells for each strategy, and a memory map
//! of each cell, shown when it is chosen.

use std::fmt::Write;

use guest_protocol::camera::{AllocationPolicy, Pool};

use super::answer::{axis, paragraph, present};
use super::cell::{Cell, Grade};
use crate::text;

/// Width of a memory map in units of its picture.
const MAP_WIDTH: u64 = 1000;

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
    let mut page = String::new();
    let _ = write_page(&mut page, cells); // Writing to a string cannot fail.
    page
}

fn write_page(page: &mut String, cells: &[Cell]) -> std::fmt::Result {
    write!(
        page,
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Who should allocate?</title>\
         <style>{STYLE}</style><h1>Who should allocate?</h1><p>{}</p><p class=\"l\">",
        escaped(&paragraph(cells))
    )?;
    for grade in Grade::ALL {
        let colour = colour(grade);
        write!(
            page,
            "<span style=\"background:{colour}\"></span>{}",
            grade.meaning()
        )?;
    }
    page.push_str("</p><p>Choose a cell to see its memory below.</p>");
    for policy in present(cells) {
        write_panel(page, cells, policy)?;
    }
    // The chosen cell is marked; its map is fixed to the window, so that the page does not jump to it.
    page.push_str("<style>");
    for index in 0..cells.len() {
        write!(
            page,
            "body:has(#c{index}:target) a[href=\"#c{index}\"]{{outline:3px solid #000}}"
        )?;
    }
    page.push_str("</style>");
    for (index, cell) in cells.iter().enumerate() {
        write_map(page, index, cell)?;
    }
    page.push_str("</html>\n");
    Ok(())
}

fn write_panel(page: &mut String, cells: &[Cell], policy: AllocationPolicy) -> std::fmt::Result {
    let lengths = axis(cells, |cell| cell.key.rmem);
    let name = text::strategy(policy);
    write!(page, "<h2>{name}</h2><table><tr><th></th>")?;
    for length in &lengths {
        write!(page, "<th class=\"c\">{}</th>", text::mib(*length))?;
    }
    page.push_str("</tr>");
    for row in axis(cells, |cell| cell.key.row()) {
        write!(page, "<tr><th class=\"r\">{}</th>", escaped(&row))?;
        for length in &lengths {
            let found = cells.iter().enumerate().find(|(_, cell)| {
                cell.key.policy == policy && cell.key.rmem == *length && cell.key.row() == row
            });
            page.push_str("<td>");
            if let Some((index, cell)) = found {
                write!(
                    page,
                    "<a href=\"#c{index}\" title=\"{}\" style=\"background:{}\"></a>",
                    escaped(&format!("{}: {}", cell.key, cell.summary())),
                    colour(cell.grade())
                )?;
            }
            page.push_str("</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
    Ok(())
}

fn write_map(page: &mut String, index: usize, cell: &Cell) -> std::fmt::Result {
    let key = escaped(&cell.key.to_string());
    write!(page, "<div class=\"m\" id=\"c{index}\"><h3>{key}</h3><p>")?;
    let seen = match (&cell.guest, cell.differs()) {
        (Some(_), false) => "in a guest, to the byte as computed",
        (Some(_), true) => "in a guest, OTHERWISE than computed",
        (None, _) => "computed",
    };
    write!(page, "{} ({seen}).", escaped(&cell.summary()))?;
    for text in [&cell.failure, &cell.only_computed].into_iter().flatten() {
        write!(page, " {}", escaped(text))?;
    }
    page.push_str("</p>");
    if let Some(report) = cell.report() {
        write_svg(page, &report.pool)?;
        write!(page, "<code>{}</code>", escaped(&report.to_string()))?;
    }
    page.push_str("</div>");
    Ok(())
}

/// The carve-out from its first byte to its last; what nobody holds is left empty.
fn write_svg(page: &mut String, pool: &Pool) -> std::fmt::Result {
    write!(
        page,
        "<svg viewBox=\"0 0 {MAP_WIDTH} 40\" preserveAspectRatio=\"none\">"
    )?;
    let total = u64::from(pool.total.max(1));
    for block in &pool.allocations {
        let from = u64::from(block.address.saturating_sub(pool.base)) * MAP_WIDTH * 100 / total;
        let width = u64::from(block.bytes) * MAP_WIDTH * 100 / total;
        write!(
            page,
            "<rect x=\"{}.{:02}\" y=\"0\" width=\"{}.{:02}\" height=\"40\" fill=\"{}\" stroke=\"#fff\" \
             stroke-width=\".5\"><title>{}: {} bytes at {:#x}</title></rect>",
            from / 100,
            from % 100,
            width / 100,
            width % 100,
            owner_colour(&block.owner),
            escaped(&block.owner),
            block.bytes,
            block.address
        )?;
    }
    page.push_str("</svg>");
    Ok(())
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
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
