//! What the embedded registry remembers: schemas under global ids, versions of subjects, compatibility levels.

use std::collections::{BTreeMap, HashMap};

use apache_avro::Schema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compatibility::Level;
use crate::references;

/// A refusal: HTTP status, Confluent's error code, and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn no_subject(subject: &str) -> Self {
        Self::new(404, 40_401, format!("Subject '{subject}' not found."))
    }

    fn no_version(version: u32) -> Self {
        Self::new(404, 40_402, format!("Version {version} not found."))
    }

    fn no_schema() -> Self {
        Self::new(404, 40_403, "Schema not found")
    }

    fn invalid_schema(cause: impl std::fmt::Display) -> Self {
        Self::new(422, 42_201, format!("Invalid schema: {cause}"))
    }
}

/// A type of another subject that a schema names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) version: u32,
}

/// A schema as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Submitted {
    pub(super) schema: String,
    #[serde(default)]
    pub(super) schema_type: Option<String>,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

/// A schema under its id.
#[derive(Debug)]
pub(super) struct Stored {
    /// Compact JSON, keys in the order in which they came.
    pub(super) text: String,
    pub(super) references: Vec<Reference>,
    /// With all referenced types written out.
    complete: String,
    parsed: Schema,
}

/// One version of a subject; versions count from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) version: u32,
    pub(super) id: u32,
}

/// Which version of a subject is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Latest,
    Number(u32),
}

#[derive(Debug)]
pub(super) struct Store {
    schemas: BTreeMap<u32, Stored>,
    /// From a schema's identity to its id.
    ids: HashMap<String, u32>,
    subjects: BTreeMap<String, Vec<Version>>,
    level: Level,
    levels: BTreeMap<String, Level>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            schemas: BTreeMap::new(),
            ids: HashMap::new(),
            subjects: BTreeMap::new(),
            // Confluent's default.
            level: Level::Backward,
            levels: BTreeMap::new(),
        }
    }
}

impl Store {
    /// Adds the schema to the subject, unless the subject has it already; gives its id either way.
    pub(super) fn register(&mut self, subject: &str, submitted: &Submitted) -> Result<u32, Refusal> {
        let candidate = self.read(submitted)?;
        let known = self.ids.get(&candidate.identity).copied();
        let versions = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        if let Some(id) = known
            && versions.iter().any(|version| version.id == id)
        {
            return Ok(id);
        }
        if let Some(objection) = self.objection(subject, versions, &candidate.stored.parsed) {
            let message =
                format!("Schema being registered is incompatible with an earlier schema for subject \"{subject}\"");
            return Err(Refusal::new(409, 409, format!("{message}, details: [{objection}]")));
        }
        let version = next_number(versions.len());
        let id = known.unwrap_or_else(|| next_number(self.schemas.len()));
        self.ids.entry(candidate.identity).or_insert(id);
        self.schemas.entry(id).or_insert(candidate.stored);
        self.subjects
            .entry(subject.to_owned())
            .or_default()
            .push(Version { version, id });
        tracing::debug!(subject, version, id, "schema registered in the embedded registry");
        Ok(id)
    }

    /// The version under which the subject has this very schema.
    pub(super) fn look_up(&self, subject: &str, submitted: &Submitted) -> Result<Version, Refusal> {
        let versions = self.versions(subject)?;
        let identity = self.read(submitted)?.identity;
        let id = self.ids.get(&identity).ok_or_else(Refusal::no_schema)?;
        versions
            .iter()
            .find(|version| version.id == *id)
            .copied()
            .ok_or_else(Refusal::no_schema)
    }

    /// Why the schema could not follow this version of the subject under its level; `None` if it could.
    pub(super) fn test(&self, subject: &str, which: Which, submitted: &Submitted) -> Result<Option<String>, Refusal> {
        let version = self.version(subject, which)?;
        let candidate = self.read(submitted)?;
        let earlier = self.schema(version.id)?;
        Ok(self
            .level_or_global(subject)
            .objection(&earlier.parsed, &candidate.stored.parsed))
    }

    pub(super) fn subjects(&self) -> Vec<String> {
        self.subjects.keys().cloned().collect()
    }

