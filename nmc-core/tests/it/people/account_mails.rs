//! Mails about accounts: what goes out, what its link does and for how long, and what is given up.

use super::*;
use nmc_core::access::SessionFilter;
use nmc_core::delivery::{Mail, MailError, MailLinks, MailReceipt, MailSender};
use nmc_core::people::{
    AccountMail, AccountMailFilter, INVITATION_LIFETIME, InvitationMail, MAILS_AN_HOUR, MAILS_TO_UNPROVED_A_DAY,
    MAILS_TO_UNPROVED_BEFORE_APPROVAL, RESET_LIFETIME, User, UserPatch, VERIFICATION_LIFETIME, change_user, invite_again,
    mail_invitation, mail_verification, vouch_for_email,
};
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::testing::{FakeSmtp, SmtpFault, SmtpStep, TakenMail, wait_until};
use nmc_core::workflows::{AccountMailPass, AccountMailer, AccountMailerConfig, Senders, approve};
use nmc_core::{AccountMailKind, AccountMailStatus, PageRequest, SessionEnd};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use AccountMailKind::{AddressChanged, Approved, Invitation, PasswordReset, Verification};
use AccountMailStatus::{Failed, Sent, Waiting};

const VOID: &str = "token must be in force: it is used up, replaced or too old";
const NEW: &str = "another horse battery";

/// A house with a mail server.
struct Post {
    house: House,
    smtp: FakeSmtp,
}

fn links() -> MailLinks {
    let to = |page: &str| format!("https://nmc.example.com/app#/{page}?token=");
    MailLinks {
        invitation: to("invite"),
        password_reset: to("reset"),
        verification: to("verify"),
        alert: to("alert"),
        alert_in_text: to("a"),
        alerts: to("alerts"),
    }
}

impl Post {
    fn new() -> Self {
        let house = House::new();
        house.db.store.system(Reason::Operations, |tx| tx.approve_tenant(house.tenant.id())).unwrap();
        Self { house, smtp: FakeSmtp::start() }
    }

    fn senders(&self) -> Senders {
        let config = SmtpConfig::parse(&Secret::new(self.smtp.url()), "nmc@nmc.example.com").unwrap();
        let links = Some((links(), self.house.auth.keys().clone()));
        Senders { mail: Some(Arc::new(SmtpMailer::new(config).unwrap())), links, ..Senders::default() }
    }

    fn over(&self, senders: Senders) -> AccountMailer {
        AccountMailer::new(self.house.db.store.clone(), senders, AccountMailerConfig::default())
    }

    fn pass(&self) -> AccountMailPass {
        self.house.pass(1);
        self.over(self.senders()).pass().unwrap()
    }

    fn mails(&self, filter: &AccountMailFilter) -> Vec<AccountMail> {
        self.house.tx(|tx| tx.account_mails().list(filter, PageRequest::first())).unwrap().items
    }

    /// Status and words of the last mail.
    fn fate(&self) -> (AccountMailStatus, String) {
        let last = self.mails(&AccountMailFilter::default()).remove(0);
        (last.status, last.error_message.unwrap_or_default())
    }

    fn ask(&self, name: &str) {
        self.house.pass(1);
        self.house.auth.ask_for_reset(&email(name)).unwrap();
    }

    /// The token of the last mail, which is the only one that goes out now.
    fn token(&self) -> Secret {
        assert_eq!(self.pass(), AccountMailPass { sent: 1, ..AccountMailPass::default() });
        token_in(self.smtp.taken().last().unwrap())
    }

    /// The token of a mail with which ada resets her password.
    fn reset_token(&self) -> Secret {
        self.ask("ada");
        self.token()
    }

    fn reset(&self, token: &Secret) -> Result<UserId> {
        self.house.pass(1);
        self.house.auth.reset_password(token, &secret(NEW)).map(|user| user.id)
    }

    fn invited(&self, name: &str) -> User {
        self.house.pass(1);
        let work = |tx: &mut TenantTx<'_>| {
            let (user, _) = invite(tx, &person(name, UserRole::User))?;
            assert_eq!(mail_invitation(tx, &user)?, InvitationMail::Queued);
            Ok(user)
        };
        self.house.operator(work).unwrap()
    }

    /// Ada, whose address is another and not verified; she asks for a mail, and this is its token.
    fn verification_token(&self) -> Secret {
        let ada = self.house.bearer("ada");
        self.house.db.execute("UPDATE users SET email_verified = false");
        self.house.acting(&ada, mail_verification).unwrap();
        self.token()
    }
}

/// The lines of a mail as they were written.
fn plain(mail: &TakenMail) -> String {
    mail.text.replace("=\n", "").replace("=3D", "=")
}

