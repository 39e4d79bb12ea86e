//! Behind PgBouncer in transaction mode: each transaction may have another connection, and whoever comes next gets it as it was left.

use diesel::connection::SimpleConnection as _;
use nmc_core::conversations::{MessageFilter, Worker, WorkerConfig};
use nmc_core::store::{Migration, Migrator, Reason};
use nmc_core::telephony::Pace;
use nmc_core::testing::{Business, FakeSms, TestDb, VoiceForm, query, unique_phone, unique_sid, wait_until};
use nmc_core::workflows::record_voice_status;
use nmc_core::{Confirmed, MessageStatus, Secret, Store, StoreConfig};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const INI: &str = "[databases]\n* = host=HOST port=PORT\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = DIR\n\
                   auth_type = trust\nauth_file = DIR/users\npool_mode = transaction\ndefault_pool_size = 4\n";

/// A PgBouncer in front of the test server, with four connections for everybody. Gone when this is dropped.
struct Pooler {
    child: Child,
    dir: PathBuf,
    database: String,
}

impl Pooler {
    fn over(db: &TestDb) -> Self {
        let url = db.url();
        let of = |name: &str| url.split(name).nth(1).unwrap().split('&').next().unwrap().replace("%2F", "/");
        let (host, port) = (of("host="), of("port="));
        let database = db.query::<String>("SELECT current_database()").remove(0);
        let dir = std::env::temp_dir().join(format!("nmc-pooler-{}-{database}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let ini = INI.replace("HOST", &host).replace("PORT", &port).replace("DIR", dir.to_str().unwrap());
        std::fs::write(dir.join("ini"), ini).unwrap();
        std::fs::write(dir.join("users"), "\"nmc\" \"\"\n").unwrap();
        // It refuses to be root, and the server's socket is for the server's account alone.
        let account = std::fs::metadata(Path::new(&host)).unwrap();
        chown(&dir, Some(account.uid()), Some(account.gid())).unwrap();
        let mut command = Command::new("pgbouncer");
        command.arg(dir.join("ini")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("PATH", std::env::var("PATH").unwrap() + ":/usr/sbin:/sbin");
        if account.uid() != std::fs::metadata("/proc/self").unwrap().uid() {
            command.uid(account.uid()).gid(account.gid());
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("pgbouncer must be installed: {error}"));
        let pooler = Self { child, dir, database };
        wait_until("the pooler listens", || UnixStream::connect(pooler.dir.join(".s.PGSQL.6432")).is_ok());
        pooler
    }

    fn url(&self) -> Secret {
        Secret::new(format!("postgres://nmc@/{}?host={}&port=6432", self.database, self.dir.to_str().unwrap()))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}

#[test]
fn migrations_behind_a_pooler_leave_its_connections_clean() {
    let db = TestDb::empty();
    let pooler = Pooler::over(&db);
    let migrator = Migrator::new(pooler.url());
    let all = migrator.status().unwrap().pending().count();
    // Several at once: each gets whichever connection is free.
    let total: usize = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..3).map(|_| scope.spawn(|| migrator.run(|_| {}).unwrap())).collect();
        runners.into_iter().map(|runner| runner.join().unwrap()).sum()
    });
    assert_eq!(total, all);
    assert_eq!(migrator.revert(2, Confirmed::irrevocably(), |_| {}).unwrap(), 2);
    assert_eq!(migrator.run(|_| {}).unwrap(), 2);
    assert_eq!(migrator.verify().unwrap(), []);
    let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                 WHERE l.locktype = 'advisory' AND d.datname = current_database()";
    assert_eq!(db.query::<i64>(locks), [0]);
    // All four connections, as whoever comes next finds them.
    let mut next: Vec<_> = (0..4).map(|_| TestDb::connect(pooler.url().expose())).collect();
    next.iter_mut().for_each(|conn| conn.batch_execute("BEGIN").unwrap());
    for conn in &mut next {
        let settings = "SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'),
                                         current_setting('search_path'), current_user) AS settings";
        assert_eq!(query::<String>(conn, settings), ["0 0 \"$user\", public nmc"]);
    }
}

#[test]
fn an_index_is_built_concurrently_behind_a_pooler() {
    const TABLE: Migration =
        Migration { name: "2030-01-01-000001_create_first", up: "CREATE TABLE first (id INTEGER)", down: "DROP TABLE first" };
    const INDEX: Migration = Migration {
        name: "2030-01-01-000002_index_first",
        up: "-- transaction: none\nCREATE INDEX CONCURRENTLY first_id_idx ON public.first (id)",
        down: "DROP INDEX CONCURRENTLY public.first_id_idx",
    };
    let db = TestDb::empty();
    let pooler = Pooler::over(&db);
    let run = || Migrator::with(pooler.url(), &[TABLE, INDEX], Duration::from_secs(20)).run(|_| {}).unwrap();
    let total: usize = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..2).map(|_| scope.spawn(run)).collect();
        runners.into_iter().map(|runner| runner.join().unwrap()).sum()
    });
    assert_eq!(total, 2);
    assert_eq!(db.query::<bool>("SELECT indisvalid FROM pg_index WHERE indexrelid = 'first_id_idx'::regclass"), [true]);
}

#[test]
fn missed_calls_and_their_texts_go_through_a_pooler() {
    let db = TestDb::new();
    let pooler = Pooler::over(&db);
    let mut config = StoreConfig::new(pooler.url());
    config.prepared_statements = false;
    let store = Store::connect(config).unwrap();
    let business = Business::onboard(&store, "Joe's Plumbing");
    let calls = 12;
    std::thread::scope(|scope| {
        for _ in 0..calls {
            scope.spawn(|| {
                let form = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA"));
                assert!(record_voice_status(&store, &form.parse()).unwrap().greeting.is_some());
            });
        }
    });
    let sms = Arc::new(FakeSms::new());
    let worker = Worker::new(store.clone(), sms.clone(), WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() });
    wait_until("every text is sent", || {
        worker.pass().unwrap();
        sms.taken().len() >= calls
    });
    let queued = MessageFilter { status: Some(MessageStatus::Queued), ..Default::default() };
    assert_eq!(business.messages(&store, &queued).len(), 0);
    assert!(store.system(Reason::Operations, |tx| tx.find_tenant_by_name("Joe's Plumbing")).unwrap().is_some());
}
