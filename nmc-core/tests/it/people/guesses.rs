//! Guessing: however many guess at once, no more than the limit are looked at.

use super::*;
use serde::Deserialize;

/// One change of the owner's row, as a trigger has noted it.
#[derive(Debug, Deserialize)]
struct Noted {
    before: i32,
    after: i32,
    locked: bool,
}

/// Notes every change of a user's count from here on.
fn note_counts(house: &House) {
    house.db.execute(
        "CREATE TABLE public.noted (at BIGINT GENERATED ALWAYS AS IDENTITY, before INTEGER, after INTEGER, locked BOOLEAN);
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             INSERT INTO public.noted (before, after, locked)
             VALUES (OLD.failed_login_attempts, NEW.failed_login_attempts, NEW.locked_until IS NOT NULL);
             RETURN NULL;
         END $$;
         CREATE TRIGGER note AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION public.note();",
    );
}

fn noted(house: &House) -> Vec<Noted> {
    house.db.query("SELECT before, after, locked FROM public.noted ORDER BY at")
}

/// What a hash is compared with is what was claimed, and what is claimed is counted: a guess that no count shows was checked
/// against the decoy.
fn looked_at(house: &House) -> usize {
    noted(house).iter().filter(|change| change.after > 0).count()
}

fn guess(house: &House, password: &str) -> Result<Tokens> {
    house.auth.login(&email("ada"), &secret(password), &Origin::default())
}

#[test]
fn of_200_guesses_at_once_no_more_than_the_limit_is_checked() {
    let house = House::new();
    note_counts(&house);
    let done = house.auth.hasher().done();
    let words = at_once(200, |number| unknown(guess(&house, &format!("a wrong guess {number}"))));
    assert!(words.iter().all(|said| said == &words[0]));
    assert_eq!((looked_at(&house), noted(&house).len()), (5, 5));
    assert_eq!(noted(&house).iter().map(|change| (change.after, change.locked)).next_back(), Some((5, true)));
    assert_eq!(house.auth.hasher().done() - done, 200, "each took its bcrypt");
    let until = house.now() + TimeDelta::minutes(15);
    assert_eq!(house.guesses(house.ada), (5, Some(until)));

    // The right one, 200 times, while it is locked.
    let said = at_once(200, |_| unknown(guess(&house, PASSWORD)));
    assert!(said.iter().all(|said| said == &words[0]));
    assert_eq!((looked_at(&house), house.guesses(house.ada)), (5, (5, Some(until))));
    assert_eq!(house.auth.hasher().done() - done, 400);

    // The lock ends after 15 minutes, and counting begins anew.
    house.pass(15 * 60 - 1);
    unknown(guess(&house, PASSWORD));
    house.pass(1);
    unknown(guess(&house, "a wrong guess"));
    assert_eq!(house.guesses(house.ada), (1, None));
    guess(&house, PASSWORD).unwrap();
    assert_eq!(house.guesses(house.ada), (0, None));
}

#[test]
fn after_the_lock_200_at_once_get_the_limit_again_and_no_more() {
    let house = House::new();
    house.db.execute(&format!("UPDATE users SET failed_login_attempts = 5, locked_until = '{}'", house.now()));
    note_counts(&house);
    at_once(200, |number| unknown(guess(&house, &format!("a wrong guess {number}"))));
    let counts: Vec<_> = noted(&house).iter().map(|change| (change.before, change.after)).collect();
    assert_eq!(counts, [(5, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
}

#[test]
fn guesses_between_two_logins_are_checked_up_to_the_limit() {
    let house = House::new();
    note_counts(&house);
    let came = at_once(200, |number| guess(&house, if number % 5 == 0 { PASSWORD } else { "a wrong guess" }).is_ok());
    let logins = came.iter().filter(|came| **came).count();
    let mut in_a_row = 0;
    for change in noted(&house) {
        in_a_row = if change.after == 0 { 0 } else { in_a_row + 1 };
        assert!(in_a_row <= 5 && change.locked == (change.after >= 5), "{change:?}");
        // A claim counts one more; a login takes all back.
        assert!(change.after == 0 || change.after == change.before + 1, "{change:?}");
    }
    let resets = noted(&house).iter().filter(|change| change.after == 0).count();
    assert_eq!(resets, logins, "who is let in was looked at");
    let sessions: Vec<i64> = house.db.query("SELECT count(*) FROM user_sessions");
    assert_eq!(sessions, [i64::try_from(logins).unwrap()]);
}

#[test]
fn the_right_password_with_the_last_guess_lets_in_and_unlocks() {
    let house = House::new();
    for attempt in 1..=4 {
        unknown(guess(&house, "a wrong guess"));
        assert_eq!(house.guesses(house.ada), (attempt, None));
    }
    note_counts(&house);
    guess(&house, PASSWORD).unwrap();
    assert!(noted(&house)[0].locked, "the fifth locks before it is looked at");
    assert_eq!(house.guesses(house.ada), (0, None));
    guess(&house, PASSWORD).unwrap();
}

#[test]
fn a_login_takes_back_the_guesses_before_it() {
    let house = House::new();
    for _ in 0..3 {
        for _ in 0..4 {
            unknown(guess(&house, "a wrong guess"));
        }
        guess(&house, PASSWORD).unwrap();
    }
    assert_eq!(house.guesses(house.ada), (0, None));
}

#[test]
fn a_policy_of_one_attempt_locks_with_the_first() {
    let house = House::new();
    let auth = house.auth_with(4, LoginPolicy { attempts: 1, lock_for: TimeDelta::seconds(10), ..LoginPolicy::default() });
    unknown(auth.login(&email("ada"), &secret("a wrong guess"), &Origin::default()));
    unknown(login(&auth, "ada"));
    house.pass(10);
    login(&auth, "ada").unwrap();
    login(&auth, "ada").unwrap();
}
