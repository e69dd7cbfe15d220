// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Text that fits the terminal.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use terminal_size::terminal_size_of;
use textwrap::{Options, WordSplitter, wrap};

/// How much further the second line of a text is indented than the first.
const INDENT: usize = 2;

/// The columns of the terminal behind a stream; `None` if there is none.
pub fn columns(stream: impl AsFd + IsTerminal) -> Option<u16> {
    let size = stream.is_terminal().then(|| terminal_size_of(stream))?;
    size.map(|(width, _)| width.0)
}

/// Breaks each line that is longer than so many columns between words, and indents what follows.
pub fn fit(text: &str, columns: u16) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let end = line.strip_prefix(content).unwrap_or_default();
            fit_line(content, columns) + end
        })
        .collect()
}

fn fit_line(line: &str, columns: u16) -> Cow<'_, str> {
    let own = line.len() - line.trim_start().len();
    let indent = " ".repeat(own + INDENT);
    let options = Options::new(columns.into())
        .subsequent_indent(&indent)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    match wrap(line, options).as_slice() {
        [] | [_] => Cow::Borrowed(line),
        lines => Cow::Owned(lines.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_nothing_is_lost() {
        let text = format!("short\n  {}\nend", "word ".repeat(30).trim_end());
        let fitted = fit(&text, 40);
        assert!(fitted.lines().all(|line| line.len() <= 40), "{fitted}");
        assert!(fitted.starts_with("short\n  word "), "{fitted}");
        assert!(fitted.lines().nth(2).unwrap().starts_with("    word"));
        assert!(fitted.ends_with("\nend"), "{fitted}");
        let words = |text: &str| {
            text.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&fitted), words(&text));
        // What is no longer than it may be stays as it is, spaces and all.
        assert_eq!(fit("a   b  \n\n", 40), "a   b  \n\n");
    }
}
