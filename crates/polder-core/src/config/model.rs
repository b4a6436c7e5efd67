//! What `polder.yaml` can say.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use super::settings::{Setting, Settings};
use crate::document::{MapReader, Reader, Source, parse};
use crate::units::parse_bytes;
use crate::{Error, Result, Secret};

/// The configuration of a mesh.
#[derive(Debug, Clone)]
pub struct MeshConfig {
    /// The mesh's name.
    pub name: String,
    /// Where tables are kept.
    pub lake: LakeConfig,
    /// Where the catalog is kept.
    pub catalog: CatalogConfig,
    /// The broker.
    pub kafka: KafkaConfig,
    /// The schema registry.
    pub registry: RegistryConfig,
    /// The query engine.
    pub engine: EngineConfig,
}

/// Where tables are kept.
#[derive(Debug, Clone)]
pub struct LakeConfig {
    /// A folder (relative ones begin at the mesh's root), or `s3://bucket/prefix`, `gs://…`, `az://…`.
    pub location: String,
    /// Options of the object store, by the names that the `object_store` crate gives them.
    pub options: BTreeMap<String, Secret>,
}

/// Where the catalog is kept.
#[derive(Debug, Clone)]
pub struct CatalogConfig {
    /// `sqlite:<file>` (relative files begin at the mesh's root) or `postgres://…`; a secret, since it can hold a
    /// password.
    pub database: Secret,
}

/// The broker.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Any property of librdkafka.
    pub properties: BTreeMap<String, Secret>,
}

/// The schema registry.
#[derive(Debug, Clone)]
pub struct RegistryConfig {
    /// Its address, `http://…` or `https://…`.
    pub url: String,
    /// User name, where it wants one.
    pub username: Option<Secret>,
    /// Password, where it wants one.
    pub password: Option<Secret>,
}

/// The query engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Bytes that queries of one process may hold in memory together, before they spill to disk.
    pub memory_bytes: u64,
}

const BROKERS: &str = "localhost:9092";
const DATABASE: &str = "sqlite:.polder/catalog.db";
const REGISTRY: &str = "http://localhost:8081";
const MEMORY: u64 = 1 << 30;

/// Reads the configuration; everything that is wrong is in the error.
pub(super) fn read(
    root: &Path,
    source: &Source,
    env: &dyn Fn(&str) -> Option<String>,
    names: impl IntoIterator<Item = String>,
) -> Result<MeshConfig> {
    let document = parse(source).map_err(Error::document)?;
    let reader = Reader::new(source);
    let mut settings = Settings::new(root, &source.path, env, names);
    let mesh = reader.map(&document);
    let config = mesh.as_ref().and_then(|mesh| sections(mesh, &mut settings));
    settings.finish();
    if let Some(mesh) = mesh {
        mesh.finish();
    }
    let mut diagnostics = reader.finish();
    diagnostics.append(&mut settings.diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map_or(usize::MAX, |span| span.start));
    match config {
        Some(config) if diagnostics.is_empty() => Ok(config),
        _ => Err(Error::document(diagnostics)),
    }
}

/// All sections are read before any is given up, so that everything wrong is found.
fn sections(mesh: &MapReader<'_, '_, '_>, settings: &mut Settings<'_>) -> Option<MeshConfig> {
    let name = required("", "name", Some(mesh), mesh, settings);
    let lake = mesh.map("lake");
    let location = required("lake", "location", lake.as_ref(), mesh, settings);
    if let Some(location) = &location {
        check_location(location, settings);
    }
    let options = settings.values("lake", "options", lake.as_ref(), str::to_lowercase);
    let catalog = mesh.map("catalog");
    let database = settings.value("catalog", "database", catalog.as_ref());
    if let Some(database) = &database {
        check_database(database, settings);
    }
    let kafka = mesh.map("kafka");
    let brokers = settings.value("kafka", "brokers", kafka.as_ref());
    let as_property = |rest: &str| rest.to_lowercase().replace('_', ".");
    let properties = settings.values("kafka", "properties", kafka.as_ref(), as_property);
    let registry = mesh.map("registry");
    let url = settings.value("registry", "url", registry.as_ref());
    if let Some(url) = &url {
        check_registry(url, settings);
    }
    let username = settings.value("registry", "username", registry.as_ref());
    let password = settings.value("registry", "password", registry.as_ref());
    let engine = mesh.map("engine");
    let memory = settings.value("engine", "memory", engine.as_ref());
    let memory_bytes = memory.map_or(MEMORY, |memory| match parse_bytes(&memory.text) {
        Ok(bytes) => bytes,
        Err(error) => {
            settings.refuse(&memory, "engine.memory", &error.to_string(), error.help());
            MEMORY
        }
    });
    for section in [lake, catalog, kafka, registry, engine].into_iter().flatten() {
        section.finish();
    }
    let or =
        |setting: Option<Setting>, default: &str| setting.map_or_else(|| default.to_owned(), |setting| setting.text);
    let secret = |setting: Setting| Secret::new(setting.text);
    let secrets =
        |values: BTreeMap<String, String>| values.into_iter().map(|(key, value)| (key, value.into())).collect();
    Some(MeshConfig {
        name: name?.text,
        lake: LakeConfig {
            location: location?.text,
            options: secrets(options),
        },
        catalog: CatalogConfig {
            database: Secret::new(or(database, DATABASE)),
        },
        kafka: KafkaConfig {
            brokers: or(brokers, BROKERS),
            properties: secrets(properties),
        },
        registry: RegistryConfig {
            url: or(url, REGISTRY),
            username: username.map(secret),
            password: password.map(secret),
        },
        engine: EngineConfig { memory_bytes },
    })
}

fn required(
    section: &str,
    key: &'static str,
    map: Option<&MapReader<'_, '_, '_>>,
    mesh: &MapReader<'_, '_, '_>,
    settings: &mut Settings<'_>,
) -> Option<Setting> {
    let before = settings.diagnostics.len();
    let setting = settings
        .value(section, key, map)
        .filter(|setting| !setting.text.is_empty());
    if setting.is_none() && settings.diagnostics.len() == before {
        let span = map.unwrap_or(mesh).span_of(key);
        settings.missing(
            section,
            key,
            crate::document::Span {
                end: span.start,
                ..span
            },
        );
    }
    setting
}

fn check_location(location: &Setting, settings: &mut Settings<'_>) {
    const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "file"];
    let Some((scheme, rest)) = location.text.split_once("://") else {
        return;
    };
    let help = "a location is a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";
    if !SCHEMES.contains(&scheme) {
        settings.refuse(
            location,
            "lake.location",
            &format!("`{scheme}://` is no store that is known"),
            Some(help),
        );
    } else if rest.trim_matches('/').is_empty() {
        settings.refuse(location, "lake.location", "the bucket is missing", Some(help));
    }
}

fn check_database(database: &Setting, settings: &mut Settings<'_>) {
    let text = &database.text;
    let file = text
        .strip_prefix("sqlite:")
        .is_some_and(|file| !file.trim_matches('/').is_empty());
    if !file && !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        // The text itself can hold a password and is not shown.
        let help = "write sqlite:<file> or postgres://user@host/database";
        settings.refuse(database, "catalog.database", "not a database that is known", Some(help));
    }
}

fn check_registry(url: &Setting, settings: &mut Settings<'_>) {
    let valid = Url::parse(&url.text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !valid {
        settings.refuse(
            url,
            "registry.url",
            "not an address",
            Some("write http://host:port or https://host:port"),
        );
    }
}
