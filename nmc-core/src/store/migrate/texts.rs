//! What the texts of migrations say. A runner asks at every step for that of all of them, and reads each once.

use super::history::fingerprint;
use super::objects::{Object, created};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What has been read so far, by text.
#[derive(Default)]
pub(super) struct Texts {
    created: BTreeMap<&'static str, Rc<BTreeSet<Object>>>,
    fingerprints: BTreeMap<&'static str, Rc<str>>,
}

impl Texts {
    /// The names that this SQL creates.
    pub(super) fn created(&mut self, sql: &'static str) -> Rc<BTreeSet<Object>> {
        Rc::clone(self.created.entry(sql).or_insert_with(|| Rc::new(created(sql))))
    }

    /// The fingerprint of this SQL.
    pub(super) fn fingerprint(&mut self, sql: &'static str) -> Rc<str> {
        Rc::clone(self.fingerprints.entry(sql).or_insert_with(|| fingerprint(sql).into()))
    }
}
