//! What a transaction has changed, noted by the repositories as they write, and told in the batch that commits it.

use super::SchemaName;
use crate::{StreamEventKind as Kind, TenantId};
use chrono::{DateTime, SecondsFormat, Utc};
use std::cell::RefCell;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The number of rows of a kind from which on one event that names none of them says that there are many.
const MANY: usize = 100;

/// A lone COMMIT after a failed statement is answered with a quiet ROLLBACK: a closure that kept the failure to itself
/// would pass for a success and lose everything. The statement before it is refused then.
const COMMIT: &str = "SELECT 1; COMMIT";

/// One event to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    kind: Kind,
    /// The row; `None`: many.
    subject: Option<Uuid>,
}

/// The events of one transaction, each once, in the order they were noted. A transaction that is tried again begins with none.
#[derive(Debug, Default)]
pub(crate) struct Changes(RefCell<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// The changes by tenant and in one order: two transactions that append to the same streams wait for each other, and not both
    /// at once.
    of: BTreeMap<TenantId, Vec<Change>>,
    /// The last instant at which something was noted: no row that they tell of was changed later.
    at: DateTime<Utc>,
}

/// The event of a row's beginning, which tells all that one of its changes in the same transaction would.
const fn beginning(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::AlertUpdated => Some(Kind::AlertCreated),
        Kind::CallUpdated => Some(Kind::CallCreated),
        Kind::ConversationUpdated => Some(Kind::ConversationCreated),
        Kind::MessageUpdated => Some(Kind::MessageCreated),
        _ => None,
    }
}

impl Changes {
    /// Notes a row that was written at `at`; `None`: many rows.
    pub(super) fn note(&self, tenant: TenantId, kind: Kind, subject: Option<Uuid>, at: DateTime<Utc>) {
        let mut noted = self.0.borrow_mut();
        noted.at = noted.at.max(at);
        let changes = noted.of.entry(tenant).or_default();
        let tells = |change: &Change, kind| change.kind == kind && change.subject == subject;
        let is_told = |change: &Change| {
            tells(change, kind)
                || change.kind == kind && change.subject.is_none()
                || subject.is_some() && beginning(kind).is_some_and(|beginning| tells(change, beginning))
        };
        if changes.iter().any(is_told) {
            return;
        }
        let is_many = subject.is_none() || changes.iter().filter(|change| change.kind == kind).count() >= MANY;
        if is_many {
            changes.retain(|change| change.kind != kind);
        }
        changes.push(Change { kind, subject: subject.filter(|_| !is_many) });
    }

    /// The tenants whose streams grow.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.0.borrow().of.keys().copied().collect()
    }

    /// The statements that end the transaction. The streams grow last of all, since whoever appends to the same one waits from
    /// there to the end of COMMIT; appending is refused after a failed statement, too. UUIDs, words of an enum and an instant can't
    /// carry SQL.
    pub(super) fn commit(&self, schema: &SchemaName) -> String {
        let noted = self.0.borrow();
        let at = noted.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let append = |(tenant, changes): (&TenantId, &Vec<Change>)| {
            let kinds: Vec<&str> = changes.iter().map(|change| change.kind.label()).collect();
            let subject = |change: &Change| change.subject.map_or_else(|| "NULL".to_owned(), |id| id.to_string());
            let subjects: Vec<String> = changes.iter().map(subject).collect();
            let (kinds, subjects) = (kinds.join(","), subjects.join(","));
            format!("SELECT {schema}.nmc_append_events('{tenant}', '{{{kinds}}}', '{{{subjects}}}', '{at}'); ")
        };
        let appended: String = noted.of.iter().map(append).collect();
        if appended.is_empty() { COMMIT.to_owned() } else { appended + "COMMIT" }
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, Kind, MANY, SchemaName};
    use crate::TenantId;
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn each_event_is_appended_once_and_beginnings_suffice() {
        let (changes, tenant) = (Changes::default(), TenantId::new(id(1)));
        assert_eq!(changes.commit(&SchemaName::default()), "SELECT 1; COMMIT");
        for (kind, subject, second) in [
            (Kind::CallCreated, 7, 1),
            (Kind::CallUpdated, 7, 2),
            (Kind::ConversationUpdated, 8, 5),
            (Kind::CallUpdated, 9, 3),
            (Kind::ConversationUpdated, 8, 4),
        ] {
            changes.note(tenant, kind, Some(id(subject)), at(second));
        }
        assert_eq!(
            changes.commit(&SchemaName::default()),
            "SELECT public.nmc_append_events('00000000-0000-0000-0000-000000000001', \
             '{call.created,conversation.updated,call.updated}', \
             '{00000000-0000-0000-0000-000000000007,00000000-0000-0000-0000-000000000008,00000000-0000-0000-0000-000000000009}', \
             '2027-01-15T08:00:05.000000Z'); COMMIT"
        );
    }

    #[test]
    fn many_rows_of_a_kind_are_one_event() {
        let changes = Changes::default();
        let few = u128::try_from(MANY).unwrap();
        for row in 0..few {
            changes.note(TenantId::new(id(2)), Kind::MessageUpdated, Some(id(row)), at(0));
        }
        changes.note(TenantId::new(id(1)), Kind::CallUpdated, Some(id(1)), at(0));
        let named = changes.commit(&SchemaName::default());
        assert_eq!(named.matches("message.updated").count(), MANY);
        for row in [few, few + 1, 3] {
            changes.note(TenantId::new(id(2)), Kind::MessageUpdated, Some(id(row)), at(0));
        }
        let told = changes.commit(&SchemaName::default());
        assert!(told.ends_with("'{message.updated}', '{NULL}', '2027-01-15T08:00:00.000000Z'); COMMIT"), "{told}");
        assert_eq!(changes.tenants(), [1, 2].map(|tenant| TenantId::new(id(tenant))), "in the order of their ids");
    }
}
