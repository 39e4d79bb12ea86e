//! `nmc message search`.

use super::message_list::COLUMNS;
use crate::database::tenant;
use crate::error::{CliError, CliResult};
use crate::options::{PageArgs, TenantArg, first_with_rows};
use crate::output::Kept;
use clap::Args;
use nmc_core::conversations::Search;
use nmc_core::{Error, Store};

/// The name of the list, which its cursors bear.
const LIST: &str = "texts found";

/// What was searched for is to be seen.
const KEPT: Kept = &["id", "body", "created_at", "from_number"];

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
    let find = |page| store.as_operator(&proof, |tx| tx.messages().search(&search, page));
    let rows = first_with_rows(first, find).map_err(as_typed)?;
    COLUMNS.page_keeping(KEPT, LIST, args.page.format.format, &rows)
}

/// A refusal of the words, which the API has in a parameter `q`.
pub(super) fn as_typed(error: Error) -> CliError {
    match error {
        Error::Invalid { field, rule, .. } if field == "q" => CliError::Usage(format!("WORD {rule}")),
        other => other.into(),
    }
}
