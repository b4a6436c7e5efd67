//! Handles of the services that `cargo xtask services` starts. Without one, the handle is `None` and a skip is noted.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use anyhow::{Context, Result, bail};
use object_store::{ObjectStore, aws::AmazonS3Builder, prefix::PrefixStore};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};

use crate::{skip::variable, unique};

/// A Kafka broker.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// `host:port`.
    pub brokers: String,
}

/// The broker that runs, or a skip.
#[must_use]
pub fn kafka(suite: &str) -> Option<Kafka> {
    variable(suite, "POLDER_KAFKA__BROKERS", "Kafka").map(|brokers| Kafka { brokers })
}

/// The URL of the schema registry that runs, with Confluent's API, or a skip.
#[must_use]
pub fn registry(suite: &str) -> Option<String> {
    variable(suite, "POLDER_REGISTRY__URL", "schema registry")
}

/// The URL of a PostgreSQL database in which the user may do everything, or a skip.
#[must_use]
pub fn postgres(suite: &str) -> Option<String> {
    variable(suite, "POLDER_TEST_POSTGRES", "PostgreSQL")
}

impl Kafka {
    /// Makes a topic that nobody else has and gives its name.
    ///
    /// # Errors
    /// When the broker refuses or does not answer within ten seconds.
    pub fn fresh_topic(&self, prefix: &str, partitions: i32) -> Result<String> {
        let name = unique(prefix);
        self.create_topic(&name, partitions)?;
        Ok(name)
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// When it exists, or the broker refuses or does not answer within ten seconds.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let admin = self.admin()?;
        block_on(async {
            let options = AdminOptions::new().operation_timeout(Some(std::time::Duration::from_secs(10)));
            for outcome in admin.create_topics([&topic], &options).await? {
                outcome.map_err(|(topic, code)| anyhow::anyhow!("topic {topic}: {code}"))?;
            }
            Ok(())
        })
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// When the broker refuses or does not answer within ten seconds.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let admin = self.admin()?;
        block_on(async {
            let options = AdminOptions::new().operation_timeout(Some(std::time::Duration::from_secs(10)));
            for outcome in admin.delete_topics(&[name], &options).await? {
                outcome.map_err(|(topic, code)| anyhow::anyhow!("topic {topic}: {code}"))?;
            }
            Ok(())
        })
    }

    /// A client's configuration with the brokers set, for a producer or consumer of the test's own.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        self.client().create().context("cannot make a Kafka client")
    }
}

/// A bucket on an S3 store whose conditional PUT is atomic.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// `http://host:port`.
    pub endpoint: String,
    /// The bucket.
    pub name: String,
    /// The region to sign for.
    pub region: String,
    /// The access key's id.
    pub access_key: String,
    /// The access key's secret.
    pub secret_key: String,
}

/// The bucket that tests share, each below a prefix of its own, or a skip.
#[must_use]
pub fn bucket(suite: &str) -> Option<Bucket> {
    let endpoint = variable(suite, "POLDER_TEST_S3_ENDPOINT", "S3 store")?;
    let get = |name: &str| std::env::var(name).expect("set together with the endpoint");
    Some(Bucket {
        endpoint,
        name: get("POLDER_TEST_S3_BUCKET"),
        region: get("POLDER_TEST_S3_REGION"),
        access_key: get("POLDER_TEST_S3_ACCESS_KEY"),
        secret_key: get("POLDER_TEST_S3_SECRET_KEY"),
    })
}

impl Bucket {
    /// A prefix that nobody else has.
    #[must_use]
    pub fn fresh_prefix(&self, name: &str) -> String {
        unique(name)
    }

    /// The location of a prefix, `s3://bucket/prefix`.
    #[must_use]
    pub fn location(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", self.name)
    }

    /// The store below a prefix.
    ///
    /// # Errors
    /// When the settings do not make a store.
    pub fn store(&self, prefix: &str) -> Result<Arc<dyn ObjectStore>> {
        let mut builder = AmazonS3Builder::new().with_bucket_name(&self.name);
        for (name, value) in self.options() {
            builder = builder.with_config(name.parse()?, value);
        }
        Ok(Arc::new(PrefixStore::new(builder.build()?, prefix)))
    }

    /// The store's options under their names in object_store, which are those of `lake.options` in `polder.yaml`.
    #[must_use]
    pub fn options(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("aws_endpoint", self.endpoint.clone()),
            ("aws_region", self.region.clone()),
            ("aws_access_key_id", self.access_key.clone()),
            ("aws_secret_access_key", self.secret_key.clone()),
            ("aws_allow_http", "true".to_owned()),
        ])
    }

    /// The environment that puts Polder's lake below a prefix.
    #[must_use]
    pub fn lake_environment(&self, prefix: &str) -> Vec<(String, String)> {
        let options = self.options().into_iter();
        let mut lines: Vec<(String, String)> = options
            .map(|(name, value)| (format!("POLDER_LAKE__OPTIONS__{}", name.to_uppercase()), value))
            .collect();
        lines.push(("POLDER_LAKE__LOCATION".to_owned(), self.location(prefix)));
        lines
    }
}

/// Runs a future to its end from any test, also from one that runs in a runtime already.
fn block_on<T: Send>(future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(future)
        });
        match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("a call of the test kit failed"),
        }
    })
}

#[cfg(test)]
mod tests {
    use object_store::{ObjectStore, ObjectStoreExt, PutMode, path::Path};
    use rdkafka::consumer::{BaseConsumer, Consumer};

    use super::{block_on, bucket, kafka};

    const SUITE: &str = "testkit services";

    #[test]
    fn a_fresh_topic_has_its_partitions_and_goes_away() {
        let Some(kafka) = kafka(SUITE) else { return };
        let partitions = |topic: &str| {
            let consumer: BaseConsumer = kafka.client().create().unwrap();
            let all = consumer
                .fetch_metadata(None, std::time::Duration::from_secs(10))
                .unwrap();
            all.topics()
                .iter()
                .find(|t| t.name() == topic)
                .map(|t| t.partitions().len())
        };
        let topic = kafka.fresh_topic("testkit", 3).unwrap();
        assert_eq!(partitions(&topic), Some(3));
        assert!(kafka.create_topic(&topic, 3).is_err(), "a topic is made once");
        kafka.delete_topic(&topic).unwrap();
        assert_eq!(partitions(&topic), None);
    }

    /// What exactly-once commits on S3 rest on.
    #[test]
    fn of_two_conditional_puts_to_one_key_one_wins() {
        let Some(bucket) = bucket(SUITE) else { return };
        let prefix = bucket.fresh_prefix("testkit");
        let store = bucket.store(&prefix).unwrap();
        let key = Path::from("a/b.json");
        let put = |text: &'static str| {
            let (store, key) = (&store, &key);
            block_on(async move { Ok(store.put_opts(key, text.into(), PutMode::Create.into()).await) }).unwrap()
        };
        put("first").unwrap();
        assert!(matches!(put("second"), Err(object_store::Error::AlreadyExists { .. })));
        let whole = bucket.store("").unwrap();
        let seen = block_on(async { Ok(whole.head(&Path::from(format!("{prefix}/a/b.json"))).await?) }).unwrap();
        assert_eq!(seen.size, 5);
    }
}
