// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The border between the driver's C and its Rust: a structure that both know has the same fields in the
//! same order, of the same types, so that it has the same layout; and a function that one side calls is
//! there on the other, with as many arguments.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use syn::{Fields, ForeignItem, Item, ItemStruct};

use super::{files, root};

/// A structure's fields: names and types in C's words; bytes have their number behind them.
type Layout = Vec<(String, String)>;

fn sources(ends: &[&str]) -> Vec<String> {
    files(&root().join("driver/linux"), ends)
        .into_iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "board"))
        .map(|path: PathBuf| fs::read_to_string(path).unwrap())
        .collect()
}

/// Structures whose documentation says what they are for, in place of C's name.
const NAMES: [(&str, &str); 1] = [("Argument", "tx_isp_vendor_extent")];

/// C without its comments.
fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept + rest
}

fn defines(texts: &[String]) -> BTreeMap<String, String> {
    let lines = texts.iter().flat_map(|text| text.lines());
    let defines = lines.filter_map(|line| line.strip_prefix("#define "));
    let pairs = defines.filter_map(|rest| rest.split_once(' '));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

/// The structures of C's headers that have nothing but numbers and bytes.
fn of_c(texts: &[String]) -> BTreeMap<String, Layout> {
    let defines = defines(texts);
    let mut found = BTreeMap::new();
    for text in texts {
        let text = without_comments(text);
        for part in text.split("\nstruct ").skip(1) {
            let Some((name, after)) = part.split_once(" {") else {
                continue;
            };
            let Some((body, _)) = after.split_once("\n}") else {
                continue;
            };
            let mut layout = Layout::new();
            for declaration in body.split(';').map(str::trim) {
                let Some((kind, names)) = declaration.split_once(' ') else {
                    continue;
                };
                for field in names.split(',').map(str::trim) {
                    layout.push(match field.split_once('[') {
                        Some((field, length)) => {
                            let length = length.trim_end_matches(']');
                            let length = defines.get(length).map_or(length, String::as_str);
                            (field.to_owned(), format!("{kind} * {length}"))
                        }
                        None => (field.to_owned(), kind.to_owned()),
                    });
                }
            }
            found.insert(name.to_owned(), layout);
        }
    }
    found
}

/// The number of bytes of an array's type, where it is written as a name, too.
fn length(length: &syn::Expr) -> String {
    let text = match length {
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) => number.base10_digits().to_owned(),
            _ => String::new(),
        },
        syn::Expr::Path(path) => path
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect::<Vec<_>>()
            .join("::"),
        _ => String::new(),
    };
    match text.as_str() {
        "Owner::LENGTH" => tx_isp_alloc::pool::Owner::LENGTH.to_string(),
        "BIN_PATH_BYTES" => tx_isp_abi::vendor::BIN_PATH_BYTES.to_string(),
        _ => text,
    }
}

fn kind(field: &syn::Type) -> String {
    match field {
        syn::Type::Path(path) => match path.path.get_ident() {
            Some(name) => name.to_string(),
            None => "?".to_owned(),
        },
        syn::Type::Array(array) => {
            format!("{} * {}", kind(&array.elem), length(&array.len))
        }
        _ => "?".to_owned(),
    }
}

/// C's name of a structure, from the first line of its documentation.
fn c_name(item: &ItemStruct) -> Option<String> {
    let doc = item
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("doc"))?;
    let syn::Meta::NameValue(value) = &doc.meta else {
        return None;
    };
    let syn::Expr::Lit(literal) = &value.value else {
        return None;
    };
    let syn::Lit::Str(text) = &literal.lit else {
        return None;
    };
    let text = text.value();
    let name = text.trim().strip_prefix("`struct ")?;
    Some(name.split('`').next()?.to_owned())
}

fn is_repr_c(item: &ItemStruct) -> bool {
    let mut attributes = item.attrs.iter();
    attributes.any(|attribute| {
        let list = attribute
            .path()
            .is_ident("repr")
            .then(|| attribute.meta.require_list());
        matches!(list, Some(Ok(list)) if list.tokens.to_string() == "C")
    })
}

struct Rust {
    layouts: BTreeMap<String, Layout>,
    /// Structures in C's layout that do not say which of C's they are.
    nameless: Vec<String>,
    /// How many arguments the functions have that C calls, and those that it is called by.
    exported: BTreeMap<String, usize>,
    imported: BTreeMap<String, usize>,
}

fn of_rust() -> Rust {
    let mut rust = Rust {
        layouts: BTreeMap::new(),
        nameless: Vec::new(),
        exported: BTreeMap::new(),
        imported: BTreeMap::new(),
    };
    for text in sources(&[".rs"]) {
        for item in syn::parse_file(&text).unwrap().items {
            rust.take(item);
        }
    }
    rust
}

