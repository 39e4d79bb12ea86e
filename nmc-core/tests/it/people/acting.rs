//! Who acts in a transaction, and that what is written names them.

use super::{House, add, authenticator, forbidden, person};
use crate::support::{Scene, refused};
use diesel::connection::SimpleConnection as _;
use nmc_core::access::{Acting, ActorKind, Credential, KeyOrder, Permission, make_key, make_key_for, make_service_key};
use nmc_core::alerts::NewAlertRule;
use nmc_core::conversations::{
    Consent, ConversationEventFilter, HeardConsent, Message, NewConsent, NewConversation, record_consent,
};
use nmc_core::people::{UserPatch, change_user, invite};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::{
    AlertOperator, AlertSeverity, CallerIdentity, ConsentAction, ConsentSource, ConversationChannel, ConversationId, PageRequest,
    Result, TenantTx, UserId, UserRole,
};

/// One of each kind who can open a transaction, and the user that what they write names.
fn everybody(scene: &Scene) -> Vec<(&'static str, Acting, ActorKind, Option<UserId>)> {
    let (store, tenant) = (&scene.db.store, scene.business.tenant);
    let auth = authenticator(store);
    let pat = add(&auth, tenant, "pat", UserRole::Owner);
    let token = auth.credential(&super::login(&auth, "pat").unwrap().access_token).unwrap();
    let order = KeyOrder { name: "a key".to_owned(), scopes: Permission::ALL.to_vec(), expires_at: None };
    let (_, own) = store.acting(&token, |tx| make_key(tx, &order)).unwrap();
    let (_, nobodys) = store.as_operator(&tenant, |tx| make_service_key(tx, &order)).unwrap();
    vec![
        ("a user", token.into(), ActorKind::User, Some(pat)),
        ("a user's key", Credential::from(own).into(), ActorKind::ApiKey, None),
        ("nobody's key", Credential::from(nobodys).into(), ActorKind::ApiKey, None),
        ("an operator", Acting::Operator(tenant), ActorKind::Operator, None),
        ("the application", Acting::Application(tenant), ActorKind::Application, None),
        ("the application for a user", Acting::OnBehalfOf(tenant, pat), ActorKind::Application, Some(pat)),
    ]
}

fn conversation_with(customer: &CallerIdentity) -> NewConversation {
    let (customer_phone, channel) = (customer.clone(), ConversationChannel::Phone);
    NewConversation { customer_phone, channel, subject: None, customer_name: None }
}

/// Opens a conversation, texts its customer, notes something and records that they want no more.
fn work(tx: &mut TenantTx<'_>, scene: &Scene, customer: &CallerIdentity) -> Result<(ConversationId, Message, Consent)> {
    let conversation = tx.conversations().create(&conversation_with(customer))?.id;
    let text = tx.messages().queue(&scene.business.words(conversation, "We come at nine"))?;
    tx.conversations().add_note(conversation, "Called back.")?;
    let consent = tx.consents().record(&NewConsent {
        customer_phone: customer.phone().unwrap().clone(),
        action: ConsentAction::OptOut,
        source: ConsentSource::Staff,
        keyword: None,
        message_id: None,
        note: None,
    })?;
    Ok((conversation, text, consent))
}

fn named_by_events(scene: &Scene, conversation: ConversationId) -> Vec<Option<UserId>> {
    let filter = ConversationEventFilter::of(conversation);
    let log = scene.tx(|tx| tx.conversation_events().list(&filter, PageRequest::first())).unwrap();
    log.items.iter().map(|event| event.created_by).collect()
}

#[test]
fn rows_and_events_name_the_user_who_acts_and_nobody_else() {
    let scene = Scene::new();
    for (name, who, kind, user) in everybody(&scene) {
        let customer = CallerIdentity::Phone(unique_phone());
        let (conversation, text, consent) = who
            .transaction(&scene.db.store, |tx| {
                assert_eq!((tx.actor().kind(), tx.actor().user(), tx.tenant()), (kind, user, scene.business.tenant), "{name}");
                work(tx, &scene, &customer)
            })
            .unwrap();
        assert_eq!((text.created_by, consent.recorded_by), (user, user), "{name}");
        assert_eq!(named_by_events(&scene, conversation), [user; 2], "{name}");
    }
}

#[test]
fn consent_between_transactions_names_the_user_who_acts() {
    let scene = Scene::new();
    for (name, who, _, user) in everybody(&scene) {
        let phone = unique_phone();
        let conversation =
            scene.tx(|tx| tx.conversations().create(&conversation_with(&CallerIdentity::Phone(phone.clone())))).unwrap().id;
        let heard = HeardConsent { customer_phone: phone, action: ConsentAction::OptOut, note: None };
        let consent = record_consent(&scene.db.store, &who, &heard).unwrap();
        assert_eq!(consent.recorded_by, user, "{name}");
        assert_eq!(named_by_events(&scene, conversation), [user, None], "{name}");
    }
}

#[test]
fn webhook_of_the_provider_is_nobodys_doing() {
    let scene = Scene::new();
    let form = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA"));
    let recorded = record_voice_status(&scene.db.store, &form.parse()).unwrap();
    let events = named_by_events(&scene, recorded.conversation.unwrap());
    assert!(events.len() > 2 && events.iter().all(Option::is_none), "{events:?}");
    assert_eq!(scene.business.message(&scene.db.store, recorded.greeting.unwrap()).created_by, None);
}

