//! `nmc inbox --watch`: the inbox, and then a line for each change of it.

use super::conversation_list::{Listed, listed};
use super::inbox::{LIST, Reader};
use crate::database::hurry;
use crate::error::CliResult;
use crate::options::Format;
use crate::output::{Columns, cut, may_colour, plain, terminal_width};
use crate::stop::StopSignals;
use chrono::{DateTime, Utc};
use nmc_core::events::{Delivery, Hub, StreamEvent, Subscription};
use nmc_core::{
    CallId, ConversationId, Error, MessageDirection, MessageId, Page, PageRequest, Result, Store, StreamEventKind, TenantTx,
    Timezone,
};
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long nothing is waited for before the end is thought of again.
const POLL: Duration = Duration::from_millis(200);

/// The time within which changes are shown together: a transaction's changes come so.
const TOGETHER: Duration = Duration::from_millis(20);

/// Changes that are read at once.
const BATCH: usize = 200;

/// A conversation as it is after a change; without a row it was deleted.
struct Change {
    event: StreamEventKind,
    at: DateTime<Utc>,
    id: ConversationId,
    row: Option<Listed>,
}

/// The changes that are still to be shown.
#[derive(Default)]
struct Pending {
    /// The whole inbox: what has changed in it was not told.
    all: bool,
    events: Vec<StreamEvent>,
}

/// Somebody who looks at an inbox.
pub(super) struct Watch<'a> {
    store: &'a Store,
    reader: Reader,
    zone: Timezone,
    format: Format,
    page: PageRequest,
    /// The conversation of the line that was printed last, where a terminal shows it.
    last: Option<ConversationId>,
    is_away: bool,
}

impl<'a> Watch<'a> {
    pub(super) const fn new(store: &'a Store, reader: Reader, zone: Timezone, format: Format, page: PageRequest) -> Self {
        Self { store, reader, zone, format, page, last: None, is_away: false }
    }

