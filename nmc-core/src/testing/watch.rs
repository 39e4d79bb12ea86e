use super::TestDb;
use std::time::{Duration, Instant};

/// Waits until something holds, looking every few milliseconds.
///
/// # Panics
/// When it doesn't within ten seconds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl TestDb {
    /// Waits until `sessions` sessions of this database wait for a person's lock.
    ///
    /// # Panics
    /// As [`wait_until`].
    pub fn wait_for_waiting_sessions(&self, sessions: i64) {
        let mut conn = self.superuser();
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        wait_until("somebody waits for the person's lock", || super::query::<i64>(&mut conn, waiting) == [sessions]);
    }
}
