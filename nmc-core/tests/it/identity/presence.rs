//! Who is here.

use super::*;
use nmc_core::When;
use nmc_core::people::Presence;

#[test]
fn user_is_online_by_heartbeat_until_silence_or_goodbye() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let heartbeat = || scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    let sweep = |since| scene.tx(|tx| tx.presences().sweep(since)).unwrap();
    let get = || scene.tx(|tx| tx.presences().get(user)).unwrap();
    assert_eq!(scene.tx(|tx| tx.presences().find(user)).unwrap(), None);
    scene.refused("presence not found", || scene.tx(|tx| tx.presences().go_offline(user)));

    let first = scene.pass(1);
    let row = heartbeat();
    assert_eq!((row.is_online, row.last_seen_at, row.current_status), (true, first, PresenceStatus::Available));
    let second = scene.pass(30);
    let again = heartbeat();
    assert_eq!((again.id, again.last_seen_at, again.updated_at), (row.id, second, second));

    let swept = scene.pass(30);
    assert_eq!((sweep(second), get()), (0, again), "seen at that very instant");
    assert_eq!(sweep(second + TimeDelta::seconds(1)), 1);
    let gone = get();
    assert_eq!((gone.is_online, gone.last_seen_at, gone.updated_at), (false, second, swept));
    assert_eq!(sweep(scene.now()), 0, "once");

    heartbeat();
    let goodbye = scene.pass(1);
    let off = scene.tx(|tx| tx.presences().go_offline(user)).unwrap();
    assert_eq!((off.is_online, off.last_seen_at), (false, goodbye));
    scene.pass(1);
    assert_eq!(scene.tx(|tx| tx.presences().go_offline(user)).unwrap(), off, "twice is once");
}

#[test]
fn online_is_a_lease_that_ends_by_itself() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.profile(name).user_id);
    let row = scene.tx(|tx| tx.presences().heartbeat(ada)).unwrap();
    scene.tx(|tx| tx.presences().insert_if_missing(ben)).unwrap();
    let kept = || scene.db.query::<bool>(&format!("SELECT is_online FROM user_status WHERE id = '{}'", row.id));
    // All that tells of it says the same, and writes nothing.
    let told = || {
        let with = |is_online| PresenceFilter { is_online, ..PresenceFilter::default() };
        scene
            .tx(|tx| {
                let listed = tx.presences().list(&with(None), PageRequest::first())?.items;
                let [online, offline] = [Some(true), Some(false)].map(with);
                let (online_rows, offline_rows) = (
                    tx.presences().list(&online, PageRequest::first())?.items,
                    tx.presences().list(&offline, PageRequest::first())?.items,
                );
                assert!(online_rows.iter().all(|row| row.is_online) && offline_rows.iter().all(|row| !row.is_online));
                assert_eq!(online_rows.len() + offline_rows.len(), listed.len());
                assert_eq!(tx.presences().count(&online)?, i64::try_from(online_rows.len()).unwrap());
                assert_eq!(tx.presences().count(&offline)?, i64::try_from(offline_rows.len()).unwrap());
                let said = [
                    tx.presences().find(ada)?.unwrap().is_online,
                    tx.presences().get(ada)?.is_online,
                    tx.presences().insert_if_missing(ada)?.is_online,
                    tx.presences().set(ada, PresenceStatus::Busy, &Patch::Keep)?.is_online,
                    tx.presences().track(ada, true)?.is_online,
                    listed.iter().any(|row| row.user_id == ada && row.is_online),
                    online_rows.iter().any(|row| row.user_id == ada),
                    !offline_rows.iter().any(|row| row.user_id == ada),
                ];
                assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
                Ok(said[0])
            })
            .unwrap()
    };
    assert!(told());
    let lease = Presence::LEASE.num_seconds();
    assert_eq!(lease, 90);
    scene.pass(lease - 1);
    assert!(told(), "a second before its end");
    scene.pass(1);
    assert!(!told() && kept() == [true], "at its end, though no sweep has run");
    let off = scene.tx(|tx| tx.presences().get(ada)).unwrap();
    assert_eq!(off.last_seen_at, row.last_seen_at, "a status is no sign of life");

    let swept = |ago| scene.tx(|tx| tx.presences().sweep(When::Ago(ago))).unwrap();
    assert_eq!((swept(Presence::LEASE), kept()), (0, vec![true]));
    scene.pass(1);
    assert_eq!((swept(Presence::LEASE), kept()), (1, vec![false]));
    assert!(!told());
    let back = scene.tx(|tx| tx.presences().heartbeat(ada)).unwrap();
    assert!(back.is_online && told());
    scene.pass(lease);
    assert!(!told());
    let goodbye = scene.tx(|tx| tx.presences().go_offline(ada)).unwrap();
    assert_eq!((goodbye.is_online, goodbye.last_seen_at, kept()), (false, scene.now(), vec![false]));
}

