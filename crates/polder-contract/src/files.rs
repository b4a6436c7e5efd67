//! References by file: what the contract of the other file says it is that they name.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use polder_core::document::{Diagnostic, Severity, Source, nearest};

use crate::contract::Contract;
use crate::parse::Parsed;
use crate::place::Written;
use crate::readable::Readable;
use crate::rule;
use crate::rule::reference::{Target, in_file};

/// The code of what is said of a reference that names nothing.
const UNKNOWN: &str = "unknown-reference";

/// The documents of a mesh by their paths.
struct Files<'p> {
    /// What could be read of each, and whether it is without errors.
    contracts: HashMap<&'p Path, (Option<&'p Contract>, bool)>,
}

/// What a document's references by file name, and what is wrong with them.
type Resolved = (HashMap<String, Target>, Vec<Diagnostic>);

/// [`resolve`] or [`resolve_past`].
pub(crate) type Resolve = fn(&[(String, Source)], &mut [Parsed], &[Diagnostic]);

/// Tells each contract what its references by file name; what names nothing is a finding about it, and so is what is wrong
/// with a rule by what it names. `unread` are findings about documents that are not even text.
pub(crate) fn resolve(sources: &[(String, Source)], parsed: &mut [Parsed], unread: &[Diagnostic]) {
    let found = named(sources, parsed, unread);
    for (parsed, found) in parsed.iter_mut().zip(found) {
        if let Some(found) = found {
            judge(parsed, found);
        }
    }
}

/// The same of contracts of the past, of which nothing is judged: former versions of Polder took any file.
pub(crate) fn resolve_past(sources: &[(String, Source)], parsed: &mut [Parsed], unread: &[Diagnostic]) {
    named(sources, parsed, unread);
}

/// Tells each contract what its references by file name, and gives for those that have some what names nothing.
fn named(sources: &[(String, Source)], parsed: &mut [Parsed], unread: &[Diagnostic]) -> Vec<Option<Vec<Diagnostic>>> {
    let resolved: Vec<Option<Resolved>> = {
        let files = Files::of(sources, parsed, unread);
        let all = parsed.iter().map(|parsed| files.references(contract(parsed)?));
        all.collect()
    };
    let each = parsed.iter_mut().zip(resolved).map(|(parsed, resolved)| {
        let (files, found) = resolved?;
        if let Some(readable) = &mut parsed.readable {
            readable.contract_mut().files = files;
        } else if let Some(contract) = &mut parsed.contract {
            contract.files = files;
        }
        Some(found)
    });
    each.collect()
}

/// Takes in what names nothing, and what is wrong with the rules now that it is known what they name.
fn judge(parsed: &mut Parsed, mut found: Vec<Diagnostic>) {
    if let Some(contract) = contract(parsed) {
        let mut large = HashSet::new();
        let objects = contract.objects.iter();
        found.extend(objects.flat_map(|object| rule::findings(object, contract, &mut large)));
    }
    let is_sure = |found: &Diagnostic| {
        parsed
            .readable
            .as_ref()
            .is_none_or(|readable| readable.is_sure_of(found))
    };
    found.retain(|found| !parsed.diagnostics.contains(found) && is_sure(found));
    let is_wrong = found
        .iter()
        .any(|found| found.severity == Severity::Error && found.code != UNKNOWN);
    parsed.diagnostics.extend(found);
    parsed
        .diagnostics
        .sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    if is_wrong && let Some(contract) = parsed.contract.take() {
        parsed.readable = Some(Readable::new(contract, &parsed.diagnostics));
    }
}

/// What could be read of a document.
fn contract(parsed: &Parsed) -> Option<&Contract> {
    let readable = parsed.readable.as_ref().map(Readable::contract);
    parsed.contract.as_ref().or(readable)
}

