//! A small HTTP server on the loopback, and the real curl that talks to it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::isolated;

/// What a client sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The request line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether usage was asked for.
    pub(crate) fn asks(&self) -> bool {
        self.text().contains("\"include_usage\":true")
    }
}

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) port: u16,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Server {
    /// Serves each request, on a thread of its own, with `answer`.
    pub(crate) fn new(answer: impl Fn(&Sent, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback");
        let port = listener.local_addr().expect("an address").port();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            port,
            sent: Arc::clone(&sent),
        };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (answer, sent) = (Arc::clone(&answer), Arc::clone(&sent));
                thread::spawn(move || {
                    let wait = Some(Duration::from_secs(20));
                    stream.set_read_timeout(wait).expect("a timeout");
                    stream.set_nodelay(true).expect("no delay");
                    if let Some(request) = receive(&mut stream) {
                        sent.lock().expect("a list").push(request.clone());
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        server
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What came since the last call.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().expect("a list"))
    }

    pub(crate) fn only(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "requests");
        sent.remove(0)
    }
}

fn receive(stream: &mut TcpStream) -> Option<Sent> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lower = head.to_ascii_lowercase();
    if lower.contains("expect: 100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Sent { head, body })
}

/// Begins a stream of events; it ends with the connection.
pub(crate) fn begin_stream(out: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let _ = out.write_all(head.as_bytes());
}

/// One chunk of a chat completion.
pub(crate) fn chunk(text: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// A whole chat stream, with or without the chunk that states usage.
pub(crate) fn chat(usage: bool) -> String {
    let end = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
               \"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let stated = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
                  \"model\":\"gpt-4o-2024-08-06\",\"choices\":[],\
                  \"usage\":{\"prompt_tokens\":11,\"completion_tokens\":2,\"total_tokens\":13}}\n\n";
    let usage = if usage { stated } else { "" };
    // No two responses have the same id.
    static NEXT: AtomicU32 = AtomicU32::new(2);
    let id = format!("\"c{}\"", NEXT.fetch_add(1, Ordering::Relaxed));
    (chunk("Hello") + &chunk(" there") + end + usage + "data: [DONE]\n\n").replace("\"c1\"", &id)
}

/// What a provider does that states usage only when asked.
pub(crate) fn asked_only(sent: &Sent, out: &mut TcpStream) {
    begin_stream(out);
    let _ = out.write_all(chat(sent.asks()).as_bytes());
}

/// What a provider does that states usage either way.
pub(crate) fn stated(_: &Sent, out: &mut TcpStream) {
    begin_stream(out);
    let _ = out.write_all(chat(true).as_bytes());
}

pub(crate) fn status(out: &mut TcpStream, line: &str, body: &str) {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {line}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = out.write_all(text.as_bytes());
}

/// The machine's own curl.
pub(crate) fn curl() -> Command {
    let mut command = isolated("curl");
    command.stderr(Stdio::null());
    command
}

/// Says what is missing where there is no curl.
pub(crate) fn need_curl() {
    let found = curl().arg("--version").stdout(Stdio::null()).status();
    assert!(
        found.is_ok_and(|status| status.success()),
        "these tests talk to a server through the real curl, and there is no curl on PATH"
    );
}