#[test]
fn a_status_is_the_users_choice_and_leaves_the_connection_alone() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let set = |status, message: Patch<String>| scene.tx(|tx| tx.presences().set(user, status, &message));
    let row = set(PresenceStatus::Away, Patch::Set(" lunch ".to_owned())).unwrap();
    assert_eq!((row.is_online, row.current_status, row.status_message.as_deref()), (false, PresenceStatus::Away, Some("lunch")));
    scene.pass(1);
    scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    for (status, message, expected) in [
        (PresenceStatus::Busy, Patch::Keep, json!({"current_status": "busy"})),
        (PresenceStatus::Busy, Patch::Clear, json!({"status_message": null})),
        (
            PresenceStatus::Offline,
            Patch::Set("x".repeat(200)),
            json!({"current_status": "offline", "status_message": "x".repeat(200)}),
        ),
    ] {
        let changed = scene.change("user_status", row.id, || {
            set(status, message.clone()).unwrap();
        });
        assert_eq!(changed, expected);
    }
    scene.refused("status_message must be at most 200 characters", || set(PresenceStatus::Busy, Patch::Set("x".repeat(201))));
}

#[test]
fn nobody_who_is_not_tracked_is_online() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let track = |tracked| scene.tx(|tx| tx.presences().track(user, tracked));
    scene.refused("presence not found", || track(true));
    scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    scene.pass(1);
    let off = track(false).unwrap();
    assert_eq!((off.is_active, off.is_online), (false, false));
    scene.pass(1);
    assert_eq!(scene.tx(|tx| tx.presences().heartbeat(user)).unwrap(), off);
    assert!(!track(true).unwrap().is_online);
    scene.pass(1);
    assert!(scene.tx(|tx| tx.presences().heartbeat(user)).unwrap().is_online);
    scene.tx(|tx| tx.presences().delete(user)).unwrap();
    scene.refused("presence not found", || scene.tx(|tx| tx.presences().delete(user)));
}

#[test]
fn two_first_heartbeats_at_once_make_one_row() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let (first, second) = scene.overlap(|tx| tx.presences().heartbeat(user), || scene.tx(|tx| tx.presences().heartbeat(user)));
    assert_eq!(first.unwrap().id, second.unwrap().id);
}

#[test]
fn presence_is_found_by_connection_status_and_last_sign_of_life() {
    let scene = Scene::new();
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|name| scene.profile(name).user_id);
    scene.tx(|tx| tx.presences().insert_if_missing(cleo)).unwrap();
    scene.pass(1);
    scene.tx(|tx| tx.presences().heartbeat(ben)).unwrap();
    let at = scene.pass(1);
    scene.tx(|tx| tx.presences().heartbeat(ada)).unwrap();
    scene.tx(|tx| tx.presences().set(cleo, PresenceStatus::Busy, &Patch::Keep)).unwrap();
    let all = PresenceFilter::default;
    assert_filters!(scene, presences, |row| row.user_id, [
        all() => [ada, ben, cleo],
        PresenceFilter { is_online: Some(true), ..all() } => [ada, ben],
        PresenceFilter { is_online: Some(false), ..all() } => [cleo],
        PresenceFilter { current_status: Some(PresenceStatus::Busy), ..all() } => [cleo],
        PresenceFilter { seen_since: Some(at), ..all() } => [ada],
    ]);
}