/// What the link of a mail ends with: the same in its plain text and in its HTML.
fn token_in(mail: &TakenMail) -> Secret {
    let text = plain(mail);
    let links: Vec<&str> = text.split("?token=").skip(1).collect();
    assert_eq!(links.len(), 2, "{text}");
    let of = |link: &str| link.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next().unwrap().to_owned();
    assert_eq!(of(links[0]), of(links[1]));
    Secret::new(of(links[0]))
}

#[test]
fn reset_mail_changes_the_password_once_and_ends_sessions() {
    let post = Post::new();
    let ada = post.house.bearer("ada");
    let token = post.reset_token();
    let [mail] = &post.smtp.taken()[..] else { panic!("one mail") };
    assert_eq!(mail.to, ["ada@example.com"]);
    assert_eq!(mail.header("Subject").unwrap(), "Reset your password for Joe's Plumbing");
    let row = post.mails(&AccountMailFilter::default()).remove(0);
    assert_eq!((row.status, row.attempts, row.kind), (Sent, 1, PasswordReset));
    assert_eq!(mail.header("Message-ID").unwrap(), format!("<{}@nmc.example.com>", row.id));
    assert!(plain(mail).contains("https://nmc.example.com/app#/reset?token=nmcp_"), "{mail:?}");

    let refused = "password must be at least 10 characters";
    post.house.refused(refused, || post.house.auth.reset_password(&token, &secret("short")));
    assert_eq!(post.reset(&token).unwrap(), post.house.ada);
    unknown(post.house.acting(&ada, |_| Ok(())));
    unknown(login(&post.house.auth, "ada"));
    assert!(post.house.tx(|tx| tx.users().get(post.house.ada)).unwrap().email_verified, "the mail reached her");
    post.house.auth.login(&email("ada"), &secret(NEW), &Origin::default()).unwrap();
    let ended = SessionFilter { user: Some(post.house.ada), is_active: Some(false), ..SessionFilter::default() };
    let ended = post.house.tx(|tx| tx.sessions().list(&ended, PageRequest::first())).unwrap().items;
    assert!(ended.iter().all(|session| session.ended_reason == Some(SessionEnd::PasswordChanged)) && ended.len() == 1);
    let (done, before) = (post.house.auth.hasher().done(), post.house.everything());
    assert_eq!(post.reset(&token).unwrap_err().to_string(), VOID);
    post.house.refused(VOID, || post.house.auth.reset_password(&token, &secret("")));
    assert_eq!((post.house.auth.hasher().done(), post.house.everything()), (done, before), "nobody has us hash for nothing");
}

#[test]
fn reset_unlocks_an_account_that_was_locked() {
    let post = Post::new();
    for _ in 0..5 {
        unknown(post.house.auth.login(&email("ada"), &secret("wrong"), &Origin::default()));
    }
    unknown(login(&post.house.auth, "ada"));
    post.reset(&post.reset_token()).unwrap();
    post.house.auth.login(&email("ada"), &secret(NEW), &Origin::default()).unwrap();
}

#[test]
fn token_stands_in_no_row() {
    let post = Post::new();
    let token = post.reset_token();
    let kept = format!("{:?}", post.house.everything());
    assert!(!kept.contains(&token.expose()[token.expose().len() - 43..]), "it is made of the keys");
}

#[test]
fn reset_token_that_is_not_in_force_is_refused_in_one_way() {
    type Spoil = fn(&Post, Secret) -> Secret;
    let cases: &[(&str, Spoil)] = &[
        ("too old", |post, token| {
            post.house.clock.advance(RESET_LIFETIME);
            token
        }),
        ("replaced", |post, token| {
            post.reset_token();
            token
        }),
        ("forged", |_, token| Secret::new(format!("{}AAAA", &token.expose()[..token.expose().len() - 4]))),
        ("of other keys", |post, _| {
            post.ask("ada");
            let keys = TokenKeys::ephemeral(noon()).unwrap();
            post.house.pass(1);
            post.over(Senders { links: Some((links(), keys)), ..post.senders() }).pass().unwrap();
            token_in(post.smtp.taken().last().unwrap())
        }),
        ("another password meanwhile", |post, token| {
            let ada = post.house.bearer("ada");
            post.house.auth.change_password(&ada, &secret(PASSWORD), &secret("a third horse battery")).unwrap();
            token
        }),
        ("deactivated", |post, token| {
            post.house.db.execute("UPDATE users SET is_active = false");
            token
        }),
        ("another address", |post, token| {
            post.house.db.execute("UPDATE users SET email = 'eve@example.com'");
            token
        }),
        ("suspended", |post, token| {
            post.house.db.execute("UPDATE tenants SET status = 'suspended', is_active = false");
            token
        }),
        ("gone", |post, token| {
            post.house.db.execute("DELETE FROM account_mails");
            token
        }),
    ];
    for (what, spoil) in cases {
        let post = Post::new();
        let token = spoil(&post, post.reset_token());
        let before = post.house.everything();
        assert_eq!(post.reset(&token).unwrap_err().to_string(), VOID, "{what}");
        assert_eq!(post.house.everything(), before, "{what}");
    }
    let post = Post::new();
    assert_eq!(post.reset(&secret("nmcp_x")).unwrap_err().to_string(), "token must be one that we mailed");
    let other = post.verification_token();
    assert_eq!(post.reset(&other).unwrap_err().to_string(), "token must be one that we mailed", "each kind has its own");
}

