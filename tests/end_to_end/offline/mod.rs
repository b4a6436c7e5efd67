//! What works without any service.

mod demo;
mod new_mesh;
mod policies;
mod pull_requests;
mod quarantine;
mod repository;
mod verdicts;
