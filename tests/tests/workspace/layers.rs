// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The modules of a crate form layers: none needs another that needs it in turn.
//!
//! What a module needs is read from the paths in its source, tests left out. A module that hands out
//! what other modules define (`pub use`), or declares them, does not need them for that; one that works
//! with them does. A name that is handed out leads to the module that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

use super::root;

/// The crates' folders.
const CRATES: [&str; 16] = [
    "driver/abi",
    "driver/alloc",
    "driver",
    "driver/linux",
    "emulator",
    "emulator/chip",
    "emulator/picture",
    "guest-image",
    "guest-image/agent",
    "guest-image/host",
    "guest-image/protocol",
    "ci/front",
    "ci/testbed",
    "ci/memlab",
    "ci/lab",
    "tests",
];

/// A path of modules below the crate.
type Module = Vec<String>;

/// The modules of a crate, the paths that each of them uses, and the names that it hands out.
#[derive(Default)]
struct Modules {
    uses: BTreeMap<Module, BTreeSet<Vec<String>>>,
    exports: BTreeMap<(Module, String), Vec<String>>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let tokens = attribute
            .meta
            .path()
            .is_ident("cfg")
            .then(|| attribute.meta.require_list());
        matches!(tokens, Some(Ok(list)) if list.tokens.to_string().contains("test"))
    })
}

impl Modules {
    /// Reads a module's file and those of its submodules.
    fn read(&mut self, module: Module, file: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("{}", file.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let is_root = matches!(
            file.file_name().and_then(|name| name.to_str()),
            Some("mod.rs" | "lib.rs" | "main.rs")
        );
        let folder = match is_root {
            true => file.parent().unwrap().to_path_buf(),
            false => file.with_extension(""),
        };
        self.items(module, &parsed.items, &folder);
    }

    fn items(&mut self, module: Module, items: &[Item], folder: &Path) {
        let mut paths = Paths::default();
        for item in items {
            match item {
                Item::Mod(inner) if is_test(&inner.attrs) => {}
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let path = [module.clone(), vec![name.clone()]].concat();
                    match &inner.content {
                        Some((_, items)) => self.items(path, items, &folder.join(&name)),
                        None => self.read(path, &file_of(folder, &name)),
                    }
                }
                Item::Use(used) if is_test(&used.attrs) => {}
                // Handing something out is not needing it.
                Item::Use(used) if !matches!(used.vis, Visibility::Inherited) => {
                    self.export(&module, &used.tree);
                }
                item => paths.visit_item(item),
            }
        }
        self.uses.insert(module, paths.0);
    }

    fn export(&mut self, module: &Module, tree: &UseTree) {
        let mut paths = Paths::default();
        paths.tree(&[], tree);
        for path in paths.0 {
            if let Some(name) = path.last().cloned() {
                self.exports.insert((module.clone(), name), path);
            }
        }
    }

    /// Which modules each module needs.
    fn needs(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let edges = self.uses.iter().map(|(module, paths)| {
            let targets = paths.iter().filter_map(|path| self.resolve(module, path));
            let targets = targets.filter(|target| target != module).collect();
            (module.clone(), targets)
        });
        edges.collect()
    }

    /// The module that a path of another module leads to.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<Module> {
        let mut module = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "super" => from.clone(),
            "self" => from.clone(),
            child => {
                let below = [from.clone(), vec![child.to_owned()]].concat();
                let name = (from.clone(), child.to_owned());
                return (self.uses.contains_key(&below) || self.exports.contains_key(&name))
                    .then(|| self.descend(from.clone(), path));
            }
        };
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "super" => {
                    module.pop();
                }
                "crate" | "self" => {}
                _ => break,
            }
            rest = after;
        }
        Some(self.descend(module, rest))
    }

    fn descend(&self, mut module: Module, rest: &[String]) -> Module {
        for name in rest {
            let below = [module.clone(), vec![name.clone()]].concat();
            if self.uses.contains_key(&below) {
                module = below;
                continue;
            }
            let export = self.exports.get(&(module.clone(), name.clone()));
            return export
                .filter(|path| path.first() != Some(name))
                .and_then(|path| self.resolve(&module, path))
                .unwrap_or(module);
        }
        module
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    let flat = folder.join(format!("{name}.rs"));
    match flat.is_file() {
        true => flat,
        false => folder.join(name).join("mod.rs"),
    }
}

