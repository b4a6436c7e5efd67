//! What works without any service.

mod blast_radius;
mod demo;
mod files;
mod misspelt;
mod new_mesh;
mod policies;
mod pull_requests;
mod quarantine;
mod repository;
mod shares;
mod table_fitness;
mod verdicts;
