//! Apache Kafka in KRaft mode, broker and controller in one process.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use super::{Instance, instance::Service, wire};
use crate::{
    checkout::Cache,
    processes,
    programs::{self, Artifact, JAVA, MAVEN, Needed},
};

/// Apache Kafka.
pub(super) struct Kafka;

/// The version on Maven Central and of the container image.
pub(crate) const VERSION: &str = "4.1.0";

fn libraries(cache: &Cache) -> PathBuf {
    cache.programs.join(format!("kafka-{VERSION}"))
}

fn java(cache: &Cache, class: &str) -> Command {
    let mut command = programs::java();
    command.arg("-cp").arg(libraries(cache).join("*"));
    command.args(["-Xms128m", "-Xmx512m", class]);
    command
}

/// A broker for trials on one machine: no replicas, topics made on first use by nobody.
fn properties(instance: &Instance) -> String {
    let (port, controller, data) = (instance.port(), instance.second_port(), instance.data());
    let log = data.join("log");
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={log}\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n",
        log = log.display(),
    )
}

fn properties_file(instance: &Instance) -> PathBuf {
    instance.data().join("server.properties")
}

fn write_properties(instance: &Instance) -> Result<()> {
    Ok(fs::write(properties_file(instance), properties(instance))?)
}

impl Service for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn version(&self) -> String {
        format!("Apache Kafka {VERSION}")
    }

    fn ports(&self) -> &'static [u16] {
        &[19092, 19093]
    }

    fn needs(&self) -> &'static [Needed] {
        &[JAVA, MAVEN]
    }

    fn is_installed(&self, cache: &Cache) -> bool {
        (JAVA.is_there)() && libraries(cache).is_dir()
    }

    fn install(&self, cache: &Cache) -> Result<()> {
        let broker = format!("org.apache.kafka:kafka_2.13:{VERSION}");
        let tools = format!("org.apache.kafka:kafka-tools:{VERSION}");
        programs::once(&libraries(cache), |folder: &Path| {
            programs::maven(
                folder,
                &[
                    Artifact {
                        coordinates: &broker,
                        without: &[],
                    },
                    Artifact {
                        coordinates: &tools,
                        without: &[],
                    },
                    Artifact {
                        coordinates: "org.slf4j:slf4j-simple:1.7.36",
                        without: &[],
                    },
                ],
            )
        })
    }

    fn prepare(&self, cache: &Cache, instance: &Instance) -> Result<()> {
        fs::create_dir_all(instance.data())?;
        write_properties(instance)?;
        let formatted = self.format(cache, instance);
        if formatted.is_err() {
            fs::remove_dir_all(instance.data())?;
        }
        formatted
    }

    fn command(&self, cache: &Cache, instance: &Instance) -> Result<Command> {
        write_properties(instance)?;
        let mut command = java(cache, "kafka.Kafka");
        command.arg(properties_file(instance));
        command.env("LANG", "C");
        Ok(command)
    }

    fn probe(&self, _cache: &Cache, instance: &Instance) -> Result<()> {
        match wire::kafka_brokers(instance.port())? {
            0 => bail!("no broker is ready for clients yet"),
            _ => Ok(()),
        }
    }

    fn location(&self, instance: &Instance) -> String {
        format!("127.0.0.1:{}", instance.port())
    }

    fn environment(&self, instance: &Instance) -> Vec<(&'static str, String)> {
        vec![("POLDER_KAFKA__BROKERS", self.location(instance))]
    }
}

impl Kafka {
    fn format(&self, cache: &Cache, instance: &Instance) -> Result<()> {
        let id = processes::output(java(cache, "kafka.tools.StorageTool").arg("random-uuid"))?;
        let mut format = java(cache, "kafka.tools.StorageTool");
        format
            .args(["format", "--standalone", "-t", id.trim(), "-c"])
            .arg(properties_file(instance));
        processes::output(&mut format)?;
        Ok(())
    }
}
