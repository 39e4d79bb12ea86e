//! What is refused, and what it says; the pure parts.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::super::account::is_root;
use super::super::paths::DataDir;
use super::super::process::Postmaster;
use super::super::{EmbeddedError, EmbeddedOptions, EmbeddedPostgres, percent_encode, programs};
use super::{Helper, Outcome, Scratch, until};

#[test]
fn refuses_what_it_must_not_touch() -> Outcome {
    let message =
        |outcome: Result<EmbeddedPostgres, EmbeddedError>| outcome.err().map_or_else(String::new, |error| error.to_string());
    let scratch = Scratch::new()?;
    fs::create_dir(scratch.data())?;
    fs::write(scratch.data().join("letter.txt"), "mine")?;
    assert!(message(scratch.start()).contains("isn't empty and holds no data of nmc"));
    fs::remove_file(scratch.data().join("letter.txt"))?;

    fs::create_dir(scratch.data().join("pg"))?;
    fs::write(scratch.data().join("pg/PG_VERSION"), "14\n")?;
    if is_root() {
        assert!(message(scratch.start()).contains("belongs to root, not to postgres: run `chown -R postgres "));
        chown(scratch.data(), Some(65534), None)?;
    }
    let said = message(scratch.start());
    assert!(said.contains("belongs to PostgreSQL 14, but here there is only PostgreSQL 1") && said.contains("install"), "{said}");
    fs::write(scratch.data().join("pg/PG_VERSION"), "junk\n")?;
    assert!(message(scratch.start()).contains("is no version"));

    if is_root() {
        let closed = scratch.0.join("closed");
        DirBuilder::new().mode(0o700).create(&closed)?;
        let options = EmbeddedOptions { data_dir: Some(closed.join("data")), ..scratch.options() };
        let said = message(EmbeddedPostgres::start(&options));
        assert!(said.contains("who can't enter /tmp/nmc-it's ") && said.contains("/closed: choose"), "{said}");
    }
    Ok(())
}

#[test]
fn refuses_a_planted_socket_directory() -> Outcome {
    let scratch = Scratch::new()?;
    let options = EmbeddedOptions { data_dir: Some(scratch.0.join("long".repeat(40))), ..scratch.options() };
    let home = DataDir::prepare(options.data_dir.as_deref())?;
    let sockets = home.socket_dir();
    let refused = |why: &str| {
        let said = EmbeddedPostgres::start(&options).err().map_or_else(String::new, |error| error.to_string());
        assert!(said.contains(why) && said.contains("remove it"), "{said}");
    };
    let target = scratch.0.join("target");
    DirBuilder::new().mode(0o700).create(&target)?;
    symlink(&target, &sockets)?;
    refused("isn't a directory");
    fs::remove_file(&sockets)?;
    DirBuilder::new().mode(0o700).create(&sockets)?;
    fs::set_permissions(&sockets, Permissions::from_mode(0o755))?;
    refused("is open to other users");
    if is_root() {
        fs::set_permissions(&sockets, Permissions::from_mode(0o700))?;
        chown(&sockets, Some(65534), None)?;
        refused("belongs to nobody");
    }
    fs::remove_dir(&sockets)?;
    EmbeddedPostgres::start(&EmbeddedOptions { remove_on_exit: true, ..options })?.stop()?;
    assert!(!sockets.exists());
    Ok(())
}

#[test]
fn leaves_nothing_behind_after_a_failed_start() -> Outcome {
    let scratch = Scratch::new()?;
    scratch.start()?.stop()?;
    let said = Helper::spawn("fail", &scratch.data(), |_| {})?.last_word()?;
    assert!(said.starts_with("true PostgreSQL did not start (invalid value for parameter \"shared_buffers\""), "{said}");
    until("the watchdog ends", || scratch.is_quiet())?;
    scratch.start()?.stop()?;
    Ok(())
}

#[test]
fn says_what_to_install() -> Outcome {
    let scratch = Scratch::new()?;
    let ask = |name: &str, value: &Path| {
        Helper::spawn("hold", &scratch.data(), |command| {
            command.env(name, value);
        })?
        .last_word()
    };
    let said = ask("NMC_PG_BIN", &scratch.0)?;
    assert!(said.starts_with("error: The folder that PostgreSQL's programs are to be in is /tmp/nmc-it's "), "{said}");
    assert!(said.contains("where there are none"), "{said}");

    let here = |major: u32| programs::choose(&[PathBuf::from("/a")], |_| Some(major), Path::new("/d"), None);
    let nothing = programs::choose(&[], |_| None, Path::new("/d"), None);
    assert!(matches!(nothing, Err(EmbeddedError::NotInstalled { .. })));
    assert!(matches!(here(14), Err(EmbeddedError::TooOld { found: 14, .. })));
    let installed = [PathBuf::from("/a/16"), PathBuf::from("/a/18"), PathBuf::from("/a/17")];
    let major_of = |bin_dir: &Path| bin_dir.file_name()?.to_str()?.parse().ok();
    let choose = |made_by| programs::choose(&installed, major_of, Path::new("/d"), made_by).map(|programs| programs.major);
    assert_eq!((choose(None)?, choose(Some(17))?), (18, 17));
    let other = choose(Some(15)).err().map_or_else(String::new, |error| error.to_string());
    assert!(other.contains("belongs to PostgreSQL 15, but here there is only PostgreSQL 16 and 17 and 18: install"), "{other}");

    let with = |program: &'static str, root, major| programs::install_with(move |asked| asked == program, root, major);
    assert_eq!(with("apt-get", false, None), "install it with `sudo apt-get install postgresql`");
    assert_eq!(with("apt-get", true, Some(16)), "install it with `apt-get install postgresql-16`");
    assert_eq!(with("dnf", true, None), "install it with `dnf install postgresql-server postgresql-contrib`");
    assert_eq!(with("apk", true, Some(17)), "install it with `apk add postgresql17 postgresql17-contrib`");
    assert_eq!(with("brew", false, None), "install it with `brew install postgresql@17`");
    assert_eq!(with("", false, None), "install PostgreSQL 15 or newer from https://www.postgresql.org/download/");
    assert_eq!(programs::parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
    assert_eq!(programs::parse_version("postgres (PostgreSQL) 19beta1"), Some(19));
    Ok(())
}

#[test]
fn reads_pid_files_and_writes_addresses() {
    let ready = b"123\n/d/pg\n1700000000\n5432\n/d/run\n\n  5432001         7\nready   \n";
    let server = Postmaster { pid: 123, port: 5432, socket_dir: PathBuf::from("/d/run"), ready: true };
    assert_eq!(Postmaster::parse(ready), Some(server.clone()));
    let single = Postmaster::parse(b"-123\n/d/pg\n");
    assert_eq!(single, Some(Postmaster { socket_dir: PathBuf::new(), ready: false, ..server }));
    assert_eq!(Postmaster::parse(b"").or(Postmaster::parse(b"0\n")), None);
    assert_eq!(percent_encode("/tmp/it's é".as_bytes()), "%2Ftmp%2Fit%27s%20%C3%A9");
}
