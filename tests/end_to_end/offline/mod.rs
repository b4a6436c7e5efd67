//! What works without any service.

mod blast_radius;
mod demo;
mod disclosure;
mod files;
mod hook;
mod lifecycle;
mod listings;
mod misspelt;
mod new_mesh;
mod policies;
mod pull_requests;
mod quarantine;
mod repository;
mod revisions;
mod shares;
mod table_fitness;
mod unreadable;
mod verdicts;
mod watching;
