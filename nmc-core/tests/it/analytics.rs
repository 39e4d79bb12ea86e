//! Figures, jobs and reports against a real database.