#[test]
fn reset_token_is_good_until_its_last_second() {
    let post = Post::new();
    let token = post.reset_token();
    post.house.clock.advance(RESET_LIFETIME - TimeDelta::seconds(3));
    post.reset(&token).unwrap();
}

#[test]
fn of_many_who_reset_at_once_one_does() {
    let post = Post::new();
    let token = post.reset_token();
    let came = at_once(6, |number| post.house.auth.reset_password(&token, &secret(&format!("a password of {number}"))));
    let winner = came.iter().position(Result::is_ok).unwrap();
    assert_eq!(came.iter().filter(|came| came.is_ok()).count(), 1);
    post.house.auth.login(&email("ada"), &secret(&format!("a password of {winner}")), &Origin::default()).unwrap();
}

#[test]
fn reset_is_asked_for_in_vain_by_whoever_may_not() {
    let post = Post::new();
    post.invited("ben");
    let asked = |name: &str| {
        post.ask(name);
        post.mails(&AccountMailFilter { kind: Some(PasswordReset), ..AccountMailFilter::default() }).len()
    };
    assert_eq!(asked("nobody"), 0);
    assert_eq!(asked("ben"), 0, "who has no password yet");
    for spoilt in [
        "UPDATE users SET email_changed_at = now()",
        "UPDATE users SET email_changed_at = NULL, is_active = false",
        "UPDATE users SET is_active = true; UPDATE tenants SET is_active = false, status = 'suspended'",
    ] {
        post.house.db.execute(spoilt);
        assert_eq!(asked("ada"), 0, "{spoilt}");
    }
}

#[test]
fn one_person_gets_no_more_mails_an_hour_than_may_be() {
    let post = Post::new();
    for _ in 0..MAILS_AN_HOUR + 2 {
        post.ask("ada");
    }
    let all = post.mails(&AccountMailFilter::default());
    assert_eq!(i64::try_from(all.len()), Ok(MAILS_AN_HOUR));
    let waiting: Vec<_> = all.iter().filter(|mail| mail.status == Waiting).collect();
    assert_eq!(waiting.len(), 1, "a later one takes the place of those that wait");
    assert!(all[1..].iter().all(|mail| mail.error_message.as_deref() == Some("a later one takes its place")));
    post.house.clock.advance(TimeDelta::hours(1));
    post.ask("ada");
    assert_eq!(post.mails(&AccountMailFilter::default()).len(), all.len() + 1);
    post.house.clock.advance(TimeDelta::days(31));
    post.ask("ada");
    assert_eq!(post.mails(&AccountMailFilter::default()).len(), 1, "old ones are taken out");
}

#[test]
fn invitation_by_mail_is_accepted_and_verifies_the_address() {
    let post = Post::new();
    let ben = post.invited("ben");
    let token = post.token();
    let mail = post.smtp.taken().remove(0);
    assert_eq!(mail.header("Subject").unwrap(), "You are invited to Joe's Plumbing");
    assert!(plain(&mail).contains("https://nmc.example.com/app#/invite?token=nmci_"), "{mail:?}");
    let user = post.house.auth.accept_invitation(&token, &secret(PASSWORD)).unwrap();
    assert!(user.id == ben.id && user.email_verified);
    login(&post.house.auth, "ben").unwrap();
    let refused = post.house.auth.accept_invitation(&token, &secret(NEW)).unwrap_err().to_string();
    assert_eq!(refused, "invitation must be in force: it is used up, replaced or too old");
}

#[test]
fn invitation_by_mail_is_void_once_the_shown_one_is() {
    type Spoil = fn(&Post, UserId);
    let cases: &[(&str, Spoil)] = &[
        ("invited again", |post, ben| drop(post.house.operator(|tx| invite_again(tx, ben)).unwrap())),
        ("too old", |post, _| post.house.clock.advance(INVITATION_LIFETIME)),
        ("another address", |post, ben| {
            let patch = UserPatch { email: Some(email("benjamin")), ..UserPatch::default() };
            post.house.operator(|tx| change_user(tx, ben, &patch)).unwrap();
        }),
        ("deactivated", |post, ben| {
            let patch = UserPatch { is_active: Some(false), ..UserPatch::default() };
            post.house.operator(|tx| change_user(tx, ben, &patch)).unwrap();
        }),
    ];
    for (what, spoil) in cases {
        let post = Post::new();
        let ben = post.invited("ben").id;
        let token = post.token();
        spoil(&post, ben);
        assert!(post.house.auth.accept_invitation(&token, &secret(NEW)).is_err(), "{what}");
    }
}

