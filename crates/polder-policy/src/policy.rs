//! Policies as declared, and the set that comes with the binary.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use polder_contract::{Place, Property};
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, MapReader, Node, Reader, Severity, Source, parse};
use polder_core::{ErrorKind, Result, ResultExt};

use crate::applies::{Applies, Scope};
use crate::builtin::{self, BuiltIn};
use crate::exception::Exception;
use crate::expression::Expression;
use crate::found::Found;

/// The folder of a mesh that declares its policies.
pub const FOLDER: &str = "catalog/policies";

/// The set that comes with the binary, as (path, text): the files of this repository's own mesh.
pub(crate) const DEFAULTS: [(&str, &str); 5] = [
    (
        "catalog/policies/delivery.yaml",
        include_str!("../../../catalog/policies/delivery.yaml"),
    ),
    (
        "catalog/policies/naming.yaml",
        include_str!("../../../catalog/policies/naming.yaml"),
    ),
    (
        "catalog/policies/ownership.yaml",
        include_str!("../../../catalog/policies/ownership.yaml"),
    ),
    (
        "catalog/policies/personal_data.yaml",
        include_str!("../../../catalog/policies/personal_data.yaml"),
    ),
    (
        "catalog/policies/types.yaml",
        include_str!("../../../catalog/policies/types.yaml"),
    ),
];

/// What hides values where no declared policy says which classes do.
static DEFAULT: LazyLock<Policies> = LazyLock::new(Policies::defaults);

/// A declared policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name, in kebab-case: the code of what it finds.
    pub id: String,
    /// What it asks for, in a sentence.
    pub description: String,
    /// Why it is there.
    pub reason: String,
    /// How to mend what it finds.
    pub remedy: String,
    /// How much a finding weighs.
    pub severity: Severity,
    /// Which contracts it is about.
    pub applies: Applies,
    /// What it is asked about.
    pub scope: Scope,
    /// What it asks for.
    pub rule: Rule,
    /// What it lets pass.
    pub exceptions: Vec<Exception>,
    /// Where it is declared.
    pub place: Place,
}

impl Policy {
    /// What was found, as this policy reports it: with its id for code and its remedy for help.
    pub(crate) fn diagnostic(&self, found: Found) -> Diagnostic {
        Diagnostic {
            severity: self.severity,
            code: Cow::Owned(self.id.clone()),
            message: found.message,
            help: Some(self.remedy.trim().to_owned()),
            file: found.place.file.to_path_buf(),
            span: Some(found.place.span),
        }
    }
}

/// What a policy asks for.
#[derive(Debug, Clone)]
pub enum Rule {
    /// A rule of Polder's own, with its parameters.
    BuiltIn(BuiltIn),
    /// An expression that is true where all is well.
    Expression(Arc<Expression>),
}

/// The policies of a mesh.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    policies: Vec<Policy>,
    defaults: bool,
}

impl Policies {
    /// Reads documents of policies. What is right is in the set, beside the findings about what is not.
    pub fn load(sources: impl IntoIterator<Item = Source>) -> (Self, Vec<Diagnostic>) {
        let mut set = Self::default();
        let mut diagnostics = Vec::new();
        for source in sources {
            match parse(&source) {
                Ok(document) => {
                    let reader = Reader::new(&source);
                    set.read(&reader, &document);
                    diagnostics.extend(reader.finish());
                }
                Err(found) => diagnostics.extend(found),
            }
        }
        (set, diagnostics)
    }

