//! Where the catalog's database is, as the configuration names it.

use std::path::{Path, PathBuf};

use polder_core::{Error, ErrorKind, Result, ResultExt};
use url::Url;

/// The two databases that the catalog knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A database's address, taken apart.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) backend: Backend,
    /// What the driver is given; can hold a password.
    pub(crate) url: String,
    /// What people are shown; never holds a password.
    pub(crate) shown: String,
    /// The file of an SQLite database that is one.
    pub(crate) file: Option<PathBuf>,
    /// What must not appear in any message.
    pub(crate) secrets: Vec<String>,
}

impl Address {
    /// Reads `sqlite:<file>`, `sqlite::memory:` or `postgres://…`. A relative file begins at the mesh's root.
    pub(crate) fn parse(text: &str, mesh_root: &Path) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return Self::sqlite(rest.strip_prefix("//").unwrap_or(rest), mesh_root);
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Self::postgres(text);
        }
        // The text is not repeated: it can hold a password.
        Err(wrong("its scheme is not known"))
    }

    fn sqlite(rest: &str, mesh_root: &Path) -> Result<Self> {
        let (name, options) = rest.split_once('?').unwrap_or((rest, ""));
        if name.trim_matches('/').is_empty() {
            return Err(wrong("the file is missing"));
        }
        let address = |url, shown, file| Self {
            backend: Backend::Sqlite,
            url,
            shown,
            file,
            secrets: Vec::new(),
        };
        if name == ":memory:" {
            return Ok(address(
                "sqlite::memory:".to_owned(),
                "sqlite::memory:".to_owned(),
                None,
            ));
        }
        let file = std::path::absolute(mesh_root.join(name)).context(ErrorKind::Document, || {
            format!("catalog.database: {name} is no path of a file")
        })?;
        let Some(path) = file.to_str() else {
            return Err(wrong("its path is not UTF-8"));
        };
        // The driver decodes the path: a file whose name has a `%` or `?` must still be that file.
        let mut url = format!("sqlite://{}?", percent_encode(path));
        if !options.split('&').any(|option| option.starts_with("mode=")) {
            url.push_str("mode=rwc&");
        }
        url.push_str(options);
        Ok(address(
            url.trim_end_matches(['&', '?']).to_owned(),
            format!("sqlite:{path}"),
            Some(file),
        ))
    }

    fn postgres(text: &str) -> Result<Self> {
        let mut url = Url::parse(text).map_err(|cause| wrong(&cause.to_string()))?;
        let mut secrets = Vec::new();
        let in_query = url
            .query_pairs()
            .filter(|(key, _)| key == "password")
            .map(|(_, value)| value.into_owned());
        secrets.extend(in_query);
        if let Some(password) = url.password() {
            secrets.push(percent_decode(password));
            secrets.push(password.to_owned());
        }
        secrets.retain(|secret| !secret.is_empty());
        // Neither fails: a URL with a password has a host.
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self {
            backend: Backend::Postgres,
            url: text.to_owned(),
            shown: url.to_string(),
            file: None,
            secrets,
        })
    }

    /// Replaces what is secret in a text of the driver's.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

fn wrong(cause: &str) -> Error {
    Error::new(
        ErrorKind::Document,
        format!("catalog.database names no database: {cause}"),
    )
    .with_help("write sqlite:<file> or postgres://user@host/database")
}

fn percent_encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decode(text: &str) -> String {
    let pairs = format!("password={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_file_begins_at_the_mesh() {
        for text in ["sqlite:.polder/catalog.db", "sqlite://.polder/catalog.db"] {
            let address = Address::parse(text, Path::new("/mesh")).unwrap();
            assert_eq!(address.file.as_deref(), Some(Path::new("/mesh/.polder/catalog.db")));
            assert_eq!(address.url, "sqlite:///mesh/.polder/catalog.db?mode=rwc");
        }
        let absolute = Address::parse("sqlite:///var/catalog.db?mode=ro", Path::new("/mesh")).unwrap();
        assert_eq!(absolute.url, "sqlite:///var/catalog.db?mode=ro");
    }

    #[test]
    fn a_password_is_not_shown() {
        for text in [
            "postgres://polder:p%40ss+word@db.example/catalog?sslmode=require",
            "postgresql://polder@db.example/catalog?password=p%40ss%2Bword",
        ] {
            let address = Address::parse(text, Path::new("/mesh")).unwrap();
            assert!(
                address.shown.ends_with("://polder@db.example/catalog"),
                "{}",
                address.shown
            );
            assert_eq!(address.redact("login with p@ss+word failed"), "login with *** failed");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "",
            "sqlite:",
            "mysql://me:hunter2@host/db",
            "postgres://me:hunter2@host:99999/db",
            "catalog.db",
        ] {
            let error = Address::parse(text, Path::new("/mesh")).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Document);
            assert!(!error.report().contains("hunter2"), "{}", error.report());
        }
    }
}
