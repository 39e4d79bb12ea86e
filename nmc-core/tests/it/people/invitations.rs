//! Invitations: good once, for a while, for whom they are meant.

use super::*;
use nmc_core::access::{InvitationToken, SessionFilter};
use nmc_core::people::{INVITATION_LIFETIME, ProfilePatch, UserPatch, change_own_user, change_profile, invite_again};
use nmc_core::{PageRequest, Patch, SessionEnd};

const VOID: &str = "invitation must be in force: it is used up, replaced or too old";
const NEW: &str = "another horse battery";

fn invited(house: &House, name: &str) -> (UserId, InvitationToken) {
    house.pass(1);
    let (user, token) = house.operator(|tx| invite(tx, &person(name, UserRole::User))).unwrap();
    (user.id, token)
}

fn accept(house: &House, token: &InvitationToken) -> Result<UserId> {
    house.auth.accept_invitation(&token.text(), &secret(NEW)).map(|user| user.id)
}

fn again(house: &House, user: UserId) -> Result<InvitationToken> {
    house.operator(|tx| invite_again(tx, user)).map(|(_, token)| token)
}

#[test]
fn invitation_that_was_shown_is_accepted_and_proves_nothing() {
    let house = House::new();
    let (ben, token) = invited(&house, "ben");
    let row = || house.tx(|tx| tx.users().get(ben)).unwrap();
    assert!(!row().email_verified && row().is_active);
    let kept = format!("{:?}", house.everything());
    let text = token.text().expose().to_owned();
    assert!(text.starts_with("nmci_") && !kept.contains(secret_of(&text)), "its hash is kept");

    house.refused("password must be at least 10 characters", || house.auth.accept_invitation(&token.text(), &secret("short")));
    let done = house.auth.hasher().done();
    assert_eq!(accept(&house, &token).unwrap(), ben);
    assert_eq!(house.auth.hasher().done() - done, 1);
    assert!(!row().email_verified, "whoever invited may have shown it to anybody");
    house.refused(VOID, || accept(&house, &token));
    assert_eq!(house.auth.hasher().done() - done, 1, "nobody has us hash for nothing");
    house.refused(VOID, || house.auth.accept_invitation(&token.text(), &secret("")));
    house.auth.login(&email("ben"), &secret(NEW), &Origin::default()).unwrap();
}

#[test]
fn of_many_who_accept_at_once_one_does() {
    let house = House::new();
    let (ben, token) = invited(&house, "ben");
    let came = at_once(6, |number| house.auth.accept_invitation(&token.text(), &secret(&format!("a password of {number}"))));
    let winner = came.iter().position(Result::is_ok).unwrap();
    for (number, came) in came.into_iter().enumerate().filter(|(number, _)| *number != winner) {
        assert_eq!(came.unwrap_err().to_string(), VOID, "{number}");
    }
    house.auth.login(&email("ben"), &secret(&format!("a password of {winner}")), &Origin::default()).unwrap();
    assert_eq!(house.guesses(ben).0, 0);
}

