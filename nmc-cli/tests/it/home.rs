//! A data directory of one test's, with nmc's own PostgreSQL in it.

use crate::nmc::Nmc;
use nmc_core::testing::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    pub(crate) nmc: Nmc,
}

impl Home {
    /// Not made yet. As root the server runs as another user, who gets everywhere under /tmp.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let dir = PathBuf::from(format!("/tmp/nmc-cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        Self { nmc: Nmc::bare().with("NMC_DATA_DIR", &dir), dir }
    }

    /// With the schema in place.
    pub(crate) fn migrated() -> Self {
        let home = Self::new();
        home.nmc.run(&["migrate", "run"]).ok();
        home
    }

    /// Every process that works on this directory: the server, its children, its watchdog.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let ours = |pid: &u32| {
            let proc = PathBuf::from(format!("/proc/{pid}"));
            let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
            let dir = self.dir.to_string_lossy();
            let inside = fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.dir));
            // A zombie has no arguments any more.
            !arguments.is_empty()
                && (inside || String::from_utf8_lossy(&arguments).split('\0').any(|part| part.starts_with(&*dir)))
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
                drop(kill_process(pid, Signal::KILL));
            }
        }
        if self.dir.exists()
            && let Err(error) = fs::remove_dir_all(&self.dir)
        {
            eprintln!("{}: {error}", self.dir.display());
        }
    }
}