    pub(super) fn versions(&self, subject: &str) -> Result<&[Version], Refusal> {
        self.subjects
            .get(subject)
            .map(Vec::as_slice)
            .ok_or_else(|| Refusal::no_subject(subject))
    }

    pub(super) fn version(&self, subject: &str, which: Which) -> Result<Version, Refusal> {
        let versions = self.versions(subject)?;
        match which {
            Which::Latest => versions.last().copied().ok_or_else(|| Refusal::no_subject(subject)),
            Which::Number(number) => versions
                .iter()
                .find(|version| version.version == number)
                .copied()
                .ok_or_else(|| Refusal::no_version(number)),
        }
    }

    pub(super) fn schema(&self, id: u32) -> Result<&Stored, Refusal> {
        self.schemas.get(&id).ok_or_else(Refusal::no_schema)
    }

    /// The subjects, with versions, under which a schema is registered.
    pub(super) fn uses(&self, id: u32) -> Result<Vec<(String, u32)>, Refusal> {
        self.schema(id)?;
        let all = self
            .subjects
            .iter()
            .flat_map(|(subject, versions)| versions.iter().map(move |used| (subject, used)));
        Ok(all
            .filter(|(_, used)| used.id == id)
            .map(|(subject, used)| (subject.clone(), used.version))
            .collect())
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// The subject's own level.
    pub(super) fn subject_level(&self, subject: &str) -> Result<Level, Refusal> {
        let message = || format!("Subject '{subject}' does not have subject-level compatibility configured");
        self.levels
            .get(subject)
            .copied()
            .ok_or_else(|| Refusal::new(404, 40_408, message()))
    }

    pub(super) fn set_subject_level(&mut self, subject: &str, level: Level) {
        self.levels.insert(subject.to_owned(), level);
    }

    pub(super) fn level_or_global(&self, subject: &str) -> Level {
        self.levels.get(subject).copied().unwrap_or(self.level)
    }

    fn objection(&self, subject: &str, versions: &[Version], next: &Schema) -> Option<String> {
        let level = self.level_or_global(subject);
        let counted = if level.is_transitive() { versions.len() } else { 1 };
        versions.iter().rev().take(counted).find_map(|version| {
            let earlier = self.schemas.get(&version.id)?;
            let why = level.objection(&earlier.parsed, next)?;
            Some(format!("version {}, level {}: {why}", version.version, level.as_str()))
        })
    }

    /// Parses what a client sent, with the types that it refers to.
    fn read(&self, submitted: &Submitted) -> Result<Candidate, Refusal> {
        if let Some(kind) = submitted.schema_type.as_deref()
            && kind != "AVRO"
        {
            return Err(Refusal::invalid_schema(format!(
                "this registry keeps AVRO only, not {kind}"
            )));
        }
        let mut value = json(&submitted.schema).map_err(Refusal::invalid_schema)?;
        let text = value.to_string();
        let mut complete = text.clone();
        if !submitted.references.is_empty() {
            let mut referenced = Vec::new();
            for reference in &submitted.references {
                let version = self
                    .version(&reference.subject, Which::Number(reference.version))
                    .map_err(|missing| Refusal::invalid_schema(missing.message))?;
                referenced.push(self.schema(version.id)?.complete.clone());
            }
            complete = references::inline(&text, &referenced).map_err(Refusal::invalid_schema)?;
        }
        let parsed = Schema::parse_str(&complete).map_err(Refusal::invalid_schema)?;
        value.sort_all_objects();
        let mut identity = value.to_string();
        for Reference { name, subject, version } in &submitted.references {
            identity.push_str(&format!("\n{name}\n{subject}\n{version}"));
        }
        let references = submitted.references.clone();
        Ok(Candidate {
            identity,
            stored: Stored {
                text,
                references,
                complete,
                parsed,
            },
        })
    }
}

/// A schema that is valid but not registered yet.
struct Candidate {
    /// The same for schemas that differ in white space and order of keys only.
    identity: String,
    stored: Stored,
}

/// A schema's text as JSON. A primitive type may stand there bare, as `string`, for `"string"`.
fn json(text: &str) -> Result<Value, serde_json::Error> {
    const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
    if PRIMITIVES.contains(&text.trim()) {
        return Ok(Value::String(text.trim().to_owned()));
    }
    serde_json::from_str(text)
}

/// Ids and versions count from 1; nothing is ever removed.
fn next_number(taken: usize) -> u32 {
    u32::try_from(taken).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(schema: &str) -> Submitted {
        Submitted {
            schema: schema.to_owned(),
            schema_type: None,
            references: Vec::new(),
        }
    }

    const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;

    #[test]
    fn the_same_schema_under_two_subjects_has_one_id() {
        let mut store = Store::default();
        let id = store.register("a", &submitted(ORDER)).unwrap();
        let spaced = r#"{ "name": "Order", "type": "record",
            "fields": [ { "type": "long", "name": "id" } ] }"#;
        assert_eq!(store.register("b", &submitted(spaced)).unwrap(), id);
        assert_eq!(store.uses(id).unwrap(), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    }

    #[test]
    fn a_subject_that_has_the_schema_gets_no_new_version() {
        let mut store = Store::default();
        let id = store.register("a", &submitted(ORDER)).unwrap();
        assert_eq!(store.register("a", &submitted(ORDER)).unwrap(), id);
        assert_eq!(store.versions("a").unwrap(), [Version { version: 1, id }]);
    }

    #[test]
    fn the_order_of_fields_makes_another_schema() {
        let mut store = Store::default();
        let fields = |first: &str, second: &str| {
            let field = |name| format!(r#"{{"name":"{name}","type":"long"}}"#);
            format!(
                r#"{{"type":"record","name":"R","fields":[{},{}]}}"#,
                field(first),
                field(second)
            )
        };
        let one = store.register("a", &submitted(&fields("x", "y"))).unwrap();
        let other = store.register("a", &submitted(&fields("y", "x"))).unwrap();
        assert_ne!(one, other);
    }

    #[test]
    fn invalid_avro_is_refused_with_42201() {
        let mut store = Store::default();
        for wrong in [
            "",
            "{",
            r#"{"type":"record","name":"R"}"#,
            r#""Unknown""#,
            r#"{"type":"strin"}"#,
        ] {
            let refusal = store.register("a", &submitted(wrong)).unwrap_err();
            assert_eq!((refusal.status, refusal.code), (422, 42_201), "{wrong}");
        }
        assert!(store.subjects().is_empty());
    }

    #[test]
    fn an_incompatible_version_is_refused_with_409_until_the_level_allows_it() {
        let mut store = Store::default();
        store.register("a", &submitted(ORDER)).unwrap();
        let wider = r#"{"type":"record","name":"Order","fields":[
            {"name":"id","type":"long"},{"name":"total","type":"double"}]}"#;
        let refusal = store.register("a", &submitted(wider)).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (409, 409));
        assert!(refusal.message.contains("total"), "{}", refusal.message);
        assert_eq!(store.versions("a").unwrap().len(), 1);
        store.set_subject_level("a", Level::None);
        store.register("a", &submitted(wider)).unwrap();
        assert_eq!(store.versions("a").unwrap().len(), 2);
    }

    #[test]
    fn a_transitive_level_looks_at_all_earlier_versions() {
        let field = |default: &str| {
            format!(r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":"string"{default}}}]}}"#)
        };
        let none = r#"{"type":"record","name":"R","fields":[]}"#.to_owned();
        let chain = [none, field(r#","default":"""#), field("")];
        for (level, allowed) in [(Level::Backward, true), (Level::BackwardTransitive, false)] {
            let mut store = Store::default();
            store.set_level(level);
            store.register("a", &submitted(&chain[0])).unwrap();
            store.register("a", &submitted(&chain[1])).unwrap();
            assert_eq!(store.register("a", &submitted(&chain[2])).is_ok(), allowed, "{level:?}");
        }
    }

    #[test]
    fn bare_names_of_primitives_are_schemas() {
        let mut store = Store::default();
        let id = store.register("key", &submitted("string")).unwrap();
        assert_eq!(store.register("other-key", &submitted("\"string\"")).unwrap(), id);
        assert_eq!(store.schema(id).unwrap().text, "\"string\"");
    }
}
