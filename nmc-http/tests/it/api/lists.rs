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