#[test]
fn business_that_is_not_approved_mails_no_invitations() {
    let house = House::new();
    let went = |house: &House, name: &str| {
        house.pass(1);
        let work = |tx: &mut TenantTx<'_>| {
            let (user, _) = invite(tx, &person(name, UserRole::User))?;
            mail_invitation(tx, &user)
        };
        house.operator(work).unwrap()
    };
    assert_eq!(went(&house, "ben"), InvitationMail::OnApproval);
    house.db.store.system(Reason::Operations, |tx| tx.approve_tenant(house.tenant.id())).unwrap();
    assert_eq!(went(&house, "cleo"), InvitationMail::Queued);
    house.db.execute(
        "INSERT INTO account_mails (tenant_id, user_id, kind, recipient, status, expires_at, created_at)
         SELECT tenant_id, user_id, kind, recipient, 'sent', expires_at, created_at FROM account_mails, generate_series(1, 99)",
    );
    assert_eq!(went(&house, "dora"), InvitationMail::TooMany, "nor more than may be in a day");
    house.clock.advance(TimeDelta::days(1));
    assert_eq!(went(&house, "eve"), InvitationMail::Queued);
}

#[test]
fn verification_mail_shows_that_the_address_is_the_users() {
    let post = Post::new();
    let token = post.verification_token();
    assert!(plain(&post.smtp.taken()[0]).contains("https://nmc.example.com/app#/verify?token=nmcv_"));
    let user = post.house.auth.verify_email(&token).unwrap();
    assert!(user.email_verified && user.id == post.house.ada);
    post.house.refused(VOID, || post.house.auth.verify_email(&token));
    let ada = post.house.bearer("ada");
    post.house.refused("email is verified already", || post.house.acting(&ada, mail_verification));
    let refused = "an API key has no e-mail address";
    assert_eq!(post.house.operator(mail_verification).unwrap_err().to_string(), refused, "nor has an operator");
}

#[test]
fn verification_token_of_another_address_is_refused() {
    let post = Post::new();
    let token = post.verification_token();
    post.house.db.execute("UPDATE users SET email = 'eve@example.com'");
    post.house.refused(VOID, || post.house.auth.verify_email(&token));
    post.house.db.execute("UPDATE users SET email = 'ada@example.com'");
    post.house.clock.advance(VERIFICATION_LIFETIME);
    post.house.refused(VOID, || post.house.auth.verify_email(&token));
}

#[test]
fn mail_that_could_not_be_sent_goes_again_with_the_same_link() {
    let post = Post::new();
    post.smtp.fail_with([SmtpFault::Answer(SmtpStep::Data, "451 4.7.1 later".to_owned()), SmtpFault::DropAfterTaking]);
    post.ask("ada");
    assert_eq!(post.pass(), AccountMailPass { put_back: 1, ..AccountMailPass::default() });
    let (status, why) = post.fate();
    assert!(status == Waiting && why.contains("451"), "{why}");
    assert_eq!(post.pass(), AccountMailPass::default(), "it waits");
    post.house.clock.advance(TimeDelta::minutes(2));
    assert_eq!(post.pass().put_back, 1, "the server took it, and nobody knows");
    post.house.clock.advance(TimeDelta::minutes(3));
    assert_eq!(post.pass().sent, 1);
    let [first, second] = &post.smtp.taken()[..] else { panic!("two mails") };
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    assert_eq!(token_in(first).expose(), token_in(second).expose());
    post.reset(&token_in(second)).unwrap();
}

#[test]
fn mail_that_never_goes_is_given_up_and_says_why() {
    let post = Post::new();
    post.smtp.fail_with([SmtpFault::Answer(SmtpStep::Recipient, "550 5.1.1 no such user".to_owned())]);
    post.ask("ada");
    assert_eq!(post.pass(), AccountMailPass { failed: 1, ..AccountMailPass::default() });
    assert!(post.fate().1.contains("550"), "{:?}", post.fate());

    post.ask("ada");
    post.house.clock.advance(RESET_LIFETIME);
    assert_eq!(post.pass().failed, 1);
    assert_eq!(post.fate(), (Failed, "it could not be sent while its link was good".to_owned()));
}

#[test]
fn worker_without_mail_leaves_mails_until_their_links_end() {
    let post = Post::new();
    let server =
        "no mail server was set up while its link was good: whoever runs NeverMissCall has to name one (smtp_url, smtp_from)";
    let cases = [
        (Senders { mail: None, ..post.senders() }, server),
        (
            Senders { links: None, ..post.senders() },
            "its link led nowhere while it was good: whoever runs NeverMissCall has to say where (public_url)",
        ),
    ];
    for (senders, why) in cases {
        let without = post.over(senders);
        post.ask("ada");
        post.house.pass(1);
        assert_eq!(without.pass().unwrap(), AccountMailPass::default(), "another worker may have what it lacks");
        assert_eq!(post.mails(&AccountMailFilter::default())[0].attempts, 0);
        assert_eq!(post.pass().sent, 1, "and it goes once one comes");

        post.ask("ada");
        post.house.clock.advance(RESET_LIFETIME);
        assert_eq!(without.pass().unwrap(), AccountMailPass { failed: 1, ..AccountMailPass::default() });
        assert_eq!(post.fate(), (Failed, why.to_owned()));
    }
}

