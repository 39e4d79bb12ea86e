//! Facts about a call that have no column: one value per key, of a declared type.

use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::call_metadata as metadata;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::{digits, json, required};
use crate::{CallId, CallMetadataId, Error, MetadataType, Result, StreamEventKind, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::upsert::excluded;
use rust_decimal::Decimal;

/// A value together with its type.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
pub enum MetadataValue {
    /// Any text; up to 64 KiB, may be empty.
    String(String),
    /// A decimal number.
    Number(Decimal),
    /// True or false.
    Boolean(bool),
    /// A document; up to 64 KiB.
    Json(serde_json::Value),
}

impl MetadataValue {
    /// The value that a JSON text is: a string, a number, true and false are of these types, all else is a document. A number is kept to
    /// the digit, up to 28 of them.
    ///
    /// # Errors
    /// [`Error::Invalid`] of what is no JSON, has a number that would be rounded, or an object with a name twice.
    pub fn of_json(text: &str) -> Result<Self> {
        let unkept =
            || Error::invalid("metadata_value", "must have no number that is not kept to the digit: send it as a string");
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(Error::invalid("metadata_value", "must be JSON"));
        }
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            // It says why in words alone.
            let is_deep = error.to_string().starts_with("recursion limit");
            if is_deep { Error::invalid("metadata_value", "must be nested less than 128 deep") } else { unkept() }
        })?;
        if value.is_number() {
            let exact = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok();
            if let Some(exact) = exact.filter(|exact| digits::are_equal(text, &exact.to_string())) {
                return Ok(Self::Number(exact));
            }
        }
        match value {
            serde_json::Value::String(text) => Ok(Self::String(text)),
            serde_json::Value::Bool(truth) => Ok(Self::Boolean(truth)),
            _ if !digits::are_kept(text) => Err(unkept()),
            _ if json::has_doubled_name(text) => Err(Error::invalid("metadata_value", "must have each name of an object once")),
            other => Ok(Self::Json(other)),
        }
    }

    /// The type of the value, as it is declared in the row.
    #[must_use]
    pub const fn declared_type(&self) -> MetadataType {
        match self {
            Self::String(_) => MetadataType::String,
            Self::Number(_) => MetadataType::Number,
            Self::Boolean(_) => MetadataType::Boolean,
            Self::Json(_) => MetadataType::Json,
        }
    }

    fn written(&self) -> Result<String> {
        match self {
            Self::String(text) if text.len() > json::DOCUMENT => {
                Err(Error::invalid("metadata_value", format!("must be at most {} bytes", json::DOCUMENT)))
            }
            Self::String(text) if text.contains('\0') => Err(Error::invalid("metadata_value", "must not contain NUL")),
            Self::String(text) => Ok(text.clone()),
            Self::Number(number) => Ok(number.to_string()),
            Self::Boolean(truth) => Ok(truth.to_string()),
            Self::Json(document) => {
                json::document("metadata_value", document, json::DOCUMENT)?;
                Ok(document.to_string())
            }
        }
    }

    fn read(declared: MetadataType, text: String) -> Result<Self> {
        match declared {
            MetadataType::String => Ok(Self::String(text)),
            MetadataType::Number => text.parse().map(Self::Number).map_err(Error::internal),
            MetadataType::Boolean => text.parse().map(Self::Boolean).map_err(Error::internal),
            MetadataType::Json => serde_json::from_str(&text).map(Self::Json).map_err(Error::internal),
        }
    }
}

/// One fact about a call.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct CallMetadata {
    pub id: CallMetadataId,
    pub tenant_id: TenantId,
    pub call_id: CallId,
    pub metadata_key: String,
    pub value: MetadataValue,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(HasQuery)]
#[diesel(table_name = metadata, check_for_backend(Pg))]
struct Row {
    id: CallMetadataId,
    tenant_id: TenantId,
    call_id: CallId,
    metadata_key: String,
    metadata_value: String,
    metadata_type: MetadataType,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for CallMetadata {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let Row { id, tenant_id, call_id, metadata_key, metadata_value, metadata_type, created_at, updated_at } = row;
        let value = MetadataValue::read(metadata_type, metadata_value)?;
        Ok(Self { id, tenant_id, call_id, metadata_key, value, created_at, updated_at })
    }
}

/// A filter of facts about calls. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallMetadataFilter {
    /// The call that the facts are about.
    pub call: Option<CallId>,
    /// The name of the facts.
    pub metadata_key: Option<String>,
    /// The type of the facts' values.
    pub metadata_type: Option<MetadataType>,
}

