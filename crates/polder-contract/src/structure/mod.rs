//! The structure that the standard demands of a document: tables of keys with the shapes of their values, and the walk
//! that holds a document against them.

mod cron;
pub(crate) mod parts;
mod product;
pub(crate) mod property;
pub(crate) mod quality;
pub(crate) mod relationship;
pub(crate) mod server;
mod slips;
pub(crate) mod tables;
mod walk;
pub(crate) mod words;

use polder_core::document::{Entry, Node, Reader};

pub(crate) use product::check_product;
pub(crate) use quality::{OPERATORS, dimension};
pub(crate) use server::is_common as is_common_to_servers;
use words::Words;
pub(crate) use words::{STATUSES, plain, slip};

/// What a value must be.
pub(crate) enum Shape {
    /// Any value, null too.
    Any,
    /// Any value but lists and mappings.
    Scalar,
    /// Text, a number or a boolean.
    Single,
    Text,
    /// Text that begins with this.
    Beginning(&'static str),
    /// An identifier that references can name.
    StableId,
    Bool,
    /// A whole number, at least this.
    Whole(i64),
    Number,
    /// A number above 0.
    Positive,
    /// A date as text, `YYYY-MM-DD`.
    Date,
    /// An instant as text, by RFC 3339.
    Instant,
    OneOf(&'static [&'static str]),
    /// Text: a known word, or one of one's own.
    Word(&'static Words),
    List(&'static Shape),
    /// A list of at least one item, all distinct.
    Set(&'static Shape),
    Map(&'static [Field]),
    /// A mapping of which nothing more is said.
    OpenMap,
    /// A mapping that may have more keys than these.
    OpenMapOf(&'static [Field]),
    /// A mapping, or a list of such mappings: two forms of one thing.
    TextOr(&'static Shape),
    /// What only code can decide, and the name under which the editors' schema describes it.
    Special(fn(&Walk<'_, '_>, &Node, &str), &'static str),
}

/// One key of a mapping.
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

const fn optional(key: &'static str, shape: Shape) -> Field {
    Field {
        key,
        shape,
        required: false,
    }
}

const fn required(key: &'static str, shape: Shape) -> Field {
    Field {
        key,
        shape,
        required: true,
    }
}

/// A walk over one document.
pub(crate) struct Walk<'r, 'a> {
    reader: &'r Reader<'a>,
    version: Version,
}

/// The generation of the standard that a document is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V3_0,
    V3_1,
    V3_2,
}

pub(crate) const VERSIONS: [(&str, Version); 5] = [
    ("v3.2.0", Version::V3_2),
    ("v3.1.0", Version::V3_1),
    ("v3.0.2", Version::V3_0),
    ("v3.0.1", Version::V3_0),
    ("v3.0.0", Version::V3_0),
];

/// Holds a document against the standard; findings go to the reader.
pub(crate) fn check(reader: &Reader<'_>, document: &Node) {
    let written = document.get("apiVersion").and_then(Node::as_str);
    let known = VERSIONS.iter().find(|(name, _)| Some(*name) == written);
    let version = known.map_or(Version::V3_2, |(_, version)| *version);
    let walk = Walk { reader, version };
    if walk.is_no_mapping(document, CONTRACT_BEGINS) {
        return;
    }
    if let Some((entry, message, help)) = of_other_standard(document) {
        reader.error(entry.key_span, "other-standard", message, Some(help.to_owned()));
        return;
    }
    if let Some(kind) = kind_of(document, "DataProduct") {
        let message = "this is a data product, not a contract";
        let help = "products end in .odps.yaml; two of them compare with: polder product diff OLD NEW";
        reader.error(kind.span, "other-standard", message, Some(help.to_owned()));
        return;
    }
    let mut tables = vec![tables::CONTRACT];
    if version < Version::V3_2 {
        tables.push(tables::BEFORE_3_2);
    }
    walk.map(&tables, false, document, "");
}

/// How a contract comes about, for whoever has an empty file.
const CONTRACT_BEGINS: &str = "a contract begins with `apiVersion: v3.1.0` and `kind: DataContract`; `polder contract infer` writes one \
     for a table, `polder contract import` for another format";

/// The key by which a document is known to be of another format, with what it is and how it becomes a contract.
fn of_other_standard(document: &Node) -> Option<(&Entry, &'static str, &'static str)> {
    if document.get("apiVersion").is_some() {
        return None;
    }
    let specification = (
        "this is a contract by the Data Contract Specification, not by ODCS",
        "convert it: polder contract import FILE --from dcs",
    );
    let dbt = (
        "this is a file of dbt's properties (schema.yml), not a contract",
        "convert it: polder contract import FILE --from dbt",
    );
    document.as_map()?.iter().find_map(|entry| {
        let is_list = entry.value.as_list().is_some();
        let (what, how) = match entry.key.as_str() {
            "dataContractSpecification" => specification,
            "models" | "sources" | "seeds" | "snapshots" if is_list => dbt,
            _ => return None,
        };
        Some((entry, what, how))
    })
}

/// What the document calls itself, where that is this kind.
fn kind_of<'n>(document: &'n Node, kind: &str) -> Option<&'n Node> {
    document.get("kind").filter(|node| node.as_str() == Some(kind))
}

fn api_version(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    walk.check(&Shape::Text, node, path);
    if let Some(text) = node.as_str()
        && !VERSIONS.iter().any(|(name, _)| *name == text)
    {
        let help = if text.starts_with("v2.") {
            "versions 2 of the standard have another structure: rewrite the contract for v3.1.0".to_owned()
        } else {
            format!("known versions: {}", VERSIONS.map(|(name, _)| name).join(", "))
        };
        walk.reader.error(
            node.span,
            "wrong-value",
            format!("`{text}` is no version of the standard"),
            Some(help),
        );
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
