//! What names a schema, and what a registry answers for it.

use schema_registry_converter::schema_registry_common::SchemaType;

/// What names a schema in its registry, whatever its subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaName {
    /// The registry's global id.
    Id(u32),
    /// Its GUID, which is the same in every registry that has the schema; its 16 bytes as they are written.
    Guid([u8; 16]),
}

impl From<u32> for SchemaName {
    fn from(id: u32) -> Self {
        Self::Id(id)
    }
}

impl std::fmt::Display for SchemaName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(formatter),
            Self::Guid(bytes) => bytes.iter().enumerate().try_for_each(|(place, byte)| {
                // Groups of 8, 4, 4, 4 and 12 digits (RFC 9562).
                if matches!(place, 4 | 6 | 8 | 10) {
                    formatter.write_str("-")?;
                }
                write!(formatter, "{byte:02x}")
            }),
        }
    }
}

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

/// A schema under its name. Registries never change the schema of a name, so it can be kept for as long as one likes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredSchema {
    /// The registry's global id, as it stands in the wire format; a registry that is asked by GUID need not tell it.
    pub id: Option<u32>,
    /// The schema's text. Of Avro, complete: types that the registry keeps under other subjects are written out in it.
    pub text: String,
    /// The language of `text`.
    pub kind: SchemaKind,
}
