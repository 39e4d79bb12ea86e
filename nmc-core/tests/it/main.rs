//! The library against a real PostgreSQL. One binary: one link, one server.

mod isolation;
mod migrations;
mod missed_call;
mod schema;
mod signature;
mod store;
mod texts;
mod twilio_api;
mod values;
mod worker;