impl<'p> Files<'p> {
    fn of(sources: &'p [(String, Source)], parsed: &'p [Parsed], unread: &'p [Diagnostic]) -> Self {
        let unread = unread.iter().filter(|found| found.severity == Severity::Error);
        let unread = unread.map(|found| (found.file.as_path(), (None, false)));
        let read = sources.iter().zip(parsed).map(|((_, source), parsed)| {
            let known = (contract(parsed), parsed.contract.is_some());
            (source.path.as_path(), known)
        });
        Self {
            contracts: unread.chain(read).collect(),
        }
    }

    /// What the references by file of a contract name; nothing where it has none.
    fn references(&self, contract: &Contract) -> Option<Resolved> {
        let (mut named, mut found) = (HashMap::new(), Vec::new());
        for end in contract
            .relationships()
            .into_iter()
            .flat_map(|relationship| &relationship.to)
        {
            let Some((file, element)) = end.text.split_once('#') else {
                continue;
            };
            match self.reference(&contract.source_path, file, element, end) {
                Ok(target) => named.extend(target.map(|target| (end.text.clone(), target))),
                Err(problem) => found.push(*problem),
            }
        }
        (!named.is_empty() || !found.is_empty()).then_some((named, found))
    }

    /// What an end names; nothing where that cannot be told.
    fn reference(
        &self,
        from: &Path,
        file: &str,
        element: &str,
        end: &Written,
    ) -> Result<Option<Target>, Box<Diagnostic>> {
        let Some(path) = beside(from, file) else {
            return Ok(None);
        };
        let wrong = |message: &str, help: &str| {
            let message = format!("`{}`: {message}", end.text);
            Box::new(end.place.error(UNKNOWN, message, Some(help)))
        };
        match self.contracts.get(path.as_path()) {
            None => Err(wrong(
                &format!("there is no contract in {}", path.display()),
                &self.near(from, &path),
            )),
            Some((None, _)) => Ok(None),
            Some((Some(other), is_sound)) => match in_file(other, element) {
                Ok(target) => Ok(Some(target)),
                // It may be what is wrong there that hides it.
                Err(_) if !is_sound => Ok(None),
                Err((problem, help)) => Err(wrong(
                    &format!("{problem} in {}", path.display()),
                    &help.unwrap_or_else(|| "see there what it describes".to_owned()),
                )),
            },
        }
    }

    /// What was probably meant by a file that is not there.
    fn near(&self, from: &Path, path: &Path) -> String {
        let elsewhere = || {
            let mut all: Vec<_> = self.contracts.keys().collect();
            all.sort();
            all.into_iter()
                .find(|known| known.file_name() == path.file_name())
                .copied()
        };
        let names: Vec<_> = self.contracts.keys().map(|known| known.to_string_lossy()).collect();
        let wanted = path.to_string_lossy();
        let alike = || nearest(&wanted, names.iter().map(AsRef::as_ref)).map(Path::new);
        match elsewhere().or_else(alike) {
            Some(near) => format!("did you mean `{}`?", seen_from(from, near)),
            None => "files are named from the folder of this contract on: ../shop/orders.odcs.yaml".to_owned(),
        }
    }
}

/// The path in the mesh of a file that a contract names; nothing for addresses and for what lies beside the mesh's contracts.
fn beside(contract: &Path, file: &str) -> Option<PathBuf> {
    if file.contains("://") {
        return None;
    }
    let folder = contract.parent()?;
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop().then_some(())?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let all = folder.parent().filter(|all| *all != Path::new(""))?;
    path.starts_with(all).then_some(path)
}

/// A file as a contract of another file names it; both lie in folders of domains.
fn seen_from(contract: &Path, file: &Path) -> String {
    match (file.file_name(), file.parent().and_then(Path::file_name)) {
        (Some(name), Some(domain)) if file.parent() != contract.parent() => {
            format!("../{}/{}", domain.to_string_lossy(), name.to_string_lossy())
        }
        (Some(name), _) => name.to_string_lossy().into_owned(),
        _ => file.display().to_string(),
    }
}
