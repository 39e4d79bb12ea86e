//! Every endpoint and every kind of actor, made from the OpenAPI document: who is let through, and what a stranger hears.

use super::scene::{Access, Ids, Operation, Scene, Who, good_status, in_scenes, operations, photo};
use crate::site::Site;
use nmc_core::access::Permission;
use nmc_core::chrono::TimeDelta;
use nmc_core::testing::unique_phone;
use nmc_core::workflows::roll_up_all;
use nmc_core::{JobStatus, TenantTx, UserRole, When};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn permission_of(access: Access) -> Option<Permission> {
    match access {
        Access::OwnOr(permission) | Access::Needs(permission) => Some(permission),
        Access::Public | Access::Anyone => None,
    }
}

/// What an actor who asks about somebody of the lowest role should hear.
fn expected(operation: &Operation, who: Who) -> u16 {
    let good = good_status(&operation.id);
    let let_through = match (operation.access, who) {
        (Access::Public, _) => true,
        (_, Who::Nobody | Who::Forger | Who::LoggedOut) => return 401,
        (Access::Anyone, Who::Role(_)) => true,
        // A program has no session, password or presence of its own.
        (Access::Anyone, _) => false,
        (access, Who::Role(role)) => permission_of(access).is_some_and(|permission| permission.is_of(role)),
        // Whoever takes an alert over is a person.
        (_, Who::KeyWith(_)) if ["acknowledgeAlert", "snoozeAlert", "resolveAlert"].contains(&operation.id.as_str()) => false,
        (access, Who::KeyWith(scope)) => scope.is_some() && scope == permission_of(access),
        (_, Who::Stranger) => unreachable!("strangers have a test of their own"),
    };
    match (let_through, operation.id.as_str()) {
        (true, _) => good,
        // Who may not end others' sessions is not told which there are.
        (false, "endSession" | "getSession") => 404,
        (false, _) => 403,
    }
}

#[test]
fn each_endpoint_lets_through_only_whom_the_document_names() {
    let all = operations();
    let names: BTreeSet<&String> = all.iter().map(|operation| &operation.id).collect();
    assert_eq!(names.len(), all.len(), "one is there twice");
    in_scenes(all, each_actor);
}

/// Asks each operation as everybody.
fn each_actor(scene: &Scene, operations: &mut dyn Iterator<Item = Operation>) {
    let mut bearers = BTreeMap::new();
    for operation in operations {
        let scope = permission_of(operation.access);
        let mut actors = vec![Who::Nobody, Who::Forger, Who::LoggedOut, Who::KeyWith(None), Who::KeyWith(scope)];
        actors.extend(UserRole::ALL.iter().map(|role| Who::Role(*role)));
        if scope.is_none() || scope == Some(Permission::SettingsRead) {
            actors.retain(|who| !matches!(who, Who::KeyWith(None)) || scope.is_none());
        }
        // Who is refused leaves it whole for the next.
        let mut spare = None;
        for who in actors {
            let target = spare.take().unwrap_or_else(|| scene.target());
            // What everybody may do, they do to themselves, and some of it is their end.
            let bearer = match operation.access {
                Access::Anyone => scene.bearer(who).0,
                _ => bearers.entry(format!("{who:?}")).or_insert_with(|| scene.bearer(who).0).clone(),
            };
            if operation.id == "getPhoto" {
                let owner = scene.site.person(&scene.site.joe, UserRole::Owner);
                let path = format!("/v1/users/{}/profile/photo", target.user.id);
                scene.site.call("PUT", path).by(&owner.access).bytes("image/png", photo()).expect(200);
            }
            if operation.id == "makeReport" {
                assert_eq!(roll_up_all(&scene.site.db.store).unwrap().failed, 0);
            }
            if operation.id == "wakeAlert" {
                let snooze = |tx: &mut TenantTx<'_>| tx.alerts().snooze(target.alert, When::In(TimeDelta::hours(1)), None);
                scene.site.db.store.tenant_on_behalf_of(&scene.site.joe.tenant, target.agent, snooze).unwrap();
            }
            if operation.id == "retryJob" {
                let cancel = |tx: &mut TenantTx<'_>| match tx.jobs().get(target.job)?.status {
                    JobStatus::Pending => tx.jobs().cancel(target.job, "no more").map(drop),
                    _ => Ok(()),
                };
                scene.site.db.store.as_operator(&scene.site.joe.tenant, cancel).unwrap();
            }
            if operation.id == "reopenConversation" {
                let id = target.conversation;
                let close = |tx: &mut TenantTx<'_>| match tx.conversations().get(id)?.status.is_open() {
                    true => tx.conversations().close(id).map(drop),
                    false => Ok(()),
                };
                scene.site.db.store.as_operator(&scene.site.joe.tenant, close).unwrap();
            }
            let answer = scene.ask(&operation, bearer.as_deref(), &target, &target.ids());
            assert_eq!(answer.status, expected(&operation, who), "{} as {who:?}: {}", operation.id, answer.body);
            assert_eq!(answer.header("WWW-Authenticate").is_some(), answer.status == 401, "{}", operation.id);
            spare = (answer.status >= 400).then_some(target);
        }
    }
}

