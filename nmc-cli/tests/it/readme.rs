//! What README.md and the manuals show, done.

use crate::home::Home;
use crate::nmc::{Nmc, PROGRAM, Said};
use nmc_core::testing::FakeTwilio;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Stands before the blocks that are run.
const RUN: &str = "<!-- A test runs these in order on a fresh data directory. -->\n```console\n";

/// Stands before the file that they read.
const FILE: &str = "<!-- The test has this as max.toml, and the password in max.password. -->\n```toml\n";

/// Stands before the log that they import.
const OLDER_CALLS: &str = "<!-- The test has this as calls.csv. -->\n```csv\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// README.md, the rules of the migrations, and every page of docs/: where each is, and its text.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).expect("the manuals").map(|page| page.expect("a page").path());
    let mut paths: Vec<PathBuf> = docs.chain(["README.md", "migrations/README.md"].map(|page| root().join(page))).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

fn path_with(dir: &Path) -> String {
    format!("{}:{}", dir.display(), std::env::var("PATH").unwrap_or_default())
}

/// Each command, and the lines shown below it.
fn commands(block: &str) -> Vec<(&str, Vec<&str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("{line:?} stands before any command"),
        }
    }
    commands
}

#[test]
fn the_sessions_it_shows_work_as_shown() {
    let text: String = pages().into_iter().map(|(_, text)| text).collect();
    let blocks: Vec<&str> = text.split(RUN).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(text.matches("```console").count(), blocks.len(), "a session that no test runs");
    assert!(blocks.len() >= 3, "businesses, numbers, and the migrations");
    let [toml, older_calls] = [FILE, OLDER_CALLS]
        .map(|mark| text.split(mark).nth(1).and_then(|rest| rest.split("```").next()).expect("a file that is shown"));
    for block in blocks {
        let home = Home::new();
        let _server = home.hold();
        let folder = home.beside("files");
        fs::write(folder.join("max.toml"), toml).expect("a file");
        fs::write(folder.join("calls.csv"), older_calls).expect("a file");
        fs::write(folder.join("max.password"), "under a sink all day\n").expect("a file");
        let (twilio, nmc) = (FakeTwilio::start(), home.nmc.clone());
        let account = twilio.account();
        if block.contains(" number add ") {
            let sid = "PN0123456789abcdef0123456789abcdef".to_owned();
            twilio.own(&"+13125550150".parse().expect("a number"), "", Some(sid));
        }
        let nmc = nmc
            .with("PATH", path_with(Path::new(PROGRAM).parent().expect("its folder")))
            .with("NMC_TWILIO_API_URL", twilio.url())
            .with("TWILIO_ACCOUNT_SID", account.account_sid)
            .with("TWILIO_AUTH_TOKEN", account.auth_token.expose())
            .with("NMC_PUBLIC_URL", "https://nmc.example.com");
        for (command, shown) in commands(block) {
            assert!(command.starts_with("nmc "), "{command}");
            let said = Said::by(nmc.command("sh").args(["-c", command]).current_dir(&folder)).ok();
            for line in shown {
                assert!(said.out.contains(line) || said.err.contains(line), "{command} does not say {line:?}: {said:#?}");
            }
        }
    }
}

#[test]
fn the_commands_it_mentions_can_be_typed() {
    let pages = pages();
    let mut typed = BTreeSet::new();
    for (_, text) in &pages {
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).flat_map(str::lines);
        let spans = text.split('`').filter(|part| !part.contains('\n'));
        let lines = blocks.chain(spans).map(|line| line.split(" #").next().unwrap_or_default().trim_end());
        typed.extend(lines.filter(|line| line.starts_with("nmc ")));
    }
    assert!(typed.len() >= 40, "{typed:?}");
    let nmc = Nmc::bare().with("PATH", path_with(Path::new(PROGRAM).parent().expect("its folder")));
    for line in typed {
        // Help comes only after everything before it has been understood.
        let said = Said::by(nmc.command("sh").args(["-c", &format!("{line} --help")]));
        assert!(said.out.contains("Usage: nmc "), "{line}: {said:?}");
        assert_eq!(said.err, "", "{line}");
    }
}

#[test]
fn the_variables_it_lists_are_those_that_count() {
    let help: String = ["up", "worker"].map(|command| Nmc::bare().run(&[command, "--help"]).ok().out).concat();
    let count: BTreeSet<&str> = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next()).collect();
    let manual = fs::read_to_string(root().join("docs/OPERATIONS.md")).expect("the operators' manual");
    let settings = manual.split("\n## ").find(|section| section.starts_with("Settings\n")).expect("the settings");
    let rows = settings.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let listed: BTreeSet<&str> = rows.flat_map(|names| names.split(", ")).map(|name| name.trim_matches('`')).collect();
    assert_eq!(listed, count, "in the table (left), in the help (right)");
}

/// The anchor that a heading gets where the pages are shown.
fn anchor(heading: &str) -> String {
    let plain = heading.trim().to_lowercase().replace(' ', "-");
    plain.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn the_files_it_leads_to_are_there() {
    for (path, text) in pages() {
        let folder = path.parent().expect("its folder");
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://"));
        for link in linked {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = if file.is_empty() { path.clone() } else { folder.join(file) };
            assert!(to.exists(), "{}: {link}", path.display());
            if !heading.is_empty() {
                let page = fs::read_to_string(&to).expect("text");
                let mut headings = page.lines().filter(|line| line.starts_with('#'));
                let is_there = headings.any(|line| anchor(line.trim_start_matches('#')) == heading);
                assert!(is_there, "{}: {link}", path.display());
            }
        }
    }
}

/// The script as it is, save that the program is not built once more: cargo is one that hands over the program under test.
#[test]
fn the_demo_script_plays_the_demo() {
    let home = Home::migrated();
    let (bin, target) = (home.beside("bin"), home.beside("target"));
    let cargo = bin.join("cargo");
    fs::write(
        &cargo,
        format!("#!/bin/sh\n[ \"$*\" = 'build --quiet --locked -p nmc-cli' ] || exit 9\nmkdir -p '{0}/debug' && ln -sf '{PROGRAM}' '{0}/debug/nmc'\n", target.display()),
    )
    .expect("a cargo");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("a program");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo.sh");
    let nmc = home.nmc.clone().with("PATH", path_with(&bin)).with("CARGO_TARGET_DIR", &target);
    let nmc = nmc.with("DATABASE_URL", "postgres://somebody.elses.invalid/data").with("NMC_SMS", "twilio");
    for _ in 0..2 {
        let said = Said::by(&mut nmc.command(script)).ok();
        assert!(said.out.contains("☎  missed call") && said.out.contains("Could you come today?"), "{said:?}");
        assert!(!said.err.contains("installing"), "nothing is installed twice: {said:?}");
    }
}
