//! Who types, told to other processes.

use diesel::connection::SimpleConnection as _;
use nmc_core::conversations::{NewConversation, TypingNotice, TypingOutbox, TypingRelay, TypingRooms};
use nmc_core::people::NewUser;
use nmc_core::testing::{Business, TestDb, unique_phone, wait_until};
use nmc_core::{CallerIdentity, ConversationChannel, ConversationId, Secret, Store, StoreConfig, TenantId, UserId, UserRole};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Longer than anything takes.
const SOON: Duration = Duration::from_secs(20);

/// Long enough for what must not come, since what other processes write is looked for every 250 ms.
const A_WHILE: Duration = Duration::from_millis(700);

/// Rooms in which somebody of these businesses is, whatever the conversation.
struct Rooms(Vec<TenantId>, Sender<TypingNotice>);

impl TypingRooms for Rooms {
    fn tenants(&self) -> Vec<TenantId> {
        self.0.clone()
    }

    fn hear(&self, notice: TypingNotice) {
        let _is_heard = self.1.send(notice);
    }
}

/// A process with clients.
struct Process {
    outbox: TypingOutbox,
    heard: Receiver<TypingNotice>,
    relay: TypingRelay,
}

impl Process {
    fn start(store: &Store, tenants: &[TenantId]) -> Self {
        let (hears, heard) = channel();
        let outbox = TypingOutbox::default();
        let relay = TypingRelay::start(store, &outbox, Rooms(tenants.to_vec(), hears)).unwrap();
        Self { outbox, heard, relay }
    }

    #[track_caller]
    fn hears(&self, notice: TypingNotice) {
        assert_eq!(self.heard.recv_timeout(SOON), Ok(notice));
    }

    #[track_caller]
    fn hears_nothing(&self) {
        assert_eq!(self.heard.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    }
}

struct Scene {
    db: TestDb,
    business: Business,
}

impl Scene {
    fn new() -> Self {
        let db = TestDb::with(|config| config.pool_timeout = Duration::from_millis(200));
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, business }
    }

    fn tenant(&self) -> TenantId {
        self.business.tenant.id()
    }

    fn other_process(&self, tenants: &[TenantId]) -> Process {
        Process::start(&Store::connect(StoreConfig::new(Secret::new(self.db.url()))).unwrap(), tenants)
    }

    fn user(&self) -> UserId {
        let email = format!("{}@example.com", Uuid::now_v7()).parse().unwrap();
        let (password_hash, role) = ("$2b$".to_owned(), UserRole::User);
        let new = NewUser { email, password_hash, first_name: None, last_name: None, role, email_verified: true };
        self.db.store.tenant(&self.business.tenant, |tx| tx.users().create(&new)).unwrap().id
    }

    fn conversation(&self) -> ConversationId {
        let customer_phone = CallerIdentity::Phone(unique_phone());
        let channel = ConversationChannel::Sms;
        let new = NewConversation { customer_phone, channel, subject: None, customer_name: None };
        self.db.store.tenant(&self.business.tenant, |tx| tx.conversations().create(&new)).unwrap().id
    }

    /// The notice that a new user types in a new conversation.
    fn notice(&self) -> TypingNotice {
        let (tenant_id, conversation_id, user_id) = (self.tenant(), self.conversation(), self.user());
        TypingNotice { tenant_id, conversation_id, user_id, is_typing: true }
    }

    fn rows(&self) -> i64 {
        self.db.query("SELECT count(*) FROM typing_notices")[0]
    }
}

const fn ended(notice: TypingNotice) -> TypingNotice {
    TypingNotice { is_typing: false, ..notice }
}

#[test]
fn notice_reaches_the_other_processes_of_its_business_once() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Rival").tenant.id();
    let own = Process::start(&scene.db.store, &[scene.tenant()]);
    let [other, deaf] = [scene.tenant(), rival].map(|tenant| scene.other_process(&[tenant]));
    let notice = scene.notice();
    own.outbox.tell(notice);
    other.hears(notice);
    own.outbox.tell(notice);
    own.outbox.tell(ended(notice));
    other.hears(ended(notice));
    other.hears_nothing();
    // One row, whoever writes it: now the other.
    other.outbox.tell(notice);
    own.hears(notice);
    assert_eq!(scene.rows(), 1);
    assert!(deaf.heard.try_recv().is_err() && other.heard.try_recv().is_err());
    // What waits at the end is written.
    own.outbox.tell(ended(notice));
    drop(own.relay);
    other.hears(ended(notice));
    // One that comes hears who typed just now.
    scene.other_process(&[rival, scene.tenant()]).hears(ended(notice));
}

