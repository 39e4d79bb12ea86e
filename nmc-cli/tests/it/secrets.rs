//! Secrets as arguments are warned of; files of secrets are read without waiting for ever.

use crate::home::Home;
use crate::nmc::Nmc;
use nmc_core::testing::TestDb;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::path::Path;

const WARNING: &str = "can be read by every user of this machine";

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
}

#[test]
fn secrets_among_the_arguments_are_warned_of_once_each() {
    let db = TestDb::new();
    let with_password = db.url().replacen("nmc@", "nmc:hunter2@", 1);
    let bare = Nmc::bare();
    for (arguments, instead) in [
        (vec!["tenant", "list", "--database-url", &with_password], "DATABASE_URL"),
        (vec!["--database-url", &with_password, "tenant", "list"], "DATABASE_URL"),
    ] {
        let said = bare.run(&arguments).ok();
        assert_eq!(said.err.matches(WARNING).count(), 1, "{said:?}");
        assert!(said.err.contains(&format!("use {instead} instead")) && !said.err.contains("hunter2"), "{said:?}");
    }
    let arguments = ["number", "list", "--tenant", "x", "--database-url", &db.url()];
    let said = bare.run(&arguments).code(2);
    assert!(!said.err.contains(WARNING), "an address without a password is no secret: {said:?}");

    let nmc = Nmc::on(with_password);
    let search = ["number", "search", "--twilio-auth-token", "hunter2"];
    let said = nmc.run(&search).code(2);
    assert_eq!(said.err.matches(WARNING).count(), 1, "{said:?}");
    assert!(said.err.contains("TWILIO_AUTH_TOKEN_FILE") && !said.err.contains("hunter2"), "{said:?}");
    let said = nmc.with("TWILIO_AUTH_TOKEN", "hunter2").run(&["number", "search"]).code(2);
    assert!(!said.err.contains(WARNING), "a variable is no argument: {said:?}");
}

#[test]
fn files_that_are_no_files_are_refused_and_not_waited_for() {
    let home = Home::new();
    let folder = home.beside("files");
    let pipe = folder.join("pipe");
    fifo(&pipe);
    let (pipe, folder) = (pipe.to_str().expect("a path"), folder.to_str().expect("a path"));
    let onboard = |file: &'static str| {
        vec!["tenant", "onboard", "--name", "X", "--owner-email", "x@example.com", "--owner-first-name", "X", file]
    };
    // Waited for within limits, each: a machine that is busy takes longer for all of them.
    let run = |arguments: &[&str]| home.nmc.start(arguments).end();
    for (path, why) in
        [(pipe, "is a pipe into which nothing was written"), (folder, "is a directory"), ("/dev/zero", "is a device or a socket")]
    {
        for (option, arguments) in [
            ("--twilio-auth-token-file", vec!["number", "search", "--twilio-account-sid", "AC1"]),
            ("--from", vec!["tenant", "onboard"]),
            ("--owner-password-file", [onboard("--owner-last-name"), vec!["X"]].concat()),
        ] {
            let all = [&arguments[..], &[option, path]].concat();
            run(&all).refused(2, &format!("{option}: {path} {why}"));
        }
        run(&["token-key", "list", "--token-keys", path]).refused(2, "is not an ordinary file");
        run(&["serve", "--database-url", "", "--token-keys", path]).code(2);
    }
}

#[test]
fn secret_comes_through_a_pipe_that_somebody_writes_into() {
    let home = Home::new();
    let folder = home.beside("files");
    let pipe = folder.join("pipe");
    fifo(&pipe);
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, "short\n")
    });
    let file = pipe.to_str().expect("a path");
    let owner = ["--owner-email", "x@example.com", "--owner-first-name", "X", "--owner-last-name", "X"];
    let all = [&["tenant", "onboard", "--name", "X"], &owner[..], &["--owner-password-file", file]].concat();
    Nmc::on(TestDb::new().url()).run(&all).refused(2, "password must be at least 10 characters");
    writer.join().expect("a writer").expect("written");
}

#[test]
fn line_that_is_too_long_and_file_that_is_too_large_are_refused() {
    let home = Home::new();
    let folder = home.beside("files");
    let large = folder.join("large");
    fs::write(&large, "x".repeat(70_000)).expect("a file");
    let large = large.to_str().expect("a path");
    let search = ["number", "search", "--twilio-account-sid", "AC1", "--twilio-auth-token-file", large];
    home.nmc.run(&search).refused(2, "--twilio-auth-token-file: the first line of");
    home.nmc.run(&["tenant", "onboard", "--from", large]).refused(2, "is larger than 64 KiB");
}