/// Every path that an item's source names.
#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl Paths {
    fn tree(&mut self, before: &[String], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let longer = [before, &[path.ident.to_string()]].concat();
                self.tree(&longer, &path.tree);
            }
            UseTree::Name(syn::UseName { ident })
            | UseTree::Rename(syn::UseRename { ident, .. }) => {
                self.0.insert([before, &[ident.to_string()]].concat());
            }
            UseTree::Glob(_) => {
                self.0.insert(before.to_vec());
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.segments.len() > 1 {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            self.0.insert(names.collect());
        }
        visit::visit_path(self, path);
    }
}

/// Groups of modules that need each other in turn.
fn circles(needs: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let reachable = |from: &Module| {
        let mut seen: BTreeSet<&Module> = BTreeSet::new();
        let mut open: Vec<&Module> = needs.get(from).into_iter().flatten().collect();
        while let Some(module) = open.pop() {
            if seen.insert(module) {
                open.extend(needs.get(module).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<&Module, BTreeSet<&Module>> = needs
        .keys()
        .map(|module| (module, reachable(module)))
        .collect();
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, forward) in &reach {
        let group: Vec<String> = forward
            .iter()
            .filter(|other| reach.get(**other).is_some_and(|back| back.contains(module)))
            .map(|other| format!("crate::{}", other.join("::")))
            .collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

fn read(folder: &Path) -> Modules {
    let mut modules = Modules::default();
    let source = folder.join("src");
    let file = ["lib.rs", "main.rs"].map(|name| source.join(name));
    let file = file.iter().find(|file| file.is_file()).unwrap();
    modules.read(Vec::new(), file);
    modules
}

#[test]
fn modules_form_layers() {
    let mut found = Vec::new();
    for folder in CRATES {
        let needs = read(&root().join(folder)).needs();
        for circle in circles(&needs) {
            let edges = circle.iter().flat_map(|from| {
                let module = |text: &str| -> Module {
                    text["crate::".len()..]
                        .split("::")
                        .filter(|part| !part.is_empty())
                        .map(str::to_owned)
                        .collect()
                };
                let inside = needs[&module(from)]
                    .iter()
                    .map(|to| format!("crate::{}", to.join("::")));
                let inside: Vec<String> = inside.filter(|to| circle.contains(to)).collect();
                inside
                    .into_iter()
                    .map(move |to| format!("  {from} -> {to}"))
            });
            let edges: Vec<String> = edges.collect();
            found.push(format!("{folder}:\n{}", edges.join("\n")));
        }
    }
    assert!(
        found.is_empty(),
        "{} circles of modules:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn a_circle_is_found_and_a_layer_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("src");
    fs::create_dir(&source).unwrap();
    let write = |name: &str, text: &str| fs::write(source.join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\npub use a::A;");
    write("a.rs", "use crate::b::B;\npub struct A(B);");
    write(
        "b.rs",
        "pub struct B;\n#[cfg(test)]\nmod tests { use crate::a::A; }",
    );
    assert_eq!(
        circles(&read(folder.path()).needs()),
        Vec::<Vec<String>>::new()
    );
    write("b.rs", "pub struct B;\nfn f() -> super::a::A { todo!() }");
    assert_eq!(
        circles(&read(folder.path()).needs()),
        [["crate::a", "crate::b"].map(str::to_owned).to_vec()]
    );
    // By the name that the crate hands out.
    write("b.rs", "pub struct B;\nfn f() -> crate::A { todo!() }");
    assert_eq!(
        circles(&read(folder.path()).needs()),
        [["crate::a", "crate::b"].map(str::to_owned).to_vec()]
    );
}