#[test]
fn notice_of_rows_that_there_are_not_costs_no_other() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Rival").tenant.id();
    let (own, other) = (Process::start(&scene.db.store, &[]), scene.other_process(&[scene.tenant(), rival]));
    let notice = scene.notice();
    own.outbox.tell(TypingNotice { tenant_id: rival, ..notice });
    own.outbox.tell(TypingNotice { user_id: UserId::new(Uuid::now_v7()), ..notice });
    own.outbox.tell(TypingNotice { conversation_id: ConversationId::new(Uuid::now_v7()), ..notice });
    own.outbox.tell(notice);
    other.hears(notice);
    other.hears_nothing();
    assert_eq!(scene.rows(), 1);
}

#[test]
fn conversation_that_is_worked_on_keeps_no_notice_waiting() {
    let scene = Scene::new();
    let (own, other) = (Process::start(&scene.db.store, &[]), scene.other_process(&[scene.tenant()]));
    let [locked, free] = [(); 2].map(|()| scene.notice());
    let lock = format!("BEGIN; SELECT FROM conversations WHERE id = '{}' FOR UPDATE", locked.conversation_id);
    let mut conn = scene.db.superuser();
    conn.batch_execute(&lock).unwrap();
    own.outbox.tell(locked);
    own.outbox.tell(free);
    other.hears(free);
    assert!(other.heard.try_recv().is_err());
    conn.batch_execute("COMMIT").unwrap();
    other.hears(locked);
    // One that is there already is moved meanwhile.
    conn.batch_execute(&lock).unwrap();
    own.outbox.tell(ended(locked));
    other.hears(ended(locked));
}

#[test]
fn thousand_notices_are_written_few_times() {
    let scene = Scene::new();
    let notice = scene.notice();
    let sent = scene.db.round_trips(|store| {
        let own = Process::start(store, &[]);
        let since = Instant::now();
        let mut told = 0;
        wait_until("a second and a half have gone by", || {
            (0..100).for_each(|n| own.outbox.tell(TypingNotice { is_typing: n % 2 == 0, ..notice }));
            told += 100;
            since.elapsed() > Duration::from_millis(1_500)
        });
        assert!(told >= 1_000, "{told}");
    });
    let writes = sent.iter().filter(|sent| sent.sql.contains("UPDATE typing_notices")).count();
    assert!((1..=5).contains(&writes), "{writes}: {sent:?}");
    assert_eq!(scene.db.query::<bool>("SELECT is_typing FROM typing_notices"), [false], "the last");
}

#[test]
fn process_in_whose_rooms_nobody_is_asks_nothing() {
    let scene = Scene::new();
    let asked = |tenants: &[TenantId]| {
        let sent = scene.db.round_trips(|store| {
            let process = Process::start(store, tenants);
            process.hears_nothing();
            drop(process);
            store.events(&scene.business.tenant, None, 1).unwrap();
        });
        sent.iter().filter(|sent| sent.sql.contains("typing_notices")).count()
    };
    assert_eq!(asked(&[]), 0);
    assert!((2..=4).contains(&asked(&[scene.tenant()])), "each quarter of a second");
}

#[test]
fn notices_of_all_businesses_are_deleted_once_they_are_old() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Rival").tenant.id();
    scene.db.fill_every_table(scene.tenant());
    scene.db.fill_every_table(rival);
    scene.db.execute("UPDATE typing_notices SET noticed_at = now() - interval '2 minutes'");
    assert_eq!(scene.rows(), 2);
    let (own, other) = (Process::start(&scene.db.store, &[]), scene.other_process(&[scene.tenant(), rival]));
    other.hears_nothing();
    let notice = scene.notice();
    own.outbox.tell(notice);
    other.hears(notice);
    wait_until("the others are gone", || scene.rows() == 1);
}

#[test]
fn outage_of_the_database_loses_notices_and_no_more() {
    let scene = Scene::new();
    let (own, other) = (Process::start(&scene.db.store, &[scene.tenant()]), scene.other_process(&[scene.tenant()]));
    let notice = scene.notice();
    let outage = scene.db.take_down();
    own.outbox.tell(notice);
    other.hears_nothing();
    drop(outage);
    let since = Instant::now();
    let is_heard = || {
        // As a client does.
        own.outbox.tell(notice);
        other.heard.recv_timeout(A_WHILE) == Ok(notice)
    };
    wait_until("it is told again", is_heard);
    assert!(since.elapsed() < SOON);
    let mut blockade = scene.db.block("typing_notices");
    blockade.wait_for_blocked(1);
    own.outbox.tell(ended(notice));
    let since = Instant::now();
    drop((own, other));
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}
