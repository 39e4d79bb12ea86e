//! Which PostgreSQL programs this machine has, and what to run where it has none.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::EmbeddedError;
use super::account::{self, Account};
use super::paths::DataDir;

/// The oldest major version that will do.
const OLDEST: u32 = 15;

/// Where packages install: every directory of the first part whose name begins with the second, then the third.
const USUAL_FOLDERS: [(&str, &str, &str); 13] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/lib64", "postgresql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
    ("/opt/PostgreSQL", "", "bin"),
    ("/opt/bitnami", "postgresql", "bin"),
    ("/usr/local", "pgsql", "bin"),
];

/// A folder with `postgres` and `initdb`, and their major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) bin_dir: PathBuf,
    pub(super) major: u32,
}

/// Finds the programs for a new data directory, the newest, or for one that the major version `made_by` has made.
pub(super) fn find(home: &DataDir, chosen: Option<&Path>, made_by: Option<u32>) -> Result<Programs, EmbeddedError> {
    let DataDir { path: data_dir, account } = home;
    let folders = chosen.map_or_else(usual_folders, |folder| vec![folder.to_owned()]);
    let candidates = with_programs(folders);
    choose(&candidates, |bin_dir| major_of(account, bin_dir), data_dir, made_by).map_err(|error| match (error, chosen) {
        (EmbeddedError::NotInstalled { install }, Some(folder)) => {
            EmbeddedError::NotInFolder { folder: folder.to_owned(), install }
        }
        (error, _) => error,
    })
}

/// The choice itself, apart from the machine.
pub(super) fn choose(
    candidates: &[PathBuf],
    major_of: impl Fn(&Path) -> Option<u32>,
    data_dir: &Path,
    made_by: Option<u32>,
) -> Result<Programs, EmbeddedError> {
    let mut found: Vec<Programs> = Vec::new();
    for bin_dir in by_likelihood(candidates, made_by) {
        let Some(major) = major_of(&bin_dir) else { continue };
        let programs = Programs { bin_dir, major };
        if made_by == Some(major) && major >= OLDEST {
            return Ok(programs);
        }
        found.push(programs);
    }
    let Some(newest) = found.iter().max_by_key(|programs| programs.major) else {
        return Err(EmbeddedError::NotInstalled { install: install(made_by) });
    };
    let too_old = |programs: &Programs| {
        let Programs { major: found, ref bin_dir } = *programs;
        EmbeddedError::TooOld { found, bin_dir: bin_dir.clone(), install: install(None) }
    };
    match made_by {
        Some(made_by) => {
            if let Some(old) = found.iter().find(|programs| programs.major == made_by) {
                return Err(too_old(old));
            }
            let mut majors: Vec<u32> = found.iter().map(|programs| programs.major).collect();
            majors.sort_unstable();
            majors.dedup();
            let installed = majors.iter().map(u32::to_string).collect::<Vec<_>>().join(" and ");
            let install = install(Some(made_by));
            Err(EmbeddedError::OtherVersion { data_dir: data_dir.to_owned(), made_by, installed, install })
        }
        None if newest.major < OLDEST => Err(too_old(newest)),
        None => Ok(newest.clone()),
    }
}

/// Asking a program for its version takes 10 ms: folders whose path names the version come first.
fn by_likelihood(candidates: &[PathBuf], made_by: Option<u32>) -> Vec<PathBuf> {
    let mut candidates = candidates.to_vec();
    if let Some(made_by) = made_by {
        let made_by = made_by.to_string();
        candidates.sort_by_key(|folder| !folder.to_string_lossy().contains(&made_by));
    }
    candidates
}

/// The folders where PostgreSQL's other programs are looked for: the one that is named, and where packages install.
pub(crate) fn program_folders(chosen: Option<&Path>) -> Vec<PathBuf> {
    chosen.map(Path::to_owned).into_iter().chain(usual_folders()).collect()
}

fn usual_folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (parent, prefix, end) in USUAL_FOLDERS {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        let matching = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        folders.extend(matching.map(|entry| entry.path().join(end)));
    }
    folders
}

/// The real folders among them that hold both programs, each once.
fn with_programs(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        if !is_program(&folder.join("postgres")) || !is_program(&folder.join("initdb")) {
            continue;
        }
        // /usr/local/bin/postgres may be a link into the folder that has psql, too.
        let real = fs::canonicalize(folder.join("postgres")).ok().and_then(|program| program.parent().map(Path::to_owned));
        let folder = real.filter(|real| is_program(&real.join("postgres")) && is_program(&real.join("initdb"))).unwrap_or(folder);
        if !found.contains(&folder) {
            found.push(folder);
        }
    }
    found
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn major_of(account: &Account, bin_dir: &Path) -> Option<u32> {
    let output = account.command(bin_dir.join("postgres")).arg("-V").stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
pub(crate) fn parse_version(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL)").nth(1)?.trim_start();
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// "install it with …", by the package manager of this machine; `major` if it has to be that one.
pub(super) fn install(major: Option<u32>) -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/bin", "/bin", "/sbin", "/usr/sbin", "/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from));
    install_with(|program| folders.iter().any(|folder| is_program(&folder.join(program))), account::is_root(), major)
}

/// The sentence part itself, apart from the machine.
pub(super) fn install_with(has: impl Fn(&str) -> bool, root: bool, major: Option<u32>) -> String {
    let sudo = if root { "" } else { "sudo " };
    let (number, at) = major.map_or_else(Default::default, |major| (major.to_string(), format!("@{major}")));
    let dashed = if number.is_empty() { String::new() } else { format!("-{number}") };
    let command = if has("apt-get") {
        format!("{sudo}apt-get install postgresql{dashed}")
    } else if has("dnf") {
        format!("{sudo}dnf install postgresql{number}-server postgresql{number}-contrib")
    } else if has("apk") {
        format!("{sudo}apk add postgresql{number} postgresql{number}-contrib")
    } else if has("zypper") {
        format!("{sudo}zypper install postgresql{number}-server postgresql{number}-contrib")
    } else if has("pacman") {
        format!("{sudo}pacman -S postgresql")
    } else if has("brew") {
        format!("brew install postgresql{}", if at.is_empty() { "@17" } else { &at })
    } else {
        let which = if number.is_empty() { format!("{OLDEST} or newer") } else { number };
        return format!("install PostgreSQL {which} from https://www.postgresql.org/download/");
    };
    format!("install it with `{command}`")
}