/// The facts about a tenant's calls.
pub struct CallMetadataRepo<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The facts about the tenant's calls.
    pub const fn call_metadata(&mut self) -> CallMetadataRepo<'_> {
        CallMetadataRepo(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: metadata::BoxedQuery<'q, Pg, ST>,
    filter: &'q CallMetadataFilter,
) -> metadata::BoxedQuery<'q, Pg, ST> {
    if let Some(call) = filter.call {
        query = query.filter(metadata::call_id.eq(call));
    }
    if let Some(key) = &filter.metadata_key {
        query = query.filter(metadata::metadata_key.eq(key));
    }
    if let Some(kind) = filter.metadata_type {
        query = query.filter(metadata::metadata_type.eq(kind));
    }
    query
}

impl CallMetadataRepo<'_> {
    /// The fact of this name about a call, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Internal`] also where another program wrote a value that is not of its type.
    pub fn find(&mut self, call: CallId, key: &str) -> Result<Option<CallMetadata>> {
        let row: Option<Row> = Row::query()
            .filter(metadata::tenant_id.eq(self.0.tenant))
            .filter(metadata::call_id.eq(call))
            .filter(metadata::metadata_key.eq(key))
            .first(self.0.conn)
            .optional()?;
        row.map(CallMetadata::try_from).transpose()
    }

    /// The fact of this name about a call.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, call: CallId, key: &str) -> Result<CallMetadata> {
        found(self.find(call, key)?, "call metadata")
    }

    /// A page of facts, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &CallMetadataFilter, page: PageRequest) -> Result<Page<CallMetadata>> {
        let query = filtered(Row::query().filter(metadata::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows: Vec<Row> = keyset(query, page, metadata::created_at, metadata::id).load(self.0.conn)?;
        let page = Page::from_rows(rows, page, |row: &Row| Cursor { at: row.created_at, id: row.id.uuid() });
        let items = page.items.into_iter().map(CallMetadata::try_from).collect::<Result<_>>()?;
        Ok(Page { items, next: page.next })
    }

    /// The number of facts that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &CallMetadataFilter) -> Result<i64> {
        let query = metadata::table.filter(metadata::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Notes a fact about a call that has none of this name (up to 100 characters).
    ///
    /// # Errors
    /// [`Error::Conflict`] when it has one; [`Error::Invalid`] on a broken rule, or when there is no such call.
    pub fn create(&mut self, call: CallId, key: &str, value: &MetadataValue) -> Result<CallMetadata> {
        let id = CallMetadataId::new(self.0.moment.id());
        let row: Row = diesel::insert_into(metadata::table)
            .values((
                metadata::call_id.eq(call),
                metadata::metadata_key.eq(required("metadata_key", key, 100)?),
                metadata::metadata_value.eq(value.written()?),
                metadata::metadata_type.eq(value.declared_type()),
                stamped!(metadata, self.0, id),
            ))
            .returning(Row::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::CallUpdated, call.uuid());
        row.try_into()
    }

    /// Notes a fact about a call, in place of the one of this name (up to 100 characters) if there is one. Its type may change.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule, or when there is no such call.
    pub fn put(&mut self, call: CallId, key: &str, value: &MetadataValue) -> Result<CallMetadata> {
        let id = CallMetadataId::new(self.0.moment.id());
        let row: Row = diesel::insert_into(metadata::table)
            .values((
                metadata::call_id.eq(call),
                metadata::metadata_key.eq(required("metadata_key", key, 100)?),
                metadata::metadata_value.eq(value.written()?),
                metadata::metadata_type.eq(value.declared_type()),
                stamped!(metadata, self.0, id),
            ))
            .on_conflict((metadata::tenant_id, metadata::call_id, metadata::metadata_key))
            .do_update()
            .set((
                metadata::metadata_value.eq(excluded(metadata::metadata_value)),
                metadata::metadata_type.eq(excluded(metadata::metadata_type)),
                metadata::updated_at.eq(excluded(metadata::updated_at)),
            ))
            .returning(Row::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::CallUpdated, call.uuid());
        row.try_into()
    }

    /// Forgets the fact of this name about a call.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete(&mut self, call: CallId, key: &str) -> Result<()> {
        let rows = diesel::delete(metadata::table)
            .filter(metadata::tenant_id.eq(self.0.tenant))
            .filter(metadata::call_id.eq(call))
            .filter(metadata::metadata_key.eq(key))
            .execute(self.0.conn)?;
        self.0.note(StreamEventKind::CallUpdated, call.uuid());
        touched_one(rows, "call metadata")
    }
}
