//! The table of constraints is in order, and is found.

use super::*;

#[test]
fn is_sorted_without_doubles() {
    assert!(CONSTRAINTS.is_sorted_by(|a, b| a.name < b.name));
}

#[test]
fn foreign_keys_tell_what_they_point_at() {
    for known in CONSTRAINTS {
        let is_key = known.name.ends_with("_fkey");
        assert_eq!((known.breach == Breach::Missing, known.refers_to.is_some()), (is_key, is_key), "{}", known.name);
    }
}

#[test]
fn finds_each_and_nothing_else() {
    assert!(CONSTRAINTS.iter().all(|known| find(known.name).is_some_and(|found| found.name == known.name)));
    assert!(find("calls").is_none());
}
