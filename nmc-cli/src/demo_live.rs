//! The demo as it goes on: a link that opens the web inbox as the business's owner, and customers who write on while it is looked at.

use crate::commands::serve::hasher;
use crate::demo::{self, BUSINESS, Demo, Twilio};
use crate::error::CliResult;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, Origin, TokenKeys};
use nmc_core::people::{NewPerson, invite, invite_again};
use nmc_core::{Email, PhoneNumber, Secret, UserRole};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// The owner of the demo's business.
const OWNER: &str = "joe@example.com";
/// The pause between two of the customers' acts.
const PAUSE: Duration = Duration::from_secs(9);

/// An act of a customer: the one who called first or second, or somebody new.
enum Act {
    Texts(usize, &'static str),
    Calls,
}

const ACTS: [Act; 8] = [
    Act::Texts(0, "It is getting worse: there is water on the kitchen floor now."),
    Act::Texts(1, "This is Dana. That valve came off, do you have one like it?"),
    Act::Calls,
    Act::Texts(0, "I have turned the main valve off. 8 Elm Street, second floor."),
    Act::Texts(2, "Hello, do you install water heaters, too?"),
    Act::Texts(1, "No hurry, tomorrow is fine 👍"),
    Act::Texts(2, "It is a 40 gallon one, 12 years old. What would a new one cost, roughly?"),
    Act::Texts(0, "Great, thank you!"),
];

/// Prints a link that opens the web inbox as the owner, once, and has customers write on until `wait` returns.
pub(crate) fn show(demo: &Demo<'_>, keys: TokenKeys, callers: Vec<PhoneNumber>, wait: impl FnOnce()) -> CliResult<()> {
    let token = log_in(demo, keys)?;
    eprintln!("\nthe web inbox of {BUSINESS}: open http://{}/app#/demo?token={}", demo.page, token.expose());
    let (going, is_over) = mpsc::channel();
    std::thread::scope(|scope| {
        let acts = scope.spawn(move || go_on(demo, callers, &is_over));
        wait();
        drop(going);
        acts.join().unwrap_or(Ok(()))
    })
}

/// Begins a session of the owner; its refresh token is exchanged by the page.
fn log_in(demo: &Demo<'_>, keys: TokenKeys) -> CliResult<Secret> {
    let tenant = demo::business(demo.store)?;
    let email: Email = OWNER.parse()?;
    let owner = NewPerson {
        email: email.clone(),
        first_name: "Joe".to_owned(),
        last_name: "Miller".to_owned(),
        phone_number: None,
        timezone: None,
        role: UserRole::Owner,
    };
    let (_, invitation) = demo.store.as_operator(&tenant, |tx| match tx.users().find_by_email(&email)? {
        Some(user) => invite_again(tx, user.id),
        None => invite(tx, &owner),
    })?;
    let authenticator = Authenticator::new(demo.store.clone(), hasher(Hasher::COST)?, keys, LoginPolicy::default());
    let password = Secret::new(uuid::Uuid::new_v4().simple().to_string());
    authenticator.accept_invitation(&invitation.text(), &password)?;
    Ok(authenticator.login(&email, &password, &Origin::default())?.refresh_token)
}

fn go_on(demo: &Demo<'_>, mut callers: Vec<PhoneNumber>, is_over: &mpsc::Receiver<()>) -> CliResult<()> {
    let tenant = demo::business(demo.store)?;
    let number = demo::number(demo.store, demo.numbers, &tenant)?;
    let twilio = Twilio::of(demo);
    for act in ACTS {
        if is_over.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
        match act {
            Act::Calls => {
                let caller = demo::somebody_new(demo.store, &tenant)?;
                let named = [&demo::MISSED[..], &[("CallerName", "Maria Lopez")]].concat();
                twilio.call(&caller, &number, &named)?;
                callers.push(caller);
            }
            Act::Texts(who, words) => {
                if let Some(caller) = callers.get(who) {
                    twilio.text(caller, &number, &[("Body", words), ("NumMedia", "0")])?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever tries the demo goes on with the manual, in the same database.
    #[test]
    fn manual_of_the_command_line_takes_no_name_of_the_demo() {
        let manual = include_str!("../../docs/CLI.md");
        let sessions: String = manual.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(sessions.contains("nmc tenant onboard"));
        for name in [BUSINESS, OWNER, "+13125550100"] {
            assert!(!sessions.contains(name), "{name}");
        }
        assert!(!manual.contains(OWNER), "in a file of a session");
    }
}
