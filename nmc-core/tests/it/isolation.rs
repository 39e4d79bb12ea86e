//! No tenant sees or touches another's rows: row-level security alone, the repositories alone, the keys alone.

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::result::Error as DieselError;
use nmc_core::calls::{CallFilter, NewCall, NewCallParticipant, record_voice_status};
use nmc_core::conversations::{
    ConversationFilter, ConversationPatch, MessageFilter, NewConsent, NewConversation, NewConversationEvent, NewMessage,
    receive_text, record_delivery,
};
use nmc_core::identity::{NewUser, TenantPatch, UserFilter, UserPatch};
use nmc_core::numbers::{NewPhoneNumber, NumberFilter};
use nmc_core::settings::BusinessSettingsPatch;
use nmc_core::store::Person;
use nmc_core::testing::{Business, SmsForm, Table, TestDb, VoiceForm, query, unique_phone, unique_sid};
use nmc_core::{
    CallDirection, CallId, CallParticipantId, CallerIdentity, ConsentAction, ConsentSource, ConversationChannel,
    ConversationEventType, ConversationId, ConversationStatus, Email, Error, MessageId, MessageKind, NumberStatus, NumberType,
    PageRequest, Patch, PhoneNumber, PhoneNumberId, Result, Tenant, TenantId, TenantTx, UserId, UserRole,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Ledgers: nmc_tenant may read and append.
const APPEND_ONLY: [&str; 3] = ["alert_history", "consents", "conversation_events"];

/// Two tenants with one row in every table.
struct Two {
    db: TestDb,
    victim: Business,
    hostile: Business,
}

impl Two {
    fn new() -> Self {
        let db = TestDb::new();
        let (victim, hostile) = (Business::onboard(&db.store, "Victim"), Business::onboard(&db.store, "Hostile"));
        for business in [&victim, &hostile] {
            db.fill_every_table(business.tenant.id());
        }
        Self { db, victim, hostile }
    }
}

#[test]
fn the_fixture_has_a_row_of_each_tenant_in_every_table() {
    let Two { db, victim, hostile } = Two::new();
    for business in [victim, hostile] {
        let empty: Vec<String> =
            db.rows_of(business.tenant.id()).into_iter().filter(|(_, rows)| rows.len() != 1).map(|(table, _)| table).collect();
        assert_eq!(empty, Vec::<String>::new(), "add a row to src/testing/every_table.sql");
    }
}

/// What a statement came to.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// It touched, or returned, so many rows.
    To(usize),
    /// The role has no right to it.
    Forbidden,
    /// A policy refused the new row.
    Against,
}

/// Runs one statement as nmc_tenant in a transaction that ends as if it had never been. Triggers and foreign keys are
/// off, so that nothing but rights and policies can refuse it. `before` still runs as the superuser.
fn as_tenant(conn: &mut PgConnection, context: Option<&str>, before: &str, sql: &str) -> Came {
    let set = context.map(|value| format!("SET LOCAL nmc.tenant_id = '{value}';")).unwrap_or_default();
    conn.batch_execute(&format!(
        "BEGIN; SET LOCAL session_replication_role = replica; {before}; SET LOCAL ROLE nmc_tenant; {set}"
    ))
    .unwrap();
    let result = diesel::RunQueryDsl::execute(diesel::sql_query(sql), conn);
    conn.batch_execute("ROLLBACK").unwrap();
    match result {
        Ok(rows) => Came::To(rows),
        Err(DieselError::DatabaseError(_, info)) if info.message().starts_with("permission denied for table") => Came::Forbidden,
        Err(DieselError::DatabaseError(_, info)) if info.message().contains("violates row-level security policy") => {
            Came::Against
        }
        Err(error) => panic!("{error}: {sql}"),
    }
}

