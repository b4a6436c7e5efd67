//! One value of the configuration: from the environment or else from the file, with its references resolved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::References;
use crate::document::{Diagnostic, MapReader, Node, Severity, Span, nearest};

/// Where a value was written.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    File(Span),
    Variable(String),
}

/// A value with its origin.
pub(super) struct Setting {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// The environment's part of the configuration, and what is wrong with it.
pub(super) struct Settings<'e> {
    root: &'e Path,
    env: &'e dyn Fn(&str) -> Option<String>,
    /// Variables that no setting asked for yet.
    unread: Vec<String>,
    known: Vec<String>,
    file: PathBuf,
    pub(super) diagnostics: Vec<Diagnostic>,
}

const PREFIX: &str = "POLDER_";

impl<'e> Settings<'e> {
    pub(super) fn new(
        root: &'e Path,
        file: &Path,
        env: &'e dyn Fn(&str) -> Option<String>,
        names: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut unread: Vec<_> = names
            .into_iter()
            .filter(|name| name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains("__")))
            .collect();
        unread.sort();
        Self {
            root,
            env,
            unread,
            known: Vec::new(),
            file: file.to_owned(),
            diagnostics: Vec::new(),
        }
    }

    /// The value of `section.key` (a top-level key where the section is empty).
    pub(super) fn value(
        &mut self,
        section: &str,
        key: &'static str,
        map: Option<&MapReader<'_, '_, '_>>,
    ) -> Option<Setting> {
        let written = map.and_then(|map| map.node(key));
        let from_file = written.and_then(|node| self.scalar(node, &dotted(section, key)));
        let setting = self.variable(&variable(section, key)).or(from_file)?;
        self.resolved(setting)
    }

    /// The values of the free keys of `section.key`. A variable's rest becomes the key by `rename`.
    pub(super) fn values(
        &mut self,
        section: &str,
        key: &'static str,
        map: Option<&MapReader<'_, '_, '_>>,
        rename: impl Fn(&str) -> String,
    ) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        if let Some(map) = map.and_then(|map| map.map(key)) {
            for entry in map.entries() {
                if let Some(setting) = self.scalar(&entry.value, &map.path_of(&entry.key)) {
                    settings.insert(entry.key.clone(), setting);
                }
            }
        }
        let prefix = format!("{}__", variable(section, key));
        self.known.push(format!("{prefix}…"));
        let names: Vec<_> = self
            .unread
            .iter()
            .filter(|name| name.len() > prefix.len() && name.starts_with(&prefix))
            .cloned()
            .collect();
        for name in names {
            if let Some(setting) = self.variable(&name) {
                settings.insert(rename(&name[prefix.len()..]), setting);
            }
        }
        settings
            .into_iter()
            .filter_map(|(key, setting)| Some((key, self.resolved(setting)?.text)))
            .collect()
    }

    /// Adds an error at the value.
    pub(super) fn refuse(&mut self, setting: &Setting, name: &str, problem: &str, help: Option<&str>) {
        let message = match &setting.origin {
            Origin::File(_) => format!("`{name}`: {problem}"),
            Origin::Variable(variable) => format!("the variable {variable}: {problem}"),
        };
        self.error(&setting.origin, "wrong-value", message, help.map(str::to_owned));
    }

    /// Reports a value that neither the file nor the environment gives.
    pub(super) fn missing(&mut self, section: &str, key: &str, span: Span) {
        let message = format!("`{}` is missing", dotted(section, key));
        let help = format!("add it, or set {}", variable(section, key));
        self.error(&Origin::File(span), "missing-value", message, Some(help));
    }

    /// Reports variables that no setting has asked for.
    pub(super) fn finish(&mut self) {
        for name in std::mem::take(&mut self.unread) {
            let help = match nearest(&name, self.known.iter().map(String::as_str)) {
                Some(known) => format!("did you mean {known}?"),
                None => {
                    "a variable is named POLDER_<SECTION>__<KEY>, by the sections and keys of polder.yaml".to_owned()
                }
            };
            let message = format!("the variable {name} sets nothing that there is");
            self.error(&Origin::Variable(name), "unknown-variable", message, Some(help));
        }
    }

    fn variable(&mut self, name: &str) -> Option<Setting> {
        self.known.push(name.to_owned());
        self.unread.retain(|unread| unread != name);
        // Variables that are set to nothing count as not set, as everywhere in shells and composed services.
        let text = (self.env)(name).filter(|text| !text.is_empty())?;
        Some(Setting {
            text,
            origin: Origin::Variable(name.to_owned()),
        })
    }

    fn scalar(&mut self, node: &Node, name: &str) -> Option<Setting> {
        let origin = Origin::File(node.span);
        if let Some(text) = node.scalar_text() {
            return Some(Setting {
                text: text.to_owned(),
                origin,
            });
        }
        if !node.is_null() {
            self.error(
                &origin,
                "wrong-type",
                format!("`{name}` must be text, but is {}", node.kind()),
                None,
            );
        }
        None
    }

    /// Replaces references. Nothing, after a report, where one does not resolve.
    fn resolved(&mut self, setting: Setting) -> Option<Setting> {
        match References::new(self.root, self.env).resolve(&setting.text) {
            Ok(text) => Some(Setting { text, ..setting }),
            Err(error) => {
                let message = match &setting.origin {
                    Origin::File(_) => error.to_string(),
                    Origin::Variable(variable) => format!("the variable {variable}: {error}"),
                };
                let help = error.help().map(str::to_owned);
                self.error(&setting.origin, "unresolved-reference", message, help);
                None
            }
        }
    }

    fn error(&mut self, origin: &Origin, code: &'static str, message: String, help: Option<String>) {
        let (file, span) = match origin {
            Origin::File(span) => (self.file.clone(), Some(*span)),
            Origin::Variable(_) => (PathBuf::from("environment"), None),
        };
        self.diagnostics.push(Diagnostic {
            severity: Severity::Error,
            code: code.into(),
            message,
            help,
            file,
            span,
        });
    }
}

/// The variable that overrides a setting.
fn variable(section: &str, key: &str) -> String {
    match section {
        "" => format!("{PREFIX}{}", key.to_uppercase()),
        _ => format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase()),
    }
}

fn dotted(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}