    /// The policies that a mesh declares in `catalog/policies/`; one that has no document there gets the defaults, as
    /// warnings. Documents that declare nothing switch every policy off: that is a finding.
    ///
    /// # Errors
    /// `Refused`, where the folder cannot be read. A file of it that cannot is a finding.
    pub fn of_mesh(mesh: &Mesh) -> Result<(Self, Vec<Diagnostic>)> {
        let folder = mesh.path(FOLDER);
        if !folder.is_dir() {
            return Ok((Self::defaults(), Vec::new()));
        }
        let unreadable = || format!("cannot read the folder {FOLDER}");
        let mut names = fs::read_dir(&folder)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.file_name()))
                    .collect::<std::io::Result<Vec<_>>>()
            })
            .context(ErrorKind::Refused, unreadable)?;
        names.sort();
        let (mut sources, mut unread) = (Vec::new(), Vec::new());
        for name in names {
            let shown = name.to_string_lossy();
            if shown.starts_with('.') || !shown.ends_with(".yaml") {
                continue;
            }
            match Source::read_or_tell(&mesh.root, &Path::new(FOLDER).join(&name)) {
                Ok(source) => sources.push(source),
                Err(found) => unread.extend(found),
            }
        }
        if sources.is_empty() && unread.is_empty() {
            // A folder without documents is none: a repository does not keep it either.
            return Ok((Self::defaults(), Vec::new()));
        }
        let first = sources.first().map(|source| source.path.clone());
        let (set, mut diagnostics) = Self::load(sources);
        diagnostics.extend(unread);
        if let Some(first) = first.filter(|_| set.policies.is_empty() && diagnostics.is_empty()) {
            diagnostics.push(declares_none(first));
        }
        Ok((set, diagnostics))
    }

    /// The set that comes with the binary, every policy as a warning at most.
    pub fn defaults() -> Self {
        let sources = DEFAULTS.into_iter().map(|(path, text)| Source::new(path, text));
        let (mut set, problems) = Self::load(sources);
        debug_assert!(problems.is_empty(), "{problems:?}");
        for policy in &mut set.policies {
            policy.severity = policy.severity.max(Severity::Warning);
            // What this repository excuses is nobody else's.
            policy.exceptions.clear();
        }
        set.defaults = true;
        set
    }

    /// Whether this is the set that comes with the binary and not one that a mesh declares.
    pub fn are_defaults(&self) -> bool {
        self.defaults
    }

    /// Every policy, in the order read.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.policies.iter()
    }

    /// The policy of this name.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.id == id)
    }

    /// Whether the values of a column must not be shown to everybody: by its classification, as the policies about
    /// personal data say, or because the contract says how it is masked (`polder.mask`) or where its encrypted values are
    /// (`encryptedName`). Policies of one's own replace what is checked, not what is hidden: where none of them names a
    /// restricted class, those of the set that comes with the binary are.
    pub fn hides(&self, property: &Property) -> bool {
        let of = if self.name_restricted_classes() { self } else { &DEFAULT };
        builtin::says_how_to_hide(property) || of.rules().any(|rule| rule.restricts(property))
    }

    fn name_restricted_classes(&self) -> bool {
        self.rules().any(BuiltIn::names_restricted_classes)
    }

    /// The rules of Polder's own that the policies ask.
    fn rules(&self) -> impl Iterator<Item = &BuiltIn> {
        self.iter().filter_map(|policy| match &policy.rule {
            Rule::BuiltIn(rule) => Some(rule),
            Rule::Expression(_) => None,
        })
    }

    /// Adds the policies of one document.
    fn read(&mut self, reader: &Reader<'_>, document: &Node) {
        let Some(top) = reader.map(document) else { return };
        top.required_node("policies");
        for node in top.list("policies") {
            let Some(policy) = Policy::read(reader, node) else {
                continue;
            };
            if let Some(other) = self.get(&policy.id) {
                let message = format!(
                    "there is another policy `{}` in {}",
                    policy.id,
                    other.place.file.display()
                );
                let help = "give each policy an id of its own";
                reader.error(policy.place.span, "duplicate-policy", message, Some(help.to_owned()));
                continue;
            }
            self.policies.push(policy);
        }
        top.finish();
    }
}

