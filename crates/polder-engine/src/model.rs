//! Trained models in the lake: `_models/<domain>/<name>/<version>/{artifact.json,model.json}` and which version is
//! promoted, `_models/<domain>/<name>/promoted.json`. The lake alone knows them: a catalog can be rebuilt from here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result, ResultExt as _, RunId, clock};
use polder_domain::Parameters;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const ROOT: &str = "_models";
const ARTIFACT: &str = "artifact.json";
const RECORD: &str = "model.json";
const PROMOTED: &str = "promoted.json";
/// How often another training may take the next version before this one gives up.
const RACES: usize = 20;

/// One version of a model, as it is kept beside its artefact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The model.
    #[serde(with = "as_text")]
    pub name: ObjectName,
    /// Its version, from 1.
    pub version: u64,
    /// The run that trained it.
    #[serde(with = "as_text")]
    pub run_id: RunId,
    /// When.
    pub trained_at: DateTime<Utc>,
    /// The implementation that trained it and answers from it.
    #[serde(with = "as_text")]
    pub implementation: ObjectName,
    /// The hash of the definition that it was trained by; see [`ModelDefinition::hash`](crate::ModelDefinition::hash).
    pub definition: String,
    /// The parameters of the training.
    pub parameters: Parameters,
    /// What the training measured.
    pub metrics: BTreeMap<String, f64>,
    /// What the training noted.
    pub notes: Vec<String>,
    /// The dataset versions that it learned from.
    #[serde(with = "dataset_versions")]
    pub inputs: BTreeMap<DatasetName, u64>,
    /// SHA-256 of the artefact, in hexadecimal digits.
    pub sha256: String,
}

/// Which version of a model answers by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The version.
    pub version: u64,
    /// When it was promoted.
    pub promoted_at: DateTime<Utc>,
}

/// The model versions of a lake.
#[derive(Debug, Clone)]
pub struct ModelStore {
    objects: Arc<dyn ObjectStore>,
}