#[test]
fn owner_who_registers_verifies_the_address_by_a_mail_once() {
    let post = Post::new();
    let made = post.house.auth.register(&registration("Cleo's Cabs", "cleo"), Some("a key")).unwrap();
    post.house.auth.mail_verification_of(&made).unwrap();
    let again = post.house.auth.register(&registration("Cleo's Cabs", "cleo"), Some("a key")).unwrap();
    post.house.auth.mail_verification_of(&again).unwrap();
    assert_eq!(post.pass().sent, 1, "a request that is repeated mails nothing");
    let mail = post.smtp.taken().remove(0);
    assert_eq!(
        (mail.to.as_slice(), mail.header("Subject").unwrap().as_str()),
        (&["cleo@example.com".to_owned()][..], "Verify your e-mail address for NeverMissCall")
    );
    let user = post.house.auth.verify_email(&token_in(&mail)).unwrap();
    assert!(user.id == made.owner.id && user.email_verified);
}

#[test]
fn address_that_was_changed_gets_no_reset_until_it_is_verified() {
    let post = Post::new();
    let asked = || {
        post.ask("grace");
        post.mails(&AccountMailFilter { kind: Some(PasswordReset), ..AccountMailFilter::default() }).len()
    };
    let patch = UserPatch { email: Some(email("grace")), ..UserPatch::default() };
    post.house.operator(|tx| change_user(tx, post.house.ada, &patch)).unwrap();
    assert_eq!(asked(), 0, "whoever changed it would come back as her");
    let vouch = |name: &str| post.house.operator(|tx| vouch_for_email(tx, post.house.ada, &email(name)));
    post.house.refused("email is another by now", || vouch("ada"));
    let own = post.house.tx(|tx| vouch_for_email(tx, post.house.ada, &email("grace")));
    assert_eq!(own.unwrap_err().to_string(), "whoever runs NeverMissCall alone says that an address is somebody's");
    assert!(vouch("grace").unwrap().email_verified);
    assert_eq!(asked(), 1);
    let patch = UserPatch { email: Some(email("ada")), ..UserPatch::default() };
    let moved = post.house.operator(|tx| change_user(tx, post.house.ada, &patch)).unwrap();
    assert!(!moved.email_verified, "what was said of one address says nothing of another");
}

#[test]
fn tokens_of_an_address_changed_and_changed_back_are_void() {
    let post = Post::new();
    let token = post.verification_token();
    for name in ["grace", "ada"] {
        post.house.clock.advance(TimeDelta::seconds(1));
        let patch = UserPatch { email: Some(email(name)), ..UserPatch::default() };
        post.house.operator(|tx| change_user(tx, post.house.ada, &patch)).unwrap();
    }
    post.house.refused(VOID, || post.house.auth.verify_email(&token));
}

#[test]
fn mail_is_not_sent_once_the_account_has_changed() {
    let cases = [
        ("UPDATE users SET is_active = false", "the account is deactivated"),
        ("UPDATE users SET email = 'eve@example.com'", "the account has another address by now"),
        ("UPDATE users SET email_changed_at = now()", "the address was changed and not verified since, or there is no password"),
    ];
    for (change, why) in cases {
        let post = Post::new();
        post.ask("ada");
        post.house.db.execute(change);
        assert_eq!(post.pass(), AccountMailPass { failed: 1, ..AccountMailPass::default() });
        assert_eq!((post.fate(), post.smtp.taken().len()), ((Failed, why.to_owned()), 0));
    }
    let post = Post::new();
    let ben = post.invited("ben").id;
    post.house.db.execute("UPDATE users SET verification_token = NULL, verification_expires_at = NULL");
    assert_eq!(post.pass().failed, 1, "{ben}");
    assert_eq!(post.fate().1, "the invitation was accepted or withdrawn");
}

#[test]
fn mail_of_a_dead_worker_is_taken_again_and_counted() {
    let post = Post::new();
    post.ask("ada");
    post.house.db.execute(
        "UPDATE account_mails SET attempts = 12, lease_owner = gen_random_uuid(), lease_expires_at = next_attempt_at + interval '6 min',
         next_attempt_at = next_attempt_at + interval '6 min'",
    );
    assert_eq!(post.pass(), AccountMailPass::default(), "another worker has it");
    post.house.clock.advance(TimeDelta::minutes(6));
    assert_eq!(post.pass().failed, 1);
    assert_eq!(post.fate().1, "it was tried as often as may be");
}

/// A sender whose process dies with its second mail.
struct Dying(Arc<SmtpMailer>, AtomicUsize);

