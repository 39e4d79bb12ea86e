//! The order of the library's modules: each uses those below it, and none uses one above or beside it. [`FLOORS`] is the list;
//! docs/CONTRIBUTING.md says what each module holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The modules from the ground up. What stands on one line are neighbours, who don't use each other, but for those of the ground.
const FLOORS: &[&[&str]] = &[
    GROUND,
    &["store"],
    &["queue"],
    &["events"],
    &["access"],
    &["tenants"],
    &["people"],
    &["telephony", "delivery"],
    &["numbers", "calls", "conversations", "alerts", "analytics", "reports"],
    &["workflows"],
];

/// What any module may use.
const GROUND: &[&str] = &[
    "error",
    "constraint",
    "ids",
    "enums",
    "lifecycle",
    "types",
    "page",
    "patch",
    "clock",
    "permission",
    "actor",
    "confirmed",
    "version",
    "schema",
    "uploads",
];

/// The ports' words, which the outside world speaks.
const PORTS: &[&str] = &["telephony", "delivery"];

/// The outside world behind the ports: it uses the words of the ports and nothing of the floors.
const OUTSIDE: &[&str] = &["twilio", "fake_twilio", "smtp", "webhook"];

/// The tables of each module.
const TABLES: &[(&str, &[&str])] = &[
    ("events", &["tenant_streams", "stream_events", "websocket_events", "connection_metrics"]),
    ("access", &["user_sessions", "api_keys"]),
    ("tenants", &["tenants", "business_settings", "holidays"]),
    ("people", &["account_mails", "users", "user_profiles", "user_preferences", "user_status"]),
    ("numbers", &["phone_numbers"]),
    ("calls", &["calls", "call_metadata", "call_participants"]),
    (
        "conversations",
        &[
            "conversations",
            "conversation_events",
            "conversation_reads",
            "conversation_tags",
            "conversation_terms",
            "messages",
            "message_media",
            "message_terms",
            "consents",
            "number_pacing",
            "typing_notices",
            "erased_sids",
        ],
    ),
    (
        "alerts",
        &[
            "alert_escalations",
            "alert_rounds",
            "alert_rules",
            "alert_rule_states",
            "alerts",
            "alert_history",
            "alert_metrics_cache",
            "escalation_contacts",
            "notifications",
        ],
    ),
    (
        "analytics",
        &[
            "analytics_marks",
            "analytics_metrics",
            "analytics_processing_jobs",
            "analytics_reports",
            "analytics_roll_ups",
            "call_analytics",
            "conversation_analytics",
            "kpi_snapshots",
            "kpi_targets",
            "report_mails",
            "report_schedules",
        ],
    ),
    ("workflows", &["catch_up_marks"]),
];

/// Tables that a module reads though their own stands above it, since one statement has to answer: whether a session, a key or a
/// password lets in depends on the account and on the business.
const READ_FROM_BELOW: &[(&str, &str)] = &[("access", "users"), ("access", "tenants")];

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

