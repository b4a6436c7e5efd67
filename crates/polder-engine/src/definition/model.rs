//! Models as declared: which implementation learns from which queries, with which parameters.

use std::collections::BTreeMap;

use polder_core::ObjectName;
use polder_core::config::Mesh;
use polder_core::document::{self, Diagnostic, Node, Reader, Source, Span, Value};
use serde_json::Map;
use sha2::{Digest as _, Sha256};

/// One declared model.
#[derive(Debug, Clone)]
pub struct ModelDefinition {
    /// Full name, `<domain>.<name>`.
    pub name: ObjectName,
    /// What it is for.
    pub description: Option<String>,
    /// The implementation, `<domain>.<model>`, that a domain's crate registers.
    pub implementation: ObjectName,
    /// What it learns from, by the name that the implementation asks for.
    pub inputs: BTreeMap<String, ModelInput>,
    /// Parameters of the training.
    pub parameters: Map<String, serde_json::Value>,
    /// The declaring document.
    pub document: Source,
    pub(crate) implementation_span: Span,
}

/// One input of a model.
#[derive(Debug, Clone)]
pub struct ModelInput {
    /// The query that gives the frame.
    pub sql: String,
    pub(crate) span: Span,
}

impl ModelDefinition {
    /// How the names of documents end that declare models.
    pub const SUFFIX: &str = ".model.yaml";

    /// 16 hexadecimal digits that change with everything that a training depends on, data and code apart.
    pub fn hash(&self) -> String {
        let inputs: BTreeMap<_, _> = self
            .inputs
            .iter()
            .map(|(name, input)| (name, input.sql.trim()))
            .collect();
        let parameters: BTreeMap<_, _> = self.parameters.iter().collect();
        let text = serde_json::json!([self.implementation.to_string(), inputs, parameters]).to_string();
        hex16(text.as_bytes())
    }
}

/// The first 16 hexadecimal digits of SHA-256.
pub(crate) fn hex16(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// All models of a mesh with everything that is wrong in their documents; a model whose document has errors or cannot be
/// read is left out.
pub fn load_models(mesh: &Mesh) -> (Vec<ModelDefinition>, Vec<Diagnostic>) {
    let (sources, mut diagnostics) = mesh.readable("pipelines", ModelDefinition::SUFFIX);
    let (models, found) = read_models(sources);
    diagnostics.extend(found);
    (models, diagnostics)
}

/// As [`load_models`], from documents at hand, each with its domain.
pub fn read_models(sources: impl IntoIterator<Item = (String, Source)>) -> (Vec<ModelDefinition>, Vec<Diagnostic>) {
    let mut models = Vec::new();
    let mut diagnostics = Vec::new();
    for (domain, source) in sources {
        let (model, findings) = parse(&domain, &source);
        models.extend(model);
        diagnostics.extend(findings);
    }
    (models, diagnostics)
}

/// Reads one document.
pub(crate) fn parse(domain: &str, source: &Source) -> (Option<ModelDefinition>, Vec<Diagnostic>) {
    let root = match document::parse(source) {
        Ok(root) => root,
        Err(diagnostics) => return (None, diagnostics),
    };
    let reader = Reader::new(source);
    let model = read(domain, source, &reader, &root).filter(|_| !reader.has_errors());
    (model, reader.finish())
}

fn read(domain: &str, source: &Source, reader: &Reader<'_>, root: &Node) -> Option<ModelDefinition> {
    let map = reader.map(root)?;
    let name = object_name(reader, domain, source, ModelDefinition::SUFFIX, root.span);
    let description = map.optional_string("description");
    let implementation = map.required_parsed::<ObjectName>("implementation");
    let implementation_span = map.span_of("implementation");
    let inputs = map.required_node("inputs").map(|node| read_inputs(reader, node));
    let parameters = map
        .node("parameters")
        .map_or_else(Map::new, |node| match node.to_json() {
            serde_json::Value::Object(values) => values,
            _ => {
                let message = format!("`parameters` must be a mapping, but is {}", node.kind());
                reader.error(node.span, "wrong-type", message, None);
                Map::new()
            }
        });
    map.finish();
    Some(ModelDefinition {
        name: name?,
        description,
        implementation: implementation?,
        inputs: inputs?,
        parameters,
        document: source.clone(),
        implementation_span,
    })
}

fn read_inputs(reader: &Reader<'_>, node: &Node) -> BTreeMap<String, ModelInput> {
    let mut inputs = BTreeMap::new();
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                let span = entry.value.span;
                match entry.value.as_str() {
                    Some(sql) => {
                        inputs.insert(
                            entry.key.clone(),
                            ModelInput {
                                sql: sql.to_owned(),
                                span,
                            },
                        );
                    }
                    None => {
                        let message = format!("`inputs.{}` must be a query, but is {}", entry.key, entry.value.kind());
                        reader.error(span, "wrong-type", message, None);
                    }
                }
            }
        }
        _ => reader.error(node.span, "wrong-type", "`inputs` must name at least one query", None),
    }
    inputs
}

/// The full name of what a file declares: its domain and the file's name before `suffix`.
pub(crate) fn object_name(
    reader: &Reader<'_>,
    domain: &str,
    source: &Source,
    suffix: &str,
    root: Span,
) -> Option<ObjectName> {
    let file = source
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let stem = file.strip_suffix(suffix).unwrap_or(file);
    ObjectName::new(domain, stem)
        .map_err(|error| {
            let place = Span {
                end: root.start,
                ..root
            };
            reader.error(
                place,
                "file-name",
                format!("the file's name: {error}"),
                error.help().map(str::to_owned),
            );
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "implementation: finance.forecast\ninputs:\n  sales: SELECT 1 AS a\nparameters: {weeks: 8}\n";

    fn parsed(yaml: &str) -> (Option<ModelDefinition>, Vec<String>) {
        let (model, diagnostics) = parse("finance", &Source::new("pipelines/finance/revenue.model.yaml", yaml));
        (model, diagnostics.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_model_names_implementation_inputs_and_parameters() {
        let (model, findings) = parsed(GOOD);
        assert_eq!(findings, Vec::<String>::new());
        let model = model.unwrap();
        assert_eq!(model.name.to_string(), "finance.revenue");
        assert_eq!(model.implementation.to_string(), "finance.forecast");
        assert_eq!(model.inputs["sales"].sql, "SELECT 1 AS a");
        assert_eq!(model.parameters["weeks"], 8);
    }

    #[test]
    fn the_hash_follows_what_the_training_depends_on() {
        let model = |yaml: &str| parsed(yaml).0.unwrap().hash();
        assert_eq!(model(GOOD), model(&format!("description: words\n{GOOD}")));
        assert_ne!(model(GOOD), model(&GOOD.replace('8', "9")));
        assert_ne!(model(GOOD), model(&GOOD.replace("AS a", "AS b")));
        assert_ne!(model(GOOD), model(&GOOD.replace("finance.forecast", "finance.other")));
    }

    #[test]
    fn wrong_values_are_reported_at_their_place() {
        let (model, findings) = parsed("implementation: forecast\ninputs: {sales: [1]}\nparametrs: {}\n");
        assert!(model.is_none());
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings[0].contains(":1:17: "), "{findings:?}");
        assert!(
            findings[1].contains(":2:17: `inputs.sales` must be a query"),
            "{findings:?}"
        );
        assert!(findings[2].contains(":3:1: `parametrs` is not known"), "{findings:?}");
    }
}
