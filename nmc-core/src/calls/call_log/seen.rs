//! What was read of a log already, as far as it takes to tell that a row contradicts it.

use crate::calls::NewCall;
use crate::{CallDirection, CallerIdentity, Error, Result};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// The calls that are remembered twice over: a log may have any number, and is read in the memory of few.
const MOST: usize = 50_000;

/// The calls read last, by the hash of their SID.
#[derive(Default)]
pub(super) struct Seen {
    last: HashMap<u64, Facts>,
    /// Those before [`Self::last`] began.
    earlier: HashMap<u64, Facts>,
}

/// What makes a call the one it is.
#[derive(Clone, Copy)]
struct Facts {
    caller: u64,
    called: u64,
    direction: CallDirection,
    started_at: Option<DateTime<Utc>>,
}

impl Seen {
    /// Insists that a call is the one that an earlier row with its SID tells of, if there was one.
    pub(super) fn agrees(&mut self, call: &NewCall) -> Result<()> {
        let Some(sid) = call.twilio_call_sid.as_deref().map(hash) else { return Ok(()) };
        let party = |party: &CallerIdentity| hash(party.person().as_str());
        let facts = Facts {
            caller: party(&call.caller_phone),
            called: party(&call.called_phone),
            direction: call.call_direction,
            started_at: call.started_at,
        };
        let Some(known) = self.last.get(&sid).or_else(|| self.earlier.get(&sid)) else {
            if self.last.len() == MOST {
                self.earlier = std::mem::take(&mut self.last);
            }
            self.last.insert(sid, facts);
            return Ok(());
        };
        match known.differs(&facts) {
            Some(field) => Err(Error::invalid(field, "must be what an earlier row with the same twilio_call_sid has")),
            None => Ok(()),
        }
    }
}

impl Facts {
    /// The field in which the two contradict each other, if there is one.
    fn differs(&self, other: &Self) -> Option<&'static str> {
        let is_other_instant = self.started_at.zip(other.started_at).is_some_and(|(one, another)| one != another);
        let fields = [
            (self.caller != other.caller, "caller_phone"),
            (self.called != other.called, "called_phone"),
            (self.direction != other.direction, "call_direction"),
            (is_other_instant, "started_at"),
        ];
        fields.into_iter().find(|(differs, _)| *differs).map(|(_, field)| field)
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
