//! What goes wrong on the way: nothing half-done is left.

use super::{Scene, text};
use crate::nmc::{Nmc, PROGRAM, Said};
use nmc_core::testing::{TestDb, wait_until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A program that passes for one of PostgreSQL 15.
pub(super) fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    let text = format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{name} (PostgreSQL) 15.0'; exit; fi\n{script}\n");
    fs::write(&path, text).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
}

fn tables(db: &TestDb) -> i64 {
    db.query::<i64>("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")[0]
}

#[test]
fn file_that_is_there_stays_unless_it_is_to_be_replaced() {
    let scene = Scene::new();
    let file = scene.file();
    fs::write(&file, "mine").expect("a file");
    scene.dumped().refused(2, "is there already; name another file, or say --force");
    assert_eq!((fs::read_to_string(&file).expect("it"), scene.files().len()), ("mine".to_owned(), 1));
    scene.nmc().run(&["database", "dump", text(&file), "--force"]).ok();
    assert!(fs::metadata(&file).expect("it").len() > 1_000);
    assert_eq!(scene.files().len(), 1);
    scene.nmc().run(&["database", "dump", text(&scene.folder), "--force"]).refused(2, "can't be written");
    scene.nmc().run(&["database", "dump", "/nowhere/nmc.dump"]).refused(2, "/nowhere/nmc.dump can't be written: No such file");
    scene.nmc().run(&["database", "dump", "/proc/nmc.dump"]).refused(2, "/proc/nmc.dump can't be written");
}

