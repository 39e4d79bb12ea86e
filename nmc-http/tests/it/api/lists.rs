//! The cursors of lists.

use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{receive_text, record_voice_status};

#[test]
fn cursor_goes_on_in_its_own_list_and_order_alone() {
    let site = Site::new();
    let owner = site.owner();
    site.person(&site.joe, UserRole::User);
    let customer = unique_phone();
    for from in [&customer, &unique_phone(), &customer] {
        receive_text(&site.db.store, &SmsForm::text(from.as_str(), &site.joe.number, "The sink leaks").parse()).unwrap();
        let missed = VoiceForm::missed(from.as_str(), &site.joe.number, &unique_sid("CA"));
        record_voice_status(&site.db.store, &missed.parse()).unwrap();
    }
    site.log_in(owner.id, owner.email.clone());
    let get = |path: &str| site.call("GET", path).by(&owner.access).send();
    let newest = get("/v1/conversations?limit=1&sort=updated_at").document();
    let conversation = format!("/v1/conversations/{}", newest["items"][0]["id"].as_str().unwrap());
    let lists = [
        "/v1/calls?limit=1".to_owned(),
        "/v1/calls?limit=1&started_from=2020-01-01T00:00:00Z".to_owned(),
        "/v1/conversations?limit=1".to_owned(),
        "/v1/conversations?limit=1&sort=updated_at".to_owned(),
        format!("{conversation}/messages?limit=1"),
        format!("{conversation}/events?limit=1"),
        "/v1/messages?limit=1&q=sink".to_owned(),
        "/v1/messages?limit=1".to_owned(),
        "/v1/users?limit=1".to_owned(),
        "/v1/sessions?limit=1".to_owned(),
    ];
    for of in &lists {
        let next = get(of).document()["next"].as_str().unwrap_or_else(|| panic!("{of} has no second page")).to_owned();
        for list in &lists {
            let answer = get(&format!("{list}&after={next}"));
            if list == of {
                assert_eq!(answer.status, 200, "{list}");
            } else {
                assert_eq!((answer.status, answer.field().as_deref()), (400, Some("after")), "{list} after one of {of}");
            }
        }
        // From before they were told apart.
        let old = next.get(..32).unwrap();
        assert_eq!(get(&format!("{of}&after={old}")).status, 400, "{of}");
    }
    // What is filtered by may change from page to page.
    let next = get(&lists[0]).document()["next"].as_str().unwrap().to_owned();
    assert_eq!(get(&format!("/v1/calls?direction=inbound&after={next}")).document()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn filters_that_contradict_each_other_are_refused() {
    let site = Site::new();
    let owner = site.owner();
    for (query, field) in [
        ("conversations?status=active&open=false", "open"),
        ("conversations?status=closed&open=true", "open"),
        ("conversations?status=closed&unread=true", "unread"),
        ("conversations?open=false&unread=true", "unread"),
        ("conversations?tag=", "tag"),
        ("conversations?tag=%20", "tag"),
        ("calls?status=completed&active=true", "active"),
        ("calls?status=ringing&active=false", "active"),
        ("calls?status=ringing&outcome=missed", "outcome"),
        ("calls?active=true&outcome=missed", "outcome"),
        ("messages?direction=inbound&failed=true", "failed"),
        ("messages?direction=inbound&status=queued", "status"),
        ("messages?direction=outbound&status=received", "status"),
        ("messages?direction=inbound&kind=greeting", "kind"),
        ("alerts?status=resolved&open=true", "open"),
        ("alerts?status=snoozed&active=true", "active"),
        ("alerts?status=acknowledged&active=false", "active"),
        ("alerts?open=false&active=true", "active"),
        ("jobs?status=completed&open=true", "open"),
    ] {
        let refused = site.call("GET", format!("/v1/{query}")).by(&owner.access).expect(400);
        assert_eq!(refused.field().as_deref(), Some(field), "{query}");
    }
    for query in [
        "conversations?status=active&open=true&unread=true",
        "conversations?open=false&unread=false",
        "calls?status=ringing&active=true",
        "calls?status=completed&outcome=missed",
        "messages?direction=inbound&status=received&kind=message",
        "alerts?status=snoozed&open=true&active=false",
        "jobs?status=pending&open=true",
    ] {
        site.call("GET", format!("/v1/{query}")).by(&owner.access).expect(200);
    }
}

#[test]
fn a_parameter_that_can_not_be_read_says_what_it_must_be() {
    let site = Site::new();
    let owner = site.owner();
    let instant = "must be an instant with its offset from UTC (RFC 3339), like 2026-11-22T18:00:00Z";
    for (query, field, rule) in [
        ("calls?from=2026-11-22", "from", instant),
        ("calls?started_until=2026-11-22T18:00:00", "started_until", instant),
        ("conversations?until=soon", "until", instant),
        ("calls?active=yes", "active", "must be true or false"),
        ("calls?limit=-1", "limit", "must be a whole number from 1 to 200"),
        ("calls?limit=", "limit", "must be a whole number from 1 to 200"),
        ("calls?limit=201", "limit", "must be between 1 and 200"),
        ("conversations?sort=name", "sort", "must be created_at or updated_at"),
        ("calls?after=x", "after", "must be `next` of an earlier page of this list, in the same order"),
    ] {
        let refused = site.call("GET", format!("/v1/{query}")).by(&owner.access).expect(400);
        assert_eq!(refused.refusal(), (format!("#/{field}"), rule.to_owned()), "{query}");
    }
}