/// The module of the library that a file belongs to.
fn module_of(file: &Path) -> String {
    let relative = file.strip_prefix(root()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// A file without comments, so that what a text links to is not a use.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `path::` in a text: one, or those of a group of braces at its first level.
fn names_after<'t>(text: &'t str, path: &str) -> Vec<&'t str> {
    let name = |text: &'t str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in text.match_indices(path) {
        let rest = text[at + path.len()..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let (mut depth, mut starts) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                c if starts && !c.is_whitespace() => {
                    found.push(name(&group[at..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// What a module may use of the others.
fn allowed(module: &str) -> BTreeSet<&'static str> {
    let below = match FLOORS.iter().position(|floor| floor.contains(&module)) {
        Some(0) => GROUND.to_vec(),
        Some(floor) => FLOORS[..floor].concat(),
        None if OUTSIDE.contains(&module) => [GROUND, PORTS, OUTSIDE].concat(),
        None => [FLOORS.concat().as_slice(), OUTSIDE, &["testing"]].concat(),
    };
    below.into_iter().collect()
}

fn all_modules() -> BTreeSet<String> {
    files(&root()).iter().map(|(file, _)| module_of(file)).filter(|module| module != "lib").collect()
}

#[test]
fn every_module_has_its_floor() {
    let placed: BTreeSet<String> =
        FLOORS.concat().into_iter().chain(OUTSIDE.iter().copied()).chain(["testing"]).map(str::to_owned).collect();
    assert_eq!(placed, all_modules(), "name a new module in FLOORS");
}

#[test]
fn uses_go_down_only() {
    let modules = all_modules();
    let mut upwards = Vec::new();
    for (file, text) in files(&root()) {
        let module = module_of(&file);
        if module == "lib" {
            continue;
        }
        let allowed = allowed(&module);
        let text = code(&text);
        let used = names_after(&text, "crate::").into_iter().filter(|used| modules.contains(*used) && **used != module);
        upwards.extend(used.filter(|used| !allowed.contains(used)).map(|used| format!("{} uses {used}", file.display())));
    }
    assert_eq!(upwards, Vec::<String>::new());
}

/// A repository is reached through the transaction without its module being named, and is a use of it all the same.
#[test]
fn repositories_are_reached_from_their_module_or_above() {
    let whole = |text: &str| code(text).split_whitespace().collect::<String>();
    let accessors: Vec<(String, String)> = files(&root())
        .iter()
        .flat_map(|(file, text)| {
            let text = code(text);
            let lines = text.lines().filter(|line| line.contains("const fn ") && line.contains("(&mut self) -> "));
            let of_transactions = lines.filter(|_| text.contains("(self.0.reborrow())"));
            of_transactions.map(|line| (names_after(line, "fn ").concat(), module_of(file))).collect::<Vec<_>>()
        })
        .collect();
    assert!(accessors.len() > 25, "{accessors:?}");
    let mut upwards = Vec::new();
    for (file, text) in files(&root()) {
        let (module, text) = (module_of(&file), whole(&text));
        let allowed = allowed(&module);
        for (name, of) in accessors.iter().filter(|(_, of)| *of != module && !allowed.contains(of.as_str())) {
            if READ_FROM_BELOW.contains(&(module.as_str(), name)) {
                continue;
            }
            if text.contains(&format!("tx.{name}()")) || text.contains(&format!("tx().{name}()")) {
                upwards.push(format!("{} uses {of} by {name}()", file.display()));
            }
        }
    }
    assert_eq!(upwards, Vec::<String>::new());
}

/// What is named without its module is of the ground or the store, so that no use hides behind the root.
#[test]
fn root_reexports_the_ground_and_the_store() {
    let text = code(&std::fs::read_to_string(root().join("lib.rs")).unwrap());
    let exported: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub use "))
        .map(|path| path.split([':', ';']).next().unwrap())
        // Other crates, whose types are in our calls.
        .filter(|module| *module != "diesel" && !module.starts_with('{'))
        .collect();
    assert!(exported.len() > 5, "{exported:?}");
    for module in exported {
        assert!(GROUND.contains(&module) || module == "store", "{module} is re-exported at the root");
    }
}

/// A table is its module's. Workflows, and modules above, may name it in a statement of theirs.
#[test]
fn tables_are_named_by_their_module_or_above() {
    let owners: BTreeMap<&str, &str> =
        TABLES.iter().flat_map(|(module, tables)| tables.iter().map(|table| (*table, *module))).collect();
    let schema = std::fs::read_to_string(root().join("schema.rs")).unwrap();
    let unknown: Vec<&&str> = owners.keys().filter(|table| !schema.contains(&format!("    {table} ("))).collect();
    assert!(unknown.is_empty(), "TABLES names tables that there are not: {unknown:?}");
    let mut abroad = Vec::new();
    for (file, text) in files(&root()) {
        let module = module_of(&file);
        if ["schema", "store", "testing"].contains(&module.as_str()) {
            continue;
        }
        let allowed = allowed(&module);
        for table in names_after(&code(&text), "crate::schema::") {
            let owner = owners.get(table).copied().unwrap_or_else(|| panic!("name the table {table} in TABLES"));
            let is_ours = owner == module || allowed.contains(owner) || READ_FROM_BELOW.contains(&(module.as_str(), table));
            if !is_ours {
                abroad.push(format!("{} names {table}", file.display()));
            }
        }
    }
    assert_eq!(abroad, Vec::<String>::new());
}

#[test]
fn names_of_a_use_are_found_in_groups_too() {
    assert_eq!(names_after("use crate::calls::Call;", "crate::"), ["calls"]);
    assert_eq!(names_after("use crate::{Error, calls::{Call, NewCall}, page::Page};", "crate::"), ["Error", "calls", "page"]);
    assert_eq!(names_after("use crate::schema::{calls as c, users};", "crate::schema::"), ["calls", "users"]);
    assert_eq!(code("//! [`crate::calls`]\nuse a;\n    /// crate::numbers"), "\nuse a;\n");
}
