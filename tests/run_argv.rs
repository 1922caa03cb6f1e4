//! What curl sends through `tokensense run` is what it sends without, but for the edit: asked of curl itself.

mod common;
mod server;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{Random, scratch, tokensense};
use server::{Sent, Server, curl, need_curl, stated};

const ASK: &str = r#","stream_options":{"include_usage":true}"#;

/// Options that change the request or the output, in all the ways to write them.
const OTHERS: &[&[&str]] = &[
    &["-s"],
    &["-sSk"],
    &["--silent"],
    &["--sil"],
    &["--no-silent"],
    &["-fL"],
    &["-i"],
    &["--compressed"],
    &["-H", "X-A: -d"],
    &["-HX-B: 1"],
    &["-sH", "X-C: {\"stream\":true}"],
    &["--header", "X-D: @-"],
    &["--head", "X-E: never"],
    &["-XPOST"],
    &["-X", "PUT"],
    &["--request", "PATCH"],
    &["-A", "agent --data x"],
    &["--user-a", "agent"],
    &["-um:n"],
    &["-e", "-d"],
    &["-m9"],
    &["--connect-timeout", "9"],
    &["-w", ""],
    &["-b", "a=b"],
    &["--url-query", "q=1"],
    &["--http1.1"],
    &["-0"],
    &["-#"],
    &["--tcp-nodelay"],
];

/// Ways to give data; the value follows in the same argument where there is a `+`.
const DATA: &[&str] = &[
    "-d",
    "-d+",
    "-sd",
    "-sSd+",
    "--data",
    "--data-ascii",
    "--data-asc",
    "--data-raw",
    "--data-r",
    "--data-binary",
    "--data-b",
    "--json",
    "--js",
];

const VALUES: &[&str] = &[
    r#"{"model":"m","stream":true}"#,
    "{ \"stream\" : true ,\n\t\"n\": 1e400, \"n\": -0.0 }",
    r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
    r#"{"stream":false}"#,
    r#"{"stream":true"#,
    r#","x":"é\u00e9"}"#,
    "plain=text",
    "-s",
    "@FILE",
    "@CRLF",
];

/// A random command line without its URLs' host, and what it needs on standard input.
fn arguments(random: &mut Random, url: &str, folder: &str) -> Vec<String> {
    let mut line = Vec::new();
    for operation in 0..=random.below(3) / 2 {
        if operation > 0 {
            line.push(["--next", "-:"][random.below(2)].to_owned());
        }
        let at = random.below(4);
        for place in 0..4 {
            if place == at {
                line.push(url.to_owned());
            }
            match random.below(3) {
                0 => {
                    let other = OTHERS[random.below(OTHERS.len())];
                    line.extend(other.iter().map(|text| (*text).to_owned()));
                }
                1 => {
                    let value = VALUES[random.below(VALUES.len())];
                    let value = value
                        .replace("FILE", &format!("{folder}/plain"))
                        .replace("CRLF", &format!("{folder}/crlf"));
                    let option = DATA[random.below(DATA.len())];
                    match option.strip_suffix('+') {
                        Some(option) => line.push(format!("{option}{value}")),
                        None => line.extend([option.to_owned(), value]),
                    }
                }
                _ => {}
            }
        }
    }
    line
}

/// What came, and whether the command was content.
fn sent(server: &Server, command: &mut Command) -> (Option<i32>, Vec<Sent>) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a command");
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"{\"stream\":true}\n");
    let code = child.wait().expect("an end").code();
    (code, server.sent())
}

/// All of a request that the edit does not concern.
fn rest(sent: &Sent) -> Vec<String> {
    let lines = sent.head.lines().map(str::to_owned);
    lines
        .filter(|line| !line.starts_with("Content-Length"))
        .collect()
}

#[test]
fn curl_sends_the_same_but_for_the_edit() {
    need_curl();
    // Usage is always stated: an estimate would load a vocabulary each time.
    let server = Server::new(stated);
    let url = server.url("/v1/chat/completions");
    let folder = scratch("run-argv");
    fs::write(folder.join("plain"), "{\"stream\":true, \"a\": [1,2]}").expect("a file");
    fs::write(
        folder.join("crlf"),
        "{\r\n\"stream\":true,\r\n\"a\":\"b\"\r\n}\r\n",
    )
    .expect("a file");
    let folder = folder.display().to_string();
    let mut random = Random::new(11);
    let mut edited = 0;
    for _ in 0..120 {
        let line = arguments(&mut random, &url, &folder);
        let (code, want) = sent(&server, curl().args(&line));
        let mut run = tokensense();
        let (through, found) = sent(&server, run.args(["run", "-q", "--", "curl"]).args(&line));
        assert_eq!(through, code, "{line:?}");
        assert_eq!(found.len(), want.len(), "{line:?}");
        for (found, want) in found.iter().zip(&want) {
            assert_eq!(rest(found), rest(want), "{line:?}");
            let (body, plain) = (found.text(), want.text());
            assert_eq!(body.replacen(ASK, "", 1), plain, "{line:?}");
            let json: Option<serde_json::Value> =
                serde_json::from_str(&plain.replace("1e400", "1")).ok();
            let silent = json
                .is_some_and(|json| json["stream"] == true && json.get("stream_options").is_none());
            assert_eq!(body != plain, silent, "{line:?}: {body}");
            edited += usize::from(silent);
        }
    }
    println!("{edited} bodies edited");
    assert!(edited > 10, "only {edited} bodies were edited");
}
