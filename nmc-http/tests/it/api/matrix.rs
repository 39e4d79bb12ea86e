//! Every endpoint and every kind of actor, made from the OpenAPI document: who is let through, and what a stranger hears.

use super::{PASSWORD, Person};
use crate::site::{Answer, Site};
use nmc_core::identity::{InvitationToken, KeyOrder, NewPerson, Permission, invite, make_key};
use nmc_core::testing::Business;
use nmc_core::{ApiKeyId, Email, UserId, UserRole};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What a request is about, made anew for each: it may not survive.
pub(super) struct Target {
    pub(super) user: Person,
    pub(super) key: ApiKeyId,
    pub(super) session: String,
    pub(super) invitation: InvitationToken,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Nobody,
    Forger,
    LoggedOut,
    Role(UserRole),
    KeyWith(Option<Permission>),
    Stranger,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Access {
    Public,
    Anyone,
    OwnOr(Permission),
    Needs(Permission),
}

/// One operation of the document.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) access: Access,
}

pub(super) fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(nmc_http::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let access = &operation["x-nmc-access"];
            let permission = || access["permission"].as_str().unwrap().parse().unwrap();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: match method {
                    "get" => "GET",
                    "post" => "POST",
                    "put" => "PUT",
                    "patch" => "PATCH",
                    _ => "DELETE",
                },
                path: path.clone(),
                access: match access["kind"].as_str().unwrap() {
                    "public" => Access::Public,
                    "anyone" => Access::Anyone,
                    "own" => Access::OwnOr(permission()),
                    "needs" => Access::Needs(permission()),
                    other => panic!("{other}"),
                },
            });
        }
    }
    all
}

/// What makes each request a good one: its body, or `null`. An operation without a row here fails the test.
pub(super) fn good_body(operation: &str, target: &Target) -> Option<Value> {
    Some(match operation {
        "register" => json!({
            "business": { "name": format!("Business {}", Uuid::now_v7()) },
            "owner": { "email": fresh_email(), "password": PASSWORD, "first_name": "New", "last_name": "Owner" },
        }),
        "logIn" => json!({ "email": target.user.email, "password": PASSWORD }),
        "refreshSession" => json!({ "refresh_token": target.user.refresh }),
        "acceptInvitation" => json!({ "invitation": target.invitation.text().expose(), "password": PASSWORD }),
        "changeTenant" => json!({ "industry": "home services" }),
        "changeSettings" => json!({ "ai_takeover_delay_seconds": 120 }),
        "previewGreeting" => json!({}),
        "inviteUser" => json!({ "email": fresh_email(), "first_name": "New", "last_name": "Hand", "role": "viewer" }),
        "changeUser" => json!({ "email": fresh_email() }),
        "changePassword" => json!({ "current_password": PASSWORD, "new_password": "another horse battery" }),
        "changeProfile" => json!({ "display_name": "Patty" }),
        "changePreferences" => json!({ "show_tutorial": false }),
        "changeStatus" => json!({ "message": "at lunch" }),
        "makeApiKey" => json!({ "name": "a key", "scopes": ["api-keys:write"] }),
        "changeApiKey" => json!({ "name": "another name" }),
        "rotateApiKey" => json!({}),
        "listSessions"
        | "getSession"
        | "logOutEverywhere"
        | "logOut"
        | "endSession"
        | "getTenant"
        | "getHours"
        | "getOnboarding"
        | "completeOnboardingStep"
        | "getSettings"
        | "reviewGreeting"
        | "listUsers"
        | "getUser"
        | "inviteAgain"
        | "listProfiles"
        | "getProfile"
        | "getPhoto"
        | "setPhoto"
        | "removePhoto"
        | "getPreferences"
        | "listStatus"
        | "getStatus"
        | "beat"
        | "goOffline"
        | "listApiKeys"
        | "getApiKey"
        | "revokeApiKey" => Value::Null,
        _ => return None,
    })
}

/// The status of a good request that is let through.
fn good_status(operation: &str) -> u16 {
    match operation {
        "register" | "logIn" | "inviteUser" | "inviteAgain" | "makeApiKey" | "rotateApiKey" => 201,
        "logOut" | "logOutEverywhere" | "endSession" | "changePassword" | "revokeApiKey" => 204,
        _ => 200,
    }
}

