//! What rows may not hold when they land: asked at the write, of the first rows of what is written.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use chrono::NaiveDate;
use polder_contract::DatasetContract;
use polder_core::DatasetName;

use crate::builtin::BuiltIn;
use crate::detect::{Class, Kind, Sighting, scan, weight};
use crate::policy::{Policies, Policy, Rule};
use crate::subject;

/// A sample has so many bytes for each row that it may have: longer rows make it shorter.
const BYTES_A_ROW: u64 = 1024;

/// What the rows of one dataset may not hold, by the policies that are about it.
#[derive(Debug, Clone)]
pub struct Landing {
    dataset: DatasetName,
    policies: Vec<Policy>,
    /// How many rows are searched at most.
    rows: u64,
    /// How many bytes.
    bytes: u64,
    classified: Classified,
}

/// The columns of a dataset whose contract says that they hold personal data.
#[derive(Debug, Clone, Default)]
pub struct Classified(Vec<String>);

/// The first rows of what is written, as far as they were searched.
#[derive(Debug, Default)]
pub struct Sample {
    rows: u64,
    bytes: u64,
    seen: BTreeMap<(String, Kind), Sighting>,
}

/// Something that may not land.
#[derive(Debug, Clone, Copy)]
pub struct Caught<'a> {
    /// The policy that asks for it to stay away; of several the one that weighs most.
    pub policy: &'a Policy,
    /// What was seen, and where. Rows are counted from the sample's first.
    pub sighting: &'a Sighting,
}

impl Policies {
    /// What the policies let no row of a dataset hold; `None` where none of them is about its rows.
    pub fn landing(&self, contract: &DatasetContract) -> Option<Landing> {
        let mut most = 0;
        let policies = self.iter().filter(|policy| match policy.rule {
            Rule::BuiltIn(BuiltIn::NoSecretsLanded { rows })
                if policy.applies.status(&contract.contract.status) && policy.applies.dataset(contract.dataset()) =>
            {
                most = most.max(if rows == 0 { u64::MAX } else { rows });
                true
            }
            _ => false,
        });
        let policies: Vec<Policy> = policies.cloned().collect();
        (!policies.is_empty()).then(|| Landing {
            dataset: contract.dataset().clone(),
            policies,
            rows: most,
            bytes: most.saturating_mul(BYTES_A_ROW),
            classified: self.classified(contract),
        })
    }

    /// Whether any policy is about what lands.
    pub fn ask_of_rows(&self) -> bool {
        let of_rows = |policy: &Policy| matches!(policy.rule, Rule::BuiltIn(BuiltIn::NoSecretsLanded { .. }));
        self.iter().any(of_rows)
    }

    /// The columns that a contract classifies as something else than open to everybody.
    pub fn classified(&self, contract: &DatasetContract) -> Classified {
        let is_open = |class: &str| {
            let opens = |policy: &Policy| matches!(&policy.rule, Rule::BuiltIn(rule) if rule.opens(class));
            class.is_empty() || class == "public" || self.iter().any(opens)
        };
        let objects = subject::objects(&contract.contract);
        let object = objects.iter().find(|object| object.index == contract.object);
        let columns = object.map(subject::columns).unwrap_or_default().into_iter();
        let classified = columns.filter(|column| {
            let class = column.property.classification.as_deref();
            class.is_some_and(|class| !is_open(class.trim()))
        });
        Classified(classified.map(|column| column.path).collect())
    }
}

impl Classified {
    /// Whether this is personal data in a column, or inside of one, that may hold it.
    pub fn holds(&self, sighting: &Sighting) -> bool {
        let within = |path: &String| {
            let rest = sighting.column.strip_prefix(path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        sighting.kind.class() == Class::Personal && self.0.iter().any(within)
    }
}

impl Landing {
    /// The policy that does not let it land, if it is neither excused on this day nor where it may be.
    fn asks(&self, sighting: &Sighting, today: NaiveDate) -> Option<&Policy> {
        if self.classified.holds(sighting) {
            return None;
        }
        let asking = self.policies.iter().filter(|policy| {
            let mut exceptions = policy.exceptions.iter();
            !exceptions
                .any(|exception| exception.until >= today && exception.excuses(&self.dataset, Some(&sighting.column)))
        });
        asking.min_by_key(|policy| policy.severity)
    }
}

impl Sample {
    /// How many more rows are to be searched.
    pub fn wants(&self, landing: &Landing) -> u64 {
        match self.bytes < landing.bytes {
            true => landing.rows.saturating_sub(self.rows),
            false => 0,
        }
    }

    /// How many rows were searched.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Searches the first of these rows, as many as are [wanted](Self::wants).
    pub fn search(&mut self, landing: &Landing, batch: &RecordBatch) {
        let mut from = 0;
        loop {
            let left = batch.num_rows() - from;
            let mut rows = usize::try_from(self.wants(landing)).map_or(left, |wanted| left.min(wanted));
            if rows == 0 {
                return;
            }
            let mut part = batch.slice(from, rows);
            let mut bytes = weight(&part);
            while rows > 1 && bytes > landing.bytes - self.bytes {
                rows /= 2;
                part = batch.slice(from, rows);
                bytes = weight(&part);
            }
            scan(&part, self.rows, &mut self.seen);
            (self.rows, self.bytes) = (self.rows + rows as u64, self.bytes.saturating_add(bytes));
            from += rows;
        }
    }

    /// What was found that may not land, as of this day.
    pub fn caught<'a>(&'a self, landing: &'a Landing, today: NaiveDate) -> impl Iterator<Item = Caught<'a>> {
        self.seen.values().filter_map(move |sighting| {
            let policy = landing.asks(sighting, today)?;
            Some(Caught { policy, sighting })
        })
    }
}

impl Caught<'_> {
    /// What was found, as part of a sentence: `comment` holds a card number (************1111). The mask is left out
    /// where not even that may be told.
    pub fn says(&self, tells_mask: bool) -> String {
        let Sighting {
            column, kind, masked, ..
        } = self.sighting;
        match tells_mask {
            true => format!("`{column}` holds {} ({masked})", kind.noun()),
            false => format!("`{column}` holds {}", kind.noun()),
        }
    }
}
