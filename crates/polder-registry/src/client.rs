//! The client: schemas by id or GUID, registration of schemas, a probe.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polder_core::config::RegistryConfig;
use polder_core::{Error, ErrorKind, Result};
use reqwest::Url;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_subjects, get_referenced_schema, get_schema_by_guid, get_schema_by_id, post_schema,
};
use schema_registry_converter::schema_registry_common::{
    RegisteredReference, RegisteredSchema as Answer, SchemaType, SuppliedSchema,
};

use crate::failure::{self, Call};
use crate::references;
use crate::schema::{RegisteredSchema, SchemaKind, SchemaName};

/// A registry that does not answer for this long counts as unreachable.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a name counts as unknown without asking again. Garbage bytes name one unknown id after the other and the
/// same ones many times; a schema that is registered late is still seen soon.
const UNKNOWN_FOR: Duration = Duration::from_secs(5);
/// Bound of what is remembered as unknown; beyond it the memory starts anew.
const UNKNOWN_LIMIT: usize = 10_000;
/// Bound of the schemas that one schema may refer to, directly or not.
const REFERENCE_LIMIT: usize = 1_000;

/// A connection to a schema registry. Cheap to clone; clones share one cache.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    /// The registry's address without credentials and without a slash at its end.
    url: String,
    settings: SrSettings,
    cache: Mutex<Cache>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Registry")
            .field("url", &self.inner.url)
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Prepares the client. Nothing is sent yet: see [`Registry::probe`].
    ///
    /// Credentials are taken from the configuration or, if it has none, from the address (`http://user:word@host`).
    ///
    /// # Errors
    /// `Document` if the address is no HTTP address or there is a password without a user name; `Internal` if no HTTP
    /// client can be made, e.g. because no root certificates are installed for `https`.
    pub fn connect(config: &RegistryConfig) -> Result<Self> {
        let mut url = parse_address(&config.url)?;
        let mut user = config.username.as_ref().map(|name| name.expose().to_owned());
        let mut password = config.password.as_ref().map(|word| word.expose().to_owned());
        if user.is_none() {
            if password.is_some() {
                return Err(Error::new(
                    ErrorKind::Document,
                    "registry.password is set, but registry.username is not",
                ));
            }
            user = Some(url.username()).filter(|name| !name.is_empty()).map(percent_decode);
            password = url.password().map(percent_decode);
        }
        // Neither fails: `parse_address` made sure that the address has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let address = url.as_str().trim_end_matches('/').to_owned();

        let mut builder = SrSettings::new_builder(address.clone());
        builder.set_timeout(TIMEOUT);
        if let Some(user) = user {
            builder.set_basic_authorization(&user, password.as_deref());
        }
        if is_loopback(&url) {
            // A proxy that the environment names cannot reach this machine's own loopback.
            builder.no_proxy();
        }
        let settings = match builder.build() {
            // A bare container has no root certificates, and plain HTTP needs none.
            Err(_) if url.scheme() == "http" => builder.build_with(reqwest::Client::builder().tls_certs_only([])),
            built => built,
        };
        let settings = settings.map_err(|failure| {
            Error::new(
                ErrorKind::Internal,
                format!("cannot make an HTTP client for schema registry {address}"),
            )
            .with_source(failure)
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                url: address,
                settings,
                cache: Mutex::default(),
            }),
        })
    }

    /// The registry's address, without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The schema of this id or GUID, from memory if it was seen before.
    ///
    /// # Errors
    /// `NotFound` if the registry does not know it, or has no schemas by GUID at all, which the error's help says then;
    /// `Unreachable` if it does not answer or is in trouble; `Refused` if it denies access or answers as no registry
    /// does; `Data` if the schema's references do not resolve.
    pub async fn schema(&self, name: impl Into<SchemaName>) -> Result<Arc<RegisteredSchema>> {
        let name = name.into();
        let known = self.cache().look_up(name, Instant::now());
        match known {
            Some(Known::Schema(schema)) => return Ok(schema),
            Some(Known::Missing) => return Err(self.unknown(name)),
            Some(Known::NoGuids) => return Err(self.without_guids(name)),
            None => {}
        }
        let what = format!("schema {name}");
        let asked = match name {
            SchemaName::Id(id) => get_schema_by_id(id, &self.inner.settings).await,
            SchemaName::Guid(_) => get_schema_by_guid(&name.to_string(), &self.inner.settings).await,
        };
        let found = match asked {
            Ok(found) => found,
            // Older registries have no such path; what is no registry has none of the others either.
            Err(failure)
                if matches!(name, SchemaName::Guid(_))
                    && failure::is_no_such_path(&failure)
                    && self.probe().await.is_ok() =>
            {
                self.cache().guidless = Some(Instant::now());
                return Err(self.without_guids(name));
            }
            Err(failure) => {
                let error = self.failure(failure, &what);
                if error.kind() == ErrorKind::NotFound {
                    self.cache().keep_missing(name, Instant::now());
                }
                return Err(error);
            }
        };
        let schema = self.complete(name, &what, found).await?;
        Ok(self.cache().keep(name, schema))
    }

    fn unknown(&self, name: SchemaName) -> Error {
        let message = format!("schema registry {} does not know schema {name}", self.inner.url);
        Error::new(ErrorKind::NotFound, message)
    }

    fn without_guids(&self, name: SchemaName) -> Error {
        self.unknown(name).with_help(
            "it has no schemas by GUID: let producers write schema ids into their values, or use a registry that has them",
        )
    }

    /// Registers an Avro schema as the newest version of `subject` and returns its id; a schema that the subject has
    /// already keeps its id.
    ///
    /// # Errors
    /// `Refused` if the schema is not valid or breaks the subject's compatibility level, with the registry's reason,
    /// or if access is denied; `Unreachable` if the registry does not answer.
    pub async fn register(&self, subject: &str, avro_schema: &str) -> Result<u32> {
        let post = || {
            let supplied = SuppliedSchema::new(None, SchemaType::Avro, avro_schema.to_owned());
            post_schema(&self.inner.settings, percent_encode(subject), supplied)
        };
        // Of two that register a subject's first version at once, Apicurio refuses one; asked again it finds the other's.
        let registered = match post().await {
            Err(failure) if failure.to_string().contains("already exists") => post().await,
            answered => answered,
        };
        let registered =
            registered.map_err(|failure| self.failure(failure, &format!("the schema of subject {subject}")))?;
        tracing::debug!(subject, id = registered.id, "schema registered");
        Ok(registered.id)
    }

    /// Asks the registry for its subjects and thereby whether it is there, speaks the API and lets us in.
    ///
    /// # Errors
    /// `Unreachable` or `Refused`, as [`Registry::schema`].
    pub async fn probe(&self) -> Result<()> {
        let asked = get_all_subjects(&self.inner.settings).await;
        asked.map(drop).map_err(|failure| self.failure(failure, "its subjects"))
    }

    async fn complete(&self, name: SchemaName, what: &str, found: Answer) -> Result<RegisteredSchema> {
        let kind = SchemaKind::from(found.schema_type);
        let mut text = found.schema;
        if kind == SchemaKind::Avro && !found.references.is_empty() {
            let referenced = self.fetch_references(what, found.references).await?;
            text = references::inline(&text, &referenced).map_err(|cause| {
                Error::new(
                    ErrorKind::Data,
                    format!("{what} or a schema that it refers to is no JSON"),
                )
                .with_source(cause)
            })?;
        }
        let id = match name {
            SchemaName::Id(id) => Some(id),
            // Ids begin at 1; the converter says 0 where the registry does not tell one.
            SchemaName::Guid(_) => Some(found.id).filter(|id| *id != 0),
        };
        tracing::debug!(schema = %name, kind = %kind, "schema read from the registry");
        Ok(RegisteredSchema { id, text, kind })
    }

    async fn fetch_references(&self, what: &str, mut open: Vec<RegisteredReference>) -> Result<Vec<String>> {
        let mut seen = BTreeSet::new();
        let mut texts = Vec::new();
        while let Some(mut reference) = open.pop() {
            if !seen.insert((reference.subject.clone(), reference.version)) {
                continue;
            }
            if seen.len() > REFERENCE_LIMIT {
                return Err(Error::new(
                    ErrorKind::Data,
                    format!("{what} refers to more than {REFERENCE_LIMIT} other schemas"),
                ));
            }
            let place = format!("version {} of subject {}", reference.version, reference.subject);
            reference.subject = percent_encode(&reference.subject);
            let found = get_referenced_schema(&self.inner.settings, &reference)
                .await
                .map_err(|failure| {
                    let cause = self.failure(failure, &place);
                    // That a part is missing must not look as if the schema itself were unknown.
                    let kind = if cause.kind() == ErrorKind::Unreachable {
                        ErrorKind::Unreachable
                    } else {
                        ErrorKind::Data
                    };
                    Error::new(kind, format!("{what} refers to {place}, which cannot be read")).with_source(cause)
                })?;
            texts.push(found.schema);
            open.extend(found.references);
        }
        Ok(texts)
    }

    fn failure(&self, failure: schema_registry_converter::error::SRCError, what: &str) -> Error {
        failure::from_converter(
            &Call {
                url: &self.inner.url,
                what,
            },
            failure,
        )
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Whoever panicked while it held the lock left a map that is still a map.
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Schemas seen before, and names lately found unknown.
#[derive(Default)]
struct Cache {
    schemas: HashMap<SchemaName, Arc<RegisteredSchema>>,
    missing: HashMap<SchemaName, Instant>,
    /// When the registry was last found to have no schemas by GUID.
    guidless: Option<Instant>,
}

enum Known {
    Schema(Arc<RegisteredSchema>),
    Missing,
    NoGuids,
}

impl Cache {
    fn look_up(&self, name: SchemaName, now: Instant) -> Option<Known> {
        if let Some(schema) = self.schemas.get(&name) {
            return Some(Known::Schema(Arc::clone(schema)));
        }
        let is_fresh = |since: &Instant| now.saturating_duration_since(*since) < UNKNOWN_FOR;
        if matches!(name, SchemaName::Guid(_)) && self.guidless.as_ref().is_some_and(is_fresh) {
            return Some(Known::NoGuids);
        }
        self.missing.get(&name).is_some_and(is_fresh).then_some(Known::Missing)
    }

    fn keep(&mut self, name: SchemaName, schema: RegisteredSchema) -> Arc<RegisteredSchema> {
        self.missing.remove(&name);
        Arc::clone(self.schemas.entry(name).or_insert_with(|| Arc::new(schema)))
    }

    fn keep_missing(&mut self, name: SchemaName, now: Instant) {
        if self.missing.len() >= UNKNOWN_LIMIT {
            self.missing.clear();
        }
        self.missing.insert(name, now);
    }
}

fn parse_address(text: &str) -> Result<Url> {
    // The text is not repeated in the message: it may hold a password.
    let not_http = |cause: &str| {
        Error::new(ErrorKind::Document, format!("registry.url is no HTTP address: {cause}"))
            .with_help("write it like http://localhost:8081")
    };
    let url = Url::parse(text).map_err(|cause| not_http(&cause.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(not_http(&format!("its scheme is {other}"))),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Encodes a subject as one segment of a path; the converter writes it into the address as it is.
fn percent_encode(subject: &str) -> String {
    let mut encoded = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests;
