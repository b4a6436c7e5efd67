//! Policies held against the contracts of a mesh.

mod ask;

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use polder_contract::{Contract, ContractSet};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity, Source, parse};

use ask::{Answer, Asker, Documents};

use crate::applies::Scope;
use crate::builtin::{BuiltIn, in_document};
use crate::expression::{ALL_UNITS, TOO_MANY_STEPS};
use crate::found::Found;
use crate::policy::{Policies, Policy, Rule};
use crate::subject::{self, Column, Object};

/// The code of findings about an exception that no longer holds.
const EXPIRED: &str = "expired-exception";
/// The code of findings about an exception that nothing needs.
const UNUSED: &str = "unused-exception";
/// The code of findings about names that nothing has.
const UNKNOWN: &str = "unknown-name";
/// The code of findings about an expression that has no answer for a contract.
const UNANSWERED: &str = "policy-expression";

/// Holds every policy against every contract that it is about. Each finding has the policy's id for code and its remedy
/// for help. An exception excuses findings until its day is over: from then on it is an error; one that excuses nothing is
/// a warning.
pub fn check(policies: &Policies, contracts: &ContractSet, today: NaiveDate) -> Vec<Diagnostic> {
    check_within(policies, contracts, today, ALL_UNITS)
}

/// As [`check`]; no expression may cost more than `budget` for all contracts together.
pub(crate) fn check_within(
    policies: &Policies,
    contracts: &ContractSet,
    today: NaiveDate,
    budget: u64,
) -> Vec<Diagnostic> {
    let expressions = policies.iter().any(|policy| matches!(policy.rule, Rule::Expression(_)));
    let mut run = Run {
        today,
        budget,
        used: HashSet::new(),
        unanswered: HashSet::new(),
        units: HashMap::new(),
        diagnostics: Vec::new(),
    };
    for contract in contracts.contracts() {
        let objects: Vec<(Object<'_>, Vec<Column<'_>>)> = subject::objects(contract)
            .into_iter()
            .map(|object| (object, subject::columns(&object)))
            .collect();
        let documents = expressions.then(|| Documents::new(contract, &objects));
        for (index, policy) in policies.iter().enumerate() {
            if policy.applies.status(&contract.status) {
                run.policy(index, policy, contract, &objects, documents.as_ref());
            }
        }
    }
    run.exceptions(policies, contracts);
    run.slips(policies, contracts);
    let mut diagnostics = run.diagnostics;
    diagnostics.sort_by(|a, b| (&a.file, a.span, &a.code).cmp(&(&b.file, b.span, &b.code)));
    diagnostics
}

struct Run {
    today: NaiveDate,
    budget: u64,
    /// Policies and exceptions, by their positions, that excused something.
    used: HashSet<(usize, usize)>,
    /// Policies whose expression is already known to have no answer somewhere.
    unanswered: HashSet<usize>,
    /// What the expression of each policy has cost so far.
    units: HashMap<usize, u64>,
    diagnostics: Vec<Diagnostic>,
}

impl Run {
    fn policy(
        &mut self,
        index: usize,
        policy: &Policy,
        contract: &Contract,
        objects: &[(Object<'_>, Vec<Column<'_>>)],
        documents: Option<&Documents<'_>>,
    ) {
        let meant: Vec<_> = objects
            .iter()
            .filter(|(object, _)| policy.applies.dataset(object.dataset))
            .collect();
        if meant.is_empty() {
            return;
        }
        let mut found = Vec::new();
        match (&policy.rule, policy.scope) {
            // What rows hold is found at the write; here only names can be wrong.
            (Rule::BuiltIn(BuiltIn::NoSecretsLanded { .. }), _) => self.may_be_needed(index, policy, &meant),
            (Rule::BuiltIn(rule), Scope::Contract) => {
                rule.contract(contract, &mut found);
                let datasets: Vec<_> = meant.iter().map(|(object, _)| object.dataset).collect();
                self.tell(index, policy, &datasets, found);
            }
            (Rule::BuiltIn(rule), scope) => {
                for (object, columns) in meant {
                    match scope {
                        Scope::Property => columns
                            .iter()
                            .for_each(|column| rule.property(object, column, &mut found)),
                        _ => rule.object(contract, object, columns, &mut found),
                    }
                    self.tell(index, policy, &[object.dataset], std::mem::take(&mut found));
                }
            }
            (Rule::Expression(expression), scope) => {
                let Some(documents) = documents else { return };
                let asker = Asker {
                    policy,
                    expression,
                    contract,
                    documents,
                };
                match scope {
                    Scope::Contract => {
                        let domain = meant.first().map(|(object, _)| object.dataset.domain());
                        self.answer(index, &asker, || asker.contract(domain), &mut found);
                        let datasets: Vec<_> = meant.iter().map(|(object, _)| object.dataset).collect();
                        self.tell(index, policy, &datasets, found);
                    }
                    Scope::Object => {
                        for (object, _) in meant {
                            self.answer(index, &asker, || asker.object(object), &mut found);
                            self.tell(index, policy, &[object.dataset], std::mem::take(&mut found));
                        }
                    }
                    Scope::Property => {
                        for (object, columns) in meant {
                            for (number, column) in columns.iter().enumerate() {
                                let ask = || asker.property(object, number, column);
                                self.answer(index, &asker, ask, &mut found);
                            }
                            self.tell(index, policy, &[object.dataset], std::mem::take(&mut found));
                        }
                    }
                }
            }
        }
    }

