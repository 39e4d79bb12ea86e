//! `nmc worker` against Twilio's API, killed at the worst moments.

use crate::home::Home;
use crate::nmc::{Nmc, Running};
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::conversations::MessageFilter;
use nmc_core::testing::{Business, FakeSmtp, FakeTwilio, TestDb, TwilioFault, unique_phone, wait_until};
use nmc_core::{MessageStatus, PhoneNumber, Secret};
use rustix::process::Signal;

struct Scene {
    twilio: FakeTwilio,
    db: TestDb,
    joe: Business,
    customer: PhoneNumber,
    nmc: Nmc,
}

impl Scene {
    fn new() -> Self {
        let (twilio, db) = (FakeTwilio::start(), TestDb::new());
        let account = twilio.account();
        let nmc = Nmc::on(db.url())
            .with("NMC_SMS", "twilio")
            .with("NMC_TWILIO_API_URL", twilio.url())
            .with("TWILIO_ACCOUNT_SID", account.account_sid)
            .with("TWILIO_AUTH_TOKEN", account.auth_token.expose())
            .with("NMC_PUBLIC_URL", "https://nmc.example.com");
        let joe = Business::onboard(&db.store, "Joe's Plumbing");
        Self { twilio, joe, customer: unique_phone(), nmc, db }
    }

    fn queue(&self, body: &str) {
        self.joe.queue(&self.db.store, &self.customer, body).expect("a queued text");
    }

    fn start(&self) -> Running {
        let running = self.nmc.start(&["worker"]);
        running.says("sending queued texts");
        running
    }

    fn statuses(&self) -> Vec<MessageStatus> {
        self.joe.messages(&self.db.store, &MessageFilter::default()).iter().map(|text| text.message_status).collect()
    }

    fn wait_until_sent(&self) {
        wait_until("the text is sent", || self.statuses() == [MessageStatus::Accepted]);
    }

    /// What a dead worker had claimed comes back when its lease ends.
    fn let_leases_end(&self) {
        wait_until("its transaction is rolled back", || {
            self.db.query::<i64>(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                                  WHERE d.datname = current_database() AND l.locktype = 'advisory'",
            ) == [0]
        });
        self.db.execute("UPDATE messages SET next_attempt_at = now(), lease_expires_at = now() WHERE lease_owner IS NOT NULL");
    }
}

#[test]
fn queued_texts_reach_twilio_once_each() {
    let scene = Scene::new();
    scene.queue("We'll come at nine");
    let worker = scene.start();
    scene.wait_until_sent();
    worker.signal(Signal::TERM);
    worker.end().ok();
    let texts = scene.twilio.texts();
    let [text] = &texts[..] else { panic!("one text: {texts:?}") };
    assert_eq!((text.to.as_str(), text.body.as_str()), (scene.customer.as_str(), "We'll come at nine"));
    let callback = text.status_callback.as_deref().unwrap_or_default();
    assert!(callback.starts_with("https://nmc.example.com/webhooks/twilio/sms/status?message="), "{callback}");
}

#[test]
fn worker_mails_an_invitation_whose_link_works() {
    let (db, smtp, home) = (TestDb::new(), FakeSmtp::start(), Home::new());
    let _joe = Business::onboard(&db.store, "Joe's Plumbing");
    let keys = home.beside("keys").join("token-keys");
    let nmc = Nmc::on(db.url())
        .with("NMC_TENANT", "Joe's Plumbing")
        .with("NMC_TOKEN_KEYS", &keys)
        .with("NMC_SMTP_URL", smtp.url())
        .with("NMC_SMTP_FROM", "nmc@nmc.example.com")
        .with("NMC_PUBLIC_URL", "https://nmc.example.com");
    let ann = ["--email", "ann@example.com", "--first-name", "Ann", "--last-name", "Other", "--role", "admin"];
    nmc.run(&[&["user", "invite"], &ann[..]].concat()).ok();
    let worker = nmc.start(&["worker"]);
    wait_until("the mail is sent", || smtp.taken().len() == 1);
    worker.signal(Signal::TERM);
    worker.end().ok();
    let mail = smtp.taken().remove(0).text.replace("=\n", "").replace("=3D", "=");
    let link = mail.split("https://nmc.example.com/app#/invite?token=").nth(1).expect("a link");
    let token = Secret::new(link.split_whitespace().next().expect("a token"));
    let keys = TokenKeys::open(&keys, db.store.now()).expect("the worker's keys");
    let hasher = Hasher::new(10, 2, 8).expect("a hasher");
    let authenticator = Authenticator::new(db.store.clone(), hasher, keys, LoginPolicy::default());
    let ann = authenticator.accept_invitation(&token, &Secret::new("under a sink all day")).expect("a password");
    assert!(ann.email_verified && ann.email.as_str() == "ann@example.com");
}

#[test]
fn worker_killed_between_sending_and_noting_sends_nothing_twice() {
    for moment in [TwilioFault::HoldBefore, TwilioFault::HoldAfter] {
        let scene = Scene::new();
        scene.queue("We'll come at nine");
        scene.twilio.fail_sends_with([moment]);
        let worker = scene.start();
        scene.twilio.wait_for_held();
        worker.kill();
        scene.twilio.release();
        assert_eq!(scene.statuses(), [MessageStatus::Queued], "it died before it could note anything");
        scene.let_leases_end();
        let worker = scene.start();
        scene.wait_until_sent();
        worker.signal(Signal::TERM);
        worker.end().ok();
        assert_eq!(scene.twilio.texts().len(), 1, "{moment:?}");
    }
}

#[test]
fn a_worker_asked_to_stop_notes_what_it_is_sending_first() {
    let scene = Scene::new();
    scene.queue("We'll come at nine");
    scene.twilio.fail_sends_with([TwilioFault::HoldAfter]);
    let worker = scene.start();
    scene.twilio.wait_for_held();
    worker.interrupt();
    worker.says("stopping …");
    scene.twilio.release();
    worker.end().ok();
    assert_eq!((scene.statuses(), scene.twilio.texts().len()), (vec![MessageStatus::Accepted], 1));
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let scene = Scene::new();
    scene.queue("We'll come at nine");
    scene.twilio.fail_sends_with([TwilioFault::HoldAfter]);
    let worker = scene.start();
    scene.twilio.wait_for_held();
    worker.interrupt();
    worker.says("stopping …");
    worker.interrupt();
    worker.end().code(130);
    assert_eq!(scene.statuses(), [MessageStatus::Queued]);
}
