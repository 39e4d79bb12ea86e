//! Each constraint of the schema is broken once: through the library's own calls where one can break it, and otherwise by SQL
//! in one of its transactions. Either way the caller hears field and rule of `constraint.rs`, and nothing else.

mod bounds;
mod generic;
mod reached;
mod sample;

use diesel::connection::SimpleConnection as _;
use diesel::result::Error as DieselError;
use nmc_core::constraint::{self, Breach};
use nmc_core::testing::{Business, ManualClock, TestDb, noon, query};
use nmc_core::{
    AlertId, AlertRuleId, CallAnalyticsId, CallId, ConversationAnalyticsId, ConversationId, Error, MessageId, PhoneNumberId,
    Result, TenantId, TenantTx, UserId,
};
use reached::Says;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Two businesses with one row in every table. What breaks a constraint leaves no trace, so all cases share them.
struct World {
    db: TestDb,
    business: Business,
    own: Ids,
    other: Business,
    theirs: Ids,
}

impl World {
    fn new() -> Self {
        let db = TestDb::with_clock(Arc::new(ManualClock::new(noon())));
        let [business, other] = ["Joe's Plumbing", "Somebody Else"].map(|name| Business::onboard(&db.store, name));
        let [own, theirs] = [&business, &other].map(|business| {
            db.fill_every_table(business.tenant.id());
            Ids::of(&db, business.tenant.id())
        });
        Self { db, business, own, other, theirs }
    }

    /// A transaction of our business.
    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<()> {
        self.db.store.tenant(&self.business.tenant, |tx| work(tx).map(drop))
    }

    /// Statements of no repository, in a transaction of our business; they break this constraint.
    fn sql(&self, statements: &str, breaking: &str) -> Result<()> {
        self.tx(|tx| {
            tx.diesel(|conn, _| {
                let result = conn.batch_execute(statements);
                if let Err(DieselError::DatabaseError(_, broken)) = &result {
                    assert_eq!(broken.constraint_name(), Some(breaking), "{}", broken.message());
                }
                result
            })
        })
    }

    /// What a column of a business's only row of a table holds.
    fn column(&self, of: &Business, table: &str, column: &str) -> String {
        self.db.query::<String>(&format!("SELECT {column} FROM {table} WHERE tenant_id = '{}'", of.tenant.id())).remove(0)
    }

    /// What is shown tells nothing of SQL, of this constraint's name or of the other business.
    fn is_plain(&self, name: &str, error: &Error) {
        let shown = error.to_string();
        let sql = ["INSERT", "UPDATE", "SELECT", "DELETE", "relation", "violates", "constraint", "duplicate", "null value", "\""];
        let Ids { user, call, conversation, alert, rule, message, .. } = &self.theirs;
        let ids = [user.uuid(), call.uuid(), conversation.uuid(), alert.uuid(), rule.uuid(), message.uuid()];
        let theirs = ids.into_iter().chain([self.other.tenant.id().uuid()]).map(|id| id.to_string());
        let called = [self.other.row.business_name.clone(), self.other.number.to_string(), "@".to_owned()];
        let hidden = sql.into_iter().chain(["a text field", name]).map(str::to_owned);
        for part in hidden.chain(theirs).chain(called) {
            assert!(!shown.contains(&part), "{name}: {shown:?} tells of {part:?}");
        }
    }
}

fn by_hand(tx: &mut TenantTx<'_>, statements: &str) -> Result<()> {
    tx.diesel(|conn, _| conn.batch_execute(statements))
}

/// A row of each kind that a call may name.
#[derive(Debug)]
struct Ids {
    alert: AlertId,
    call: CallId,
    call_analytics: CallAnalyticsId,
    conversation: ConversationId,
    conversation_analytics: ConversationAnalyticsId,
    message: MessageId,
    number: PhoneNumberId,
    rule: AlertRuleId,
    user: UserId,
}

impl Ids {
    fn of(db: &TestDb, tenant: TenantId) -> Self {
        let mut conn = db.superuser();
        let mut the = |table: &str| {
            query::<uuid::Uuid>(&mut conn, &format!("SELECT id FROM {table} WHERE tenant_id = '{tenant}'")).remove(0)
        };
        Self::from(&mut the)
    }

    /// Rows that nobody has.
    fn made_up() -> Self {
        Self::from(&mut |_| uuid::Uuid::now_v7())
    }

    fn from(the: &mut dyn FnMut(&str) -> uuid::Uuid) -> Self {
        Self {
            alert: AlertId::new(the("alerts")),
            call: CallId::new(the("calls")),
            call_analytics: CallAnalyticsId::new(the("call_analytics")),
            conversation: ConversationId::new(the("conversations")),
            conversation_analytics: ConversationAnalyticsId::new(the("conversation_analytics")),
            message: MessageId::new(the("messages")),
            number: PhoneNumberId::new(the("phone_numbers")),
            rule: AlertRuleId::new(the("alert_rules")),
            user: UserId::new(the("users")),
        }
    }
}

