//! Figures, jobs and reports against a real database.

mod figures;
mod golden;
mod jobs;
mod metrics;
mod plans;
mod reports;
mod roll_up;
mod rounds;
mod summary;