impl MailSender for Dying {
    fn send(&self, mail: &Mail<'_>) -> std::result::Result<MailReceipt, MailError> {
        assert_ne!(self.1.fetch_add(1, Ordering::SeqCst), 1, "it dies");
        self.0.send(mail)
    }
}

#[test]
fn worker_that_dies_in_a_batch_has_sent_nothing_twice() {
    let post = Post::new();
    ["ben", "cal", "dan"].iter().for_each(|name| drop(post.invited(name)));
    let config = SmtpConfig::parse(&Secret::new(post.smtp.url()), "nmc@nmc.example.com").unwrap();
    let dying = Dying(Arc::new(SmtpMailer::new(config).unwrap()), AtomicUsize::default());
    let worker = post.over(Senders { mail: Some(Arc::new(dying)), ..post.senders() });
    post.house.pass(1);
    assert!(catch_unwind(AssertUnwindSafe(|| worker.pass())).is_err());
    assert_eq!((post.smtp.taken().len(), post.pass()), (1, AccountMailPass::default()), "the others are claimed with it");
    post.house.clock.advance(TimeDelta::minutes(6));
    assert_eq!(post.pass().sent, 2);
    let ids: BTreeSet<_> = post.smtp.taken().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((ids.len(), post.smtp.taken().len()), (3, 3));
}

#[test]
fn two_workers_send_a_mail_once() {
    let post = Post::new();
    post.ask("ada");
    post.house.pass(1);
    let passes = at_once(2, |_| post.over(post.senders()).pass().unwrap().sent);
    assert_eq!((passes.iter().sum::<usize>(), post.smtp.taken().len()), (1, 1));
}

#[test]
fn words_of_people_are_one_line_and_escaped() {
    let post = Post::new();
    post.house
        .db
        .execute("UPDATE tenants SET business_name = E'<b>Joe</b>\\r\\nBcc: eve@example.com \\u202Ehttps://eve.example.com'");
    post.ask("ada");
    assert_eq!(post.pass().sent, 1);
    let mail = post.smtp.taken().remove(0);
    assert_eq!(mail.to, ["ada@example.com"]);
    assert_eq!(mail.header("Bcc"), None);
    let told = "&lt;b&gt;Joe&lt;/b&gt; Bcc: eve@ example. com https: //eve. example. com";
    assert!(plain(&mail).contains(told), "nothing that a program makes a link of: {mail:?}");
}

#[test]
fn words_of_a_business_that_nobody_approved_are_not_mailed() {
    let post = Post::new();
    post.house.db.execute("UPDATE tenants SET approved_at = NULL, business_name = 'You have won'");
    post.house.db.execute("UPDATE users SET first_name = 'https://eve.example.com'");
    post.reset(&post.reset_token()).unwrap();
    let mail = post.smtp.taken().remove(0);
    assert_eq!(mail.header("Subject").unwrap(), "Reset your password for NeverMissCall");
    assert!(!mail.text.contains("won") && !mail.text.contains("eve.example"), "{mail:?}");
}

#[test]
fn business_causes_few_mails_to_addresses_that_nobody_proved() {
    for (is_approved, most) in [(false, MAILS_TO_UNPROVED_BEFORE_APPROVAL), (true, MAILS_TO_UNPROVED_A_DAY)] {
        let post = Post::new();
        let asks = |name: &str| {
            let who = post.house.bearer(name);
            post.house.acting(&who, mail_verification)
        };
        post.house.add("ben", UserRole::User);
        post.house.add("cleo", UserRole::User);
        post.house
            .db
            .execute("UPDATE users SET (email_verified, email_verified_at) = (true, now()) WHERE email = 'ada@example.com'");
        if !is_approved {
            post.house.db.execute("UPDATE tenants SET approved_at = NULL");
        }
        asks("ben").unwrap();
        post.house.db.execute(&format!(
            "INSERT INTO account_mails (tenant_id, user_id, kind, recipient, status, expires_at, created_at)
             SELECT tenant_id, user_id, kind, n || recipient, 'sent', expires_at, created_at - interval '2 hours'
             FROM account_mails, generate_series(1, {most} - 1) AS n"
        ));
        assert_eq!(asks("cleo").unwrap_err().to_string(), "email has been sent as many mails as may be for now: try again later");
        let resets = |of: &str| of_kind(&post, PasswordReset).iter().filter(|mail| mail.recipient == email(of)).count();
        post.ask("cleo");
        assert_eq!(resets("cleo"), 1, "the kinds are counted apart, as anybody may ask for a reset");
        post.house.db.execute("UPDATE account_mails SET kind = 'password_reset' WHERE recipient <> 'ben@example.com'");
        post.ask("cleo");
        assert_eq!(resets("cleo"), 1, "nor more of that kind");
        asks("cleo").unwrap();
        post.ask("ada");
        assert_eq!(resets("ada"), 1, "whose address is proved gets theirs");
        post.house.db.execute("UPDATE account_mails SET kind = 'verification'");
        post.house.clock.advance(TimeDelta::days(1));
        asks("cleo").unwrap();
    }
}

