//! Who is here because a process holds something open for them.

use super::*;
use nmc_core::people::{PresenceLease, PresenceLeases};
use nmc_core::testing::statements_sent;
use nmc_core::{StreamEventKind, Tenant};

/// A process that keeps users online.
struct Process<'a> {
    scene: &'a Scene,
    leases: PresenceLeases,
}

impl<'a> Process<'a> {
    fn of(scene: &'a Scene) -> Self {
        Self { scene, leases: PresenceLeases::new(TimeDelta::seconds(24)) }
    }

    fn hold(&self, user: UserId) -> PresenceLease {
        let tenant: Tenant = self.scene.business.tenant;
        self.leases.hold(&tenant, user)
    }

    fn renew(&self) {
        self.leases.renew(&self.scene.db.store).unwrap();
    }
}

impl Scene {
    fn is_online(&self, user: UserId) -> bool {
        self.tx(|tx| Ok(tx.presences().find(user)?.is_some_and(|row| row.is_online))).unwrap()
    }

    /// Of whom it was told meanwhile that they came, went or said something.
    fn presence_told(&self, work: impl FnOnce()) -> Vec<UserId> {
        let before = self.db.store.events(&self.business.tenant, None, 1).unwrap().cursor;
        work();
        let events = self.db.store.events(&self.business.tenant, Some(before), 100).unwrap().events;
        let of_presence = events.iter().filter(|event| event.kind == StreamEventKind::PresenceChanged);
        of_presence.map(|event| event.subject.unwrap().to_string().parse().unwrap()).collect()
    }
}

#[test]
fn user_is_online_while_any_process_holds_a_lease() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.profile(name).user_id);
    let [one, two] = [(); 2].map(|()| Process::of(&scene));
    // Without a profile there is no presence, and nobody else's is kept from being renewed.
    let _nobody = one.hold(scene.user("cid").id);
    let first = one.hold(ada);
    assert_eq!(scene.presence_told(|| one.renew()), [ada]);
    assert!(scene.is_online(ada));
    let both = [one.hold(ada), two.hold(ada), two.hold(ben)];
    assert_eq!(
        scene.presence_told(|| {
            one.renew();
            two.renew();
        }),
        [ben]
    );
    // However long it lasts, nothing is told, and what she says of being reachable stays.
    scene.tx(|tx| tx.presences().set(ada, PresenceStatus::Busy, &Patch::Set("on the roof".to_owned()))).unwrap();
    let lasts = || {
        for _ in 0..60 {
            scene.pass(4);
            one.renew();
            two.renew();
            assert!(scene.is_online(ada) && scene.is_online(ben));
        }
    };
    assert_eq!(scene.presence_told(lasts), []);
    let row = scene.tx(|tx| tx.presences().get(ada)).unwrap();
    assert_eq!((row.current_status, row.status_message.as_deref()), (PresenceStatus::Busy, Some("on the roof")));
    // Gone from one process, and then from the other.
    drop(first);
    let [of_one, of_two, bens] = both;
    drop(of_one);
    assert_eq!(scene.presence_told(lasts), []);
    drop(of_two);
    let goes = || {
        for _ in 0..10 {
            scene.pass(4);
            one.renew();
            two.renew();
        }
    };
    assert_eq!(scene.presence_told(goes), [ada]);
    assert!(!scene.is_online(ada) && scene.is_online(ben));
    // Who comes back soon was never gone.
    drop(bens);
    let comes_back = || {
        scene.pass(8);
        two.renew();
        let back = two.hold(ben);
        for _ in 0..30 {
            scene.pass(4);
            two.renew();
        }
        drop(back);
    };
    assert_eq!(scene.presence_told(comes_back), []);
}

#[test]
fn presence_others_renew_is_left_and_what_nobody_does_ends() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.profile(name).user_id);
    let (one, crashes) = (Process::of(&scene), Process::of(&scene));
    let held = one.hold(ada);
    std::mem::forget(crashes.hold(ben));
    one.renew();
    crashes.renew();
    let goes = |beats: bool| {
        for second in 0..25 {
            scene.pass(4);
            if beats && second % 7 == 0 {
                scene.tx(|tx| tx.presences().heartbeat(ada)).unwrap();
            }
            one.renew();
        }
    };
    // Her telephone sends heartbeats while her page is closed. Ben's server is no more.
    drop(held);
    let _stays = one.hold(scene.profile("cid").user_id);
    let mut told = scene.presence_told(|| goes(true));
    assert_eq!((told.remove(1), told.len()), (ben, 1));
    assert!(scene.is_online(ada) && !scene.is_online(ben));
    // Who is not tracked is not here, whatever is held.
    let _tracked = one.hold(ben);
    scene.tx(|tx| tx.presences().track(ben, false)).unwrap();
    goes(false);
    assert!(!scene.is_online(ben));
}

#[test]
fn renewal_of_all_users_is_one_transaction_of_two_statements() {
    let scene = Scene::new();
    let users: Vec<UserId> = (0..20).map(|n| scene.profile(&format!("user-{n}")).user_id).collect();
    let process = Process::of(&scene);
    let _held: Vec<PresenceLease> = users.iter().map(|user| process.hold(*user)).collect();
    process.renew();
    let statements = |work: &dyn Fn()| {
        let before = statements_sent();
        work();
        statements_sent() - before
    };
    assert_eq!(statements(&|| process.renew()), 0, "nothing is due");
    let empty = statements(&|| scene.db.store.system(Reason::Presence, |_| Ok(())).unwrap());
    scene.pass(30);
    assert_eq!(statements(&|| process.renew()), empty + 2, "one renews all, one ends what nobody renews");
}
