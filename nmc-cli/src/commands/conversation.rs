use crate::cli::{ConversationCommand, ConversationKey, DatabaseArgs, Format, Verdict};
use crate::database::{Database, tenant};
use crate::error::{CliError, CliResult};
use crate::output::{Columns, plain, time, write_json};
use crate::transcript::Transcript;
use nmc_core::access::Acting;
use nmc_core::conversations::{Conversation, ConversationFilter, ReviewDecision, settle_review};
use nmc_core::{ConversationId, Error, PageRequest, Store, Tenant};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

const COLUMNS: Columns<Conversation> = Columns {
    names: &["id", "created_at", "customer_phone", "customer_name", "status", "total_calls", "review_requested_at"],
    values: |row| {
        vec![
            json!(row.id),
            time(row.created_at),
            json!(row.customer_phone),
            json!(row.customer_name),
            json!(row.status),
            json!(row.total_calls),
            row.review_requested_at.map_or(Value::Null, time),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: ConversationCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    let (proof, id, format) = match command {
        ConversationCommand::List { tenant: key, in_review, customer, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = ConversationFilter { in_review: in_review.then_some(true), customer, ..ConversationFilter::default() };
            let rows = store.as_operator(&proof, |tx| tx.conversations().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
            drop(store);
            database.close()?;
            return Ok(ExitCode::SUCCESS);
        }
        ConversationCommand::Show { tenant: key, conversation, format } => {
            let proof = tenant(&store, &key.tenant)?;
            (proof, find(&store, &proof, conversation)?, format)
        }
        ConversationCommand::Settle { tenant: key, conversation, decision, note, format } => {
            let proof = tenant(&store, &key.tenant)?;
            let id = find(&store, &proof, conversation)?;
            let decision = match decision {
                Verdict::OptOut => ReviewDecision::OptOut,
                Verdict::None => ReviewDecision::NoOptOut,
            };
            settle_review(&store, &Acting::Operator(proof), id, decision, note.as_deref())?;
            (proof, id, format)
        }
    };
    let transcript = Transcript::read(&store, &proof, id)?;
    match format.format {
        Format::Json => write_json(&transcript.json())?,
        Format::Table => write!(std::io::stdout(), "{}", transcript.text()?)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn find(store: &Store, tenant: &Tenant, key: ConversationKey) -> CliResult<ConversationId> {
    match key {
        ConversationKey::Id(id) => Ok(id),
        ConversationKey::Customer(customer) => {
            let open = store.as_operator(tenant, |tx| tx.conversations().find_open(&customer))?;
            // Odd callers have conversations, too; a word that none goes by was more likely meant to be something else.
            open.map(|open| open.id).ok_or_else(|| match customer.phone() {
                Some(_) => Error::NotFound { entity: "open conversation" }.into(),
                None => CliError::Usage(format!("{} {}", plain(customer.as_str()), ConversationKey::RULE)),
            })
        }
    }
}