    /// Shows the inbox, and what happens in it until the end is asked for.
    pub(super) fn run(mut self, stop: StopSignals) -> CliResult<()> {
        let stopped = Arc::new(AtomicBool::new(false));
        let (asked, store) = (Arc::clone(&stopped), self.store.clone());
        std::thread::Builder::new().name("nmc-stop".to_owned()).spawn(move || {
            stop.wait();
            hurry(&store);
            asked.store(true, Ordering::SeqCst);
        })?;
        let hub = Hub::start(self.store)?;
        // Where the stream is now comes first: what happens while the inbox is read is told afterwards.
        let mut stream = hub.subscribe(self.reader.tenant(), None)?;
        let mut pending = Pending { all: true, events: Vec::new() };
        self.show(&mut pending)?;
        while !stopped.load(Ordering::SeqCst) {
            let done = next(&mut stream, &mut pending).map_err(Into::into).and_then(|()| self.show(&mut pending));
            match done {
                Ok(()) => self.is_back(),
                Err(crate::error::CliError::Core(error @ Error::Unavailable { .. })) => self.is_gone(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Prints what is pending. What can't be read stays pending.
    fn show(&mut self, pending: &mut Pending) -> CliResult<()> {
        if pending.all {
            let page = self.reader.page(self.store, self.page)?;
            // It has all that the changes would tell.
            *pending = Pending::default();
            self.print_all(&page)?;
        }
        if pending.events.is_empty() {
            return Ok(());
        }
        let changes = self.reader.read(self.store, |tx| {
            pending.events.iter().filter_map(|event| change(tx, event).transpose()).collect::<Result<Vec<_>>>()
        })?;
        pending.events.clear();
        self.print(changes)
    }

    /// The whole inbox. Where lines of changes follow it, it has their form.
    fn print_all(&mut self, page: &Page<Listed>) -> CliResult<()> {
        let columns = self.reader.columns();
        self.last = None;
        if self.format == Format::Table && terminal_width().is_some() {
            columns.page(LIST, self.format, page)?;
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        if self.format == Format::Table {
            writeln!(out, "event\tat\t{}", columns.names())?;
        }
        for row in &page.items {
            match self.format {
                Format::Json => writeln!(out, "{}", object(&columns, row, None))?,
                Format::Table => writeln!(out, "\t\t{}", columns.line(row))?,
            }
        }
        Ok(())
    }

    fn print(&mut self, changes: Vec<Change>) -> CliResult<()> {
        let columns = self.reader.columns();
        let width = terminal_width();
        let mut out = std::io::stdout().lock();
        match (self.format, width) {
            (Format::Json, _) => {
                for change in changes {
                    writeln!(out, "{}", changed(&columns, &change))?;
                }
            }
            (Format::Table, None) => {
                for change in changes {
                    let at = change.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
                    // Of what was deleted only the id is left.
                    let cell = |name: &str| if name == "id" { change.id.to_string() } else { String::new() };
                    let gone = || columns.names().split('\t').map(cell).collect::<Vec<_>>().join("\t");
                    let row = change.row.as_ref().map_or_else(gone, |row| columns.line(row));
                    writeln!(out, "{}\t{at}\t{row}", change.event.label())?;
                }
            }
            (Format::Table, Some(width)) => {
                let may_move = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
                let may_colour = may_colour(&std::io::stdout());
                for (at, change) in changes.iter().enumerate() {
                    let id = change.id;
                    // Of what one transaction has done to a conversation, what it has come to.
                    let goes_on = changes.iter().skip(at + 1).any(|later| later.id == id);
                    if goes_on {
                        continue;
                    }
                    if self.last == Some(id) && may_move {
                        write!(out, "\x1b[1A\x1b[2K")?;
                    }
                    let line = cut(&self.line(change), width);
                    let is_unread = change.row.as_ref().and_then(|row| row.row.unread).is_some_and(|unread| unread > 0);
                    let is_bold = may_colour && is_unread;
                    if is_bold {
                        writeln!(out, "\x1b[1m{line}\x1b[0m")?
                    } else {
                        writeln!(out, "{line}")?
                    }
                    self.last = Some(id);
                }
            }
        }
        out.flush()?;
        Ok(())
    }

    /// A change as people read it.
    fn line(&self, Change { at, row, id, .. }: &Change) -> String {
        let at = at.with_timezone(&self.zone.tz()).format("%H:%M:%S");
        let Some(Listed { row, assignee }) = row else { return format!("{at}  conversation {id} was deleted") };
        let conversation = &row.conversation;
        let unread = match row.unread {
            Some(0) | None => String::new(),
            Some(unread) => format!("{unread} unread, "),
        };
        let said = match &row.last_text {
            None => String::new(),
            Some(text) if text.message_direction == MessageDirection::Inbound => format!("  ← {}", plain(&text.message_body)),
            Some(text) => format!("  → {} [{}]", plain(&text.message_body), text.message_status),
        };
        let name = row.known_as.as_deref().map(|name| format!(" {}", plain(name))).unwrap_or_default();
        let whose = assignee.as_ref().map(|email| format!(", {}", plain(email.as_str()))).unwrap_or_default();
        let customer = plain(conversation.customer_phone.as_str());
        format!("{at}  {customer}{name}  [{unread}{}{whose}]{said}", conversation.status)
    }

    fn is_gone(&mut self, error: &Error) {
        if !self.is_away {
            eprintln!("{}; it is tried again until it works", error.causes());
        }
        self.is_away = true;
        std::thread::sleep(POLL);
    }

    fn is_back(&mut self) {
        if self.is_away {
            eprintln!("the database is back");
        }
        self.is_away = false;
    }
}

/// Waits a moment for what comes, and takes along what is there already.
fn next(stream: &mut Subscription<'_>, pending: &mut Pending) -> Result<()> {
    let mut timeout = POLL;
    while pending.events.len() < BATCH {
        match stream.next(timeout)? {
            None => break,
            Some(Delivery::Event(event)) if event.subject.is_none() => pending.all |= concerns_inbox(event.kind),
            Some(Delivery::Event(event)) if concerns_inbox(event.kind) => pending.events.push(event),
            Some(Delivery::Event(_)) => {}
            Some(_) => {
                eprintln!("what has happened meanwhile can't be told one by one: this is the inbox as it is now");
                pending.all = true;
            }
        }
        timeout = TOGETHER;
    }
    Ok(())
}

/// Whether a conversation may look different afterwards.
const fn concerns_inbox(kind: StreamEventKind) -> bool {
    use StreamEventKind::{CallCreated, CallUpdated, ConversationCreated, ConversationUpdated, MessageCreated, MessageUpdated};
    matches!(kind, CallCreated | CallUpdated | ConversationCreated | ConversationUpdated | MessageCreated | MessageUpdated)
}

/// The conversation that an event is about, as it is now; `None` where it is of a text or a call in none, or one that is gone.
fn change(tx: &mut TenantTx<'_>, event: &StreamEvent) -> Result<Option<Change>> {
    let Some(subject) = event.subject else { return Ok(None) };
    let id = match event.kind {
        StreamEventKind::MessageCreated | StreamEventKind::MessageUpdated => {
            tx.messages().find(MessageId::new(subject))?.map(|text| text.conversation_id)
        }
        StreamEventKind::CallCreated | StreamEventKind::CallUpdated => {
            tx.calls().find(CallId::new(subject))?.and_then(|call| call.conversation_id)
        }
        _ => Some(ConversationId::new(subject)),
    };
    let Some(id) = id else { return Ok(None) };
    let row = match tx.conversations().get_with_last_text(id) {
        Err(Error::NotFound { .. }) => None,
        row => listed(tx, Page { items: vec![row?], next: None })?.items.pop(),
    };
    Ok(Some(Change { event: event.kind, at: event.at, id, row }))
}

/// A line of JSON for a change.
fn changed(columns: &Columns<'_, Listed>, change: &Change) -> Value {
    match &change.row {
        Some(row) => object(columns, row, Some(change)),
        None => json!({ "id": change.id, "event": change.event, "at": change.at, "is_deleted": true }),
    }
}

/// A line of JSON; the event is null for what was there already.
fn object(columns: &Columns<'_, Listed>, row: &Listed, change: Option<&Change>) -> Value {
    let mut object = columns.json(row);
    if let Value::Object(fields) = &mut object {
        fields.insert("event".to_owned(), json!(change.map(|change| change.event)));
        fields.insert("at".to_owned(), json!(change.map(|change| change.at)));
    }
    object
}
