//! Makes the server's files: all of them in a directory beside, which takes its place only when it is complete.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use super::EmbeddedError;
use super::paths::DataDir;
use super::programs::Programs;

/// Our login: no superuser, and the owner of the database.
pub(super) const USER: &str = "nmc";
/// The name of our database.
pub(super) const DATABASE: &str = "nevermisscall";
/// The superuser of the cluster.
pub(super) const SUPERUSER: &str = "postgres";

/// The major version that made the cluster; None if there is no cluster.
pub(super) fn made_by(home: &DataDir) -> Result<Option<u32>, EmbeddedError> {
    let cluster = home.cluster();
    let file = cluster.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => {
                Err(EmbeddedError::io("understand", &file)(std::io::Error::other(format!("{:?} is no version", text.trim()))))
            }
        },
        Err(error) if error.kind() == ErrorKind::NotFound && !cluster.exists() => Ok(None),
        Err(error) => Err(EmbeddedError::io("read", &file)(error)),
    }
}

/// Makes the cluster with our login and our database.
pub(super) fn init(home: &DataDir, programs: &Programs, fsync: bool) -> Result<(), EmbeddedError> {
    // A name of its own: an initdb whose nmc was killed may still be writing to the one before.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let new = home.join(&format!("pg.init.{}-{}", std::process::id(), now.as_nanos()));
    let made = fill(home, programs, &new, fsync).and_then(|()| {
        let cluster = home.cluster();
        fs::rename(&new, &cluster).map_err(EmbeddedError::io("make", &cluster))
    });
    remove_unfinished(home);
    made?;
    if fsync { home.sync() } else { Ok(()) }
}

fn fill(home: &DataDir, programs: &Programs, new: &Path, fsync: bool) -> Result<(), EmbeddedError> {
    // Sorting by bytes never changes with the system's libc, as other locales' does; letters are Unicode's where C.UTF-8 is known.
    if let Err(error) = run(home, initdb(home, programs, new).arg("--lc-ctype=C.UTF-8"), "") {
        tracing::debug!(%error, "trying without C.UTF-8");
        run(home, &mut initdb(home, programs, new), "")?;
    }
    let mut single = home.account.command(programs.bin_dir.join("postgres"));
    single.args(["--single", "-F", "-c", "exit_on_error=on", "-c", "log_checkpoints=off", "-D"]).arg(new).arg(SUPERUSER);
    // Nobody but nmc is here, so what only others would need (temporary tables) is nobody's but the owner's.
    let sql = format!(
        "CREATE ROLE {USER} LOGIN NOSUPERUSER CREATEROLE\nCREATE DATABASE {DATABASE} OWNER {USER}\n\
         REVOKE TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC\n"
    );
    run(home, &mut single, &sql)?;
    if fsync {
        let mut sync = home.account.command(programs.bin_dir.join("initdb"));
        run(home, sync.arg("--sync-only").arg("-D").arg(new), "")?;
    }
    Ok(())
}

fn initdb(home: &DataDir, programs: &Programs, new: &Path) -> Command {
    let mut initdb = home.account.command(programs.bin_dir.join("initdb"));
    initdb.args(["--username", SUPERUSER, "--encoding=UTF8", "--locale=C", "--text-search-config=english", "--data-checksums"]);
    initdb.args(["--auth-local=trust", "--auth-host=reject", "--no-sync", "--no-instructions", "-D"]).arg(new);
    initdb
}

fn run(home: &DataDir, command: &mut Command, input: &str) -> Result<(), EmbeddedError> {
    let program = command.get_program().to_owned();
    let fail = |error| EmbeddedError::io("run", Path::new(&program))(error);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(fail)?;
    // A few hundred bytes fit into the pipe; should the program end before it reads them, its exit code says so.
    if let Some(Err(error)) = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())) {
        tracing::debug!(%error, "the program doesn't read its input");
    }
    let output = child.wait_with_output().map_err(fail)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let grave = |line: &&str| ["FATAL:", "ERROR:", "error:"].iter().any(|level| line.contains(level));
    let line = said.lines().find(grave).or_else(|| said.lines().rfind(|line| !line.trim().is_empty()));
    let detail = line.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned());
    Err(EmbeddedError::Init { data_dir: home.path.clone(), detail })
}

/// Removes what killed initialisations have left.
pub(super) fn remove_unfinished(home: &DataDir) {
    let Ok(entries) = fs::read_dir(&home.path) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("pg.init")) {
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "could not remove an unfinished cluster");
        }
    }
}
