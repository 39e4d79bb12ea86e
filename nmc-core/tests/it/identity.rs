//! People, sessions and keys against a real database.
