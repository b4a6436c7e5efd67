//! From a configured location and its options to an object store.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ObjectStore, RetryConfig};
use polder_core::config::LakeConfig;
use polder_core::{Error, ErrorKind, Result, ResultExt, Secret};
use url::Url;

use crate::durable::DurableFileSystem;
use crate::failure::failure;

/// A store whose `/` is the root of the bucket, container or file system, and the lake's place in it, ending in `/`.
pub(crate) struct Location {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) url: Url,
}

impl Location {
    /// Opens nothing, and makes nothing: a local folder that is missing is made by what is first written to it.
    pub(crate) fn open(config: &LakeConfig, mesh_root: &FilePath) -> Result<Self> {
        let text = config.location.trim();
        if !text.contains("://") {
            return local(&mesh_root.join(text), &config.options);
        }
        let mut url = Url::parse(text).context(ErrorKind::Document, || {
            format!("`lake.location` is not a folder or URL: {text}")
        })?;
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let options = &config.options;
        let store: Arc<dyn ObjectStore> = match url.scheme() {
            "file" => {
                let folder = url.to_file_path().map_err(|()| {
                    Error::new(
                        ErrorKind::Document,
                        format!("`lake.location` names no local folder: {text}"),
                    )
                })?;
                return local(&folder, options);
            }
            "s3" | "s3a" => {
                let builder = AmazonS3Builder::from_env().with_url(bucket(&url)).with_retry(retries());
                let builder = apply(builder, options, |builder, key: AmazonS3ConfigKey, value| {
                    builder.with_config(key, value)
                })?;
                Arc::new(builder.build().map_err(|cause| unusable(text, cause))?)
            }
            "gs" => {
                let builder = GoogleCloudStorageBuilder::from_env()
                    .with_url(bucket(&url))
                    .with_retry(retries());
                let builder = apply(builder, options, |builder, key: GoogleConfigKey, value| {
                    builder.with_config(key, value)
                })?;
                Arc::new(builder.build().map_err(|cause| unusable(text, cause))?)
            }
            "az" | "azure" | "adl" | "abfs" | "abfss" => {
                let builder = MicrosoftAzureBuilder::from_env()
                    .with_url(bucket(&url))
                    .with_retry(retries());
                let builder = apply(builder, options, |builder, key: AzureConfigKey, value| {
                    builder.with_config(key, value)
                })?;
                Arc::new(builder.build().map_err(|cause| unusable(text, cause))?)
            }
            other => {
                return Err(Error::new(
                    ErrorKind::Document,
                    format!("`lake.location` has an unknown scheme `{other}`"),
                )
                .with_help("a lake is a folder, or s3://bucket/prefix, gs://bucket/prefix, az://container/prefix"));
            }
        };
        Ok(Self { store, url })
    }

    /// A local folder, which need not be there yet.
    pub(crate) fn folder(folder: &FilePath) -> Result<Self> {
        local(folder, &BTreeMap::new())
    }
}

/// The URL without its path: the builders read bucket, container and account from it.
fn bucket(url: &Url) -> String {
    url[..url::Position::BeforePath].to_owned()
}

/// A store that is down is reported after half a minute, not after three.
fn retries() -> RetryConfig {
    RetryConfig {
        max_retries: 6,
        retry_timeout: Duration::from_secs(30),
        ..RetryConfig::default()
    }
}

fn local(folder: &FilePath, options: &BTreeMap<String, Secret>) -> Result<Location> {
    if let Some(key) = options.keys().next() {
        return Err(Error::new(
            ErrorKind::Document,
            format!("`lake.options.{key}` has no meaning for a local folder"),
        )
        .with_help("options belong to s3://, gs:// and az:// locations"));
    }
    let found = std::path::absolute(folder).and_then(|folder| resolved(&folder));
    let folder =
        found.map_err(|cause| failure(format!("cannot open the lake's folder {}", folder.display()), cause))?;
    let url = Url::from_directory_path(&folder).map_err(|()| {
        Error::new(
            ErrorKind::Document,
            format!("`lake.location` names no local folder: {}", folder.display()),
        )
    })?;
    Ok(Location {
        store: Arc::new(DurableFileSystem::new()),
        url,
    })
}