#[test]
fn everybody_may_do_to_themselves_what_is_called_ones_own() {
    let scene = Scene::new();
    let own: Vec<Operation> = operations().into_iter().filter(|operation| matches!(operation.access, Access::OwnOr(_))).collect();
    assert!(own.len() > 10);
    for operation in own {
        for role in UserRole::ALL {
            let target = scene.target();
            let (bearer, person) = scene.bearer(Who::Role(*role));
            let person = person.unwrap();
            if operation.id == "getPhoto" {
                let path = "/v1/users/me/profile/photo";
                scene.site.call("PUT", path).by(&person.access).bytes("image/png", photo()).expect(200);
            }
            let session = scene.session_of(&scene.site.joe, person.id);
            let ids = Ids { user: "me".to_owned(), session, ..target.ids() };
            let answer = scene.ask(&operation, bearer.as_deref(), &target, &ids);
            assert_eq!(answer.status, good_status(&operation.id), "{} as {role}: {}", operation.id, answer.body);
        }
    }
}

/// The owner of another business, with all rights there, asks for what is Joe's, and for what nobody has.
#[test]
fn foreign_ids_answer_as_missing_ones_and_change_nothing() {
    let scene = Scene::new();
    let (_, stranger) = scene.bearer(Who::Stranger);
    let stranger = stranger.unwrap();
    let target = scene.target();
    let before = joes_rows(&scene.site);
    let mut with_ids = 0;
    for operation in operations() {
        let about_sessions = ["listSessions", "logOutEverywhere"].contains(&operation.id.as_str());
        let has_id = about_sessions
            || [
                "{user}",
                "{session}",
                "{key}",
                "{number}",
                "{message}",
                "{conversation}",
                "{call}",
                "{participant}",
                "{phone}",
                "{rule}",
                "{alert}",
                "{contact}",
                "{report}",
                "{call_analytics}",
                "{conversation_analytics}",
                "{job}",
            ]
            .iter()
            .any(|id| operation.path.contains(id));
        if !has_id || operation.access == Access::Public {
            continue;
        }
        with_ids += 1;
        let ask = |ids: &Ids| scene.ask(&operation, Some(&stranger.access), &target, ids);
        let theirs = ask(&target.ids());
        let by_phone = operation.path.contains("{phone}");
        let missing = ask(&Ids::all(&if by_phone { unique_phone().to_string() } else { Uuid::now_v7().to_string() }));
        let rubbish = ask(&Ids::all("rubbish"));
        assert_eq!((theirs.status, &theirs.body), (missing.status, &missing.body), "{}", operation.id);
        assert_eq!(theirs.status, 404, "{}: {}", operation.id, theirs.body);
        assert_eq!(rubbish.status, if about_sessions || by_phone { 400 } else { 404 }, "{}: {}", operation.id, rubbish.body);
    }
    assert!(with_ids > 18, "{with_ids}");
    assert_eq!(joes_rows(&scene.site), before);
}

/// Every row of Joe's, but for the times that his own people's requests move.
fn joes_rows(site: &Site) -> Vec<String> {
    site.rows().into_iter().filter(|row| row.contains(&site.joe.tenant.id().to_string())).collect()
}

#[test]
fn lists_hold_ones_own_rows_alone() {
    let scene = Scene::new();
    let (_, stranger) = scene.bearer(Who::Stranger);
    let stranger = stranger.unwrap();
    let target = scene.target();
    for operation in operations().iter().filter(|operation| operation.method == "GET" && !operation.path.contains('{')) {
        let path = target.ids().path(operation);
        let answer = scene.site.call("GET", path).by(&stranger.access).expect(good_status(&operation.id));
        let Ids { user, session, key, number, message, conversation, call, .. } = target.ids();
        let Ids { customer, rule, alert, contact, call_analytics, conversation_analytics, job, report, .. } = target.ids();
        let tenant = scene.site.joe.tenant.id().to_string();
        let theirs = [user, session, key, number, message, conversation, call, customer, rule, alert, contact];
        for id in theirs.into_iter().chain([call_analytics, conversation_analytics, job, report, tenant]) {
            assert!(!answer.body.contains(&id), "{}: {}", operation.id, answer.body);
        }
    }
}
