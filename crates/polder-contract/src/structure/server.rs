//! Servers: what a server must say depends on its type.

use polder_core::document::Node;

use super::parts::{CUSTOM, ROLES};
use super::{Field, Shape, Walk, optional, required, words};
use Shape::{OneOf, StableId, Text, Whole, Word};

/// Each type with the keys it needs and those it may have. All are text, but `port`.
pub(crate) const TYPES: &[(&str, &[&str], &[&str])] = &[
    ("api", &["location"], &[]),
    (
        "athena",
        &["schema"],
        &["stagingDir", "catalog", "regionName", "workgroup"],
    ),
    ("azure", &["location", "format"], &["delimiter"]),
    ("bigquery", &["project", "dataset"], &[]),
    ("clickhouse", &["host", "port", "database"], &[]),
    ("databricks", &["catalog", "schema"], &["host"]),
    ("denodo", &["host", "port"], &["database"]),
    ("dremio", &["host", "port"], &["schema"]),
    ("duckdb", &["database"], &["schema"]),
    ("glue", &["account", "database"], &["location", "format"]),
    ("cloudsql", &["host", "port", "database", "schema"], &[]),
    ("db2", &["host", "port", "database"], &["schema"]),
    ("hive", &["host", "database"], &["port"]),
    ("impala", &["host", "database"], &["port"]),
    ("informix", &["host", "database"], &["port"]),
    ("kafka", &["host"], &["format"]),
    ("kinesis", &[], &["region", "format"]),
    ("local", &["path", "format"], &[]),
    ("mysql", &["host", "port", "database"], &[]),
    ("oracle", &["host", "port", "serviceName"], &[]),
    ("postgresql", &["host", "port", "database", "schema"], &[]),
    ("postgres", &["host", "port", "database", "schema"], &[]),
    ("presto", &["host"], &["catalog", "schema"]),
    ("pubsub", &["project"], &[]),
    ("redshift", &["database", "schema"], &["host", "region", "account"]),
    ("s3", &["location"], &["endpointUrl", "format", "delimiter"]),
    ("sftp", &["location"], &["format", "delimiter"]),
    (
        "snowflake",
        &["account", "database", "schema"],
        &["host", "port", "warehouse"],
    ),
    ("sqlserver", &["host", "database", "schema"], &["port"]),
    ("synapse", &["host", "port", "database"], &[]),
    ("trino", &["host", "port", "catalog", "schema"], &[]),
    ("vertica", &["host", "port", "database", "schema"], &[]),
    ("zen", &["host", "database"], &["port"]),
    (
        "custom",
        &[],
        &[
            "account",
            "catalog",
            "database",
            "dataset",
            "delimiter",
            "endpointUrl",
            "format",
            "host",
            "location",
            "path",
            "port",
            "project",
            "region",
            "regionName",
            "schema",
            "serviceName",
            "stagingDir",
            "warehouse",
            "stream",
        ],
    ),
];

const NAMES: [&str; TYPES.len()] = {
    let mut names = [""; TYPES.len()];
    let mut index = 0;
    while index < TYPES.len() {
        names[index] = TYPES[index].0;
        index += 1;
    }
    names
};

pub(crate) const BASE: &[Field] = &[
    optional("id", StableId),
    required("server", Text),
    required("type", OneOf(&NAMES)),
    optional("description", Text),
    optional("environment", Word(&words::ENVIRONMENT)),
    optional("roles", ROLES),
    optional("customProperties", CUSTOM),
];

/// Whether servers of every type have the key.
pub(crate) fn is_common(key: &str) -> bool {
    BASE.iter().any(|field| field.key == key)
}

/// What a key's value must be on a server of this type.
pub(crate) fn shape(kind: &str, key: &str) -> Shape {
    match (kind, key) {
        // No port is below 0, which the JSON schema does not say.
        (_, "port") => Whole(0),
        ("sftp", "location") => Shape::Beginning("sftp://"),
        (_, "format") => Word(&words::FILE_FORMAT),
        ("azure" | "s3" | "sftp", "delimiter") => Word(&words::DELIMITER),
        _ => Text,
    }
}

/// One server.
pub(super) fn check(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let kind = node.get("type").and_then(Node::as_str);
    let Some((name, needs, may)) = TYPES.iter().find(|(name, _, _)| Some(*name) == kind) else {
        // Which keys are right depends on the type: only the type is wrong.
        walk.map(&[BASE], true, node, path);
        return;
    };
    let own: Vec<_> = needs
        .iter()
        .map(|key| required(key, shape(name, key)))
        .chain(may.iter().map(|key| optional(key, shape(name, key))))
        .collect();
    walk.map(&[BASE, &own], false, node, path);
}
