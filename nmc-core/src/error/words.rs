//! What the server's words mean. Diesel keeps the SQLSTATE to itself, so most conditions can be told only by the server's
//! (English) primary message. A server that speaks another language turns them into `Internal`: less helpful, never wrong.

use super::{Error, out_of_range};
use diesel::result::Error as DieselError;

/// What can't be had, and the words that say so: any of them, anywhere in the message. The first line that fits counts. It
/// is the server's fault (classes 08, 53, 57, 58, and 55P03, 25P03), so trying again later is the answer.
const UNAVAILABLE: [(&str, &[&str]); 6] = [
    ("the database took too long", &["canceling statement due to", "could not obtain lock on", "query_wait_timeout"]),
    ("the database has no free connection", &["too many clients", "remaining connection slots", "too many connections for"]),
    (
        "the database is restarting",
        &[
            "terminating connection",
            "the database system is ",
            "server closed the connection",
            "server conn crashed",
            "server login has been failing",
            "pgbouncer cannot connect",
        ],
    ),
    (
        "the database can't be reached",
        &["no connection to the server", "could not receive data from server", "could not send data"],
    ),
    (
        "the database has no room left",
        &["No space left on device", "Disk quota exceeded", "temp_file_limit", "could not extend file"],
    ),
    ("the database is short of memory", &["out of memory", "out of shared memory", "Cannot allocate memory"]),
];

/// The words of those that would have gone with less at a time.
const TIMEOUT: [&str; 2] = ["due to statement timeout", "due to lock timeout"];

/// How the server begins when its machine lets it down, and what it then speaks of (58030, 58P01, 53000).
const COULD_NOT: &str = "could not ";
const OF_THE_MACHINE: [&str; 6] =
    [" file \"", " directory \"", " block", " segment", "status of transaction", "fork new process"];

/// Whether a broken foreign key was broken from the end of the row that is pointed at and was to go.
pub(super) fn tells_of_the_row_pointed_at(message: &str) -> bool {
    message.starts_with("update or delete on table")
}

/// Whether two transactions waited for each other.
pub(super) fn tells_of_a_deadlock(message: &str) -> bool {
    message.contains("deadlock detected")
}

/// An error of no kind that Diesel tells apart.
pub(super) fn read(error: DieselError) -> Error {
    let text = match &error {
        DieselError::DatabaseError(_, info) => info.message().to_owned(),
        _ => String::new(),
    };
    let says = |part: &str| text.contains(part);
    if let Some((what, _)) = UNAVAILABLE.iter().find(|(_, words)| words.iter().any(|part| says(part))) {
        let timeout = TIMEOUT.iter().any(|part| says(part));
        return Error::Unavailable { what, contention: false, read_only: false, timeout, source: Some(Box::new(error)) };
    }
    if text.starts_with(COULD_NOT) && OF_THE_MACHINE.iter().any(|part| says(part)) {
        Error::unavailable("the database can't get at its files", error)
    } else if says("value too long for type") {
        Error::invalid("a text field", "is too long")
    } else if says("invalid byte sequence for encoding") {
        Error::invalid("a text field", "must not contain NUL")
    } else if says("unsupported Unicode escape sequence") {
        Error::invalid("a JSON field", "must not contain NUL")
    } else if says("out of range") || says("numeric field overflow") {
        out_of_range()
    } else {
        Error::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::{read, tells_of_the_row_pointed_at};
    use crate::Error;
    use diesel::result::{DatabaseErrorKind, Error as DieselError};

    fn said(message: &str) -> Error {
        read(DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())))
    }

    #[test]
    fn a_server_that_is_let_down_is_unavailable() {
        for message in [
            "could not extend file \"base/5/16385\": No space left on device",
            "could not write to file \"base/pgsql_tmp/pgsql_tmp7.0\": No space left on device",
            "could not extend file \"base/5/16385\": wrote only 4096 of 8192 bytes at block 7",
            "temporary file size exceeds temp_file_limit (1024kB)",
            "out of memory",
            "out of shared memory",
            "sorry, too many clients already",
            "too many connections for role \"nmc\"",
            "remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "canceling statement due to user request",
            "canceling statement due to statement timeout",
            "terminating connection due to administrator command",
            "terminating connection because of crash of another server process",
            "terminating connection due to idle-in-transaction timeout",
            "the database system is in recovery mode",
            "the database system is not yet accepting connections",
            "could not open file \"base/5/16385\": Input/output error",
            "could not read block 7 in file \"base/5/16385\": Input/output error",
            "could not access status of transaction 5",
            "server login has been failing, try again later (server_login_retry)",
            "no connection to the server\n",
        ] {
            let error = said(message);
            assert!(matches!(error, Error::Unavailable { contention: false, .. }), "{message}: {error:?}");
            assert_eq!(error.is_timeout(), message.ends_with(" timeout") && message.starts_with("canceling"), "{message}");
            assert!(error.causes().contains(message.trim()), "the operator hears it: {error:?}");
        }
    }

    #[test]
    fn a_defect_is_no_outage() {
        for message in [
            "could not determine polymorphic type because input has type unknown",
            "could not identify an equality operator for type json",
            "permission denied for table calls",
            "relation \"x\" does not exist",
        ] {
            assert!(matches!(said(message), Error::Internal(_)), "{message}");
        }
    }

    #[test]
    fn a_broken_key_says_from_which_end() {
        for (message, expected) in [
            ("update or delete on table \"users\" violates foreign key constraint \"x\" on table \"calls\"", true),
            ("insert or update on table \"calls\" violates foreign key constraint \"x\"", false),
        ] {
            assert_eq!(tells_of_the_row_pointed_at(message), expected, "{message}");
        }
    }
}