/// Ben, of a business that nobody approved, and so many links to verify addresses that were another's when he had them.
fn moved_through(post: &Post, strangers: i64) {
    post.house.add("ben", UserRole::User);
    post.house.db.execute("UPDATE tenants SET approved_at = NULL; UPDATE users SET email_verified = false");
    post.house.acting(&post.house.bearer("ben"), mail_verification).unwrap();
    post.house.db.execute(&format!(
        "INSERT INTO account_mails (tenant_id, user_id, kind, recipient, status, expires_at, created_at)
         SELECT tenant_id, user_id, kind, n || recipient, 'sent', expires_at, created_at - interval '2 hours'
         FROM account_mails, generate_series(1, {strangers}) AS n"
    ));
}

#[test]
fn who_verifies_after_many_addresses_has_mailed_them() {
    for (strangers, may) in [(MAILS_TO_UNPROVED_BEFORE_APPROVAL, false), (MAILS_TO_UNPROVED_BEFORE_APPROVAL - 1, true)] {
        let post = Post::new();
        moved_through(&post, strangers);
        post.house
            .db
            .execute("UPDATE users SET (email_verified, email_verified_at) = (true, now()) WHERE email = 'ben@example.com'");
        post.house.add("cleo", UserRole::User);
        let asked = post.house.acting(&post.house.bearer("cleo"), mail_verification);
        assert_eq!(asked.is_ok(), may, "his own address alone is his: {strangers}");
    }
}