impl Policy {
    fn read(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let map = reader.map(node)?;
        let id = map.required_string("id");
        if let Some(id) = &id {
            kebab_case(reader, &map, id);
        }
        let description = map.required_string("description");
        let reason = map.required_string("reason");
        let remedy = map.required_string("remedy");
        let severity = severity(reader, &map);
        let (applies, scope) = match map.map("applies") {
            Some(inner) => {
                let read = Applies::read(reader, &inner);
                inner.finish();
                read
            }
            None => Default::default(),
        };
        let rule = rule(reader, &map, scope);
        let exceptions = map
            .list("exceptions")
            .iter()
            .filter_map(|node| Exception::read(reader, node))
            .collect();
        map.finish();
        let (rule, only) = rule?;
        if let (Some(only), Some(asked)) = (only, scope)
            && only != asked
        {
            let message = format!(
                "this rule is about each {}, not about each {}",
                only.as_str(),
                asked.as_str()
            );
            let help = "leave `scope` out: this rule has no choice";
            reader.error(
                node.get("applies").map_or(node.span, |applies| applies.span),
                "wrong-value",
                message,
                Some(help.to_owned()),
            );
        }
        Some(Self {
            place: Place {
                file: reader.source().path.as_path().into(),
                span: node.get("id").map_or(node.span, |id| id.span),
            },
            id: id?,
            description: description?,
            reason: reason?,
            remedy: remedy?,
            severity: severity?,
            applies,
            scope: only.or(scope)?,
            rule,
            exceptions,
        })
    }
}

/// The rule and, where it can only be asked about one thing, that scope.
fn rule(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>, scope: Option<Scope>) -> Option<(Rule, Option<Scope>)> {
    let named = map.node("rule");
    let written = map.node("expression");
    let parameters = map.node("parameters");
    match (named, written) {
        (Some(named), None) => {
            let word = map.optional_string("rule")?;
            let rule = BuiltIn::read(reader, named, &word, parameters)?;
            let only = rule.scope();
            if only.is_none() && scope.is_none() {
                let message = format!("`{word}` needs to know what it is asked about");
                let help = "add `scope: contract`, `object` or `property` to `applies`";
                reader.error(named.span, "missing-value", message, Some(help.to_owned()));
            }
            Some((Rule::BuiltIn(rule), only))
        }
        (None, Some(written)) => {
            if let Some(parameters) = parameters {
                let help = "write the values into the expression";
                reader.error(
                    parameters.span,
                    "unknown-key",
                    "an expression has no parameters",
                    Some(help.to_owned()),
                );
            }
            let text = map.optional_string("expression")?;
            let Some(scope) = scope else {
                let message = "an expression needs to know what it is asked about";
                let help = "add `scope: contract`, `object` or `property` to `applies`";
                reader.error(written.span, "missing-value", message, Some(help.to_owned()));
                return None;
            };
            let expression = Expression::compile(reader, written, &text, scope)?;
            Some((Rule::Expression(Arc::new(expression)), None))
        }
        (Some(_), Some(written)) => {
            let message = "a policy has either a `rule` or an `expression`";
            reader.error(
                written.span,
                "wrong-value",
                message,
                Some("make two policies of it".to_owned()),
            );
            None
        }
        (None, None) => {
            let message = "the policy asks for nothing";
            let help = format!("add `rule` ({}) or `expression`", BuiltIn::WORDS.join(", "));
            reader.error(map.span(), "missing-value", message, Some(help));
            None
        }
    }
}

fn severity(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>) -> Option<Severity> {
    const ALL: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];
    let word = map.required_string("severity")?;
    let severity = ALL.into_iter().find(|severity| severity.as_str() == word);
    if severity.is_none() {
        let message = format!("`{word}` is not a severity");
        let help = "a severity is error, warning or note";
        reader.error(map.span_of("severity"), "wrong-value", message, Some(help.to_owned()));
    }
    severity
}

/// An id is a word in reports, in SARIF and on command lines.
fn kebab_case(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>, id: &str) {
    let begins = id.starts_with(|c: char| c.is_ascii_lowercase());
    if begins
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        return;
    }
    let message = format!("`{id}` is no id of a policy");
    let help = "use lower-case letters, digits and hyphens, beginning with a letter";
    reader.error(map.span_of("id"), "wrong-value", message, Some(help.to_owned()));
}

/// A mesh whose documents declare no policy: everything passes.
fn declares_none(file: PathBuf) -> Diagnostic {
    let help =
        format!("declare one, or take the documents out of {FOLDER}: then the set that comes with Polder is checked");
    Diagnostic {
        severity: Severity::Warning,
        code: "no-policy".into(),
        message: format!("{FOLDER} declares no policy: nothing is checked"),
        help: Some(help),
        file,
        span: None,
    }
}
