//! What works without any service.

mod blast_radius;
mod data_files;
mod demo;
mod disclosure;
mod files;
mod hook;
mod lifecycle;
mod listings;
mod misspelt;
mod named_files;
mod new_mesh;
mod policies;
mod printed;
mod pull_requests;
mod quarantine;
mod repository;
mod revisions;
mod shares;
mod table_fitness;
mod unreadable;
mod verdicts;
mod watching;