#[test]
fn an_invitation_that_is_not_in_force_is_refused_in_one_way() {
    type Spoil = Box<dyn Fn(&House, UserId, InvitationToken) -> InvitationToken>;
    let sql = |sql: &'static str| -> Spoil {
        Box::new(move |house, _, token| {
            house.db.execute(sql);
            token
        })
    };
    let cases: Vec<(&str, Spoil)> = vec![
        (
            "too old",
            Box::new(|house, _, token| {
                house.clock.advance(INVITATION_LIFETIME);
                token
            }),
        ),
        ("replaced", Box::new(|house, ben, token| again(house, ben).map(|_| token).unwrap())),
        ("a wrong secret", Box::new(|_, ben, _| InvitationToken::random(ben).unwrap())),
        (
            "somebody else's secret",
            Box::new(|house, ben, _| {
                let (_, theirs) = invited(house, "cleo");
                let text =
                    theirs.text().expose().replace(&theirs.user().uuid().simple().to_string(), &ben.uuid().simple().to_string());
                text.parse().unwrap()
            }),
        ),
        ("nobody's", Box::new(|_, _, _| InvitationToken::random(UserId::new(uuid::Uuid::now_v7())).unwrap())),
        ("who never was invited", Box::new(|house, _, _| InvitationToken::random(house.ada).unwrap())),
        (
            "deactivated meanwhile",
            Box::new(|house, ben, token| {
                house.tx(|tx| tx.users().update(ben, &UserPatch { is_active: Some(false), ..UserPatch::default() })).unwrap();
                token
            }),
        ),
        ("of a suspended business", sql("UPDATE tenants SET status = 'suspended', is_active = false")),
        ("of somebody who is gone", sql("DELETE FROM users WHERE email = 'ben@example.com'")),
        (
            "for another address",
            Box::new(|house, ben, token| {
                let patch = UserPatch { email: Some(email("benjamin")), ..UserPatch::default() };
                house.tx(|tx| tx.users().update(ben, &patch)).unwrap();
                token
            }),
        ),
    ];
    for (what, spoil) in cases {
        let house = House::new();
        let (ben, token) = invited(&house, "ben");
        house.pass(1);
        let token = spoil(&house, ben, token);
        let (before, done) = (house.everything(), house.auth.hasher().done());
        assert_eq!(accept(&house, &token).unwrap_err().to_string(), VOID, "{what}");
        assert_eq!((house.everything(), house.auth.hasher().done()), (before, done), "{what}");
        assert!(house.tx(|tx| tx.users().accept_invitation(&token, "$2b$")).is_err() || what.contains("suspended"), "{what}");
    }
    let house = House::new();
    for text in ["", "nmci_", "nmci_x_y", "nmcr_x.y"] {
        let refused = house.auth.accept_invitation(&secret(text), &secret(NEW)).unwrap_err();
        assert_eq!(refused.to_string(), "invitation must be one that we handed out");
    }
}

#[test]
fn until_the_last_second_it_is_good() {
    let house = House::new();
    let (_, token) = invited(&house, "ben");
    house.clock.advance(INVITATION_LIFETIME - TimeDelta::seconds(1));
    accept(&house, &token).unwrap();
}

#[test]
fn user_invited_again_keeps_the_password_until_one_is_chosen() {
    let house = House::new();
    let ben = house.add("ben", UserRole::User);
    let his = house.bearer("ben");
    for _ in 0..5 {
        unknown(house.auth.login(&email("ben"), &secret("a wrong guess"), &Origin::default()));
    }
    let (first, second) = (again(&house, ben).unwrap(), again(&house, ben).unwrap());
    house.acting(&his, |_| Ok(())).unwrap();
    house.refused(VOID, || accept(&house, &first));
    house.pass(1);
    accept(&house, &second).unwrap();
    assert_eq!(unknown(house.acting(&his, |_| Ok(()))), "the session has ended; log in again");
    let filter = SessionFilter { user: Some(ben), ..SessionFilter::default() };
    let ended = house.tx(|tx| tx.sessions().list(&filter, PageRequest::first())).unwrap().items;
    assert_eq!(ended.iter().map(|session| session.ended_reason).collect::<Vec<_>>(), [Some(SessionEnd::PasswordChanged)]);
    assert_eq!(house.guesses(ben), (0, None), "and unlocks");
    unknown(login(&house.auth, "ben"));
    house.auth.login(&email("ben"), &secret(NEW), &Origin::default()).unwrap();

    house.tx(|tx| tx.users().update(ben, &UserPatch { is_active: Some(false), ..UserPatch::default() })).unwrap();
    let token = again(&house, ben).unwrap();
    assert!(!house.tx(|tx| tx.users().get(ben)).unwrap().is_active);
    assert!(
        accept(&house, &token).is_ok() && house.tx(|tx| tx.users().get(ben)).unwrap().is_active,
        "whoever is invited may come"
    );
    house.refused("user not found", || again(&house, UserId::new(uuid::Uuid::now_v7())));
    house.refused("email is already taken", || house.operator(|tx| invite(tx, &person("ada", UserRole::User))));
}