    /// Counts exceptions as used that are about columns that there are: only rows tell whether they excuse anything.
    fn may_be_needed(&mut self, index: usize, policy: &Policy, meant: &[&(Object<'_>, Vec<Column<'_>>)]) {
        for (number, exception) in policy.exceptions.iter().enumerate() {
            let names_one = meant.iter().any(|(object, columns)| {
                let mut paths = columns.iter().map(|column| Some(column.path.as_str()));
                exception.excuses(object.dataset, None) || paths.any(|path| exception.excuses(object.dataset, path))
            });
            if names_one {
                self.used.insert((index, number));
            }
        }
    }

    /// Takes down what an expression says. One that has cost too much is not asked any more.
    fn answer(&mut self, index: usize, asker: &Asker<'_>, ask: impl FnOnce() -> Answer, found: &mut Vec<Found>) {
        let units = self.units.entry(index).or_default();
        if *units > self.budget {
            return;
        }
        let answer = ask();
        *units += asker.expression.cost();
        let answer = match answer {
            Answer::Unanswered { why, of } if why == TOO_MANY_STEPS => {
                *units = u64::MAX;
                Answer::Unanswered { why, of }
            }
            Answer::Holds | Answer::Fails(_) if *units > self.budget => Answer::Unanswered {
                why: TOO_MANY_STEPS.to_owned(),
                of: "all contracts together".to_owned(),
            },
            answer => answer,
        };
        match answer {
            Answer::Holds => {}
            Answer::Fails(finding) => found.push(finding),
            // An expression that is wrong is so for many contracts: once is enough.
            Answer::Unanswered { why, of } if self.unanswered.insert(index) => {
                let policy = asker.policy;
                let help = "an expression is true or false for each that it applies to; `has(x.y)` asks whether something \
                            is there";
                self.diagnostics.push(Diagnostic {
                    severity: Severity::Error,
                    code: UNANSWERED.into(),
                    message: format!("the expression of `{}` has no answer for {of}: {why}", policy.id),
                    help: Some(help.to_owned()),
                    file: policy.place.file.to_path_buf(),
                    span: Some(policy.place.span),
                });
            }
            Answer::Unanswered { .. } => {}
        }
    }

    /// Reports what is not excused.
    fn tell(&mut self, index: usize, policy: &Policy, datasets: &[&DatasetName], found: Vec<Found>) {
        for finding in found {
            let excuse = policy.exceptions.iter().position(|exception| {
                exception.until >= self.today
                    && datasets
                        .iter()
                        .any(|dataset| exception.excuses(dataset, finding.column.as_deref()))
            });
            if let Some(exception) = excuse {
                self.used.insert((index, exception));
                continue;
            }
            self.diagnostics.push(policy.diagnostic(finding));
        }
    }

    /// Policies that name a domain or dataset that is not there: they would be about nothing, in silence.
    fn slips(&mut self, policies: &Policies, contracts: &ContractSet) {
        for policy in policies.iter() {
            for (name, near) in policy.applies.slips(contracts) {
                self.diagnostics.push(Diagnostic {
                    severity: Severity::Warning,
                    code: UNKNOWN.into(),
                    message: format!("the policy `{}` applies to `{name}`, which no contract has", policy.id),
                    help: Some(format!("did you mean `{near}`?")),
                    file: policy.place.file.to_path_buf(),
                    span: Some(policy.place.span),
                });
            }
        }
    }

    fn exceptions(&mut self, policies: &Policies, contracts: &ContractSet) {
        for (index, policy) in policies.iter().enumerate() {
            for (number, exception) in policy.exceptions.iter().enumerate() {
                let about = match &exception.column {
                    Some(column) => format!("`{column}` of {}", exception.dataset),
                    None => exception.dataset.clone(),
                };
                let (severity, code, message, help) = if exception.until < self.today {
                    let message = format!(
                        "the exception of `{}` for {about} ended on {}",
                        policy.id, exception.until
                    );
                    (
                        Severity::Error,
                        EXPIRED,
                        message,
                        "mend what it excused and take it out, or decide again until when it holds",
                    )
                } else if !self.used.contains(&(index, number)) && !contracts.is_unreadable(&exception.dataset) {
                    let message = format!("the exception of `{}` for {about} excuses nothing", policy.id);
                    (Severity::Warning, UNUSED, message, "take it out")
                } else {
                    continue;
                };
                self.diagnostics.push(Diagnostic {
                    severity,
                    code: code.into(),
                    message,
                    help: Some(help.to_owned()),
                    file: exception.place.file.to_path_buf(),
                    span: Some(exception.place.span),
                });
            }
        }
    }
}

/// Holds the policies about what may never land against documents of sample rows that lie beside contracts.
///
/// What is no YAML is left to whoever reads the samples.
pub fn check_samples<'s>(policies: &Policies, samples: impl IntoIterator<Item = &'s Source>) -> Vec<Diagnostic> {
    let asking: Vec<_> = policies
        .iter()
        .filter(|policy| matches!(policy.rule, Rule::BuiltIn(BuiltIn::NoSecrets)))
        .collect();
    let mut diagnostics = Vec::new();
    for source in samples {
        let Ok(document) = parse(source) else { continue };
        for policy in &asking {
            let found = in_document(&document, source).into_iter();
            diagnostics.extend(found.map(|finding| policy.diagnostic(finding)));
        }
    }
    diagnostics
}