impl ModelStore {
    /// The models in a store that is rooted at the lake.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
    }

    /// The models that have a version.
    ///
    /// # Errors
    /// `Unreachable` when the store fails.
    pub async fn models(&self) -> Result<Vec<ObjectName>> {
        let mut names = BTreeSet::new();
        for path in self.paths(&Path::from(ROOT)).await? {
            let parts: Vec<_> = path.parts().map(|part| part.as_ref().to_owned()).collect();
            if let [_, domain, name, _, file] = parts.as_slice()
                && file == RECORD
            {
                names.extend(ObjectName::new(domain, name));
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The versions of a model, in order.
    ///
    /// # Errors
    /// `Unreachable` when the store fails; `Data` for a record that cannot be read.
    pub async fn versions(&self, name: &ObjectName) -> Result<Vec<ModelRecord>> {
        let mut records = Vec::new();
        for (version, complete) in self.numbers(name).await? {
            if complete {
                records.push(self.record(name, version).await?);
            }
        }
        Ok(records)
    }

    /// One version of a model: the given one, else the promoted one, else the newest.
    ///
    /// # Errors
    /// `NotFound` when there is none; otherwise as [`ModelStore::versions`].
    pub async fn find(&self, name: &ObjectName, version: Option<u64>) -> Result<ModelRecord> {
        let version = match version {
            Some(version) => version,
            None => match self.promoted(name).await? {
                Some(promotion) => promotion.version,
                None => self.newest(name).await?.ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, format!("{name} was never trained"))
                        .with_help(format!("train it with `polder run --select {name}`"))
                })?,
            },
        };
        self.record(name, version).await
    }

    /// The newest version of a model that is complete.
    pub(crate) async fn newest(&self, name: &ObjectName) -> Result<Option<u64>> {
        let numbers = self.numbers(name).await?;
        Ok(numbers
            .into_iter()
            .filter(|(_, complete)| *complete)
            .map(|(version, _)| version)
            .next_back())
    }

    /// The artefact of a version, as it was trained.
    ///
    /// # Errors
    /// `Data` when it is not what the record says; `Unreachable` when the store fails.
    pub async fn artifact(&self, record: &ModelRecord) -> Result<Vec<u8>> {
        let path = place(&record.name, record.version).join(ARTIFACT);
        let bytes = self
            .read(&path)
            .await?
            .ok_or_else(|| not_there(&record.name, record.version))?;
        if hex(&bytes) != record.sha256 {
            let message = format!(
                "the artefact of {} version {} was changed after training",
                record.name, record.version
            );
            return Err(Error::new(ErrorKind::Data, message).with_help("train the model again"));
        }
        Ok(bytes)
    }

    /// Which version was promoted.
    ///
    /// # Errors
    /// `Unreachable` when the store fails; `Data` for a promotion that cannot be read.
    pub async fn promoted(&self, name: &ObjectName) -> Result<Option<Promotion>> {
        match self.read(&folder(name).join(PROMOTED)).await? {
            None => Ok(None),
            Some(bytes) => serde_json::from_slice(&bytes).map(Some).context(ErrorKind::Data, || {
                format!("cannot read which version of {name} is promoted")
            }),
        }
    }

    /// Makes a version the one that answers by default.
    ///
    /// # Errors
    /// `NotFound` when there is no such version; `Unreachable` when the store fails.
    pub async fn promote(&self, name: &ObjectName, version: u64) -> Result<Promotion> {
        self.record(name, version).await?;
        let promotion = Promotion {
            version,
            promoted_at: clock::now(),
        };
        let text = json(&promotion)?;
        let path = folder(name).join(PROMOTED);
        self.objects
            .put(&path, PutPayload::from(text))
            .await
            .context(ErrorKind::Unreachable, || {
                format!("cannot promote {name} version {version}")
            })?;
        Ok(promotion)
    }

    /// Keeps a trained model under the next free version, which is set in the record that is given back.
    ///
    /// Two trainings at the same time get two versions: whoever creates the artefact has the version, and a version
    /// counts once its record is there.
    ///
    /// # Errors
    /// `Unreachable` when the store fails; `Conflict` when others keep taking the next version.
    pub(crate) async fn keep(&self, mut record: ModelRecord, artifact: Vec<u8>) -> Result<ModelRecord> {
        let name = record.name.clone();
        let failed = || format!("cannot keep {name}");
        record.sha256 = hex(&artifact);
        let artifact = PutPayload::from(artifact);
        let mut version = self
            .numbers(&name)
            .await?
            .last_key_value()
            .map_or(1, |(last, _)| last + 1);
        for _ in 0..RACES {
            let place = place(&name, version);
            match self
                .objects
                .put_opts(&place.clone().join(ARTIFACT), artifact.clone(), PutMode::Create.into())
                .await
            {
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                    version += 1
                }
                Err(cause) => return Err(cause).context(ErrorKind::Unreachable, failed),
                Ok(_) => {
                    record.version = version;
                    let text = PutPayload::from(json(&record)?);
                    self.objects
                        .put_opts(&place.join(RECORD), text, PutMode::Create.into())
                        .await
                        .context(ErrorKind::Unreachable, failed)?;
                    return Ok(record);
                }
            }
        }
        Err(Error::new(ErrorKind::Conflict, format!("others keep training {name}")))
    }

    async fn record(&self, name: &ObjectName, version: u64) -> Result<ModelRecord> {
        let path = place(name, version).join(RECORD);
        let bytes = self.read(&path).await?.ok_or_else(|| not_there(name, version))?;
        serde_json::from_slice(&bytes).context(ErrorKind::Data, || {
            format!("cannot read the record of {name} version {version}")
        })
    }

    /// The version numbers that were begun, each with whether it is complete.
    async fn numbers(&self, name: &ObjectName) -> Result<BTreeMap<u64, bool>> {
        let mut numbers = BTreeMap::new();
        for path in self.paths(&folder(name)).await? {
            let parts: Vec<_> = path.parts().map(|part| part.as_ref().to_owned()).collect();
            if let [_, _, _, version, file] = parts.as_slice()
                && let Ok(version) = version.parse::<u64>()
            {
                *numbers.entry(version).or_insert(false) |= file == RECORD;
            }
        }
        Ok(numbers)
    }

    async fn paths(&self, folder: &Path) -> Result<Vec<Path>> {
        let listed = self
            .objects
            .list(Some(folder))
            .map_ok(|meta| meta.location)
            .try_collect()
            .await;
        listed.context(ErrorKind::Unreachable, || "cannot list the models".to_owned())
    }

    async fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        let failed = || format!("cannot read {path}");
        match self.objects.get(path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(cause).context(ErrorKind::Unreachable, failed),
            Ok(found) => {
                let bytes = found.bytes().await.context(ErrorKind::Unreachable, failed)?;
                Ok(Some(bytes.to_vec()))
            }
        }
    }
}

fn folder(name: &ObjectName) -> Path {
    Path::from(ROOT).join(name.domain()).join(name.name())
}

