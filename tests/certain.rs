//! Several requests in one curl command, and requests that must not be touched: nothing is guessed.

mod common;
#[path = "common/page.rs"]
mod page;
mod server;

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::Value;

use common::{scratch, tokensense};
use server::{Sent, Server, need_curl, stated, status};

page::rows! {
    a_missing_answer_moves_no_other: "several requests in one curl of which one gets no answer, is saved to a file, or may be repeated" => "no model is guessed: the cost is null where the answer names none, and the note says why; as many answers as requests are each their own",
    a_named_model_tells: "several requests, and an answer that names its model" => "it belongs to the request that asked for that model",
    sealed_requests_stay: "a request that is signed, or whose body is stated by length or digest, in arguments, header files, descriptors" => "sent byte for byte as it is, `unsupported`",
    the_users_configuration_counts: "`.curlrc` with a signature or a part of the body" => "sent as it is; `-q` leaves it out",
    what_versions_differ_in_is_left_to_curl: "`-d ''` before a body, `--next` before a URL, NULs in a file of `-d`" => "what goes out is what the installed curl sends alone",
}

#[test]
fn page_is_true() {
    page::check("Curl commands", ROWS);
}

const BODY: &str = r#"{"model":"gpt-4o","stream":true,"messages":[]}"#;

fn ok(out: &mut TcpStream, body: &str) {
    status(out, "200 OK", body);
}

/// Answers as Bedrock does, which names no model; a path with `no` in it is refused, and the first of a busy one's too.
fn bedrock(sent: &Sent, out: &mut TcpStream) {
    if sent.head.contains("no-such") {
        return status(out, "404 Not Found", "{\"message\":\"no such model\"}");
    }
    ok(
        out,
        "{\"metrics\":{\"latencyMs\":100},\"output\":{\"message\":{\"content\":[{\"text\":\"Hi\"}],\"role\":\"assistant\"}},\
         \"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":1000,\"outputTokens\":500,\"totalTokens\":1500}}",
    );
}

