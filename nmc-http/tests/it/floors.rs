//! The order of the server's modules: each uses those below it, and none uses one above or beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules from the ground up. What stands on one line are neighbours, who don't use each other.
const FLOORS: &[&[&str]] = &[
    &["error", "client", "headers", "webhooks", "links"],
    &["log", "blocking", "shares", "limits"],
    &["connections"],
    &["streams"],
    &["state"],
    &["signed_form", "api"],
    &["routes"],
    &["serving"],
    &["server"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file below, with its text.
fn files(dir: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => files(&path),
            Some(extension) if extension == "rs" => vec![(path.clone(), std::fs::read_to_string(&path).unwrap())],
            _ => Vec::new(),
        })
        .collect()
}

/// The module that a file belongs to.
fn module_of(file: &Path) -> String {
    let first = file.strip_prefix(root()).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The names that follow a path, like `crate::`, in the code of a text: one, or those of a group in braces.
fn names_after(path: &str, text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let name = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        let rest = &code[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        let mut depth = 0;
        let at_first_level = group.split_inclusive(['{', '}', ',']).scan(true, |starts, part| {
            let (begins, is_over) = (*starts && depth == 0, depth < 0);
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            *starts = part.ends_with(',');
            (!is_over).then(|| begins.then(|| name(part.trim_start())))
        });
        found.extend(at_first_level.flatten());
    }
    found.remove("");
    found
}

#[test]
fn every_module_has_its_floor() {
    let modules: BTreeSet<String> = files(&root()).iter().map(|(file, _)| module_of(file)).filter(|name| name != "lib").collect();
    let placed: BTreeSet<String> = FLOORS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(placed, modules, "name a new module in FLOORS");
}

#[test]
fn uses_go_down_only() {
    let mut upwards = Vec::new();
    for (file, text) in files(&root()).into_iter().filter(|(file, _)| module_of(file) != "lib") {
        let module = module_of(&file);
        let floor = FLOORS.iter().position(|floor| floor.contains(&module.as_str())).unwrap();
        let below = FLOORS[..floor].concat();
        let used = names_after("crate::", &text).into_iter().filter(|used| *used != module && !below.contains(&used.as_str()));
        upwards.extend(used.map(|used| format!("{} uses {used}", file.display())));
    }
    assert_eq!(upwards, Vec::<String>::new());
}

/// The library alone knows Diesel and the tables: a statement anywhere else would be one that its tests don't see.
#[test]
fn server_and_command_line_name_no_diesel_and_no_table() {
    let mut named = Vec::new();
    for (file, text) in [files(&root()), files(&root().join("../../nmc-cli/src"))].concat() {
        let of_library = names_after("nmc_core::", &text);
        named.extend(["diesel", "schema"].into_iter().filter(|name| of_library.contains(*name)).map(|name| (file.clone(), name)));
    }
    assert_eq!(named, []);
}

#[test]
fn names_of_a_use_are_found_in_groups_too() {
    let found = |text: &str| names_after("crate::", text).into_iter().collect::<Vec<_>>();
    assert_eq!(found("use crate::error::ApiError;\n/// crate::server"), ["error"]);
    assert_eq!(
        found("use crate::{headers, log::{self, requests}, state::App};\nuse std::{io, fmt};"),
        ["headers", "log", "state"]
    );
}
