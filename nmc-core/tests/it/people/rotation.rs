//! Every order in which the tokens of a session can be shown, against a rule of two lines; and many at once.

use super::*;
use nmc_core::access::{NewSession, RefreshToken};
use nmc_core::{SessionEnd, SessionId};

/// Tokens of one session by the order in which they were handed out, and which of them was shown for which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Session {
    /// For which token each was handed out; the first for none.
    pub(super) parents: Vec<Option<usize>>,
    /// The last token that somebody went on with.
    pub(super) last: Option<usize>,
    pub(super) over: bool,
}

impl Session {
    /// As it begins, with one token.
    pub(super) fn begun() -> Self {
        Self { parents: vec![None], ..Self::default() }
    }

    /// The newest eight answers to one token are good, and that token itself until one of them is used.
    pub(super) fn takes(&self, token: usize) -> bool {
        let answers = (0..self.parents.len()).rev().filter(|answer| self.parents[*answer] == self.last);
        !self.over && (Some(token) == self.last || answers.take(8).any(|answer| answer == token))
    }

    /// The answer to showing a token, or the end of the session.
    pub(super) fn show(&mut self, token: usize) -> Option<usize> {
        if !self.takes(token) {
            self.over = true;
            return None;
        }
        self.last = Some(token);
        self.parents.push(Some(token));
        Some(self.parents.len() - 1)
    }
}

/// A session without the login, and its first token.
fn begin(house: &House) -> (SessionId, Secret) {
    let token = RefreshToken::first().unwrap();
    let new = NewSession {
        user_id: house.ada,
        token_family_hash: token.family_hash(),
        refresh_token_hash: token.hash(),
        expires_at: house.now() + TimeDelta::days(30),
        ip_address: None,
        user_agent: None,
        device_fingerprint: None,
    };
    (house.tx(|tx| tx.sessions().create(&new)).unwrap().id, token.text())
}

const REUSED: &str = "the refresh token was used before; the session has ended, log in again";
const ENDED: &str = "the session has ended; log in again";

/// Shows the tokens in this order, and says where the rule and the server part.
fn play(house: &House, order: &[usize]) {
    let (id, first) = begin(house);
    let (mut rule, mut tokens) = (Session::begun(), vec![first]);
    for (step, shown) in order.iter().enumerate() {
        let (was_over, came) = (rule.over, house.auth.refresh(&tokens[*shown]));
        match (rule.show(*shown), came) {
            (Some(_), Ok(next)) => {
                assert_eq!(next.session.id, id);
                tokens.push(next.refresh_token);
            }
            (None, came) => assert_eq!(unknown(came), if was_over { ENDED } else { REUSED }, "{order:?}, step {step}"),
            (Some(_), Err(error)) => panic!("{order:?}, step {step}: {error}"),
        }
    }
    let session = house.tx(|tx| tx.sessions().get(id)).unwrap();
    assert_eq!((session.is_active, session.ended_reason), (!rule.over, rule.over.then_some(SessionEnd::Reuse)), "{order:?}");
}

/// Every order of so many showings. After the end of the session, one of each token that was handed out.
fn orders(showings: usize) -> Vec<Vec<usize>> {
    let mut orders = Vec::new();
    let mut open = vec![(Session::begun(), Vec::new())];
    while let Some((session, order)) = open.pop() {
        if session.over {
            orders.push(order.into_iter().chain(0..session.parents.len()).collect());
        } else if order.len() == showings {
            orders.push(order);
        } else {
            open.extend((0..session.parents.len()).map(|token| {
                let mut next = session.clone();
                next.show(token);
                (next, [&order[..], &[token]].concat())
            }));
        }
    }
    orders
}

#[test]
fn tokens_shown_in_every_order_come_to_what_the_rule_says() {
    let house = House::new();
    let orders = orders(6);
    assert!(orders.len() > 200, "{}", orders.len());
    let (left, right) = orders.split_at(orders.len() / 2);
    std::thread::scope(|threads| {
        for orders in [left, right] {
            threads.spawn(|| orders.iter().for_each(|order| play(&house, order)));
        }
    });
}

