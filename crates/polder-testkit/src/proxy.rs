//! A TCP proxy that can be cut, to take a service away while it is in use.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};

/// Hands connections on to a service. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: AtomicBool,
    is_over: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Listens on a free port of the loopback interface for connections to `target` (`host:port`).
    ///
    /// # Errors
    /// When no port can be had.
    pub fn to(target: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for a proxy")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let (kept, target) = (Arc::clone(&state), target.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if kept.is_over.load(Ordering::SeqCst) {
                    return;
                }
                // What is dropped at once looks like a service that hangs up.
                drop(kept.connect(client, &target));
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens, `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends all connections, and each new one as soon as it comes.
    pub fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        self.state.hang_up();
    }

    /// Hands on again.
    pub fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        self.state.hang_up();
        // Wakes the listener, so that it sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

impl State {
    fn connect(&self, client: TcpStream, target: &str) -> io::Result<()> {
        let mut connections = self.connections.lock().unwrap();
        if self.is_cut.load(Ordering::SeqCst) {
            return client.shutdown(Shutdown::Both);
        }
        let server = TcpStream::connect(target)?;
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            thread::spawn(move || {
                // Whichever side ends first ends the other one's half too.
                drop(io::copy(&mut from, &mut to));
                drop(to.shutdown(Shutdown::Write));
            });
        }
        connections.extend([client, server]);
        Ok(())
    }

    fn hang_up(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::Proxy;

    fn ask(address: &str) -> Option<u8> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.write_all(&[41]).ok()?;
        let mut answer = [0];
        stream.read_exact(&mut answer).ok()?;
        Some(answer[0])
    }

    #[test]
    fn a_cut_proxy_hands_nothing_on_until_it_is_mended() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = server.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in server.incoming().flatten() {
                let mut stream = stream;
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_ok() {
                    drop(stream.write_all(&[byte[0] + 1]));
                }
            }
        });
        let proxy = Proxy::to(&target).unwrap();
        assert_eq!(ask(&proxy.address()), Some(42));
        proxy.cut();
        assert_eq!(ask(&proxy.address()), None);
        proxy.mend();
        assert_eq!(ask(&proxy.address()), Some(42));
    }
}
