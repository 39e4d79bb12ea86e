//! `nmc message search`.

use super::message_list::{COLUMNS, KEPT};
use crate::database::tenant;
use crate::error::{CliError, CliResult};
use crate::options::{PageArgs, TenantArg};
use clap::Args;
use nmc_core::conversations::{Message, Search};
use nmc_core::{Error, Page, PageRequest, Store, Tenant};

/// The name of the list, which its cursors bear.
const LIST: &str = "texts found";

/// What is searched for.
#[derive(Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Words that the text has, all of them; the last one may be only begun, from 3 letters on. Case, accents and punctuation don't count
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) fn run(store: &Store, args: &SearchArgs) -> CliResult<()> {
    let search = Search::new(&args.words.join(" ")).map_err(as_typed)?;
    let proof = tenant(store, &args.tenant.tenant)?;
    let first = args.page.of(LIST)?;
    let rows = find(store, &proof, &search, first).map_err(as_typed)?;
    COLUMNS.page_keeping(KEPT, LIST, args.page.format.format, &rows)
}

/// The first page with a text on it. For each page only so many texts are looked at, in a transaction of its own, so that one may be empty
/// and still have a next one.
fn find(store: &Store, tenant: &Tenant, search: &Search, mut page: PageRequest) -> nmc_core::Result<Page<Message>> {
    loop {
        let rows = store.as_operator(tenant, |tx| tx.messages().search(search, page))?;
        match rows.next {
            Some(next) if rows.items.is_empty() => page = page.after(next),
            _ => return Ok(rows),
        }
    }
}

/// A refusal of the words, which the API has in a parameter `q`.
pub(super) fn as_typed(error: Error) -> CliError {
    match error {
        Error::Invalid { field, rule, .. } if field == "q" => CliError::Usage(format!("WORD {rule}")),
        other => other.into(),
    }
}
