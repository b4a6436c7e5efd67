//! Which changes of a subject's schema its compatibility level allows.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

/// A compatibility level, as Confluent's registry defines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Anything goes.
    None,
    /// Readers with the new schema read what the last one wrote.
    Backward,
    /// Readers with the new schema read what every earlier one wrote.
    BackwardTransitive,
    /// Readers with the last schema read what the new one writes.
    Forward,
    /// Readers with any earlier schema read what the new one writes.
    ForwardTransitive,
    /// Both ways, with the last schema.
    Full,
    /// Both ways, with all earlier schemas.
    FullTransitive,
}

impl Level {
    const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether all earlier versions count, not just the last.
    pub(super) fn is_transitive(self) -> bool {
        matches!(
            self,
            Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive
        )
    }

    /// Says in what `next` is incompatible with `earlier`, or `None` if the level allows it.
    pub(super) fn objection(self, earlier: &Schema, next: &Schema) -> Option<String> {
        let backward = || unreadable(earlier, next).map(|why| format!("new schema cannot read the earlier: {why}"));
        let forward = || unreadable(next, earlier).map(|why| format!("earlier schema cannot read the new: {why}"));
        match self {
            Self::None => None,
            Self::Backward | Self::BackwardTransitive => backward(),
            Self::Forward | Self::ForwardTransitive => forward(),
            Self::Full | Self::FullTransitive => backward().or_else(forward),
        }
    }
}

/// Why a reader cannot read everything that the writer writes; `None` if it can.
fn unreadable(writer: &Schema, reader: &Schema) -> Option<String> {
    match SchemaCompatibility::can_read(writer, reader) {
        Ok(Compatibility::Full) => None,
        // Some values resolve and some do not, e.g. of a union that lost a branch; Confluent's check refuses it too.
        Ok(Compatibility::Partial) => {
            Some("not every value resolves (a union branch or an enum symbol is missing)".to_owned())
        }
        Err(mismatch) => Some(mismatch.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &str) -> Schema {
        Schema::parse_str(&format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)).unwrap()
    }

    // The expectations are those of the table in Confluent's "Schema Evolution and Compatibility".
    const ONE: &str = r#"{"name":"a","type":"long"}"#;
    const WITH_DEFAULT: &str = r#"{"name":"a","type":"long"},{"name":"b","type":"string","default":""}"#;
    const WITHOUT_DEFAULT: &str = r#"{"name":"a","type":"long"},{"name":"b","type":"string"}"#;

    fn allows(level: Level, earlier: &str, next: &str) -> bool {
        level.objection(&schema(earlier), &schema(next)).is_none()
    }

    #[test]
    fn backward_allows_to_delete_fields_and_to_add_optional_ones() {
        assert!(allows(Level::Backward, WITHOUT_DEFAULT, ONE));
        assert!(allows(Level::Backward, ONE, WITH_DEFAULT));
        assert!(!allows(Level::Backward, ONE, WITHOUT_DEFAULT));
    }

    #[test]
    fn forward_allows_to_add_fields_and_to_delete_optional_ones() {
        assert!(allows(Level::Forward, ONE, WITHOUT_DEFAULT));
        assert!(allows(Level::Forward, WITH_DEFAULT, ONE));
        assert!(!allows(Level::Forward, WITHOUT_DEFAULT, ONE));
    }

    #[test]
    fn full_allows_only_changes_of_optional_fields() {
        assert!(allows(Level::Full, ONE, WITH_DEFAULT));
        assert!(allows(Level::Full, WITH_DEFAULT, ONE));
        assert!(!allows(Level::Full, ONE, WITHOUT_DEFAULT));
        assert!(!allows(Level::Full, WITHOUT_DEFAULT, ONE));
    }

    #[test]
    fn a_union_that_loses_a_branch_is_not_backward_compatible() {
        let both = r#"{"name":"a","type":["null","long"]}"#;
        assert!(!allows(Level::Backward, both, ONE));
        assert!(allows(Level::Backward, ONE, both));
    }

    #[test]
    fn levels_have_names_that_parse() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.as_str()), Some(level));
        }
        assert_eq!(Level::parse("SIDEWAYS"), None);
    }
}