#[test]
fn of_two_who_ask_at_once_the_last_mail_goes_to_one() {
    let post = Post::new();
    moved_through(&post, MAILS_TO_UNPROVED_BEFORE_APPROVAL - 2);
    let [first, second] = ["cleo", "dora"].map(|name| {
        post.house.add(name, UserRole::User);
        post.house.bearer(name)
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    std::thread::scope(|threads| {
        let late = post.house.acting(&first, |tx| {
            mail_verification(tx)?;
            let late = threads.spawn(|| post.house.acting(&second, mail_verification));
            wait_until("the other one waits", || late.is_finished() || post.house.db.query::<i64>(waits) == [1]);
            Ok(late)
        });
        late.unwrap().join().unwrap().unwrap_err();
    });
}

#[test]
fn address_handed_from_user_to_user_gets_no_more_mails() {
    let post = Post::new();
    for n in 0..=MAILS_AN_HOUR {
        let name = format!("user{n}");
        let user = post.house.add(&name, UserRole::User);
        post.house.db.execute(&format!("UPDATE users SET email_verified = false, email = 'eve@example.com' WHERE id = '{user}'"));
        let asked = post.house.acting(&post.house.bearer("eve"), mail_verification);
        assert_eq!(asked.is_ok(), n < MAILS_AN_HOUR, "{n}: {asked:?}");
        post.house.db.execute(&format!("UPDATE users SET email = '{name}@example.com' WHERE id = '{user}'"));
    }
}

#[test]
fn mails_are_found_by_user_and_kind() {
    let post = Post::new();
    let ben = post.invited("ben").id;
    post.ask("ada");
    let found = |filter: AccountMailFilter| post.mails(&filter).into_iter().map(|mail| mail.kind).collect::<Vec<_>>();
    assert_eq!(found(AccountMailFilter::default()), [PasswordReset, Invitation]);
    assert_eq!(found(AccountMailFilter { user: Some(ben), ..AccountMailFilter::default() }), [Invitation]);
    assert_eq!(found(AccountMailFilter { kind: Some(PasswordReset), ..AccountMailFilter::default() }), [PasswordReset]);
    assert_eq!(found(AccountMailFilter { kind: Some(Verification), ..AccountMailFilter::default() }), []);
}

/// Gives ada this address.
fn move_to(post: &Post, name: &str) {
    post.house.pass(1);
    let patch = UserPatch { email: Some(email(name)), ..UserPatch::default() };
    post.house.operator(|tx| change_user(tx, post.house.ada, &patch)).unwrap();
}

fn of_kind(post: &Post, kind: AccountMailKind) -> Vec<AccountMail> {
    post.mails(&AccountMailFilter { kind: Some(kind), ..AccountMailFilter::default() })
}

#[test]
fn address_before_is_told_that_it_was_changed() {
    let post = Post::new();
    post.house.db.execute("UPDATE users SET email_verified = true, email_verified_at = now()");
    move_to(&post, "grace");
    // Whoever took the account over may deactivate it.
    post.house.db.execute("UPDATE users SET is_active = false");
    assert_eq!(post.pass(), AccountMailPass { sent: 1, ..AccountMailPass::default() });
    let [mail] = &post.smtp.taken()[..] else { panic!("one mail") };
    assert_eq!(mail.to, [email("ada").to_string()]);
    let text = plain(mail);
    assert!(text.contains("has another e-mail address now") && text.contains("If it was not you, tell an owner"), "{text}");
    assert!(!text.contains("grace") && !text.contains("https://"), "not the new address, and no link: {text}");
    // Of an address that nobody has shown to be theirs nothing is told.
    move_to(&post, "eve");
    assert_eq!(of_kind(&post, AddressChanged).len(), 1);
}

#[test]
fn each_proved_address_is_told_and_one_given_back_is_not() {
    let post = Post::new();
    for name in ["grace", "eve"] {
        post.house.db.execute("UPDATE users SET email_verified = true, email_verified_at = now()");
        move_to(&post, name);
    }
    assert_eq!(of_kind(&post, AddressChanged).iter().filter(|mail| mail.status == Waiting).count(), 2);
    move_to(&post, "ada");
    assert_eq!(post.pass(), AccountMailPass { sent: 1, failed: 1, ..AccountMailPass::default() });
    let given_up = of_kind(&post, AddressChanged).into_iter().find(|mail| mail.status == Failed).unwrap();
    assert_eq!(
        (given_up.recipient, given_up.error_message.unwrap()),
        (email("ada"), "the account has that address again".to_owned())
    );
    assert_eq!(post.smtp.taken()[0].to, [email("grace").to_string()]);
}

#[test]
fn approval_is_told_to_the_owner_and_mails_open_invitations() {
    let house = House::new();
    let post = Post { house, smtp: FakeSmtp::start() };
    let id = post.house.tenant.id();
    let invite = |name: &str| post.house.operator(|tx| invite(tx, &person(name, UserRole::User))).unwrap();
    let (_, lapsed) = invite("lapsed");
    post.house.clock.advance(INVITATION_LIFETIME);
    let (_, accepted) = invite("accepted");
    post.house.auth.accept_invitation(&accepted.text(), &secret(NEW)).unwrap();
    assert!(post.house.auth.accept_invitation(&lapsed.text(), &secret(NEW)).is_err());
    invite("ben");
    // Who has a password may be invited again, too.
    post.house.operator(|tx| invite_again(tx, post.house.ada)).unwrap();
    let approved = |_: u8| post.house.db.store.system(Reason::Operations, |tx| approve(tx, id)).unwrap();
    let first = approved(1);
    assert!(first.is_new && first.owner_mailed && first.business.is_approved());
    assert_eq!((first.invitations_mailed, first.invitations_left), (2, 0));
    let again = approved(2);
    assert!(!again.is_new && !again.owner_mailed && again.invitations_mailed == 0, "nobody is told twice");
    assert_eq!(post.pass(), AccountMailPass { sent: 3, ..AccountMailPass::default() });
    let to = |kind| of_kind(&post, kind).into_iter().map(|mail| mail.recipient).collect::<Vec<_>>();
    assert_eq!((to(Approved).len(), to(Invitation).len()), (1, 2));
    assert!(to(Invitation).contains(&email("ben")) && to(Invitation).contains(&email("ada")));
    let mails = post.smtp.taken();
    let told = mails.iter().find(|mail| plain(mail).contains("is approved: it may buy numbers, send texts")).unwrap();
    assert_eq!(told.to, [to(Approved)[0].to_string()]);
    let invited = mails.iter().find(|mail| mail.to == [email("ben").to_string()]).unwrap();
    assert!(post.house.auth.accept_invitation(&token_in(invited), &secret(NEW)).unwrap().email_verified);
}

#[test]
fn approval_says_how_many_invitations_are_not_mailed() {
    let post = Post { house: House::new(), smtp: FakeSmtp::start() };
    for name in ["ben", "cleo"] {
        post.house.operator(|tx| invite(tx, &person(name, UserRole::User))).unwrap();
    }
    // Ben's address has got as many within the hour as may be.
    post.house.db.execute(&format!(
        "INSERT INTO account_mails (tenant_id, user_id, kind, recipient, status, expires_at, created_at)
         SELECT tenant_id, id, 'invitation', email, 'sent', verification_expires_at, created_at
         FROM users, generate_series(1, {MAILS_AN_HOUR}) WHERE email = 'ben@example.com'"
    ));
    // And one address more is invited than may be mailed in a day.
    post.house.db.execute(
        "INSERT INTO users (tenant_id, email, password_hash, role, verification_token, verification_expires_at, created_at)
         SELECT tenant_id, n || email, password_hash, role, n || left(verification_token, 60), verification_expires_at, created_at
         FROM users, generate_series(1, 99) AS n WHERE email = 'cleo@example.com'",
    );
    let id = post.house.tenant.id();
    let approved = post.house.db.store.system(Reason::Operations, |tx| approve(tx, id)).unwrap();
    assert_eq!((approved.invitations_mailed, approved.invitations_left), (99, 2));
}