/// The absolute path of a folder without links, as far as it is there.
fn resolved(folder: &FilePath) -> io::Result<PathBuf> {
    match (folder.canonicalize(), folder.parent()) {
        (Ok(found), _) if !found.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        (Err(cause), Some(parent)) if cause.kind() == io::ErrorKind::NotFound => {
            // Something is there: a link that leads nowhere.
            if folder.symlink_metadata().is_ok() {
                return Err(cause);
            }
            let mut outer = resolved(parent)?;
            match folder.file_name() {
                Some(name) => outer.push(name),
                None => drop(outer.pop()),
            }
            Ok(outer)
        }
        (found, _) => found,
    }
}

/// Gives each option to the builder; a name that the store does not know is an error.
fn apply<B, K: FromStr>(builder: B, options: &BTreeMap<String, Secret>, set: impl Fn(B, K, String) -> B) -> Result<B> {
    options.iter().try_fold(builder, |builder, (name, value)| {
        let key = K::from_str(&name.to_ascii_lowercase()).map_err(|_| {
            Error::new(
                ErrorKind::Document,
                format!("`lake.options.{name}` is not an option of this store"),
            )
            .with_help("options have the names of the object_store crate, such as aws_endpoint or aws_region")
        })?;
        Ok(set(builder, key, value.expose().to_owned()))
    })
}

fn unusable(location: &str, cause: object_store::Error) -> Error {
    Error::new(
        ErrorKind::Document,
        format!("cannot use the lake at {location} with these options"),
    )
    .with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(location: &str, options: &[(&str, &str)]) -> LakeConfig {
        let options = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::new(*value)))
            .collect();
        LakeConfig {
            location: location.to_owned(),
            options,
        }
    }

    #[test]
    fn a_relative_folder_begins_at_the_mesh() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::open(&config(".polder/lake", &[]), root.path()).unwrap();
        let expected = root.path().canonicalize().unwrap().join(".polder/lake");
        assert_eq!(location.url, Url::from_directory_path(&expected).unwrap());
        // Reading makes nothing, so a mesh that nobody may write to can be checked.
        assert!(!root.path().join(".polder").exists());
        let location = Location::open(&config("missing/../lake", &[]), root.path()).unwrap();
        let expected = root.path().canonicalize().unwrap().join("lake");
        assert_eq!(location.url, Url::from_directory_path(&expected).unwrap());
        std::fs::write(&expected, "").unwrap();
        let error = Location::open(&config("lake", &[]), root.path()).err().unwrap();
        assert!(error.to_string().contains("cannot open the lake's folder"), "{error}");
    }

    #[test]
    fn options_of_the_store_are_taken_and_others_refused() {
        let good = config(
            "s3://bucket/some/lake",
            &[
                ("aws_endpoint", "http://127.0.0.1:9000"),
                ("allow_http", "true"),
                ("aws_access_key_id", "key"),
                ("aws_secret_access_key", "secret"),
                ("aws_region", "us-east-1"),
            ],
        );
        let location = Location::open(&good, FilePath::new("/")).unwrap();
        assert_eq!(location.url.as_str(), "s3://bucket/some/lake/");
        let bad = config("s3://bucket/lake", &[("aws_endpont", "http://x")]);
        let error = Location::open(&bad, FilePath::new("/")).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Document);
        assert!(error.to_string().contains("aws_endpont"), "{error}");
    }

    #[test]
    fn an_unknown_scheme_is_refused() {
        let error = Location::open(&config("ftp://host/lake", &[]), FilePath::new("/"))
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Document);
    }
}
