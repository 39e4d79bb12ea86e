//! What a hostile tenant hears of numbers.

use super::{Ask, told};
use nmc_core::conversations::MessageFilter;
use nmc_core::numbers::{Month, NewPhoneNumber, NumberFilter, NumberPatch};
use nmc_core::testing::{unique_phone, unique_sid};
use nmc_core::{NumberStatus, NumberType, PageRequest, Patch};

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("PhoneNumbers::find", |tx, _, theirs| told(tx.phone_numbers().find(theirs.number)?)),
    ("PhoneNumbers::get", |tx, _, theirs| told(tx.phone_numbers().get(theirs.number)?)),
    ("PhoneNumbers::find_by_number", |tx, _, theirs| told(tx.phone_numbers().find_by_number(&theirs.phone)?)),
    ("PhoneNumbers::list", |tx, _, _| told(tx.phone_numbers().list(&NumberFilter::default(), PageRequest::first())?.items.len())),
    ("PhoneNumbers::count", |tx, _, _| told(tx.phone_numbers().count(&NumberFilter::default())?)),
    ("PhoneNumbers::costs", |tx, _, _| {
        let now = Month::of(tx.now());
        told(tx.phone_numbers().costs(now.back(11), now)?)
    }),
    ("PhoneNumbers::create", |tx, _, _| {
        let number_type = NumberType::Local;
        let new = NewPhoneNumber { phone_number: unique_phone(), twilio_phone_sid: None, locality: None, region: None, number_type, price: None };
        tx.phone_numbers().create(&new).map(|_| "made".to_owned())
    }),
    ("PhoneNumbers::activate", |tx, _, theirs| told(tx.phone_numbers().activate(theirs.number, &unique_sid("PN"))?)),
    ("PhoneNumbers::update", |tx, _, theirs| {
        let patch = NumberPatch { locality: Patch::Set("Nowhere".to_owned()), ..NumberPatch::default() };
        told(tx.phone_numbers().update(theirs.number, &patch)?)
    }),
    ("PhoneNumbers::set_status", |tx, _, theirs| told(tx.phone_numbers().set_status(theirs.number, NumberStatus::Released)?)),

    ("NumberPacing::list_held", |tx, _, theirs| told(tx.number_pacing().list_held(std::slice::from_ref(&theirs.phone))?)),
    ("NumberPacing::waits_of", |tx, _, theirs| {
        let of = MessageFilter { conversation: Some(theirs.conversation), ..MessageFilter::default() };
        let texts = tx.messages().list(&of, PageRequest::new(1, None)?)?.items;
        let waits = tx.number_pacing().waits_of(&texts)?;
        told(texts.iter().map(|text| waits.until(text)).collect::<Vec<_>>())
    }),
    ("NumberPacing::find_by_number", |tx, _, theirs| told(tx.number_pacing().find_by_number(&theirs.phone)?)),
    ("CatchUpMarks::find", |tx, _, _| told(tx.catch_up_marks().find("twilio")?.map(|mark| mark.provider))),
];