/// What a breach of this constraint sounds like: whether another row is in the way, the field, and the rule.
fn words_of(name: &str) -> (bool, String, String) {
    let known = constraint::find(name).unwrap_or_else(|| panic!("{name} is no constraint"));
    (known.breach == Breach::Taken, known.field.to_owned(), known.rule.to_owned())
}

/// What was heard, in the same shape.
#[track_caller]
fn heard(name: &str, result: Result<()>, world: &World) -> (bool, String, String) {
    let error = result.expect_err(name);
    world.is_plain(name, &error);
    match error {
        Error::Conflict { field, rule, .. } => (true, field.to_owned(), rule.to_owned()),
        Error::Invalid { field, rule, .. } => (false, field.into_owned(), rule.into_owned()),
        other => panic!("{name}: {}", other.causes()),
    }
}

#[test]
fn every_constraint_that_a_call_can_break_is_told_in_its_words() {
    let world = World::new();
    let made_up = Ids::made_up();
    let mut surprises = Vec::new();
    for (name, says, break_it) in reached::REACHED {
        let expected = match says {
            Says::TheTable => words_of(name),
            Says::Sooner(field, rule) => (words_of(name).0, (*field).to_owned(), (*rule).to_owned()),
        };
        // A row of somebody else's and a row of nobody's are the same to us.
        for strangers in [&made_up, &world.theirs] {
            let came = heard(name, break_it(&world, strangers), &world);
            if came != expected {
                surprises.push(format!("{name}: {came:?} instead of {expected:?}"));
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

#[test]
fn a_refusal_that_comes_before_the_table_names_the_same_field() {
    // These calls have another name for what the table calls message_body, and one for the kind that may not come twice.
    let renamed = [("messages_message_body_check", "body"), ("messages_call_id_greeting_key", "kind")];
    for (name, says, _) in reached::REACHED {
        if let Says::Sooner(field, _) = says {
            let known = renamed.iter().find(|(renamed, _)| renamed == name).map(|(_, field)| (*field).to_owned());
            assert_eq!(known.unwrap_or(words_of(name).1), *field, "{name}");
        }
    }
}

#[test]
fn constraint_that_no_call_can_break_is_told_in_its_words() {
    let world = World::new();
    let mut surprises = Vec::new();
    for (name, statements) in generic::breaches(&world) {
        let (came, expected) = (heard(&name, world.sql(&statements, &name), &world), words_of(&name));
        if came != expected {
            surprises.push(format!("{name}: {came:?} instead of {expected:?}"));
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

#[test]
fn foreign_key_tells_of_a_row_that_is_still_pointed_at() {
    let world = World::new();
    let keys = generic::deletions(&world);
    assert!(keys.len() > 15, "the search finds them");
    for (name, statements) in keys {
        let refers_to = constraint::find(&name).and_then(|known| known.refers_to);
        let pointed_at = refers_to.expect("what the key points at").to_owned();
        assert_eq!(
            heard(&name, world.sql(&statements, &name), &world),
            (true, pointed_at, "is still in use".to_owned()),
            "{name}"
        );
    }
    let confirmed = nmc_core::Confirmed::irrevocably;
    // They are not the last owner.
    let another =
        "INSERT INTO users (tenant_id, email, password_hash, role) SELECT id, 'another@owner.example', '', 'owner' FROM tenants";
    let sack = |tx: &mut TenantTx<'_>| by_hand(tx, another).and_then(|()| tx.users().delete(world.own.user, confirmed()));
    let sacked = heard("Users::delete", world.tx(sack), &world);
    assert_eq!(sacked, (true, "user".to_owned(), "is still in use".to_owned()));
}

#[test]
fn every_constraint_is_broken_by_exactly_one_of_these_tests() {
    let world = World::new();
    let by_call = |theirs: bool| reached::REACHED.iter().filter(move |(_, says, _)| matches!(says, Says::TheTable) == theirs);
    let generic = generic::breaches(&world);
    let mut seen = BTreeSet::new();
    for name in by_call(true).map(|(name, ..)| *name).chain(generic.iter().map(|(name, _)| name.as_str())) {
        assert!(seen.insert(name), "{name} is broken twice");
    }
    for (name, ..) in by_call(false) {
        assert!(generic.iter().any(|(known, _)| known == name), "{name} itself is not broken by anybody");
    }
    let all: BTreeSet<&str> = constraint::CONSTRAINTS.iter().map(|known| known.name).collect();
    let unbroken: Vec<_> = all.difference(&seen).collect();
    assert_eq!(unbroken, Vec::<&&str>::new(), "break them in reached.rs, or say in generic.rs why no call can");
    let unknown: Vec<&str> = generic::listed().filter(|name| !all.contains(name)).collect();
    assert_eq!(unknown, Vec::<&str>::new(), "no such constraints");
}
