//! Who may do what to whom: every role against every role, from the one table of permissions.

use super::*;
use nmc_core::access::{KeyOrder, Permission, make_service_key};
use nmc_core::people::{
    ProfilePatch, UserPatch, change_profile, change_user, end_session, get_user, invite_again, list_sessions, logout,
    logout_everywhere, may_change,
};
use nmc_core::testing::wait_until;
use nmc_core::{PageRequest, Patch, SessionId};
use std::collections::BTreeMap;

const UNDONE: &str = "as if it had never been";

/// One of each role who acts, one of each to whom it is done, and a session of each of these.
struct Crowd {
    house: House,
    actors: BTreeMap<&'static str, (UserRole, UserId, Credential)>,
    targets: Vec<(UserRole, UserId, SessionId)>,
}

impl Crowd {
    fn new() -> Self {
        let house = House::new();
        let actors = UserRole::ALL.iter().map(|role| {
            let name = format!("{}.acts", role.label());
            (role.label(), (*role, house.add(&name, *role), house.bearer(&name)))
        });
        let actors = actors.collect();
        let target = |role: &UserRole| {
            let name = format!("{}.suffers", role.label());
            let user = house.add(&name, *role);
            (*role, user, house.login(&name).session.id)
        };
        let targets = UserRole::ALL.iter().map(target).collect();
        Self { house, actors, targets }
    }