#[test]
fn each_table_obeys_each_context_in_each_statement() {
    let Two { db, victim, hostile } = Two::new();
    let (own, foreign) = (victim.tenant.id().to_string(), hostile.tenant.id().to_string());
    // In the first connection the setting was never made, which is not the same as empty.
    let contexts = [("none", None), ("empty", Some("")), ("own", Some(own.as_str())), ("foreign", Some(foreign.as_str()))];
    let mut surprises = Vec::new();
    for (context, value) in contexts {
        let mut conn = db.superuser();
        for Table { name, tenant_key } in db.tables() {
            let its = format!("WHERE {tenant_key} = '{own}'");
            let [row]: [serde_json::Value; 1] =
                query::<serde_json::Value>(&mut conn, &format!("SELECT to_jsonb(t) AS row FROM {name} t {its}"))
                    .try_into()
                    .unwrap();
            let insert = format!(
                "INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{name}, '{}')",
                row.to_string().replace('\'', "''")
            );
            let make_room = format!("DELETE FROM {name} {its}");
            let statements = [
                ("select", String::new(), format!("SELECT FROM {name} {its}")),
                ("select all", String::new(), format!("SELECT FROM {name}")),
                ("insert", make_room, insert),
                ("update", String::new(), format!("UPDATE {name} SET {tenant_key} = {tenant_key} {its}")),
                ("give away", String::new(), format!("UPDATE {name} SET {tenant_key} = gen_random_uuid() {its}")),
                ("delete", String::new(), format!("DELETE FROM {name} {its}")),
            ];
            for (statement, before, sql) in statements {
                let append_only = APPEND_ONLY.contains(&name.as_str());
                let expected = match (statement, context) {
                    ("update" | "give away" | "delete", _) if append_only => Came::Forbidden,
                    ("insert" | "delete", _) if name == "tenants" => Came::Forbidden,
                    ("give away", "own") => Came::Against,
                    (_, "own") => Came::To(1),
                    ("select all", "foreign") => Came::To(1),
                    ("insert", _) => Came::Against,
                    _ => Came::To(0),
                };
                let came = as_tenant(&mut conn, value, &before, &sql);
                if came != expected {
                    surprises.push(format!("{name}, {statement}, context {context}: {came:?} instead of {expected:?}"));
                }
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

#[test]
fn the_system_role_sees_all_and_rewrites_no_ledger() {
    let Two { db, .. } = Two::new();
    let mut conn = db.raw();
    for Table { name, .. } in db.tables() {
        conn.batch_execute("BEGIN; SELECT nmc_enter_system()").unwrap();
        assert_eq!(query::<i64>(&mut conn, &format!("SELECT count(*) FROM {name}")), [2], "{name}");
        let rewritten = conn.batch_execute(&format!("UPDATE {name} SET id = id"));
        conn.batch_execute("ROLLBACK").unwrap();
        assert_eq!(rewritten.is_err(), APPEND_ONLY.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_bare_login_sees_nothing_and_writes_nothing() {
    let Two { db, victim, .. } = Two::new();
    let mut conn = db.raw();
    for Table { name, tenant_key } in db.tables() {
        // The login owns the tables: only FORCE ROW LEVEL SECURITY keeps it out.
        assert_eq!(query::<i64>(&mut conn, &format!("SELECT count(*) FROM {name}")), [0], "{name}");
        for sql in [format!("UPDATE {name} SET id = id"), format!("DELETE FROM {name}")] {
            let rows = diesel::RunQueryDsl::execute(diesel::sql_query(&sql), &mut conn).unwrap();
            assert_eq!(rows, 0, "{sql}");
        }
        // Naming a tenant without entering the role is of no use either.
        conn.batch_execute(&format!("BEGIN; SET LOCAL nmc.tenant_id = '{}'", victim.tenant.id())).unwrap();
        assert_eq!(query::<i64>(&mut conn, &format!("SELECT count(*) FROM {name}")), [0], "{name} with a setting");
        let insert = conn.batch_execute(&format!("INSERT INTO {name} ({tenant_key}) VALUES ('{}')", victim.tenant.id()));
        conn.batch_execute("ROLLBACK").unwrap();
        let refused = insert.unwrap_err().to_string();
        assert!(refused.contains("row-level security") || refused.contains("null value"), "{name}: {refused}");
    }
}

#[test]
fn no_row_can_point_at_another_tenants_row() {
    #[derive(Deserialize)]
    struct Key {
        name: String,
        child: String,
        parent: String,
        column: String,
        target: String,
        deferred: bool,
    }
    let Two { db, victim, hostile } = Two::new();
    let (victim, hostile) = (victim.tenant.id(), hostile.tenant.id());
    let mut conn = db.superuser();
    // Every key but those to the tenant itself; the column that is not the tenant's.
    let keys: Vec<Key> = query(
        &mut conn,
        "SELECT k.conname AS name, k.conrelid::regclass::text AS child, k.confrelid::regclass::text AS parent,
                h.attname AS column, t.attname AS target, k.condeferred AS deferred
         FROM pg_constraint k
         CROSS JOIN unnest(k.conkey, k.confkey) AS pair(here, there)
         JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attnum = pair.here
         JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = pair.there
         WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND h.attname <> 'tenant_id'
           AND NOT (k.conrelid = 'tenants'::regclass AND h.attname = 'id')",
    );
    assert!(keys.len() > 30, "the search finds them");
    for Key { name, child, parent, column, target, deferred } in keys {
        let key = if child == "tenants" { "id" } else { "tenant_id" };
        // The victim's row is written again, pointing at a tenant's parent. Both tenants' rows go first, quietly: the
        // other's because a UNIQUE would speak before the key does.
        let point_at = |tenant: TenantId| {
            format!(
                "BEGIN; SET LOCAL session_replication_role = replica;
                 CREATE TEMP TABLE again ON COMMIT DROP AS SELECT to_jsonb(t) AS row FROM {child} t WHERE {key} = '{victim}';
                 DELETE FROM {child} WHERE {key} IN ('{victim}', '{hostile}');
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO {child} OVERRIDING SYSTEM VALUE
                 SELECT new.* FROM again, jsonb_populate_record(NULL::{child}, row || jsonb_build_object(
                     '{column}', (SELECT {target} FROM {parent} WHERE tenant_id = '{tenant}'))) AS new;"
            )
        };
        conn.batch_execute(&point_at(victim)).unwrap();
        conn.batch_execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK").unwrap_or_else(|error| panic!("{name}, own row: {error}"));

        let written = conn.batch_execute(&point_at(hostile));
        let refused = if deferred {
            written.unwrap_or_else(|error| panic!("{name} waits for the commit: {error}"));
            conn.batch_execute("COMMIT").unwrap_err()
        } else {
            let error = written.unwrap_err();
            conn.batch_execute("ROLLBACK").unwrap();
            error
        };
        let DieselError::DatabaseError(_, info) = refused else { panic!("{name}: {refused}") };
        assert_eq!(info.constraint_name(), Some(name.as_str()), "{}", info.message());
    }
}

/// What the hostile tenant knows of somebody else's rows, and uses.
#[derive(Debug)]
struct Theirs {
    call: CallId,
    call_sid: String,
    participant: CallParticipantId,
    conversation: ConversationId,
    customer: PhoneNumber,
    message: MessageId,
    message_sid: String,
    number: PhoneNumberId,
    phone: PhoneNumber,
    user: UserId,
    email: Email,
}

impl Theirs {
    /// A tenant's real rows.
    fn of(db: &TestDb, tenant: TenantId) -> Self {
        let mut conn = db.superuser();
        let mut the = |column: &str, table: &str| {
            let sql = format!("SELECT {column}::text FROM {table} WHERE tenant_id = '{tenant}' ORDER BY 1 LIMIT 1");
            query::<String>(&mut conn, &sql).remove(0)
        };
        Self {
            call: the("id", "calls").parse().unwrap(),
            call_sid: the("twilio_call_sid", "calls"),
            participant: the("id", "call_participants").parse().unwrap(),
            conversation: the("id", "conversations").parse().unwrap(),
            customer: the("customer_phone", "conversations").parse().unwrap(),
            message: the("id", "messages").parse().unwrap(),
            message_sid: the("message_sid", "messages"),
            number: the("id", "phone_numbers").parse().unwrap(),
            phone: the("phone_number", "phone_numbers").parse().unwrap(),
            user: the("id", "users").parse().unwrap(),
            email: the("email", "users").parse().unwrap(),
        }
    }

    /// Rows that nobody has.
    fn made_up() -> Self {
        let id = uuid::Uuid::now_v7;
        Self {
            call: CallId::new(id()),
            call_sid: unique_sid("CA"),
            participant: CallParticipantId::new(id()),
            conversation: ConversationId::new(id()),
            customer: unique_phone(),
            message: MessageId::new(id()),
            message_sid: unique_sid("SM"),
            number: PhoneNumberId::new(id()),
            phone: unique_phone(),
            user: UserId::new(id()),
            email: format!("{}@nobody.example", id()).parse().unwrap(),
        }
    }
}

/// One call of a repository's method by the hostile tenant: with `theirs` where it takes an id or a key, and its `own`
/// rows otherwise. The answer is told without ids and times, which differ between two databases.
type Ask = fn(&mut TenantTx<'_>, own: &Theirs, theirs: &Theirs) -> Result<String>;

fn told(answer: impl std::fmt::Debug) -> Result<String> {
    Ok(format!("{answer:?}"))
}

fn message_to(conversation: ConversationId, from: &PhoneNumber) -> NewMessage {
    NewMessage {
        conversation_id: conversation,
        from_number: from.clone(),
        body: "hello".to_owned(),
        kind: MessageKind::Message,
        created_by: None,
    }
}

fn consent_of(customer: &PhoneNumber, action: ConsentAction) -> NewConsent {
    NewConsent {
        customer_phone: customer.clone(),
        action,
        source: ConsentSource::Staff,
        keyword: None,
        message_id: None,
        recorded_by: None,
        note: None,
    }
}

fn call_in(conversation: Option<ConversationId>) -> NewCall {
    let [caller, called] = [unique_phone(), unique_phone()].map(CallerIdentity::Phone);
    NewCall { conversation_id: conversation, ..NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA")) }
}

fn rename() -> ConversationPatch {
    ConversationPatch { customer_name: Patch::Set("Mallory".to_owned()), ..ConversationPatch::default() }
}

/// Every public method of every repository, with each kind of reference it takes.
#[rustfmt::skip] // a table
const MATRIX: &[(&str, Ask)] = &[
    ("Tenants::get", |tx, _, _| tx.tenants().get().and_then(|row| told(row.business_name))),
    ("Tenants::update", |tx, _, _| {
        let patch = TenantPatch { business_type: Patch::Set("burglary".to_owned()), ..TenantPatch::default() };
        tx.tenants().update(&patch).and_then(|row| told(row.business_name))
    }),

    ("Users::find", |tx, _, theirs| told(tx.users().find(theirs.user)?)),
    ("Users::get", |tx, _, theirs| told(tx.users().get(theirs.user)?)),
    ("Users::find_by_email", |tx, _, theirs| told(tx.users().find_by_email(&theirs.email)?)),
    ("Users::list", |tx, _, _| told(tx.users().list(&UserFilter::default(), PageRequest::first())?.items.len())),
    ("Users::count", |tx, _, _| told(tx.users().count(&UserFilter::default())?)),
    ("Users::create", |tx, own, _| {
        let email = format!("new.{}", own.email).parse()?;
        let new = NewUser { email, password_hash: "$2b$".to_owned(), first_name: None, last_name: None, role: UserRole::User };
        tx.users().create(&new).map(|_| "made".to_owned())
    }),
    ("Users::update", |tx, _, theirs| told(tx.users().update(theirs.user, &UserPatch { is_active: Some(false), ..UserPatch::default() })?)),
    ("Users::delete", |tx, _, theirs| told(tx.users().delete(theirs.user)?)),

    ("BusinessSettingsRepo::get", |tx, _, _| told(tx.business_settings().get()?.tenant_id == tx.tenant().id())),
    ("BusinessSettingsRepo::update", |tx, _, _| {
        let patch = BusinessSettingsPatch { greeting_cooldown_hours: Some(1), ..BusinessSettingsPatch::default() };
        told(tx.business_settings().update(&patch)?.tenant_id == tx.tenant().id())
    }),

    ("PhoneNumbers::find", |tx, _, theirs| told(tx.phone_numbers().find(theirs.number)?)),
    ("PhoneNumbers::get", |tx, _, theirs| told(tx.phone_numbers().get(theirs.number)?)),
    ("PhoneNumbers::find_by_number", |tx, _, theirs| told(tx.phone_numbers().find_by_number(&theirs.phone)?)),
    ("PhoneNumbers::list", |tx, _, _| told(tx.phone_numbers().list(&NumberFilter::default(), PageRequest::first())?.items.len())),
    ("PhoneNumbers::count", |tx, _, _| told(tx.phone_numbers().count(&NumberFilter::default())?)),
    ("PhoneNumbers::create", |tx, _, _| {
        let number_type = NumberType::Local;
        let new = NewPhoneNumber { phone_number: unique_phone(), twilio_phone_sid: None, locality: None, region: None, number_type };
        tx.phone_numbers().create(&new).map(|_| "made".to_owned())
    }),
    ("PhoneNumbers::set_status", |tx, _, theirs| told(tx.phone_numbers().set_status(theirs.number, NumberStatus::Released)?)),

    ("Calls::find", |tx, _, theirs| told(tx.calls().find(theirs.call)?)),
    ("Calls::get", |tx, _, theirs| told(tx.calls().get(theirs.call)?)),
    ("Calls::find_by_sid", |tx, _, theirs| told(tx.calls().find_by_sid(&theirs.call_sid)?)),
    ("Calls::list", |tx, _, _| told(tx.calls().list(&CallFilter::default(), PageRequest::first())?.items.len())),
    ("Calls::list of their conversation", |tx, _, theirs| {
        let filter = CallFilter { conversation: Some(theirs.conversation), ..CallFilter::default() };
        told(tx.calls().list(&filter, PageRequest::first())?.items)
    }),
    ("Calls::count", |tx, _, _| told(tx.calls().count(&CallFilter::default())?)),
    ("Calls::count of their conversation", |tx, _, theirs| {
        told(tx.calls().count(&CallFilter { conversation: Some(theirs.conversation), ..CallFilter::default() })?)
    }),
    ("Calls::create", |tx, _, _| tx.calls().create(call_in(None)).map(|_| "made".to_owned())),
    ("Calls::create in their conversation", |tx, _, theirs| {
        tx.calls().create(call_in(Some(theirs.conversation))).map(|_| "made".to_owned())
    }),
    ("Calls::create with their SID", |tx, _, theirs| {
        let new = NewCall { twilio_call_sid: Some(theirs.call_sid.clone()), ..call_in(None) };
        tx.calls().create(new).map(|_| "made".to_owned())
    }),

    ("CallParticipants::find", |tx, _, theirs| told(tx.call_participants().find(theirs.participant)?)),
    ("CallParticipants::get", |tx, _, theirs| told(tx.call_participants().get(theirs.participant)?)),
    ("CallParticipants::list_of_call", |tx, _, theirs| told(tx.call_participants().list_of_call(theirs.call)?)),
    ("CallParticipants::create", |tx, _, theirs| {
        let participant_type = nmc_core::ParticipantType::Agent;
        let new = NewCallParticipant { call_id: theirs.call, phone_number: CallerIdentity::Phone(unique_phone()), participant_type };
        told(tx.call_participants().create(&new)?)
    }),
    ("CallParticipants::switch", |tx, _, theirs| told(tx.call_participants().switch(theirs.participant, Some(true), None)?)),
    ("CallParticipants::leave", |tx, _, theirs| told(tx.call_participants().leave(theirs.participant)?)),
    ("CallParticipants::delete", |tx, _, theirs| told(tx.call_participants().delete(theirs.participant)?)),

    ("Conversations::find", |tx, _, theirs| told(tx.conversations().find(theirs.conversation)?)),
    ("Conversations::get", |tx, _, theirs| told(tx.conversations().get(theirs.conversation)?)),
    ("Conversations::find_open", |tx, _, theirs| told(tx.conversations().find_open(&CallerIdentity::Phone(theirs.customer.clone()))?)),
    ("Conversations::find_open with an own customer", |tx, own, _| {
        told(tx.conversations().find_open(&CallerIdentity::Phone(own.customer.clone()))?.is_some_and(|row| row.id == own.conversation))
    }),
    ("Conversations::list", |tx, _, _| told(tx.conversations().list(&ConversationFilter::default(), PageRequest::first())?.items.len())),
    ("Conversations::list of their user", |tx, _, theirs| {
        let filter = ConversationFilter { assigned_to: Some(theirs.user), ..ConversationFilter::default() };
        told(tx.conversations().list(&filter, PageRequest::first())?.items)
    }),
    ("Conversations::count", |tx, _, _| told(tx.conversations().count(&ConversationFilter::default())?)),
    ("Conversations::create", |tx, _, _| {
        let customer_phone = CallerIdentity::Phone(unique_phone());
        let new = NewConversation { customer_phone, channel: ConversationChannel::Web, subject: None, customer_name: None };
        tx.conversations().create(&new).map(|_| "made".to_owned())
    }),
    ("Conversations::update", |tx, _, theirs| told(tx.conversations().update(theirs.conversation, &rename(), None)?)),
    ("Conversations::update, nothing", |tx, _, theirs| {
        told(tx.conversations().update(theirs.conversation, &ConversationPatch::default(), None)?)
    }),
    ("Conversations::update by their user", |tx, own, theirs| {
        tx.conversations().update(own.conversation, &rename(), Some(theirs.user)).map(|_| "made".to_owned())
    }),
    ("Conversations::set_status", |tx, _, theirs| told(tx.conversations().set_status(theirs.conversation, ConversationStatus::Closed, None)?)),
    ("Conversations::set_status by their user", |tx, own, theirs| {
        tx.conversations().set_status(own.conversation, ConversationStatus::Waiting, Some(theirs.user)).map(|_| "made".to_owned())
    }),
    ("Conversations::assign", |tx, own, theirs| told(tx.conversations().assign(theirs.conversation, Some(own.user), None)?)),
    ("Conversations::assign to their user", |tx, own, theirs| {
        tx.conversations().assign(own.conversation, Some(theirs.user), None).map(|_| "made".to_owned())
    }),

    ("ConversationEvents::append", |tx, _, theirs| {
        let event = NewConversationEvent::new(theirs.conversation, ConversationEventType::NoteAdded);
        told(tx.conversation_events().append(&[event])?)
    }),
    ("ConversationEvents::append about their call", |tx, own, theirs| {
        let event = NewConversationEvent::new(own.conversation, ConversationEventType::NoteAdded).of_call(theirs.call);
        told(tx.conversation_events().append(&[event])?)
    }),
    ("ConversationEvents::append by their user", |tx, own, theirs| {
        let event = NewConversationEvent::new(own.conversation, ConversationEventType::NoteAdded).by(Some(theirs.user));
        told(tx.conversation_events().append(&[event])?)
    }),
    ("ConversationEvents::list", |tx, _, theirs| told(tx.conversation_events().list(theirs.conversation, PageRequest::first())?.items)),
    ("ConversationEvents::count", |tx, _, theirs| told(tx.conversation_events().count(theirs.conversation)?)),

    ("Messages::find", |tx, _, theirs| told(tx.messages().find(theirs.message)?)),
    ("Messages::get", |tx, _, theirs| told(tx.messages().get(theirs.message)?)),
    ("Messages::find_by_sid", |tx, _, theirs| told(tx.messages().find_by_sid(&theirs.message_sid)?)),
    ("Messages::list", |tx, _, _| told(tx.messages().list(&MessageFilter::default(), PageRequest::first())?.items.len())),
    ("Messages::list of their conversation", |tx, _, theirs| {
        let filter = MessageFilter { conversation: Some(theirs.conversation), ..MessageFilter::default() };
        told(tx.messages().list(&filter, PageRequest::first())?.items)
    }),
    ("Messages::count", |tx, _, _| told(tx.messages().count(&MessageFilter::default())?)),
    ("Messages::queue", |tx, own, theirs| told(tx.messages().queue(&message_to(theirs.conversation, &own.phone))?)),
    ("Messages::queue from their number", |tx, own, theirs| told(tx.messages().queue(&message_to(own.conversation, &theirs.phone))?)),
    ("Messages::queue to their customer", |tx, own, theirs| {
        let customer_phone = CallerIdentity::Phone(theirs.customer.clone());
        let new = NewConversation { customer_phone, channel: ConversationChannel::Web, subject: None, customer_name: None };
        let conversation = tx.conversations().create(&new)?.id;
        tx.messages().queue(&message_to(conversation, &own.phone)).map(|_| "made".to_owned())
    }),
    ("Messages::queue by their user", |tx, own, theirs| {
        let new = NewMessage { created_by: Some(theirs.user), ..message_to(own.conversation, &own.phone) };
        tx.messages().queue(&new).map(|_| "made".to_owned())
    }),
    // Theirs is due as well, where there are theirs.
    ("Messages::claim", |tx, own, _| {
        tx.messages().queue(&message_to(own.conversation, &own.phone))?;
        told(tx.messages().claim(100, chrono::TimeDelta::minutes(1))?.len())
    }),

    // Their customer has opted out, there.
    ("Consents::is_opted_out", |tx, _, theirs| told(tx.consents().is_opted_out(&theirs.customer)?)),
    ("Consents::find_latest", |tx, _, theirs| told(tx.consents().find_latest(&theirs.customer)?)),
    ("Consents::list", |tx, _, theirs| told(tx.consents().list(&theirs.customer)?)),
    // It calls off what is queued to that person: here, not there.
    ("Consents::record", |tx, _, theirs| {
        tx.consents().record(&consent_of(&theirs.customer, ConsentAction::OptOut)).map(|_| "made".to_owned())
    }),
    ("Consents::record by their user", |tx, own, theirs| {
        let new = NewConsent { recorded_by: Some(theirs.user), ..consent_of(&own.customer, ConsentAction::OptIn) };
        tx.consents().record(&new).map(|_| "made".to_owned())
    }),
    ("Consents::record with their message", |tx, own, theirs| {
        let new = NewConsent { message_id: Some(theirs.message), ..consent_of(&own.customer, ConsentAction::OptIn) };
        tx.consents().record(&new).map(|_| "made".to_owned())
    }),
];

/// A tenant worth robbing: a row in every table, a greeting that is due, and a customer who has opted out.
fn victim(db: &TestDb) -> Tenant {
    let victim = Business::onboard(&db.store, "Victim").tenant;
    let (id, customer) = (victim.id(), unique_phone());
    db.fill_every_table(id);
    db.execute(&format!("UPDATE conversations SET customer_phone = '{customer}' WHERE tenant_id = '{id}'"));
    let its = Theirs::of(db, id);
    db.store.tenant(&victim, |tx| tx.messages().queue(&message_to(its.conversation, &its.phone))).unwrap();
    db.execute(&format!("UPDATE messages SET message_kind = 'greeting' WHERE tenant_id = '{id}' AND message_status = 'queued'"));
    db.execute(&format!("UPDATE consents SET customer_phone = '{customer}', action = 'opt_out' WHERE tenant_id = '{id}'"));
    victim
}

/// Whose rows the hostile tenant asks for.
#[derive(Clone, Copy)]
enum Asks {
    /// Nobody's, and there is nobody else.
    Alone,
    /// Nobody's, with a victim in the same database.
    ForNothing,
    /// The victim's.
    ForTheVictims,
}

/// What the hostile tenant hears, method by method, after `walls` has torn one down.
fn hears(asks: Asks, walls: fn(&TestDb)) -> BTreeMap<&'static str, String> {
    let db = TestDb::new();
    // The victim comes first, as its rows do where nothing else tells them apart.
    let victim = match asks {
        Asks::Alone => None,
        Asks::ForNothing | Asks::ForTheVictims => Some(victim(&db)),
    };
    let hostile = Business::onboard(&db.store, "Hostile").tenant;
    db.fill_every_table(hostile.id());
    let own = Theirs::of(&db, hostile.id());
    let theirs = match (asks, victim) {
        (Asks::ForTheVictims, Some(victim)) => Theirs::of(&db, victim.id()),
        _ => Theirs::made_up(),
    };
    let before = victim.map(|victim| db.rows_of(victim.id()));
    walls(&db);
    let ask = |ask: Ask| format!("{:?}", db.store.tenant(&hostile, |tx| ask(tx, &own, &theirs)));
    let heard = MATRIX.iter().map(|(name, method)| (*name, ask(*method))).collect();
    assert_eq!(victim.map(|victim| db.rows_of(victim.id())), before, "the victim's rows before and after");
    heard
}

const fn all_walls_stand(_: &TestDb) {}

fn row_level_security_is_off(db: &TestDb) {
    let off = |table: &Table| format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY;", table.name);
    db.execute(&db.tables().iter().map(off).collect::<String>());
}

#[test]
fn a_foreign_row_answers_like_a_missing_one_and_stays_as_it_was() {
    let alone = hears(Asks::Alone, all_walls_stand);
    assert_eq!(hears(Asks::ForNothing, all_walls_stand), alone);
    assert_eq!(hears(Asks::ForTheVictims, all_walls_stand), alone);
}

#[test]
fn the_repositories_do_not_lean_on_row_level_security() {
    let alone = hears(Asks::Alone, all_walls_stand);
    assert_eq!(hears(Asks::ForNothing, row_level_security_is_off), alone);
    assert_eq!(hears(Asks::ForTheVictims, row_level_security_is_off), alone);
}

/// What a business does with its calls and texts, for a customer who is also the victim's, and has opted out there.
fn work_on_the_victims_customer(walls: fn(&TestDb)) {
    let db = TestDb::new();
    let victim = victim(&db);
    let theirs = Theirs::of(&db, victim.id());
    let hostile = Business::onboard(&db.store, "Hostile");
    walls(&db);
    let before = db.rows_of(victim.id());
    let customer = theirs.customer.as_str();

    let missed = VoiceForm::missed(customer, &hostile.number, &theirs.call_sid).parse();
    let missed = record_voice_status(&db.store, &missed).unwrap();
    assert!(
        missed.call != theirs.call && missed.conversation != Some(theirs.conversation),
        "its own call, in its own conversation"
    );
    // A greeting or an opt-out elsewhere is nothing to this business.
    let greeting = missed.greeting.unwrap();
    let texts = hostile.messages(&db.store, &MessageFilter::default());
    let words = &texts.iter().find(|text| text.id == greeting).unwrap().message_body;
    assert!(words.contains("Hostile") && words.ends_with("Reply STOP to opt out."), "in its own name, as its first: {words}");

    let stop = SmsForm::text(customer, &hostile.number, "STOP").with("MessageSid", &theirs.message_sid).parse();
    assert!(!receive_text(&db.store, &stop).unwrap().duplicate, "the same SID is another text here");

    // A report about the victim's texts, with the hostile's number: by the SID of the one that went out, by the id of the
    // one that is still queued.
    let queued: String =
        db.query(&format!("SELECT id FROM messages WHERE tenant_id = '{}' AND message_sid IS NULL", victim.id())).remove(0);
    for (sid, id) in [(theirs.message_sid.clone(), None), (unique_sid("SM"), Some(queued.parse().unwrap()))] {
        let report = SmsForm::delivery(&hostile.number, &theirs.customer, &sid, "delivered").parse_delivery(id);
        let refused = record_delivery(&db.store, &report);
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    }
    assert_eq!(db.rows_of(victim.id()), before, "the victim's rows before and after");
}

#[test]
fn calls_and_texts_stay_with_the_business_whose_number_they_reach() {
    work_on_the_victims_customer(all_walls_stand);
    work_on_the_victims_customer(row_level_security_is_off);
}

#[test]
fn every_public_method_of_every_repository_is_in_the_matrix() {
    let mut sources = Vec::new();
    read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    // A repository is a struct around a Scope, like `pub struct Calls<'a>(Scope<'a>);`; so is the way to them.
    let lines = || sources.iter().flat_map(|source| source.lines());
    let repositories: BTreeSet<&str> = lines()
        .filter(|line| line.ends_with("Scope<'a>);"))
        .filter_map(|line| line.strip_prefix("pub struct ").and_then(|rest| rest.split("<'a>").next()))
        .filter(|name| *name != "TenantTx")
        .collect();
    let mut methods = BTreeSet::new();
    for source in &sources {
        let mut repository = None;
        for line in source.lines() {
            if let Some(of) = line.strip_prefix("impl").and_then(|rest| rest.strip_suffix(" {")) {
                let name = of.trim_start_matches("<'a>").trim().trim_end_matches("<'_>").trim_end_matches("<'a>");
                repository = repositories.get(name);
            } else if line == "}" {
                repository = None;
            } else if let (Some(repository), Some(method)) = (repository, line.strip_prefix("    pub ")) {
                let method = method.trim_start_matches("const ");
                if let Some(name) = method.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) {
                    methods.insert(format!("{repository}::{name}"));
                }
            }
        }
    }
    assert!(repositories.len() >= 10 && methods.len() >= 50, "the search finds them: {repositories:?} {methods:?}");
    let asked: BTreeSet<String> = MATRIX.iter().map(|(name, _)| name.split([' ', ',']).next().unwrap().to_owned()).collect();
    assert_eq!(asked, methods, "asked in the matrix (left), public in the sources (right)");
}

fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn what_is_unique_over_all_tenants_is_refused_in_the_same_words_wherever_it_is_taken() {
    let Two { db, victim, hostile } = Two::new();
    let taken_at = |owner: &Business| {
        let theirs = Theirs::of(&db, owner.tenant.id());
        db.store
            .tenant(&hostile.tenant, |tx| {
                let email = theirs.email.clone();
                let new =
                    NewUser { email, password_hash: "$2b$".to_owned(), first_name: None, last_name: None, role: UserRole::User };
                tx.users().create(&new)
            })
            .map(|_| ())
    };
    let (elsewhere, here) = (taken_at(&victim).unwrap_err(), taken_at(&hostile).unwrap_err());
    assert_eq!(format!("{elsewhere:?}"), format!("{here:?}"));
    assert!(matches!(elsewhere, Error::Conflict { field: "email", rule: "is already taken" }));
}

#[test]
fn a_persons_lock_is_one_tenants_own() {
    // The same customer of two businesses: a lock of the one must not let the other feel that it is taken.
    let Two { db, victim, hostile } = Two::new();
    let person = Person::new("+14155550123".parse().unwrap());
    db.store
        .tenant_and_person(&victim.tenant, &person, |_| {
            db.store.tenant_and_person(&hostile.tenant, &person, |tx| tx.conversations().count(&ConversationFilter::default()))
        })
        .unwrap();
}
