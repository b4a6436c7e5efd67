//! The services that tests and trials need, as native processes on the loopback interface.

pub(crate) mod apicurio;
mod instance;
pub(crate) mod kafka;
pub(crate) mod postgres;
pub(crate) mod versitygw;
mod wire;

use std::{process::ExitCode, thread, time::Instant};

use anyhow::{Context, Result, bail};

pub(crate) use self::instance::Instance;
use self::instance::Service;
use crate::{checkout::Cache, programs};

/// Every service, in the order in which they are shown.
const ALL: [&dyn Service; 4] = [
    &kafka::Kafka,
    &postgres::Postgres,
    &versitygw::VersityGw,
    &apicurio::Apicurio,
];

/// The services' names.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|service| service.name())
}

/// Each service's name and the port that it gets where that is free.
#[cfg(test)]
pub(crate) fn preferred_ports() -> impl Iterator<Item = (&'static str, u16)> {
    ALL.iter()
        .filter_map(|service| Some((service.name(), *service.ports().first()?)))
}

/// `cargo xtask services …`.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let cache = Cache::open()?;
    match arguments {
        ["up", names @ ..] => {
            let mut failed = false;
            for (service, result) in up(&cache, &chosen(names)?)? {
                match result {
                    Ok(instance) => println!("{:<10} {}", service.name(), service.location(&instance)),
                    Err(error) => {
                        failed = true;
                        eprintln!("{:<10} {error:#}", service.name());
                    }
                }
            }
            Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        ["down"] => down(&cache).map(|()| ExitCode::SUCCESS),
        ["status"] => {
            status(&cache);
            Ok(ExitCode::SUCCESS)
        }
        ["status", "--env"] => {
            for (name, value) in environment(&cache) {
                println!("{name}={value}");
            }
            Ok(ExitCode::SUCCESS)
        }
        ["start", name] => {
            let service = named(name)?;
            for (_, result) in up(&cache, &[service])? {
                println!("{:<10} {}", service.name(), service.location(&result?));
            }
            Ok(ExitCode::SUCCESS)
        }
        ["stop", name] => stop(&cache, named(name)?, false).map(|()| ExitCode::SUCCESS),
        ["kill", name] => stop(&cache, named(name)?, true).map(|()| ExitCode::SUCCESS),
        _ => bail!("say `services up|down|status`, or `services start|stop|kill NAME` (see `cargo xtask help`)"),
    }
}

fn named(name: &str) -> Result<&'static dyn Service> {
    let names: Vec<_> = ALL.iter().map(|service| service.name()).collect();
    let found = ALL.into_iter().find(|service| service.name() == name);
    found.with_context(|| format!("there is no service {name}; there are {}", names.join(", ")))
}

fn chosen(names: &[&str]) -> Result<Vec<&'static dyn Service>> {
    if names.is_empty() {
        Ok(ALL.to_vec())
    } else {
        names.iter().map(|name| named(name)).collect()
    }
}

/// A service and whether it answers.
pub(crate) type Started = (&'static dyn Service, Result<Instance>);

/// Every service; see [`up`].
pub(crate) fn all_up(cache: &Cache) -> Result<Vec<Started>> {
    up(cache, &ALL)
}

/// The services of these names; see [`up`].
pub(crate) fn named_up(cache: &Cache, names: &[&str]) -> Result<Vec<Started>> {
    up(cache, &chosen(names)?)
}

/// Installs and starts services side by side, and waits until each really answers. What runs already is left alone.
fn up(cache: &Cache, services: &[&'static dyn Service]) -> Result<Vec<Started>> {
    let _lock = programs::lock(&cache.state.join("lock"))?;
    // One by one, so that no two are given the same port.
    let mut planned = Vec::new();
    for service in services {
        planned.push((*service, Instance::plan(*service, cache)));
    }
    // All missing Debian packages in one go; a service whose programs cannot be had says so itself below.
    let needed: Vec<_> = services
        .iter()
        .filter(|s| !s.is_installed(cache))
        .flat_map(|s| s.needs().to_vec())
        .collect();
    drop(programs::provide(&needed));
    Ok(thread::scope(|scope| {
        let starting: Vec<_> = planned
            .into_iter()
            .map(|(service, instance)| (service, scope.spawn(move || bring_up(cache, service, instance?))))
            .collect();
        let done = starting.into_iter();
        done.map(|(service, thread)| (service, thread.join().unwrap_or_else(|_| bail!("the start failed"))))
            .collect()
    }))
}

fn bring_up(cache: &Cache, service: &dyn Service, instance: Instance) -> Result<Instance> {
    if !service.is_installed(cache) {
        let start = Instant::now();
        println!("{:<10} installing {}", service.name(), service.version());
        programs::provide(service.needs())?;
        service
            .install(cache)
            .with_context(|| format!("cannot install {}", service.version()))?;
        println!(
            "{:<10} installed in {:.0} s",
            service.name(),
            start.elapsed().as_secs_f64()
        );
    }
    instance.start(cache, service)?;
    Ok(instance)
}

/// Stops everything and deletes what it wrote; installed programs stay.
pub(crate) fn down(cache: &Cache) -> Result<()> {
    let _lock = programs::lock(&cache.state.join("lock"))?;
    let mut failures = Vec::new();
    for service in ALL {
        let instance = Instance::known(service, cache);
        let outcome = instance.stop(service, false).and_then(|()| instance.delete());
        if let Err(error) = outcome {
            failures.push(format!("{}: {error:#}", service.name()));
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    println!("no service is running");
    Ok(())
}

fn stop(cache: &Cache, service: &dyn Service, kill: bool) -> Result<()> {
    let _lock = programs::lock(&cache.state.join("lock"))?;
    Instance::known(service, cache).stop(service, kill)
}

fn status(cache: &Cache) {
    for service in ALL {
        let instance = Instance::known(service, cache);
        let processes = instance.processes();
        let state = if processes.is_empty() {
            if service.is_installed(cache) {
                "stopped".to_owned()
            } else {
                "not installed".to_owned()
            }
        } else {
            let ids: Vec<String> = crate::processes::roots(&processes).iter().map(u32::to_string).collect();
            let ids = ids.join(" ");
            match service.probe(cache, &instance) {
                Ok(()) => format!("answers, {}, process {ids}", service.location(&instance)),
                Err(error) => format!("runs but does not answer ({error:#}), process {ids}"),
            }
        };
        println!("{:<10} {:<38} {state}", service.name(), service.version());
    }
    println!(
        "programs in {}, data and logs in {}",
        cache.programs.display(),
        cache.state.display()
    );
}

/// How to reach each service that answers, as environment variables of Polder and of its tests.
pub(crate) fn environment(cache: &Cache) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for service in ALL {
        let instance = Instance::known(service, cache);
        if !instance.processes().is_empty() && service.probe(cache, &instance).is_ok() {
            lines.extend(
                service
                    .environment(&instance)
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
        }
    }
    lines
}