fn place(name: &ObjectName, version: u64) -> Path {
    folder(name).join(version.to_string())
}

fn not_there(name: &ObjectName, version: u64) -> Error {
    Error::new(ErrorKind::NotFound, format!("{name} has no version {version}"))
        .with_help(format!("`polder model show {name}` lists its versions"))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).context(ErrorKind::Internal, || "cannot write JSON".to_owned())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names and ids as their text.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Dataset versions as an object of names and numbers.
mod dataset_versions {
    use std::collections::BTreeMap;

    use polder_core::DatasetName;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(versions: &BTreeMap<DatasetName, u64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(versions.iter().map(|(name, version)| (name.to_string(), version)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<DatasetName, u64>, D::Error> {
        BTreeMap::<String, u64>::deserialize(from)?
            .into_iter()
            .map(|(name, version)| Ok((name.parse().map_err(D::Error::custom)?, version)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn record() -> ModelRecord {
        ModelRecord {
            name: "finance.revenue".parse().unwrap(),
            version: 0,
            run_id: RunId::new(),
            trained_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            implementation: "finance.forecast".parse().unwrap(),
            definition: "0123456789abcdef".to_owned(),
            parameters: Parameters::default(),
            metrics: BTreeMap::from([("mase".to_owned(), 0.5)]),
            notes: vec!["theta".to_owned()],
            inputs: BTreeMap::from([("product.gold.sales".parse().unwrap(), 7)]),
            sha256: String::new(),
        }
    }

    fn store() -> ModelStore {
        ModelStore::new(Arc::new(InMemory::new()))
    }

    #[tokio::test]
    async fn versions_count_up_and_are_read_as_they_were_kept() {
        let store = store();
        let name = record().name;
        assert_eq!(store.find(&name, None).await.unwrap_err().kind(), ErrorKind::NotFound);
        let first = store.keep(record(), b"{\"a\":1}".to_vec()).await.unwrap();
        let second = store.keep(record(), b"{\"a\":2}".to_vec()).await.unwrap();
        assert_eq!((first.version, second.version), (1, 2));
        assert_eq!(store.versions(&name).await.unwrap(), [first.clone(), second.clone()]);
        assert_eq!(store.models().await.unwrap(), std::slice::from_ref(&name));
        assert_eq!(store.find(&name, None).await.unwrap(), second);
        assert_eq!(store.artifact(&first).await.unwrap(), b"{\"a\":1}");
        // SHA-256 of {"a":1}, from `printf '{"a":1}' | sha256sum`.
        assert_eq!(
            first.sha256,
            "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
        );
    }

    #[tokio::test]
    async fn a_promoted_version_answers_until_another_is_promoted() {
        let store = store();
        let first = store.keep(record(), b"1".to_vec()).await.unwrap();
        store.keep(record(), b"2".to_vec()).await.unwrap();
        store.promote(&first.name, 1).await.unwrap();
        assert_eq!(store.find(&first.name, None).await.unwrap(), first);
        assert_eq!(store.find(&first.name, Some(2)).await.unwrap().version, 2);
        assert_eq!(
            store.promote(&first.name, 9).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(store.promoted(&first.name).await.unwrap().unwrap().version, 1);
    }

    #[tokio::test]
    async fn trainings_at_the_same_time_get_versions_of_their_own() {
        let store = store();
        let trainings = (0..8).map(|i| store.keep(record(), vec![i]));
        let mut versions: Vec<_> = futures::future::try_join_all(trainings)
            .await
            .unwrap()
            .iter()
            .map(|record| record.version)
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[tokio::test]
    async fn a_version_without_its_record_does_not_count_and_is_not_used_again() {
        let objects = Arc::new(InMemory::new());
        let store = ModelStore::new(objects.clone());
        let path = Path::from("_models/finance/revenue/1/artifact.json");
        objects.put(&path, PutPayload::from_static(b"half")).await.unwrap();
        assert_eq!(
            store.find(&record().name, None).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(store.keep(record(), b"1".to_vec()).await.unwrap().version, 2);
    }

    #[tokio::test]
    async fn an_artefact_that_was_changed_is_refused() {
        let objects = Arc::new(InMemory::new());
        let store = ModelStore::new(objects.clone());
        let kept = store.keep(record(), b"1".to_vec()).await.unwrap();
        let path = Path::from("_models/finance/revenue/1/artifact.json");
        objects.put(&path, PutPayload::from_static(b"2")).await.unwrap();
        assert_eq!(store.artifact(&kept).await.unwrap_err().kind(), ErrorKind::Data);
    }
}
