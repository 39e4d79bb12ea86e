//! Who the server runs as: ourselves or, as root (which PostgreSQL refuses), somebody else.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EmbeddedError;

/// What the server inherits of our environment; the rest may be secret (tokens) or mislead it (PGPORT).
const INHERITED: [&str; 3] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZDIR"];
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// The user that owns the data and runs the server.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// We are root and have to become this user.
    switch: bool,
}

/// True for root.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// The account of this process itself.
    pub(super) fn own() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        Self { name: user_name(uid), uid, gid: rustix::process::getegid().as_raw(), switch: false }
    }

    /// The account of the owner of existing data, where we are root. `gid` counts if the user isn't in /etc/passwd (LDAP, a
    /// container's number).
    pub(super) fn of_owner(uid: u32, gid: u32) -> Self {
        let gid = passwd().into_iter().find(|user| user.uid == uid).map_or(gid, |user| user.gid);
        Self { name: user_name(uid), uid, gid, switch: true }
    }

    /// The account for a server without data yet, where we are root: `postgres`, else `nobody`.
    pub(super) fn for_root() -> Result<Self, EmbeddedError> {
        let users = passwd();
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| users.iter().find(|user| user.name == name && user.uid != 0))
            .cloned()
            .ok_or(EmbeddedError::NoAccount)
    }

    /// Whether files we make have to be handed over.
    pub(super) const fn is_other(&self) -> bool {
        self.switch
    }

    /// A command that runs as this user, with next to nothing of our environment, in English and in UTC. Root's supplementary
    /// groups are left behind: std drops them along with the uid.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut path = OsString::from(USUAL_PATH);
        if let Some(ours) = env::var_os("PATH").filter(|ours| !ours.is_empty()) {
            path.push(":");
            path.push(ours);
        }
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", path).env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
        command.envs(INHERITED.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// The first directory on the way to `dir` that the user can't enter, where we are root. The user asks, since only the kernel
    /// knows about access lists, mounts and the like.
    pub(super) fn shut_out<'a>(&self, dir: &'a Path) -> Result<Option<&'a Path>, EmbeddedError> {
        let enters = |place: &Path| {
            let mut probe = self.command("/bin/sh");
            probe.args(["-c", "cd \"$1\"", "sh"]).arg(place).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            probe.status().map(|status| status.success()).map_err(EmbeddedError::io("run", Path::new("/bin/sh")))
        };
        if !self.switch || enters(dir)? {
            return Ok(None);
        }
        let mut way: Vec<&Path> = dir.ancestors().collect();
        way.reverse();
        for place in way {
            if !enters(place)? {
                return Ok(Some(place));
            }
        }
        Ok(Some(dir))
    }
}

/// A user's name, or the number if /etc/passwd doesn't know it.
pub(super) fn user_name(uid: u32) -> String {
    passwd().into_iter().find(|user| user.uid == uid).map_or_else(|| uid.to_string(), |user| user.name)
}

fn passwd() -> Vec<Account> {
    let text = fs::read(PathBuf::from("/etc/passwd")).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(parse_passwd).collect()
}

fn parse_passwd(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid, switch: true })
}