#[test]
fn the_newest_eight_answers_to_one_token_are_good() {
    let house = House::new();
    for used in 1..=10 {
        play(&house, &[[0; 10].as_slice(), &[used], &[0]].concat());
    }
    play(&house, &[0; 40]);
    let rows: Vec<i64> = house.db.query("SELECT max(cardinality(sibling_token_hashes)) FROM user_sessions");
    assert_eq!(rows, [7]);
}

#[test]
fn token_shown_by_many_at_once_goes_on_for_one_of_them() {
    let house = House::new();
    for threads in 2..=8 {
        let (id, first) = begin(&house);
        let answers = at_once(threads, |_| house.auth.refresh(&first).unwrap().refresh_token);
        let kept: Vec<(i64, bool)> = house
            .db
            .query(&format!("SELECT cardinality(sibling_token_hashes) AS a, is_active AS b FROM user_sessions WHERE id = '{id}'"))
            .into_iter()
            .map(|Kept { a, b }| (a, b))
            .collect();
        assert_eq!(kept, [(i64::try_from(threads).unwrap() - 1, true)], "as if one after another");
        let mut texts: Vec<_> = answers.iter().map(|token| token.expose().to_owned()).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), threads);

        // All at once again: the first to get the row goes on, the next one ends it for all.
        let came = at_once(threads, |number| house.auth.refresh(&answers[number]));
        let (went_on, refused): (Vec<_>, Vec<_>) = came.into_iter().partition(Result::is_ok);
        assert_eq!(went_on.len(), 1);
        let mut words: Vec<_> = refused.into_iter().map(unknown).collect();
        words.sort_unstable_by_key(|said| *said != REUSED);
        assert_eq!(words[0], REUSED);
        assert!(words[1..].iter().all(|said| *said == ENDED), "{words:?}");
        let winner = went_on.into_iter().next().unwrap().unwrap();
        assert_eq!(unknown(house.auth.refresh(&winner.refresh_token)), ENDED);
        assert_eq!(house.tx(|tx| tx.sessions().get(id)).unwrap().ended_reason, Some(SessionEnd::Reuse));
    }
}

#[derive(Debug, serde::Deserialize)]
struct Kept {
    a: i64,
    b: bool,
}

#[test]
fn a_refresh_moves_no_sessions_end() {
    let house = House::new();
    let mut tokens = house.login("ada");
    let end = tokens.session.expires_at;
    house.clock.advance(TimeDelta::days(30) - TimeDelta::minutes(5));
    tokens = house.auth.refresh(&tokens.refresh_token).unwrap();
    assert_eq!((tokens.session.expires_at, tokens.access_expires_at), (end, end), "nor does its access token live longer");
    house.pass(300);
    assert_eq!(unknown(house.auth.refresh(&tokens.refresh_token)), ENDED);
}

#[test]
fn what_is_no_refresh_token_finds_no_session() {
    let house = House::new();
    let tokens = house.login("ada");
    let (family, other) = (tokens.refresh_token.expose().to_owned(), RefreshToken::first().unwrap().text());
    assert_eq!(unknown(house.auth.refresh(&other)), ENDED);
    for text in ["", "nmcr_", tokens.access_token.expose(), &format!("{family}x"), &family[..family.len() - 1]] {
        assert_eq!(unknown(house.auth.refresh(&secret(text))), "the refresh token is not one of ours", "{text}");
    }
    // Whoever knows the family alone, as a token's first half, ends the session and learns nothing.
    let forged = format!("{}.{}", family.split_once('.').unwrap().0, other.expose().split_once('.').unwrap().1);
    assert_eq!(unknown(house.auth.refresh(&secret(&forged))), REUSED);
    assert_eq!(unknown(house.auth.refresh(&tokens.refresh_token)), ENDED);
}