#[test]
fn alert_is_moved_by_a_user_or_not_at_all() {
    let scene = Scene::new();
    let words = "an alert is acknowledged, snoozed and resolved by a user: say on whose behalf it is done";
    for (name, who, _, user) in everybody(&scene) {
        let rule = NewAlertRule::new(name, name, AlertOperator::GreaterThan, 5.into(), AlertSeverity::High);
        let alert = scene.tx(|tx| {
            let rule = tx.alert_rules().create(&rule)?;
            tx.alerts().raise(rule.id, 7.into(), None)
        });
        let (alert, until) = (alert.unwrap().alert.id, scene.tick() + chrono::TimeDelta::hours(1));
        let store = &scene.db.store;
        let moved = [
            who.transaction(store, |tx| tx.alerts().acknowledge(alert, None)),
            who.transaction(store, |tx| tx.alerts().snooze(alert, until, None)),
            who.transaction(store, |tx| tx.alerts().resolve(alert, None)),
        ];
        match user {
            Some(_) => {
                let rows = moved.map(Result::unwrap);
                let last = rows.last().unwrap();
                assert_eq!((last.acknowledged_by, last.snoozed_by, last.resolved_by), (user, user, user), "{name}");
            }
            None => moved.into_iter().for_each(|came| assert_eq!(forbidden(came), words, "{name}")),
        }
    }
}

#[test]
fn application_may_on_behalf_of_a_user_what_they_may() {
    let house = House::new();
    for role in UserRole::ALL {
        let user = house.add(role.label(), *role);
        for permission in Permission::ALL {
            let (may, must) = house
                .db
                .store
                .tenant_on_behalf_of(&house.tenant, user, |tx| Ok((tx.may(*permission)?, tx.must(*permission))))
                .unwrap();
            assert_eq!((may, must.is_ok()), (permission.is_of(*role), permission.is_of(*role)), "{role:?} {permission}");
        }
        // Nobody above themselves, and what is their own.
        let new = person(&format!("by-{}", role.label()), UserRole::Owner);
        let invited = house.db.store.tenant_on_behalf_of(&house.tenant, user, |tx| invite(tx, &new));
        assert_eq!(invited.is_ok(), *role == UserRole::Owner, "{role:?}");
        let renamed = UserPatch { first_name: nmc_core::Patch::Set("Sam".to_owned()), ..UserPatch::default() };
        house.db.store.tenant_on_behalf_of(&house.tenant, user, |tx| change_user(tx, user, &renamed)).unwrap();
    }
}

#[test]
fn application_may_nothing_on_behalf_of_who_is_gone_or_unknown() {
    let house = House::new();
    let other = house.auth.register(&super::registration("Somebody Else", "cleo"), None).unwrap();
    let gone = house.add("gone", UserRole::Owner);
    house.tx(|tx| tx.users().update(gone, &UserPatch { is_active: Some(false), ..UserPatch::default() })).unwrap();
    let words = "the user on whose behalf this is done is unknown here, or deactivated";
    let order = KeyOrder { name: "a key".to_owned(), scopes: vec![Permission::TenantRead], expires_at: None };
    for user in [gone, other.owner.id, UserId::new(uuid::Uuid::now_v7())] {
        let act = |work: &dyn Fn(&mut TenantTx<'_>) -> Result<()>| house.db.store.tenant_on_behalf_of(&house.tenant, user, work);
        assert_eq!(forbidden(act(&|tx| tx.may(Permission::TenantRead).map(drop))), words);
        assert_eq!(forbidden(act(&|tx| tx.must(Permission::TenantRead))), words);
        assert_eq!(forbidden(act(&|tx| make_key(tx, &order).map(drop))), words);
        assert_eq!(forbidden(act(&|tx| invite(tx, &person("new", UserRole::Viewer)).map(drop))), words);
    }
}

#[test]
fn application_on_behalf_of_a_stranger_writes_nothing() {
    let scene = Scene::new();
    let stranger = nmc_core::testing::Business::onboard(&scene.db.store, "Rival Rooter").user(&scene.db.store);
    let before = scene.db.rows_of(scene.business.tenant.id());
    for user in [stranger, UserId::new(uuid::Uuid::now_v7())] {
        let customer = CallerIdentity::Phone(unique_phone());
        let came = scene.tx_as(user, |tx| work(tx, &scene, &customer));
        assert!(refused(came).1.contains("must be an existing user"));
    }
    assert_eq!(scene.db.rows_of(scene.business.tenant.id()), before);
}

#[test]
fn application_makes_keys_for_its_user_alone() {
    let house = House::new();
    let order = KeyOrder { name: "a key".to_owned(), scopes: vec![Permission::TenantRead], expires_at: None };
    let (key, _) = house.db.store.tenant_on_behalf_of(&house.tenant, house.ada, |tx| make_key(tx, &order)).unwrap();
    assert_eq!(key.created_by, Some(house.ada));
    assert_eq!(
        forbidden(house.tx(|tx| make_key(tx, &order))),
        "whoever runs NeverMissCall says whose key it is: a user's, or nobody's"
    );
    let others = "only whoever runs NeverMissCall makes keys for others, or for nobody";
    assert_eq!(forbidden(house.tx(|tx| make_service_key(tx, &order))), others);
    assert_eq!(forbidden(house.tx(|tx| make_key_for(tx, house.ada, &order))), others);
}

/// A transaction that lost against another is run again, as the same.
#[test]
fn transaction_run_again_is_still_theirs() {
    let scene = Scene::new();
    for (name, who, kind, user) in everybody(&scene) {
        let tries = std::cell::Cell::new(0);
        let seen = who.transaction(&scene.db.store, |tx| {
            tries.set(tries.get() + 1);
            if tries.get() == 1 {
                let lost = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$";
                tx.diesel(|conn, _| conn.batch_execute(lost))?;
            }
            Ok((tx.actor().kind(), tx.actor().user()))
        });
        assert_eq!((seen.unwrap(), tries.get()), ((kind, user), 2), "{name}");
    }
}
