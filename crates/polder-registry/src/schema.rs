//! What a registry answers for a schema id.

use schema_registry_converter::schema_registry_common::SchemaType;

/// The language that a schema is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaKind {
    /// Apache Avro, JSON notation.
    Avro,
    /// JSON Schema.
    Json,
    /// Protocol buffers, `.proto` text.
    Protobuf,
    /// Whatever else the registry calls it.
    Other(String),
}

impl SchemaKind {
    /// The name as the registry's API writes it, e.g. `AVRO`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Avro => "AVRO",
            Self::Json => "JSON",
            Self::Protobuf => "PROTOBUF",
            Self::Other(name) => name,
        }
    }
}

impl std::fmt::Display for SchemaKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<SchemaType> for SchemaKind {
    fn from(kind: SchemaType) -> Self {
        match kind {
            SchemaType::Avro => Self::Avro,
            SchemaType::Json => Self::Json,
            SchemaType::Protobuf => Self::Protobuf,
            SchemaType::Other(name) => Self::Other(name),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// A schema under its id. Registries never change the schema of an id, so it can be kept for as long as one likes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredSchema {
    /// The registry's global id, as it stands in the wire format.
    pub id: u32,
    /// The schema's text. Of Avro, complete: types that the registry keeps under other subjects are written out in it.
    pub text: String,
    /// The language of `text`.
    pub kind: SchemaKind,
}