pub(super) fn fresh_email() -> Email {
    format!("{}@example.com", Uuid::now_v7().simple()).parse().unwrap()
}

/// One pixel.
pub(super) fn photo() -> Vec<u8> {
    let png = "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63105030000000a400613466\
        7d720000000049454e44ae426082";
    png.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

pub(super) struct Scene {
    pub(super) site: Site,
}

impl Scene {
    pub(super) fn target(&self) -> Target {
        let (site, joe) = (&self.site, &self.site.joe);
        let user = site.person(joe, UserRole::Viewer);
        let actor = site.operator(joe);
        let order = KeyOrder { name: "a key".to_owned(), scopes: vec![Permission::ApiKeysWrite], expires_at: None };
        let new = NewPerson {
            email: fresh_email(),
            first_name: "Pat".to_owned(),
            last_name: "Doe".to_owned(),
            phone_number: None,
            timezone: None,
            role: UserRole::Viewer,
        };
        let (key, invitation) = site
            .db
            .store
            .tenant(&joe.tenant, |tx| Ok((make_key(tx, &actor, &order)?.0.id, invite(tx, &actor, &new)?.1)))
            .unwrap();
        let session = self.session_of(joe, user.id);
        Target { user, key, session, invitation }
    }

    fn session_of(&self, business: &Business, user: UserId) -> String {
        let query = format!(
            "SELECT id::text AS row FROM user_sessions WHERE user_id = '{user}' AND tenant_id = '{}' AND is_active ORDER BY id DESC LIMIT 1",
            business.tenant.id()
        );
        let rows: Vec<String> = nmc_core::testing::query(&mut self.site.db.superuser(), &query);
        rows[0].clone()
    }

    /// What somebody shows, and who they are if they are a user.
    fn bearer(&self, who: Who) -> (Option<String>, Option<Person>) {
        let (site, joe) = (&self.site, &self.site.joe);
        match who {
            Who::Nobody => (None, None),
            Who::Forger => (Some("eyJhbGciOiJub25lIn0.e30.".to_owned()), None),
            Who::LoggedOut => {
                let person = site.person(joe, UserRole::Owner);
                site.call("DELETE", "/v1/sessions/current").by(&person.access).expect(204);
                (Some(person.access), None)
            }
            Who::Role(role) => {
                let person = site.person(joe, role);
                (Some(person.access.clone()), Some(person))
            }
            Who::Stranger => {
                let person = site.person(&site.rival, UserRole::Owner);
                (Some(person.access.clone()), Some(person))
            }
            Who::KeyWith(scope) => {
                // A scope beside the point, so that the key itself is good.
                let mut scopes = vec![scope.unwrap_or(Permission::SettingsRead)];
                // Whoever makes somebody of a role needs what the role has.
                if scope.is_some() {
                    let of_viewers = Permission::ALL.iter().filter(|permission| permission.is_of(UserRole::Viewer));
                    scopes.extend(of_viewers.filter(|permission| Some(**permission) != scope));
                }
                let order = KeyOrder { name: "the caller".to_owned(), scopes, expires_at: None };
                let actor = site.operator(joe);
                let (_, text) = site.db.store.tenant(&joe.tenant, |tx| make_key(tx, &actor, &order)).unwrap();
                (Some(text.text().expose().to_owned()), None)
            }
        }
    }

    pub(super) fn ask(
        &self,
        operation: &Operation,
        bearer: Option<&str>,
        target: &Target,
        user: &str,
        session: &str,
        key: &str,
    ) -> Answer {
        let path =
            operation.path.replace("{user}", user).replace("{session}", session).replace("{key}", key).replace("{step}", "1");
        // Whose sessions: without a user they are one's own.
        let about_sessions = ["listSessions", "logOutEverywhere"].contains(&operation.id.as_str());
        let path = if about_sessions && user != "me" { format!("{path}?user={user}") } else { path };
        let mut call = self.site.call(operation.method, path);
        if let Some(bearer) = bearer {
            call = call.by(bearer);
        }
        let body = good_body(&operation.id, target).unwrap_or_else(|| panic!("{} has no row in the matrix", operation.id));
        match operation.id.as_str() {
            "setPhoto" => call.bytes("image/png", photo()).send(),
            _ if body.is_null() => call.send(),
            _ => call.json(&body).send(),
        }
    }
}

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

pub(super) fn ready(scene: &Scene) {
    // So that a step can be left, and a photo be got.
    let patch = json!({ "business_address": "1 Main St", "business_phone": "+15005550100", "business_type": "plumbing" });
    let owner = scene.site.person(&scene.site.joe, UserRole::Owner);
    scene.site.call("PATCH", "/v1/tenant").by(&owner.access).json(&patch).expect(200);
}

#[test]
fn each_endpoint_lets_through_whom_the_document_names_and_nobody_else() {
    let scene = Scene { site: Site::new() };
    ready(&scene);
    let (mut seen, mut bearers) = (BTreeSet::new(), BTreeMap::new());
    for operation in operations() {
        assert!(seen.insert(operation.id.clone()), "{} is there twice", operation.id);
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
            let (user, key) = (target.user.id.to_string(), target.key.to_string());
            let answer = scene.ask(&operation, bearer.as_deref(), &target, &user, &target.session, &key);
            assert_eq!(answer.status, expected(&operation, who), "{} as {who:?}: {}", operation.id, answer.body);
            assert_eq!(answer.header("WWW-Authenticate").is_some(), answer.status == 401, "{}", operation.id);
            spare = (answer.status >= 400).then_some(target);
        }
    }
}

