//! A contract in the making: what an import found, written as an ODCS document that passes the lint.

use std::path::{Path, PathBuf};

use polder_core::document::{Severity, Source};
use polder_core::{DatasetName, Error, ErrorKind, Layer, Result};
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::loss::Tracker;
use crate::names::snake_case;
use crate::proof::{RowRuleProof, drop_patterns, drop_rules};
use crate::storable::make_storable;
use crate::yaml;

/// What a contract says that no other format knows, and how the source is to be read. Nothing is invented: what is
/// not given here and not in the source is not in the contract.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The contract's id and name, where the source gives none (the file's name, say).
    pub name: Option<String>,
    /// The domain that owns it.
    pub domain: Option<String>,
    /// Which dataset its objects describe.
    pub dataset: Option<Binding>,
    /// The user name of its owner.
    pub owner: Option<String>,
    /// The dialect that SQL types are written in.
    pub dialect: Dialect,
    /// The file that is read, as its author knows it; places in it are told with this name.
    pub file: Option<PathBuf>,
    /// Tells which rules in SQL over rows can be run: others are named as lost. Without it all are taken over.
    pub row_rules: Option<RowRuleProof>,
}

/// The datasets that imported objects are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// The only object is this dataset.
    Dataset(DatasetName),
    /// Each object is a dataset of its own name in this domain and layer.
    Layer {
        /// The domain.
        domain: String,
        /// The layer.
        layer: Layer,
    },
}

impl std::str::FromStr for Binding {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('.') {
            Some((domain, layer)) if !layer.contains('.') => {
                let layer: Layer = layer.parse()?;
                // A dataset's name checks the domain's.
                DatasetName::new(domain, layer, "x")?;
                Ok(Self::Layer {
                    domain: domain.to_owned(),
                    layer,
                })
            }
            _ => text.parse().map(Self::Dataset),
        }
    }
}

/// What an import found. Everything is a value of the contract already.
#[derive(Default)]
pub(crate) struct Draft {
    /// Keys of the contract's root, but `schema`.
    pub(crate) root: Map<String, Value>,
    /// The objects.
    pub(crate) objects: Vec<Map<String, Value>>,
}

impl Draft {
    /// The document's text. What the tables of datasets cannot hold is made into what they can, and named as lost.
    ///
    /// # Errors
    /// `Usage` where the options do not fit what was found; `Document` where the source has no object, or what it says
    /// makes no contract (two columns of one name, say).
    pub(crate) fn write(mut self, options: &ImportOptions, tracker: &Tracker) -> Result<String> {
        if self.objects.is_empty() {
            return Err(Error::new(
                ErrorKind::Document,
                "there is no table in it to make a contract of",
            ));
        }
        self.bind(options)?;
        make_storable(&mut self.objects, tracker);
        for object in &mut self.objects {
            drop_patterns(object, tracker);
            if let Some(proof) = options.row_rules {
                drop_rules(object, proof, tracker);
            }
        }
        let domain = match &options.dataset {
            Some(Binding::Dataset(dataset)) => Some(dataset.domain().to_owned()),
            Some(Binding::Layer { domain, .. }) => Some(domain.clone()),
            None => None,
        };
        if let (Some(named), Some(bound)) = (&options.domain, &domain)
            && named != bound
        {
            let message = format!("the domain is `{named}`, but the dataset belongs to `{bound}`");
            return Err(Error::new(ErrorKind::Usage, message).with_help("name one domain"));
        }
        // What is bound is called after its dataset; several tables after their layer and the document.
        let name = match (&options.dataset, self.objects.as_slice(), &options.name) {
            (Some(Binding::Dataset(dataset)), ..) => Some(dataset.to_string()),
            (Some(Binding::Layer { .. }), [object], _) => {
                object.get("physicalName").and_then(Value::as_str).map(str::to_owned)
            }
            (Some(Binding::Layer { domain, layer }), _, Some(name)) => {
                Some(format!("{domain}.{layer}.{}", snake_case(name)))
            }
            (_, _, name) => name.clone(),
        };
        let name = name
            .or_else(|| self.root.get("name")?.as_str().map(str::to_owned))
            .or_else(|| self.objects.first()?.get("name")?.as_str().map(str::to_owned))
            .unwrap_or_else(|| "contract".to_owned());
        let has_map = self
            .objects
            .iter()
            .any(|object| uses_maps(&Value::Object(object.clone())));
        // Maps are known since 3.2; what needs no more is written to 3.1, which more tools read.
        let version = if has_map { "v3.2.0" } else { "v3.1.0" };
        let root = &mut self.root;
        root.insert("apiVersion".to_owned(), json!(version));
        root.insert("kind".to_owned(), json!("DataContract"));
        for (key, value) in [
            ("id", name.as_str()),
            ("name", &name),
            ("version", "0.1.0"),
            ("status", "draft"),
        ] {
            root.entry(key).or_insert_with(|| json!(value));
        }
        if let Some(domain) = options.domain.clone().or(domain) {
            root.insert("domain".to_owned(), json!(domain));
        }
        if let Some(owner) = &options.owner {
            let team = root.entry("team").or_insert_with(|| json!({}));
            if let Some(team) = team.as_object_mut() {
                let members = team.entry("members").or_insert_with(|| json!([]));
                if let Some(members) = members.as_array_mut() {
                    members.insert(0, json!({"username": owner, "role": "owner"}));
                }
            }
        }
        root.insert(
            "schema".to_owned(),
            self.objects.into_iter().map(Value::Object).collect(),
        );
        let mut document = Value::Object(self.root);
        order(&mut document);
        let text = yaml::write(&document);
        let parsed = polder_contract::parse(&Source::new(Path::new("the imported contract"), text.as_str()));
        if parsed.contract.is_some() {
            return Ok(text);
        }
        let errors: Vec<_> = parsed
            .diagnostics
            .into_iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|mut found| {
                // The text is not on the user's disk: a place in it would lead nowhere.
                found.span = None;
                found
            })
            .collect();
        Err(Error::document(errors))
    }

    fn bind(&mut self, options: &ImportOptions) -> Result<()> {
        match &options.dataset {
            None => {}
            Some(Binding::Dataset(dataset)) => {
                let [object] = self.objects.as_mut_slice() else {
                    let names: Vec<_> = self
                        .objects
                        .iter()
                        .take(8)
                        .filter_map(|object| object.get("name")?.as_str())
                        .collect();
                    let message = format!(
                        "{} tables cannot be the one dataset {dataset}: {}{}",
                        self.objects.len(),
                        names.join(", "),
                        if names.len() < self.objects.len() { ", …" } else { "" }
                    );
                    let help = format!(
                        "name a layer instead, such as {}.{}: each table becomes a dataset of its own",
                        dataset.domain(),
                        dataset.layer()
                    );
                    return Err(Error::new(ErrorKind::Usage, message).with_help(help));
                };
                object.insert("physicalName".to_owned(), json!(dataset.to_string()));
            }
            Some(Binding::Layer { domain, layer }) => {
                for object in &mut self.objects {
                    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
                    let dataset = DatasetName::new(domain.as_str(), *layer, snake_case(name))?;
                    object.insert("physicalName".to_owned(), json!(dataset.to_string()));
                }
            }
        }
        Ok(())
    }
}

