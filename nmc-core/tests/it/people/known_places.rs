//! Guesses from where an account has logged in before are counted apart from those of strangers.

use super::*;
use nmc_core::access::{KNOWN_FOR, SHORTEST_DEVICE};

const WRONG: &str = "wrong horse battery";

fn at(ip: &str) -> Origin {
    Origin { ip_address: Some(ip.parse().unwrap()), ..Origin::default() }
}

fn with(device: &str) -> Origin {
    Origin { device_fingerprint: Some(device.to_owned()), ..Origin::default() }
}

impl House {
    fn come(&self, from: &Origin, password: &str) -> bool {
        self.pass(1);
        match self.auth.login(&email("ada"), &secret(password), from) {
            Ok(_) => true,
            refused => {
                unknown(refused);
                false
            }
        }
    }

    /// Five wrong guesses, from as many strange addresses; afterwards strangers are locked out.
    fn strangers_guess(&self) {
        for n in 1..=5 {
            assert!(!self.come(&at(&format!("203.0.113.{n}")), WRONG));
        }
        assert!(!self.come(&at("203.0.113.77"), PASSWORD), "a stranger, even with the right password");
    }
}

#[test]
fn strangers_lock_out_strangers_and_not_a_known_address() {
    let house = House::new();
    assert!(house.come(&at("198.51.100.7"), PASSWORD));
    house.strangers_guess();
    assert!(!house.come(&Origin::default(), PASSWORD), "who has no address is a stranger");
    assert!(house.come(&at("198.51.100.7"), PASSWORD), "the owner, from where she was before");
    assert!(house.come(&at("::ffff:198.51.100.7"), PASSWORD), "however the socket shows it");
    assert!(!house.come(&at("203.0.113.77"), PASSWORD), "her login does not let strangers in again");
    house.pass(15 * 60);
    assert!(house.come(&at("203.0.113.77"), PASSWORD), "but time does");
    assert!(house.come(&at("203.0.113.77"), PASSWORD));
}

#[test]
fn a_network_of_ipv6_and_a_device_are_known_too() {
    let house = House::new();
    let device = "d".repeat(SHORTEST_DEVICE);
    assert!(house.come(&at("2001:db8:1:2::1"), PASSWORD) && house.come(&with(&device), PASSWORD));
    assert!(house.come(&with("my phone"), PASSWORD));
    house.strangers_guess();
    assert!(house.come(&at("2001:db8:1:2:ffff::9"), PASSWORD));
    assert!(!house.come(&at("2001:db8:1:3::1"), PASSWORD));
    assert!(house.come(&with(&format!(" {device} ")), PASSWORD));
    assert!(!house.come(&with("my phone"), PASSWORD), "what could be guessed");
    assert!(!house.come(&with(&format!("{device}e")), PASSWORD));
}

#[test]
fn guesses_from_a_known_address_lock_it_and_not_the_rest() {
    let house = House::new();
    assert!(house.come(&at("198.51.100.7"), PASSWORD));
    for _ in 0..5 {
        assert!(!house.come(&at("198.51.100.7"), WRONG));
    }
    assert!(!house.come(&at("198.51.100.7"), PASSWORD), "its own five are used up");
    assert_eq!((house.guesses(house.ada), house.known_guesses()), ((0, None), 5));
    assert!(house.come(&at("203.0.113.1"), PASSWORD), "strangers have not guessed");
    house.pass(15 * 60);
    assert!(house.come(&at("198.51.100.7"), PASSWORD));
    assert_eq!(house.known_guesses(), 0);
}

#[test]
fn an_address_of_long_ago_is_a_strangers() {
    let house = House::new();
    assert!(house.come(&at("198.51.100.7"), PASSWORD));
    house.clock.advance(KNOWN_FOR - TimeDelta::minutes(1));
    house.strangers_guess();
    assert!(house.auth.knows(&email("ada"), &at("198.51.100.7")).unwrap());
    house.clock.advance(TimeDelta::minutes(1));
    assert!(!house.auth.knows(&email("ada"), &at("198.51.100.7")).unwrap());
    assert!(!house.come(&at("198.51.100.7"), PASSWORD));
}

#[test]
fn an_address_is_known_to_its_own_account_alone() {
    let house = House::new();
    house.add("ben", UserRole::Admin);
    let from = at("198.51.100.7");
    house.auth.login(&email("ben"), &secret(PASSWORD), &from).unwrap();
    house.strangers_guess();
    assert!(!house.come(&from, PASSWORD), "her colleague's is not hers");
    assert!(!house.auth.knows(&email("nobody"), &from).unwrap());
    assert!(house.auth.knows(&email("ben"), &from).unwrap() && !house.auth.knows(&email("ada"), &from).unwrap());
}

#[test]
fn of_200_guesses_from_a_known_address_five_are_checked() {
    let house = House::new();
    assert!(house.come(&at("198.51.100.7"), PASSWORD));
    let from = at("198.51.100.7");
    at_once(200, |n| unknown(house.auth.login(&email("ada"), &secret(&format!("a wrong guess {n}")), &from)));
    assert_eq!((house.guesses(house.ada), house.known_guesses()), ((0, None), 5));
}

#[test]
fn a_live_session_changes_the_password_while_strangers_guess() {
    let house = House::new();
    let here = house.bearer("ada");
    house.strangers_guess();
    house.auth.change_password(&here, &secret(PASSWORD), &secret("another horse battery")).unwrap();
    assert_eq!(house.guesses(house.ada), (0, None), "which unlocks the account");
}