#[test]
fn database_without_nmc_is_not_dumped() {
    let scene = Scene::new();
    let empty = TestDb::empty();
    let said = Nmc::on(empty.superuser_url()).run(&["database", "dump", text(&scene.file())]);
    said.refused(2, "holds nothing of nmc");
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn disk_that_is_full_leaves_no_file() {
    let scene = Scene::new();
    let mut shell = scene.nmc().command("sh");
    // Files may have 8 KiB.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" database dump \"$1\"", PROGRAM, text(&scene.file())]);
    Said::by(&mut shell).refused(2, "can't be written: File too large");
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn killed_dump_leaves_no_file_and_no_program() {
    let scene = Scene::new();
    let (programs, begun, ended) = (scene.home.beside("bin"), scene.folder.join("begun"), scene.folder.join("ended"));
    let script = format!(
        "trap 'touch {1}; exit' PIPE\ntouch {0}\nwhile echo PGDMP 2>/dev/null; do sleep 0.05; done; touch {1}",
        begun.display(),
        ended.display()
    );
    program(&programs, "pg_dump", &script);
    let running = scene.nmc().with("NMC_PG_BIN", &programs).start(&["database", "dump", text(&scene.file())]);
    wait_until("it dumps", || begun.exists());
    running.kill();
    wait_until("the program has ended, too", || ended.exists());
    let mut files = scene.files();
    files.sort();
    assert_eq!(files, ["begun", "ended"]);
}

#[test]
fn failed_dump_says_what_the_program_said() {
    let scene = Scene::new();
    let programs = scene.home.beside("bin");
    program(&programs, "pg_dump", "echo PGDMP; echo 'pg_dump: error: query failed: no more disk' >&2; exit 1");
    let said = scene.nmc().with("NMC_PG_BIN", &programs).run(&["database", "dump", text(&scene.file())]);
    said.refused(1, "pg_dump failed: pg_dump: error: query failed: no more disk");
    // One that ends well and has lost rows is found out.
    let empty = "exec /usr/lib/postgresql/15/bin/pg_dump --schema-only \"$@\"";
    if Path::new("/usr/lib/postgresql/15/bin/pg_dump").exists() {
        program(&programs, "pg_dump", empty);
        let said = scene.nmc().with("NMC_PG_BIN", &programs).run(&["database", "dump", text(&scene.file())]);
        said.refused(1, "rows where");
    }
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn files_that_are_no_dumps_leave_the_database_empty() {
    let scene = Scene::new();
    scene.dumped().ok();
    let whole = fs::read(scene.file()).expect("a dump");
    let target = TestDb::empty();
    let restore = |file: &Path| Nmc::on(target.url()).run(&["database", "restore", text(file)]);
    let other = scene.folder.join("other");
    for bytes in
        [b"".to_vec(), b"PGDMP".to_vec(), b"hello, this is a letter and no dump".to_vec(), whole[..whole.len() / 2].to_vec()]
    {
        fs::write(&other, &bytes).expect("a file");
        restore(&other).refused(2, "is no dump that pg_restore reads, or is damaged");
    }
    let pipe = scene.folder.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    restore(&pipe).refused(2, "it is no ordinary file");
    restore(&scene.folder).refused(2, "it is no ordinary file");
    restore(Path::new("/nowhere.dump")).refused(2, "/nowhere.dump can't be read: No such file");
    assert_eq!(tables(&target), 0);
    restore(&scene.file()).ok();
}

#[test]
fn database_that_holds_something_is_not_restored_into() {
    let scene = Scene::new();
    scene.dumped().ok();
    for (thing, told) in [
        ("CREATE TABLE theirs (id int)", "public.theirs"),
        ("CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'", "public.theirs()"),
        ("CREATE SCHEMA x; CREATE VIEW x.theirs AS SELECT 1 AS one", "x.theirs"),
    ] {
        let target = TestDb::empty();
        target.execute(thing);
        let said = Nmc::on(target.url()).run(&["database", "restore", text(&scene.file())]);
        said.refused(2, &format!("must be empty to restore into it, and holds {told}"));
    }
}

#[test]
fn killed_restore_is_whole_or_nothing() {
    let scene = Scene::new();
    scene.dumped().ok();
    let target = TestDb::empty();
    let running = Nmc::on(target.url()).start(&["database", "restore", text(&scene.file())]);
    running.says("counting rows");
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg_restore'";
    wait_until("it restores", || target.query::<i64>(busy)[0] > 0 || tables(&target) > 0);
    running.kill();
    wait_until("it has ended", || target.query::<i64>(busy)[0] == 0);
    match tables(&target) {
        0 => Nmc::on(target.url()).run(&["database", "restore", text(&scene.file())]).ok(),
        _ => Nmc::on(target.url()).run(&["tenant", "show", super::JOE]).ok(),
    };
}

#[test]
fn ended_restore_takes_its_program_along() {
    let scene = Scene::new();
    scene.dumped().ok();
    let (programs, begun, ended) = (scene.home.beside("bin"), scene.folder.join("begun"), scene.folder.join("ended"));
    let real = "/usr/lib/postgresql/15/bin/pg_restore";
    if !Path::new(real).exists() {
        return;
    }
    let script = format!(
        "case \"$*\" in *--data-only*) exec {real} \"$@\";; esac\ntouch {}\nsleep 1 & cat >/dev/null; wait; touch {}",
        begun.display(),
        ended.display()
    );
    program(&programs, "pg_restore", &script);
    let target = TestDb::empty();
    let nmc = Nmc::on(target.url()).with("NMC_PG_BIN", &programs);
    let running = nmc.start(&["database", "restore", text(&scene.file())]);
    wait_until("it restores", || begun.exists());
    running.signal(Signal::TERM);
    running.end().killed_by(Signal::TERM);
    wait_until("the program has ended, too", || ended.exists());
    assert_eq!(tables(&target), 0);
}

#[test]
fn of_two_at_once_one_does_it_and_the_other_hears_why_not() {
    let scene = Scene::new();
    let both = |nmc: &Nmc, arguments: &[&str]| -> Vec<Said> {
        let running = [(); 2].map(|()| nmc.start(arguments));
        running.into_iter().map(crate::nmc::Running::end).collect()
    };
    let count = |said: &[Said], why: &[&str]| {
        let done = said.iter().filter(|said| said.err.contains("holds the database") || said.err.contains("its schema")).count();
        let refused = said.iter().filter(|said| why.iter().any(|why| said.err.contains(why))).count();
        (done, refused)
    };
    let said = both(&scene.nmc(), &["database", "dump", text(&scene.file())]);
    assert_eq!(count(&said, &["is there already"]), (1, 1), "{said:#?}");
    assert_eq!(scene.files(), ["nmc.dump"]);
    let target = TestDb::empty();
    let said = both(&Nmc::on(target.url()), &["database", "restore", text(&scene.file())]);
    assert_eq!(count(&said, &["another restore is at work", "must be empty"]), (1, 1), "{said:#?}");
}