impl Rust {
    fn take(&mut self, item: Item) {
        match item {
            Item::Struct(item) if is_repr_c(&item) => {
                let known = NAMES.iter().find(|(name, _)| item.ident == name);
                let known = known.map(|(_, name)| (*name).to_owned());
                let Some(name) = c_name(&item).or(known) else {
                    self.nameless.push(item.ident.to_string());
                    return;
                };
                let Fields::Named(fields) = &item.fields else {
                    return;
                };
                let fields = fields
                    .named
                    .iter()
                    .filter_map(|field| Some((field.ident.as_ref()?.to_string(), kind(&field.ty))));
                self.layouts.insert(name, fields.collect());
            }
            Item::Fn(function) if function.sig.abi.is_some() => {
                let name = function.sig.ident.to_string();
                if name.starts_with("tx_isp_") {
                    self.exported.insert(name, function.sig.inputs.len());
                }
            }
            Item::ForeignMod(foreign) => {
                for item in foreign.items {
                    if let ForeignItem::Fn(function) = item {
                        let name = function.sig.ident.to_string();
                        self.imported.insert(name, function.sig.inputs.len());
                    }
                }
            }
            _ => {}
        }
    }
}

/// How many arguments C declares a function with.
fn declared(headers: &str, name: &str) -> Option<usize> {
    let mut rest = headers;
    while let Some(at) = rest.find(name) {
        let (before, after) = rest.split_at(at);
        let after = &after[name.len()..];
        let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if let (true, Some(inside)) = (is_whole, after.strip_prefix('(')) {
            let mut depth = 0;
            let mut arguments = 1;
            for (at, letter) in inside.char_indices() {
                match letter {
                    '(' => depth += 1,
                    ')' if depth == 0 => {
                        let nothing = matches!(inside[..at].trim(), "" | "void");
                        return Some(if nothing { 0 } else { arguments });
                    }
                    ')' => depth -= 1,
                    ',' if depth == 0 => arguments += 1,
                    _ => {}
                }
            }
        }
        rest = after;
    }
    None
}

#[test]
fn structures_have_the_same_layout_on_both_sides() {
    let c = of_c(&sources(&[".h"]));
    let rust = of_rust();
    assert!(
        rust.nameless.is_empty(),
        "these do not say which of C's structures they are (`struct NAME`): {:?}",
        rust.nameless
    );
    assert!(rust.layouts.len() >= 12, "they are not found any more");
    for (name, layout) in &rust.layouts {
        // Rust hands it around and does not look into it.
        if layout.iter().any(|(field, _)| field == "_opaque") {
            continue;
        }
        let other = c
            .get(name)
            .unwrap_or_else(|| panic!("C has no struct {name}"));
        assert_eq!(
            layout, other,
            "struct {name}: Rust's (left) and C's (right)"
        );
        let sound = |kind: &String| kind == "u32" || kind == "u64" || kind.starts_with("u8 * ");
        assert!(
            layout.iter().all(|(_, kind)| sound(kind)),
            "struct {name} has a field whose layout is not plain: {layout:?}"
        );
    }
}

#[test]
fn functions_have_as_many_arguments_on_both_sides() {
    let headers: String = sources(&[".h"])
        .iter()
        .map(|text| without_comments(text))
        .collect();
    let all: String = sources(&[".h", ".c"])
        .iter()
        .map(|text| without_comments(text))
        .collect();
    let rust = of_rust();
    assert!(rust.exported.len() > 60, "they are not found any more");
    for (name, arguments) in &rust.exported {
        assert_eq!(
            declared(&headers, name),
            Some(*arguments),
            "{name}: C's declaration (left) and Rust's definition (right)"
        );
    }
    for (name, arguments) in &rust.imported {
        if name.starts_with("tx_isp_") {
            assert_eq!(
                declared(&all, name),
                Some(*arguments),
                "{name}: C's definition (left) and Rust's declaration (right)"
            );
        }
    }
}

/// Functions that C calls whose one expression cannot panic: they say a constant.
const UNGUARDED: [&str; 7] = [
    "tx_isp_request_words",
    "tx_isp_response_words",
    "tx_isp_carve_out_size",
    "tx_isp_core_size",
    "tx_isp_max_completed",
    "tx_isp_front_size",
    "tx_isp_vendor_statistics_bytes",
];

/// Whether all that a function does is in a call of guard(), which keeps a panic from C.
fn is_guarded(function: &syn::ItemFn) -> bool {
    let [syn::Stmt::Expr(syn::Expr::Call(call), _)] = function.block.stmts.as_slice() else {
        return false;
    };
    matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident("guard"))
}

#[test]
fn a_panic_in_what_c_calls_ends_there() {
    let mut unguarded = Vec::new();
    for text in sources(&[".rs"]) {
        for item in syn::parse_file(&text).unwrap().items {
            if let Item::Fn(function) = item
                && function.sig.abi.is_some()
                && !is_guarded(&function)
            {
                unguarded.push(function.sig.ident.to_string());
            }
        }
    }
    unguarded.retain(|name| !UNGUARDED.contains(&name.as_str()));
    assert!(
        unguarded.is_empty(),
        "these do their work outside of guard(): {unguarded:?}"
    );
}

#[test]
fn c_is_read_as_it_is_meant() {
    let text =
        "#define LENGTH 16\n/* struct x { */\nstruct a {\n\tu32 b, c;\n\tu8 d[LENGTH];\n};\n";
    let found = of_c(&[format!("\n{text}")]);
    let field = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    assert_eq!(
        found["a"],
        [field("b", "u32"), field("c", "u32"), field("d", "u8 * 16")]
    );
    let headers = "int f(void);\nint ff(u32 a, int (*g)(int x, int y), u8 b);\n";
    assert_eq!(declared(headers, "f"), Some(0));
    assert_eq!(declared(headers, "ff"), Some(3));
    assert_eq!(declared(headers, "g"), None);
}
