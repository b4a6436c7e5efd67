//! What works without any service.

mod demo;
mod new_mesh;
mod repository;