    /// Whether they may. Nothing of it stays.
    #[track_caller]
    fn may(&self, who: &Credential, work: impl Fn(&mut TenantTx<'_>) -> Result<()>) -> bool {
        match self.house.acting(who, |tx| work(tx).and(Err::<(), _>(Error::Forbidden(UNDONE)))) {
            Err(Error::Forbidden(UNDONE)) => true,
            // Somebody else's session is not there for who may not end it.
            Err(Error::Forbidden(_) | Error::NotFound { entity: "session" }) => false,
            other => panic!("{other:?}"),
        }
    }

    /// Each actor with each target, and whether one who has the permission stands as high as the other.
    fn pairs(&self) -> impl Iterator<Item = (UserRole, &Credential, UserRole, UserId, SessionId)> {
        self.actors
            .values()
            .flat_map(|(role, _, who)| self.targets.iter().map(move |(of, user, session)| (*role, who, *of, *user, *session)))
    }
}

const fn not_above(role: UserRole, actor: UserRole) -> bool {
    role.rank() <= actor.rank()
}

fn to_role(role: UserRole) -> UserPatch {
    UserPatch { role: Some(role), ..UserPatch::default() }
}

#[test]
fn each_role_may_what_the_table_says_and_no_more() {
    let crowd = Crowd::new();
    for (role, _, who) in crowd.actors.values() {
        for permission in Permission::ALL {
            let came = crowd.house.acting(who, |tx| {
                assert_eq!(tx.may(*permission)?, tx.must(*permission).is_ok());
                tx.may(*permission)
            });
            assert_eq!(came.unwrap(), permission.roles().contains(role), "{permission} {}", role.label());
        }
    }
    let may_all = crowd.house.operator(|tx| {
        let operator = tx.actor();
        assert_eq!((operator.user(), operator.session(), operator.api_key()), (None, None, None));
        Permission::ALL.iter().try_fold(true, |all, permission| Ok(all && tx.may(*permission)?))
    });
    assert!(may_all.unwrap());
}

#[test]
fn a_key_may_what_its_scopes_say_and_no_more() {
    let crowd = Crowd::new();
    for scope in Permission::ALL {
        let order = KeyOrder { name: scope.to_string(), scopes: vec![*scope], expires_at: None };
        let (key, text) = crowd.house.operator(|tx| make_service_key(tx, &order)).unwrap();
        let who = crowd.house.auth.credential(&text.text()).unwrap();
        for permission in Permission::ALL {
            let came = crowd.house.acting(&who, |tx| {
                let actor = tx.actor();
                assert_eq!((actor.api_key(), actor.user(), actor.session()), (Some(key.id), None, None));
                tx.must(*permission)
            });
            match came {
                Ok(()) => assert_eq!(permission, scope),
                came => {
                    let lacks = format!("this API key lacks the scope {permission}");
                    assert_eq!((forbidden(came), permission != scope), (lacks.as_str(), true));
                }
            }
        }
    }
}

#[test]
fn nobody_invites_above_their_own_role() {
    let crowd = Crowd::new();
    for (actor, _, who) in crowd.actors.values() {
        for role in UserRole::ALL {
            let may = crowd.may(who, |tx| invite(tx, &person("new", *role)).map(drop));
            assert_eq!(may, Permission::UsersWrite.is_of(*actor) && not_above(*role, *actor), "{actor:?} invites {role:?}");
        }
    }
}

#[test]
fn nobody_changes_or_makes_who_stands_above_them() {
    let crowd = Crowd::new();
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    let renamed = UserPatch { first_name: Patch::Set("Renamed".to_owned()), ..UserPatch::default() };
    let profile = ProfilePatch { first_name: Some("Renamed".to_owned()), ..ProfilePatch::default() };
    for (actor, who, of, user, session) in crowd.pairs() {
        let may = |permission: Permission| permission.is_of(actor) && not_above(of, actor);
        for to in UserRole::ALL {
            let came = crowd.may(who, |tx| change_user(tx, user, &to_role(*to)).map(drop));
            assert_eq!(came, may(Permission::UsersWrite) && not_above(*to, actor), "{actor:?} makes {of:?} {to:?}");
        }
        let came = |work: &dyn Fn(&mut TenantTx<'_>) -> Result<()>| crowd.may(who, work);
        let writes = [
            ("rename", Permission::UsersWrite, came(&|tx| change_user(tx, user, &renamed).map(drop))),
            ("deactivate", Permission::UsersWrite, came(&|tx| change_user(tx, user, &off).map(drop))),
            ("change the profile of", Permission::ProfilesWrite, came(&|tx| change_profile(tx, user, &profile).map(drop))),
            ("end a session of", Permission::SessionsEnd, came(&|tx| end_session(tx, session))),
            ("end the sessions of", Permission::SessionsEnd, came(&|tx| logout_everywhere(tx, Some(user)).map(drop))),
        ];
        // Whoever lets somebody choose another password could come back as them.
        let again = came(&|tx| invite_again(tx, user).map(drop));
        assert_eq!(again, may(Permission::UsersWrite) && of.rank() < actor.rank(), "{actor:?} invites {of:?} again");
        for (what, permission, came) in writes {
            assert_eq!(came, may(permission), "{actor:?} may {what} {of:?}");
        }
        for permission in Permission::ALL {
            assert_eq!(
                came(&|tx| may_change(tx, user, *permission).map(drop)),
                may(*permission),
                "{actor:?}, {permission}, {of:?}"
            );
        }
        // To see is for whoever may, whatever they are.
        let reads = [
            (Permission::UsersRead, came(&|tx| get_user(tx, user).map(drop))),
            (Permission::SessionsRead, came(&|tx| list_sessions(tx, Some(user), PageRequest::first()).map(drop))),
        ];
        for (permission, came) in reads {
            assert_eq!(came, permission.is_of(actor), "{actor:?}, {permission}, {of:?}");
        }
    }
}

#[test]
fn everybody_looks_after_their_own_and_nobody_raises_themselves() {
    let crowd = Crowd::new();
    let own = UserPatch { first_name: Patch::Set("Me".to_owned()), ..UserPatch::default() };
    let profile = ProfilePatch { display_name: Patch::Set("Me".to_owned()), ..ProfilePatch::default() };
    for (role, user, who) in crowd.actors.values() {
        let (role, user) = (*role, *user);
        let session = crowd.house.acting(who, |tx| Ok(tx.actor().session().unwrap())).unwrap();
        let came = |work: &dyn Fn(&mut TenantTx<'_>) -> Result<()>| crowd.may(who, work);
        assert!(came(&|tx| change_user(tx, user, &own).map(drop)), "{role:?}");
        assert!(came(&|tx| change_profile(tx, user, &profile).map(drop)), "{role:?}");
        assert!(came(&|tx| get_user(tx, user).map(drop)), "{role:?}");
        assert!(came(&|tx| end_session(tx, session)), "{role:?}");
        assert!(
            came(&|tx| list_sessions(tx, None, PageRequest::first()).map(|page| assert_eq!(page.items.len(), 1))),
            "{role:?}"
        );
        assert!(came(&|tx| logout_everywhere(tx, None).map(|ended| assert_eq!(ended, 1))), "{role:?}");
        for permission in Permission::ALL {
            assert!(came(&|tx| may_change(tx, user, *permission).map(drop)), "{role:?}, {permission}");
        }
        for to in UserRole::ALL {
            let came = came(&|tx| change_user(tx, user, &to_role(*to)).map(drop));
            assert_eq!(came, Permission::UsersWrite.is_of(role) && not_above(*to, role), "{role:?} makes themselves {to:?}");
        }
        let stays = UserPatch { is_active: Some(true), ..UserPatch::default() };
        assert_eq!(came(&|tx| change_user(tx, user, &stays).map(drop)), Permission::UsersWrite.is_of(role), "{role:?}");
        crowd.house.acting(who, logout).unwrap();
        unknown(crowd.house.acting(who, |_| Ok(())));
    }
}

#[test]
fn a_key_counts_as_an_admin_and_has_nothing_of_its_own() {
    let crowd = Crowd::new();
    let order = KeyOrder { name: "all".to_owned(), scopes: Permission::ALL.to_vec(), expires_at: None };
    let (_, text) = crowd.house.operator(|tx| make_service_key(tx, &order)).unwrap();
    let who = crowd.house.auth.credential(&text.text()).unwrap();
    for (of, user, session) in &crowd.targets {
        let expected = not_above(*of, UserRole::Admin);
        assert_eq!(crowd.may(&who, |tx| invite(tx, &person("new", *of)).map(drop)), expected, "{of:?}");
        assert_eq!(crowd.may(&who, |tx| change_user(tx, *user, &to_role(UserRole::Viewer)).map(drop)), expected, "{of:?}");
        assert_eq!(crowd.may(&who, |tx| end_session(tx, *session)), expected, "{of:?}");
    }
    assert!(!crowd.may(&who, logout));
    assert!(!crowd.may(&who, |tx| logout_everywhere(tx, None).map(drop)));
    assert!(!crowd.may(&who, |tx| list_sessions(tx, None, PageRequest::first()).map(drop)));
    let changed = crowd.house.auth.change_password(&who, &secret(PASSWORD), &secret("another horse battery"));
    assert_eq!(forbidden(changed), "an API key has no password");
}

#[test]
fn missing_and_foreign_rows_are_not_found_alike() {
    let house = House::new();
    let other = house.auth.register(&registration("Somebody Else", "cleo"), None).unwrap();
    let theirs = house.login("cleo").session.id;
    let ada = house.bearer("ada");
    let (nobody, no_session) = (UserId::new(uuid::Uuid::now_v7()), SessionId::new(uuid::Uuid::now_v7()));
    let before = house.db.rows_of(other.tenant.id());
    let mut heard = Vec::new();
    for (user, session) in [(nobody, no_session), (other.owner.id, theirs)] {
        let asked = |tx: &mut TenantTx<'_>| {
            Ok([
                get_user(tx, user).map(drop),
                change_user(tx, user, &to_role(UserRole::Viewer)).map(drop),
                change_profile(tx, user, &ProfilePatch::default()).map(drop),
                invite_again(tx, user).map(drop),
                logout_everywhere(tx, Some(user)).map(drop),
                end_session(tx, session),
                list_sessions(tx, Some(user), PageRequest::first()).map(drop),
            ]
            .map(|came| format!("{came:?}")))
        };
        heard.push(house.acting(&ada, asked).unwrap());
        heard.push(house.operator(|tx| asked(tx)).unwrap());
    }
    assert!(heard.iter().all(|came| came == &heard[0]), "{heard:#?}");
    assert_eq!(heard[0].iter().filter(|came| came.contains("NotFound")).count(), 7, "{heard:#?}");
    assert_eq!(house.db.rows_of(other.tenant.id()), before);
}

/// A request that was let in before its user lost their role comes to the row after that.
#[test]
fn who_is_demoted_meanwhile_does_not_raise_themselves_back() {
    for lost in [UserPatch { is_active: Some(false), ..UserPatch::default() }, to_role(UserRole::Viewer)] {
        let house = House::new();
        let ben = house.add("ben", UserRole::Admin);
        let his = house.bearer("ben");
        let back = UserPatch { is_active: Some(true), ..to_role(UserRole::Admin) };
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        let came = std::thread::scope(|scope| {
            let request = std::cell::RefCell::new(None);
            let lose = house.tx(|tx| {
                tx.users().update(ben, &lost)?;
                let raise = || house.db.store.acting(&his, |tx| change_user(tx, ben, &back));
                *request.borrow_mut() = Some(scope.spawn(raise));
                wait_until("it waits for the row", || house.db.query::<i64>(waits) == [1]);
                Ok(())
            });
            lose.unwrap();
            request.into_inner().unwrap().join().unwrap()
        });
        assert!(came.is_err(), "{came:?}");
        let row = house.tx(|tx| tx.users().get(ben)).unwrap();
        assert_ne!((row.role, row.is_active), (UserRole::Admin, true));
    }
}

#[test]
fn deactivated_person_invited_again_is_let_in_by_a_higher_role() {
    let house = House::new();
    let (admin, user) = (house.add("ben", UserRole::Admin), house.add("dan", UserRole::User));
    house.add("cleo", UserRole::Admin);
    let cleo = house.bearer("cleo");
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    for (whom, is_let_in) in [(admin, false), (user, true)] {
        house.tx(|tx| tx.users().update(whom, &off)).unwrap();
        let invited = house.acting(&cleo, |tx| invite_again(tx, whom));
        assert_eq!(invited.is_ok(), is_let_in);
        assert!(!house.tx(|tx| tx.users().get(whom)).unwrap().is_active, "until the invitation is accepted");
        if let Ok((_, token)) = invited {
            house.auth.accept_invitation(&token.text(), &secret("another horse battery")).unwrap();
        }
        assert_eq!(house.tx(|tx| tx.users().get(whom)).unwrap().is_active, is_let_in);
    }
}

/// Else they could come back as somebody whom they could not invite again: by lowering their role first, and raising it afterwards.
#[test]
fn lowered_role_makes_nobody_s_password_a_peer_s_to_reset() {
    let house = House::new();
    let [_, ben] = ["cleo", "ben"].map(|name| house.add(name, UserRole::Admin));
    let cleo = house.bearer("cleo");
    for to in [UserRole::User, UserRole::Viewer] {
        house.acting(&cleo, |tx| change_user(tx, ben, &to_role(to))).unwrap();
        let invited = house.acting(&cleo, |tx| invite_again(tx, ben));
        assert!(matches!(invited, Err(Error::Forbidden(_))), "{invited:?}");
    }
    // The same password by another hash is as good as before.
    let dearer = Authenticator::new(
        house.db.store.clone(),
        hasher(5),
        TokenKeys::ephemeral(house.db.store.now()).unwrap(),
        LoginPolicy::default(),
    );
    dearer.login(&email("ben"), &secret(PASSWORD), &Origin::default()).unwrap();
    assert!(house.acting(&cleo, |tx| invite_again(tx, ben)).is_err());
    // Who stands above what it was may; and a password that was chosen since has been good for less.
    let (_, token) = house.acting(&house.bearer("ada"), |tx| invite_again(tx, ben)).unwrap();
    house.auth.accept_invitation(&token.text(), &secret("another horse battery")).unwrap();
    house.acting(&cleo, |tx| invite_again(tx, ben)).unwrap();
}

#[test]
fn a_key_makes_nobody_who_may_more_than_itself() {
    let house = House::new();
    let key = |scopes: Vec<Permission>| {
        let order = KeyOrder { name: "a key".to_owned(), scopes, expires_at: None };
        Credential::from(house.operator(|tx| make_service_key(tx, &order)).unwrap().1)
    };
    let of = |role: UserRole| Permission::ALL.iter().copied().filter(move |permission| permission.is_of(role));
    let narrow = key(vec![Permission::UsersWrite]);
    let as_a_viewer = key(of(UserRole::Viewer).chain([Permission::UsersWrite]).collect());
    let as_an_admin = key(of(UserRole::Admin).collect());
    for (place, role) in UserRole::ALL.iter().enumerate() {
        let may = |who: &Credential, name: &str| {
            let new = person(&format!("{name}{place}"), *role);
            house.acting(who, |tx| invite(tx, &new)).is_ok()
        };
        assert!(!may(&narrow, "narrow"), "{role:?}");
        let no_more = of(*role).all(|permission| permission.is_of(UserRole::Viewer));
        assert_eq!(may(&as_a_viewer, "viewer"), no_more, "{role:?}");
        assert_eq!(may(&as_an_admin, "admin"), *role != UserRole::Owner, "{role:?}");
        let user = house.add(&format!("known{place}"), *role);
        assert!(house.acting(&narrow, |tx| invite_again(tx, user)).is_err(), "{role:?}");
        let active = |is_active| UserPatch { is_active: Some(is_active), ..UserPatch::default() };
        house.tx(|tx| tx.users().update(user, &active(false))).unwrap();
        let lets_in = |who: &Credential| house.acting(who, |tx| change_user(tx, user, &active(true))).is_ok();
        assert_eq!((lets_in(&narrow), lets_in(&as_a_viewer), lets_in(&as_an_admin)), (false, no_more, *role != UserRole::Owner));
    }
}
