//! What a mesh declares for the engine: pipelines (`*.pipeline.yaml` with their SQL) and models (`*.model.yaml`).

mod model;
mod pipeline;

pub(crate) use model::hex16;
#[cfg(test)]
pub(crate) use model::parse as parse_model;
pub use model::{ModelDefinition, ModelInput, load_models, read_models};
#[cfg(test)]
pub(crate) use pipeline::parse as parse_pipeline;
pub use pipeline::{Materialization, Pipeline, load_pipelines, read_pipelines};