#[test]
fn names_of_account_and_profile_stay_the_same() {
    let house = House::new();
    let ada = house.bearer("ada");
    let names = || {
        let read = |tx: &mut TenantTx<'_>| Ok((tx.users().get(house.ada)?, tx.profiles().get_by_user(house.ada)?));
        let (user, profile) = house.tx(read).unwrap();
        assert_eq!((user.email, user.role), (profile.email, profile.role));
        ([user.first_name, user.last_name], [Some(profile.first_name), Some(profile.last_name)])
    };
    let both = |first: &str, last: &str| {
        ([first, last].map(|name| Some(name.to_owned())), [first, last].map(|name| Some(name.to_owned())))
    };
    let set = |name: &str| Patch::Set(name.to_owned());
    let user = |patch: UserPatch| {
        house.pass(1);
        let proof = house.auth.prove_again(&ada, &secret(PASSWORD)).unwrap();
        house.acting(&ada, |tx| change_own_user(tx, &proof, &patch)).unwrap();
        names()
    };
    assert_eq!(names(), both("ada", "Smith"));
    assert_eq!(user(UserPatch { first_name: set("Ida"), ..UserPatch::default() }), both("Ida", "Smith"));
    assert_eq!(
        user(UserPatch { email: Some(email("ida")), last_name: set("Jones"), ..UserPatch::default() }),
        both("Ida", "Jones")
    );
    let profile = |patch: ProfilePatch| {
        house.pass(1);
        house.acting(&ada, |tx| change_profile(tx, house.ada, &patch)).unwrap();
        names()
    };
    assert_eq!(profile(ProfilePatch { first_name: Some("Eva".to_owned()), ..ProfilePatch::default() }), both("Eva", "Jones"));
    assert_eq!(profile(ProfilePatch { display_name: set("E"), ..ProfilePatch::default() }), both("Eva", "Jones"));
    // A profile always has both.
    let (account, profile) = user(UserPatch { last_name: Patch::Clear, ..UserPatch::default() });
    assert_eq!((account, profile), ([Some("Eva".to_owned()), None], [Some("Eva".to_owned()), Some("Jones".to_owned())]));
}

/// Somebody who distrusts an invitation, or is let go, is rid of it.
#[test]
fn invitation_after_another_password_or_deactivation_is_void() {
    let house = House::new();
    let ben = house.add("ben", UserRole::User);
    let his = house.bearer("ben");
    let token = again(&house, ben).unwrap();
    house.auth.change_password(&his, &secret(PASSWORD), &secret(NEW)).unwrap();
    house.refused(VOID, || accept(&house, &token));

    // Whoever was shown it would come in as what they are by then.
    let token = again(&house, ben).unwrap();
    let role = |role| UserPatch { role: Some(role), ..UserPatch::default() };
    house.tx(|tx| tx.users().update(ben, &role(UserRole::User))).unwrap();
    house.tx(|tx| tx.users().update(ben, &role(UserRole::Admin))).unwrap();
    house.refused(VOID, || accept(&house, &token));
    let token = again(&house, ben).unwrap();
    house.tx(|tx| tx.users().update(ben, &role(UserRole::Admin))).unwrap();
    assert_eq!(accept(&house, &token).unwrap(), ben, "the role they had");

    let (cleo, token) = invited(&house, "cleo");
    for is_active in [false, true] {
        let patch = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
        house.pass(1);
        house.tx(|tx| tx.users().update(cleo, &patch)).unwrap();
        house.refused(VOID, || accept(&house, &token));
    }
    let token = again(&house, cleo).unwrap();
    assert_eq!(accept(&house, &token).unwrap(), cleo, "another one is good");
}

#[test]
fn a_lapsed_invitation_does_not_hold_its_address() {
    let house = House::new();
    house.add("ben", UserRole::User);
    let (cleo, token) = house.operator(|tx| invite(tx, &person("cleo", UserRole::Viewer))).unwrap();
    let register = |name: &str| house.auth.register(&registration(&format!("{name}'s Own"), name), None);
    house.clock.advance(INVITATION_LIFETIME - TimeDelta::seconds(1));
    house.refused("email is already taken", || register("cleo"));
    house.pass(1);
    let made = register("cleo").unwrap();
    assert_ne!((made.owner.id, made.tenant), (cleo.id, house.tenant));
    assert!(house.tx(|tx| tx.users().find(cleo.id)).unwrap().is_none());
    house.refused("invitation must be in force: it is used up, replaced or too old", || {
        house.auth.accept_invitation(&token.text(), &secret(PASSWORD))
    });
    for name in ["ben", "cleo"] {
        house.refused("email is already taken", || house.auth.register(&registration("Another", name), None));
    }
}

#[test]
fn invited_name_is_kept_in_one_form() {
    let house = House::new();
    let new = NewPerson { first_name: "Rene\u{301}".to_owned(), ..person("rene", UserRole::User) };
    let (row, _) = house.operator(|tx| invite(tx, &new)).unwrap();
    assert_eq!(row.first_name.as_deref(), Some("Ren\u{e9}"));
    let profile = house.tx(|tx| tx.profiles().find_by_user(row.id)).unwrap().unwrap();
    assert_eq!(profile.first_name, "Ren\u{e9}");
}
