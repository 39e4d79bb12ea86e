//! The tables of moves, as a whole: what each repository's own tests do for one status is done here for every pair.

use crate::support::Scene;
use nmc_core::calls::NewCall;
use nmc_core::numbers::{HeldNumber, NewPhoneNumber, NumberPatch};
use nmc_core::testing::{unique_phone, unique_sid};
use nmc_core::{
    AlertStatus, CallDirection, CallStatus, CallerIdentity, ConversationStatus, Error, JobStatus, NotificationStatus,
    NumberStatus, NumberType, Patch, TenantStatus,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Barrier;

/// That from its first states every state is reached, and which of them none may follow.
macro_rules! terminal_of {
    ($status:ident from $first:ident) => {{
        let (mut reached, mut new) = (BTreeSet::new(), vec![$status::$first]);
        while let Some(status) = new.pop() {
            if reached.insert(status.label()) {
                new.extend(status.followers());
            }
        }
        assert_eq!(reached.len(), $status::ALL.len(), "all of {} is reached", stringify!($status));
        $status::ALL.iter().filter(|status| status.is_terminal()).map(|status| status.label()).collect::<Vec<_>>()
    }};
}

#[test]
fn every_state_is_reached_and_the_terminal_ones_are_these() {
    assert_eq!(terminal_of!(AlertStatus from Triggered), ["resolved"]);
    assert_eq!(terminal_of!(CallStatus from Initiated), ["completed", "busy", "no-answer", "failed", "canceled"]);
    assert_eq!(terminal_of!(ConversationStatus from Active), ["closed"]);
    assert_eq!(terminal_of!(JobStatus from Pending), ["completed", "failed"]);
    assert_eq!(terminal_of!(NotificationStatus from Pending), ["delivered", "failed"]);
    assert_eq!(terminal_of!(NumberStatus from Provisioning), ["released"]);
    assert_eq!(terminal_of!(TenantStatus from Pending), [""; 0], "a business that left may come back");
}

#[test]
fn a_call_makes_the_moves_of_its_table_and_no_other() {
    let scene = Scene::new();
    for from in CallStatus::ALL {
        for to in CallStatus::ALL {
            let [caller, called] = [unique_phone(), unique_phone()].map(CallerIdentity::Phone);
            let new = NewCall { call_status: *from, ..NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA")) };
            let before = scene.tx(|tx| tx.calls().create(&new)).unwrap();
            scene.tick();
            match scene.tx(|tx| tx.calls().set_status(before.id, *to)) {
                Ok(after) => assert_eq!((after.call_status, true), (*to, from.may_become(*to)), "{from} to {to}"),
                Err(Error::InvalidTransition { entity: "call", from: said, to: wanted }) => {
                    assert_eq!((said, wanted, false), (from.label(), to.label(), from.may_become(*to)));
                    assert_eq!(scene.tx(|tx| tx.calls().get(before.id)).unwrap(), before, "nothing changed");
                }
                Err(other) => panic!("{from} to {to}: {other:?}"),
            }
        }
    }
}

fn number(scene: &Scene, status: NumberStatus) -> nmc_core::PhoneNumberId {
    let new = NewPhoneNumber {
        phone_number: unique_phone(),
        twilio_phone_sid: Some(unique_sid("PN")),
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    let id = scene.tx(|tx| tx.phone_numbers().create(&new)).unwrap().id;
    scene.db.execute(&format!("UPDATE phone_numbers SET status = '{status}' WHERE id = '{id}'"));
    id
}

#[test]
fn a_number_makes_the_moves_of_its_table_and_no_other() {
    let scene = Scene::new();
    for from in NumberStatus::ALL {
        for to in NumberStatus::ALL {
            let id = number(&scene, *from);
            let before = scene.tx(|tx| tx.phone_numbers().get(id)).unwrap();
            scene.tick();
            match scene.tx(|tx| tx.phone_numbers().set_status(id, *to)) {
                Ok(after) => {
                    assert_eq!((after.status, true), (*to, from.may_become(*to)), "{from} to {to}");
                    assert_eq!(after.released_at.is_some(), *to == NumberStatus::Released);
                }
                Err(Error::InvalidTransition { entity: "phone number", from: said, to: wanted }) => {
                    assert_eq!((said, wanted, false), (from.label(), to.label(), from.may_become(*to)));
                    assert_eq!(scene.tx(|tx| tx.phone_numbers().get(id)).unwrap(), before, "nothing changed");
                }
                Err(other) => panic!("{from} to {to}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_number_released_twice_at_once_is_released_once() {
    let scene = Scene::new();
    for _ in 0..20 {
        let id = number(&scene, NumberStatus::Active);
        let barrier = Barrier::new(2);
        let release = || {
            barrier.wait();
            scene.tx(|tx| tx.phone_numbers().set_status(id, NumberStatus::Released)).is_ok()
        };
        let (one, other) = std::thread::scope(|threads| {
            let one = threads.spawn(release);
            (release(), one.join().unwrap())
        });
        assert!(one != other, "one of the two: {one} {other}");
    }
}

#[test]
fn bought_number_is_active_and_patch_changes_what_it_names() {
    let scene = Scene::new();
    let new = NewPhoneNumber {
        phone_number: unique_phone(),
        twilio_phone_sid: None,
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    let mut row = scene.tx(|tx| tx.phone_numbers().create(&new)).unwrap();
    assert_eq!((row.status, row.provisioned_at), (NumberStatus::Provisioning, None));
    let at = scene.tick();
    let sid = unique_sid("PN");
    row = HeldNumber {
        status: NumberStatus::Active,
        twilio_phone_sid: Some(sid.clone()),
        provisioned_at: Some(at),
        updated_at: at,
        ..row
    };
    assert_eq!(scene.tx(|tx| tx.phone_numbers().activate(row.id, &sid)).unwrap(), row);
    let again = scene.tx(|tx| tx.phone_numbers().activate(row.id, &sid)).unwrap_err();
    assert!(matches!(again, Error::InvalidTransition { from: "active", to: "active", .. }), "{again:?}");
    let none = NumberPatch::default;
    let text = |text: &str| Patch::Set(text.to_owned());
    type Change = fn(&mut HeldNumber);
    let cases: Vec<(NumberPatch, Change)> = vec![
        (none(), |_| {}),
        (NumberPatch { status_reason: text("slow"), ..none() }, |row| row.status_reason = Some("slow".to_owned())),
        (NumberPatch { locality: text("Austin"), ..none() }, |row| row.locality = Some("Austin".to_owned())),
        (NumberPatch { region: text("TX"), ..none() }, |row| row.region = Some("TX".to_owned())),
        (NumberPatch { capabilities: Some(json!({"sms": true})), ..none() }, |row| row.capabilities = json!({"sms": true})),
        (NumberPatch { webhook_urls: Some(json!({"voice": "https://example.com"})), ..none() }, |row| {
            row.webhook_urls = json!({"voice": "https://example.com"});
        }),
        (NumberPatch { monthly_cost_cents: Some(115), ..none() }, |row| row.monthly_cost_cents = 115),
        (NumberPatch { setup_cost_cents: Some(100), ..none() }, |row| row.setup_cost_cents = 100),
        (NumberPatch { status_reason: Patch::Clear, ..none() }, |row| row.status_reason = None),
    ];
    for (patch, change) in cases {
        change(&mut row);
        row.updated_at = scene.tick();
        assert_eq!(scene.tx(|tx| tx.phone_numbers().update(row.id, &patch)).unwrap(), row, "{patch:?}");
    }
}