/// The records of a run, in order.
fn records(name: &str, arguments: &[String]) -> Vec<Value> {
    need_curl();
    let record = scratch(&format!("certain-{name}")).join("record.jsonl");
    let mut command = tokensense();
    command
        .args(["run", "-o"])
        .arg(&record)
        .args(["--", "curl", "-sS"]);
    command.args(arguments).output().expect("the binary");
    let text = fs::read_to_string(&record).expect("a record file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const OPUS: &str = "anthropic.claude-3-opus-20240229-v1:0";

/// Where one request has no answer, the other's is not said to be its.
fn a_missing_answer_moves_no_other() {
    let server = Server::new(bedrock);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    // The host tells who answers; where it leads, the option does.
    let host = "bedrock-runtime.us-east-1.amazonaws.com";
    let url = |model: &str| format!("http://{host}/model/{model}/converse");
    let refused = format!("http://{host}:81/model/{HAIKU}/converse");
    let leads =
        [(80, server.port), (81, closed)].map(|(from, to)| format!("{host}:{from}:127.0.0.1:{to}"));
    let line = |words: &[&str]| {
        let mut line: Vec<String> = Vec::new();
        for own in words.split(|word| *word == "--next") {
            line.extend((!line.is_empty()).then(|| "--next".to_owned()));
            for to in &leads {
                line.extend(["--connect-to".to_owned(), to.clone()]);
            }
            line.extend(own.iter().map(|word| (*word).to_owned()));
        }
        line
    };
    let (haiku, opus) = (url(HAIKU), url(OPUS));
    let missing = url("no-such");
    let cases = [
        (
            "refused",
            line(&["-d", "{}", &refused, "--next", "-s", "-d", "{}", &opus]),
        ),
        (
            "failed",
            line(&[
                "-f", "-d", "{}", &missing, "--next", "-s", "-d", "{}", &opus,
            ]),
        ),
        (
            "saved",
            line(&[
                "-o",
                "/dev/null",
                "-d",
                "{}",
                &haiku,
                "--next",
                "-s",
                "-d",
                "{}",
                &opus,
            ]),
        ),
        (
            "retried",
            line(&[
                "--retry", "1", "-d", "{}", &haiku, "--next", "-s", "-d", "{}", &opus,
            ]),
        ),
    ];
    for (name, arguments) in cases {
        for record in records(name, &arguments) {
            assert_eq!(record["cost_usd"], Value::Null, "{name}: {record}");
            assert_eq!(record["request_model"], Value::Null, "{name}: {record}");
            let note = record["cost_note"].as_str().expect("a note");
            assert!(note.contains("several requests"), "{name}: {note}");
        }
    }
    // As many answers as requests: each is its own.
    let both = line(&["-d", "{}", &haiku, "--next", "-s", "-d", "{}", &opus]);
    let found = records("both", &both);
    let models: Vec<_> = found
        .iter()
        .map(|record| record["request_model"].clone())
        .collect();
    assert_eq!(models, [HAIKU, OPUS]);
    let cost = |at: usize| found[at]["cost_usd"].as_f64().expect("a cost");
    assert!(cost(0) * 10.0 < cost(1), "{found:?}");
    // All the same: there is nothing to tell apart.
    let same = line(&["-d", "{}", &refused, "--next", "-s", "-d", "{}", &haiku]);
    let alike = records("same", &same);
    assert_eq!(alike[0]["request_model"], HAIKU, "{alike:?}");
}

/// An answer that names its model is the one to the request that asked for it.
fn a_named_model_tells() {
    let server = Server::new(|sent, out| {
        if sent.text().contains("gpt-4.1") {
            return status(
                out,
                "503 Busy",
                "{\"error\":{\"message\":\"busy\",\"type\":\"busy\"}}",
            );
        }
        stated(sent, out);
    });
    let url = server.url("/v1/chat/completions");
    let other = BODY.replace("gpt-4o", "gpt-4.1");
    let third = BODY.replace("gpt-4o", "gpt-4o-mini");
    let line = [
        "-f", "-d", &other, &url, "--next", "-s", "-d", &third, &url, "--next", "-s", "-d", BODY,
        &url,
    ];
    for record in records("named", &line.map(str::to_owned)) {
        assert_eq!(record["model"], "gpt-4o-2024-08-06");
        assert_eq!(record["request_model"], "gpt-4o", "{record}");
        assert_eq!(record["usage_request"], "injected", "{record}");
    }
}

/// What a curl of ours sends, with these arguments and this home.
fn sent(server: &Server, home: &std::path::Path, arguments: &[&str]) -> (Sent, Value) {
    need_curl();
    let record = home.join("record.jsonl");
    let _ = fs::remove_file(&record);
    let mut command: Command = tokensense();
    command
        .env("HOME", home)
        .args(["run", "-o"])
        .arg(&record)
        .args(["--", "curl"]);
    let url = server.url("/v1/chat/completions");
    let output = command
        .args(arguments)
        .args(["-sS", "-d", BODY, &url])
        .output()
        .expect("the binary");
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(&record).expect("a record");
    (
        server.only(),
        serde_json::from_str(&text).expect("a record"),
    )
}

/// A request that is signed, or whose body is stated by length or digest, is sent as it is.
fn sealed_requests_stay() {
    let server = Server::new(stated);
    let home = scratch("certain-sealed");
    let file = |name: &str, bytes: &[u8]| {
        fs::write(home.join(name), bytes).expect("a file");
        format!("@{}", home.join(name).display())
    };
    let utf8 = file("headers", b"X-A: b\nX-Amz-Content-Sha256: 0\n");
    let other = file(
        "latin1",
        b"X-A: caf\xe9\nAuthorization: AWS4-HMAC-SHA256 Credential=x\n",
    );
    let plain = file("plain", b"X-A: caf\xe9\n");
    for (header, want) in [
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=y",
            false,
        ),
        ("authorization: Signature keyId=\"x\"", false),
        ("X-Amz-Content-Sha256: 0", false),
        ("x-content-sha256: 0", false),
        ("Content-MD5: x", false),
        ("Digest: sha-256=x", false),
        ("X-Hub-Signature-256: x", false),
        (&utf8, false),
        (&other, false),
        ("Authorization: Bearer x", true),
        (&plain, true),
    ] {
        let (sent, record) = sent(&server, &home, &["-H", header]);
        assert_eq!(sent.asks(), want, "{header}");
        assert_eq!(sent.text() == BODY, !want, "{header}");
        let done = if want { "injected" } else { "unsupported" };
        assert_eq!(record["usage_request"], done, "{header}");
    }
    // Headers from a descriptor are curl's to read.
    let mut shell = common::isolated("sh");
    let script = format!(
        "printf 'X-A: caf\\n' | {{ exec 9<&0 < /dev/null; exec \"$TAP\" run -q -- curl -sS -H @/dev/fd/9 -d '{BODY}' {}; }}",
        server.url("/v1/chat/completions")
    );
    let output = shell
        .args(["-c", &script])
        .env("TAP", common::BINARY)
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{output:?}");
    let came = server.only();
    assert!(
        came.text() == BODY && came.head.contains("X-A: caf"),
        "{}",
        came.head
    );
}

/// The user's own configuration has a part in the request, unless a `-q` leaves it out.
fn the_users_configuration_counts() {
    let server = Server::new(stated);
    let home = scratch("certain-curlrc");
    for (config, arguments, want) in [
        ("silent\nuser-agent = \"me\"\n", &[][..], "injected"),
        ("header = \"X-Amz-Content-Sha256: 0\"\n", &[], "unsupported"),
        (
            "header = \"X-Amz-Content-Sha256: 0\"\n",
            &["-q"],
            "injected",
        ),
        ("-H \"Authorization: Signature x\"\n", &[], "unsupported"),
        ("data = \"{\"\n", &[], "not_understood"),
        ("data = \"{\"\n", &["-qs"], "injected"),
    ] {
        let mut file = fs::File::create(home.join(".curlrc")).expect("a file");
        file.write_all(config.as_bytes()).expect("a file");
        let (sent, record) = sent(&server, &home, arguments);
        assert_eq!(record["usage_request"], want, "{config}");
        assert_eq!(sent.asks(), want == "injected", "{config}");
    }
}

/// Bodies that curl's versions read in different ways are left to the curl that is there.
fn what_versions_differ_in_is_left_to_curl() {
    let server = Server::new(stated);
    let folder = scratch("certain-versions");
    let file = folder.join("nul");
    fs::write(&file, [BODY.as_bytes(), b"\0\n"].concat()).expect("a file");
    let at = format!("@{}", file.display());
    let url = server.url("/v1/chat/completions");
    for arguments in [
        &["-d", "", "-d", BODY, &url][..],
        &["--data-raw", "", "--data-binary", BODY, &url],
        &["-d", &at, &url],
        &["-d", BODY, "--next", "-d", BODY, &url],
    ] {
        need_curl();
        let alone = common::isolated("curl")
            .arg("-sS")
            .args(arguments)
            .output()
            .expect("curl");
        let want: Vec<_> = server.sent().iter().map(Sent::text).collect();
        let run = tokensense()
            .args(["run", "-q", "--", "curl", "-sS"])
            .args(arguments)
            .output();
        let run = run.expect("the binary");
        assert_eq!(run.status.code(), alone.status.code(), "{arguments:?}");
        let came: Vec<_> = server.sent().iter().map(Sent::text).collect();
        assert_eq!(came, want, "{arguments:?}");
    }
}