fn uses_maps(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get("logicalType").and_then(Value::as_str) == Some("map") || map.values().any(uses_maps)
        }
        Value::Array(items) => items.iter().any(uses_maps),
        _ => false,
    }
}

/// The order in which people read a contract; keys that are not named come last, as they were.
const ORDER: &[&str] = &[
    "apiVersion",
    "kind",
    "id",
    "name",
    "property",
    "server",
    "channel",
    "username",
    "role",
    "metric",
    "to",
    "key",
    "version",
    "status",
    "tenant",
    "domain",
    "dataProduct",
    "businessName",
    "description",
    "purpose",
    "usage",
    "limitations",
    "logicalType",
    "physicalName",
    "physicalType",
    "type",
    "value",
    "unit",
    "classification",
    "tags",
    "required",
    "unique",
    "primaryKey",
    "primaryKeyPosition",
    "partitioned",
    "partitionKeyPosition",
    "criticalDataElement",
    "logicalTypeOptions",
    "enum",
    "examples",
    "arguments",
    "mustBe",
    "items",
    "map",
    "schema",
    "properties",
    "relationships",
    "quality",
    "slaDefaultElement",
    "slaProperties",
    "team",
    "members",
    "roles",
    "support",
    "price",
    "servers",
    "authoritativeDefinitions",
    "customProperties",
];

fn order(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = std::mem::take(map).into_iter().collect();
            entries.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
            let is_custom = entries.iter().any(|(key, _)| key == "property");
            for (key, child) in &mut entries {
                // What is under these keys is the author's own.
                let own = matches!(key.as_str(), "arguments" | "implementation" | "examples");
                if !(own || is_custom && key == "value") {
                    order(child);
                }
            }
            map.extend(entries);
        }
        Value::Array(items) => items.iter_mut().for_each(order),
        _ => {}
    }
}

/// A rule that only these values are allowed: the form that every version of the standard since 3.1 knows.
pub(crate) fn allowed_values(property: &mut Map<String, Value>, values: Vec<Value>) {
    add_rule(
        property,
        json!({"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}),
    );
}

/// Adds a quality rule to an object or property.
pub(crate) fn add_rule(element: &mut Map<String, Value>, rule: Value) {
    push(element, "quality", rule);
}

/// Adds an item to the list under a key.
pub(crate) fn push(element: &mut Map<String, Value>, key: &str, item: Value) {
    let list = element.entry(key).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

/// Adds an item to the list under a key that does not have it yet.
pub(crate) fn push_once(element: &mut Map<String, Value>, key: &str, item: Value) {
    let listed = element.get(key).and_then(Value::as_array);
    if !listed.is_some_and(|list| list.contains(&item)) {
        push(element, key, item);
    }
}

/// Adds a custom property.
pub(crate) fn custom(element: &mut Map<String, Value>, property: &str, value: Value) {
    push(
        element,
        "customProperties",
        json!({"property": property, "value": value}),
    );
}
