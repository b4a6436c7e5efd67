//! Just enough of two protocols to get a real answer: an HTTP status, and a Kafka broker's list of brokers.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

const PATIENCE: Duration = Duration::from_secs(5);

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The status of a GET.
pub(super) fn http_get(port: u16, path: &str) -> Result<u16> {
    let mut stream = connect(port)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    status
        .filter(|_| answer.starts_with("HTTP/1."))
        .context("no HTTP answer")
}

/// How many brokers a Kafka broker knows to be ready for clients (itself among them).
///
/// A Metadata request of version 4 (<https://kafka.apache.org/protocol#The_Messages_Metadata>). A port that accepts
/// connections proves less: a broker that is still fenced by its controller does so too.
pub(super) fn kafka_brokers(port: u16) -> Result<i32> {
    const METADATA: i16 = 3;
    const VERSION: i16 = 4;
    const CORRELATION: i32 = 7;
    let client = b"xtask";
    let mut request = Vec::new();
    request.extend(METADATA.to_be_bytes());
    request.extend(VERSION.to_be_bytes());
    request.extend(CORRELATION.to_be_bytes());
    request.extend(i16::try_from(client.len())?.to_be_bytes());
    request.extend(client);
    request.extend(0_i32.to_be_bytes()); // no topics
    request.push(0); // do not create any
    let mut stream = connect(port)?;
    stream.write_all(&i32::try_from(request.len())?.to_be_bytes())?;
    stream.write_all(&request)?;
    // Length, correlation id, throttle time, count of brokers.
    let mut answer = [0; 16];
    stream.read_exact(&mut answer)?;
    let [_, correlation, _, brokers] = [0, 4, 8, 12].map(|at| {
        let mut word = [0; 4];
        word.copy_from_slice(&answer[at..at + 4]);
        i32::from_be_bytes(word)
    });
    if correlation != CORRELATION {
        bail!("not the answer of a Kafka broker");
    }
    Ok(brokers)
}
