//! The server as Twilio and its operators meet it: a real port, a real client, a real PostgreSQL.

mod connections;
mod forgeries;
mod health;
mod log;
mod outages;
mod refusals;
mod site;
mod texts;
mod voice;
