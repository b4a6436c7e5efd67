//! A schema registry inside the process: Confluent's API for Avro on a free port of loopback, kept in memory.

mod api;
mod compatibility;
mod store;

use std::net::{Ipv4Addr, SocketAddr};

use polder_core::{ErrorKind, Result, ResultExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running registry. It serves until it is stopped or dropped; what was registered goes with it.
///
/// Of Confluent's API it has what producers and consumers of Avro use: subjects, versions, look-up by schema and by
/// id, references, compatibility levels and their test. Deletion, modes, contexts and other languages than Avro it
/// has not.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Embedded {
    /// Starts a registry on a free port of 127.0.0.1, in the current Tokio runtime. It answers when this returns.
    ///
    /// # Errors
    /// `Refused` if no port can be had.
    pub async fn start() -> Result<Self> {
        let refused = || "cannot listen on 127.0.0.1 for the embedded schema registry".to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context(ErrorKind::Refused, refused)?;
        let address = listener.local_addr().context(ErrorKind::Refused, refused)?;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            // A dropped sender ends the server too; which of both it was does not matter.
            let stopped = async { drop(stopped.await) };
            if let Err(error) = axum::serve(listener, api::routes())
                .with_graceful_shutdown(stopped)
                .await
            {
                tracing::error!(%address, %error, "embedded schema registry ended");
            }
        });
        tracing::debug!(%address, "embedded schema registry started");
        Ok(Self { address, stop, server })
    }

    /// Where it listens, e.g. `http://127.0.0.1:41234`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops the registry and waits until its port is free again.
    pub async fn stop(self) {
        drop(self.stop);
        // The task neither panics nor is it aborted; if it were, the port would be free just as well.
        let _ = self.server.await;
    }
}

#[cfg(test)]
mod tests;
