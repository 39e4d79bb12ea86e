//! Figures drawn from calls and conversations, and the jobs and reports that draw them.
