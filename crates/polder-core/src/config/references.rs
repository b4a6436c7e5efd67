//! References in declared values: `${env:NAME}` and `${file:PATH}`.

use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// Replaces references in values that must not be written down, such as passwords.
#[derive(Clone, Copy)]
pub struct References<'e> {
    root: &'e Path,
    env: &'e dyn Fn(&str) -> Option<String>,
}

impl<'e> References<'e> {
    /// References to variables as `env` looks them up, and to files, relative ones beginning at `root`.
    pub fn new(root: &'e Path, env: &'e dyn Fn(&str) -> Option<String>) -> Self {
        Self { root, env }
    }

    /// As [`References::new`], with the variables of this process.
    pub fn of_process(root: &'e Path) -> Self {
        Self::new(root, &of_process)
    }

    /// Replaces each reference of a text; `$${` stands for `${` itself. The end of a file's last line is left out.
    ///
    /// # Errors
    /// `Document`: a variable that is not set, a file that cannot be read, `${` that begins no reference. Messages
    /// hold nothing of what was resolved.
    pub fn resolve(&self, text: &str) -> Result<String> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if let Some(before) = rest[..start].strip_suffix('$') {
                resolved.push_str(before);
                resolved.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            resolved.push_str(&rest[..start]);
            let reference = rest[start + 2..].split_once('}');
            let known = reference.and_then(|(inner, behind)| Some((inner.split_once(':')?, behind)));
            let (value, behind) = match known {
                Some((("env", name), behind)) => (self.variable(name)?, behind),
                Some((("file", path), behind)) => (self.file(path)?, behind),
                _ => return Err(unresolved("`${` begins no reference that is known".to_owned())),
            };
            resolved.push_str(&value);
            rest = behind;
        }
        resolved.push_str(rest);
        Ok(resolved)
    }

    fn variable(&self, name: &str) -> Result<String> {
        (self.env)(name).ok_or_else(|| unresolved(format!("the variable {name} is not set")))
    }

    fn file(&self, path: &str) -> Result<String> {
        match std::fs::read_to_string(self.root.join(path)) {
            Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(cause) => Err(unresolved(format!("cannot read the file {path}: {cause}"))),
        }
    }
}

fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn unresolved(problem: String) -> Error {
    Error::new(ErrorKind::Document, problem)
        .with_help("references are ${env:NAME} and ${file:PATH}; write $${ for the characters themselves")
}