#[test]
fn everybody_may_do_to_themselves_what_the_document_calls_ones_own() {
    let scene = Scene { site: Site::new() };
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
            let answer = scene.ask(&operation, bearer.as_deref(), &target, "me", &session, &target.key.to_string());
            assert_eq!(answer.status, good_status(&operation.id), "{} as {role}: {}", operation.id, answer.body);
        }
    }
}

/// The owner of another business, with all rights there, asks for what is Joe's, and for what nobody has.
#[test]
fn anothers_ids_answer_as_missing_ones_do_and_nothing_of_them_moves() {
    let scene = Scene { site: Site::new() };
    let (_, stranger) = scene.bearer(Who::Stranger);
    let stranger = stranger.unwrap();
    let target = scene.target();
    let before = joes_rows(&scene.site);
    let mut with_ids = 0;
    for operation in operations() {
        let about_sessions = ["listSessions", "logOutEverywhere"].contains(&operation.id.as_str());
        let has_id = about_sessions || ["{user}", "{session}", "{key}"].iter().any(|id| operation.path.contains(id));
        if !has_id || operation.access == Access::Public {
            continue;
        }
        with_ids += 1;
        let ask =
            |user: &str, session: &str, key: &str| scene.ask(&operation, Some(&stranger.access), &target, user, session, key);
        let theirs = ask(&target.user.id.to_string(), &target.session, &target.key.to_string());
        let nobodys = Uuid::now_v7().to_string();
        let missing = ask(&nobodys, &nobodys, &nobodys);
        let rubbish = ask("rubbish", "rubbish", "rubbish");
        assert_eq!((theirs.status, &theirs.body), (missing.status, &missing.body), "{}", operation.id);
        if operation.id == "listSessions" {
            assert_eq!((theirs.status, theirs.document()["items"].as_array().map(Vec::len)), (200, Some(0)));
            continue;
        }
        assert_eq!(theirs.status, 404, "{}: {}", operation.id, theirs.body);
        assert_eq!(rubbish.status, if about_sessions { 400 } else { 404 }, "{}: {}", operation.id, rubbish.body);
    }
    assert!(with_ids > 15, "{with_ids}");
    assert_eq!(joes_rows(&scene.site), before);
}

/// Every row of Joe's, but for the times that his own people's requests move.
fn joes_rows(site: &Site) -> Vec<String> {
    site.rows().into_iter().filter(|row| row.contains(&site.joe.tenant.id().to_string())).collect()
}

#[test]
fn lists_hold_ones_own_rows_alone() {
    let scene = Scene { site: Site::new() };
    let (_, stranger) = scene.bearer(Who::Stranger);
    let stranger = stranger.unwrap();
    let target = scene.target();
    for operation in operations().iter().filter(|operation| operation.method == "GET" && !operation.path.contains('{')) {
        let answer = scene.site.call("GET", operation.path.clone()).by(&stranger.access).expect(200);
        let joes =
            [target.user.id.to_string(), target.key.to_string(), target.session.clone(), scene.site.joe.tenant.id().to_string()];
        for id in joes {
            assert!(!answer.body.contains(&id), "{}: {}", operation.id, answer.body);
        }
    }
}
