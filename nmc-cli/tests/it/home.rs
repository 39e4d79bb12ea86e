//! Data directories with nmc's own PostgreSQL in them.

use crate::nmc::Nmc;
use nmc_core::Secret;
use nmc_core::store::Migrator;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::testing::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The directory of one test.
pub(crate) struct Home {
    base: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) nmc: Nmc,
}

impl Home {
    /// Nothing is there yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = shared().base.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&base).expect("a directory");
        let dir = base.join("data");
        Self { nmc: Nmc::bare().with("NMC_DATA_DIR", &dir), dir, base }
    }

    /// With a server that has the schema in place: a copy, which costs a tenth of making one.
    pub(crate) fn migrated() -> Self {
        static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let dir = shared().base.join("template");
            let server = start(&dir);
            Migrator::new(Secret::new(server.url())).run(|_| {}).expect("the migrations");
            server.stop().expect("a stopped server");
            dir
        });
        let home = Self::new();
        let copied = Command::new("cp").arg("-a").arg(template).arg(&home.dir).status();
        assert!(copied.is_ok_and(|status| status.success()), "a copy of the template");
        home
    }

    /// Starts the server here, so that commands find it running. Without fsync, which nmc itself never does.
    pub(crate) fn hold(&self) -> EmbeddedPostgres {
        start(&self.dir)
    }

    /// Another directory, gone with this one.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let dir = self.base.join(name);
        fs::create_dir(&dir).expect("a directory");
        dir
    }

    /// Every process that works on the directory: the server, its children, its watchdog.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let ours = |pid: &u32| {
            let proc = PathBuf::from(format!("/proc/{pid}"));
            // A zombie has no arguments any more.
            let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
            let inside = |path: &Path| path.starts_with(&self.dir);
            !arguments.is_empty()
                && (fs::read_link(proc.join("cwd")).is_ok_and(|cwd| inside(&cwd))
                    || String::from_utf8_lossy(&arguments).split('\0').any(|argument| inside(Path::new(argument))))
        };
        let pids = fs::read_dir("/proc").expect("/proc").flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(ours).collect()
    }

    /// The server's first process.
    pub(crate) fn server(&self) -> Pid {
        let text = fs::read_to_string(self.dir.join("pg/postmaster.pid")).expect("a running server");
        text.lines().next().and_then(|line| line.parse().ok()).and_then(Pid::from_raw).expect("its pid")
    }

    pub(crate) fn wait_until_quiet(&self) {
        wait_until("the server has gone", || self.processes().is_empty());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for pid in self.processes() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have gone meanwhile, which is what is wanted.
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
        if let Err(error) = fs::remove_dir_all(&self.base) {
            eprintln!("{}: {error}", self.base.display());
        }
    }
}

fn start(dir: &Path) -> EmbeddedPostgres {
    let options = EmbeddedOptions {
        data_dir: Some(dir.to_owned()),
        bin_dir: nmc_core::testing::pg_bin(),
        fsync: false,
        ..EmbeddedOptions::default()
    };
    EmbeddedPostgres::start(&options).expect("a server")
}

/// What all tests of this run share.
struct Shared {
    base: PathBuf,
    /// Holds the pipe that the sweeper reads.
    _sweeper: Child,
}

/// As root the server runs as another user, who gets everywhere under /tmp. What is in there goes when this process does,
/// however it ends.
fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let base = PathBuf::from(format!("/tmp/nmc-cli-{}", std::process::id()));
        fs::create_dir_all(&base).expect("a directory");
        let mut sweeper = Command::new("sh");
        sweeper.args(["-c", "read -r _; rm -rf \"$1\"", "sh"]).arg(&base).stdin(Stdio::piped());
        Shared { base, _sweeper: sweeper.spawn().expect("a shell") }
    })
}
