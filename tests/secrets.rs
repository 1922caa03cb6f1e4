//! Prompts, answers, headers and keys never reach a record, a message or the progress line.

mod common;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use common::bounded::{end, feed};
use common::{BINARY, captures, isolated, scratch, tokensense};

/// What stands where only the user may read it.
const MARK: &str = "Zq7Mark";
/// Keys of many makes, each as it may stand in an error message.
const KEYS: &[&str] = &[
    "sk-proj-Zq7MarkZq7MarkZq7MarkZq7Mark",
    "sk-ant-api03-Zq7MarkZq7MarkZq7Mark",
    "AIzaSyZq7MarkZq7MarkZq7Mark",
    "gsk_Zq7MarkZq7Mark",
    "xai-Zq7MarkZq7Mark",
    "hf_Zq7MarkZq7Mark",
    "AKIAZq7MarkZq7Mark",
    "9aZq7Mark4f6bZq7Mark1c2d3e",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJacTdNYXJrIn0Zq7Mark1.dBjftJeZ4CVPZq7MarkmB92K27uhbUJU1p1r",
];

/// All that a tap says beside the stream: by stderr, and by records in a file of this format.
fn said(test: &str, format: &str, options: &[&str], input: &[u8]) -> String {
    let file = scratch(&format!("secrets-{test}")).join(format!("records.{format}"));
    let mut command = tokensense();
    command.args(["tap", "--format", format, "-o"]).arg(&file);
    let run = feed(command.args(options), input);
    run.stderr + &fs::read_to_string(&file).expect("a file")
}

fn assert_clean(said: &str, what: &str) {
    // The words of the mark, not the text around it: a failing test tells nothing either.
    assert!(
        !said.contains(MARK),
        "{what}: a mark came through, {} bytes in all",
        said.len()
    );
    assert!(
        !said.contains("Zq7") && !said.contains("7Mark"),
        "{what}: part of a mark came through"
    );
}

/// Where generated text stands.
const TEXTS: &[&str] = &[
    "arguments",
    "completion",
    "content",
    "delta",
    "generated_text",
    "generation",
    "outputText",
    "partial_json",
    "reasoning_content",
    "response",
    "text",
    "thinking",
    "token",
];

/// Every generated text of every capture marked; some cut in the middle.
#[test]
fn answers() {
    let captures = captures().into_iter().map(fs::read_to_string);
    let mut marked = 0;
    for (at, capture) in captures.flatten().enumerate() {
        let mut text = capture.clone();
        for key in TEXTS {
            for gap in ["", " "] {
                let (from, to) = (
                    format!("\"{key}\":{gap}\""),
                    format!("\"{key}\":{gap}\"{MARK} "),
                );
                text = text.replace(&from, &to);
            }
        }
        marked += usize::from(text != capture);
        let (format, len) = match at % 4 {
            0 => ("csv", text.len() * 2 / 3),
            _ => ("json", text.len()),
        };
        let said = said("answers", format, &[], &text.as_bytes()[..len]);
        assert_clean(&said, &format!("capture {at} in {format}"));
    }
    assert!(marked > 80, "{marked} captures have text");
}

/// A marked prompt is counted, with a key in the headers, and neither is told.
#[test]
fn prompts_and_headers() {
    let request = scratch("secrets-request").join("request.json");
    let prompt = format!("{MARK} ").repeat(100);
    let body = format!(
        "{{\"model\":\"gpt-4o\",\"stream\":true,\"user\":\"{MARK}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
    );
    fs::write(&request, body).expect("a file");
    let stream = fs::read("testdata/openai.chat/truncated.sse").expect("a capture");
    let head = format!("HTTP/1.1 200 OK\r\nset-cookie: {MARK}\r\nx-api-key: {MARK}\r\n\r\n");
    let input = [head.as_bytes(), &stream].concat();
    let request = request.to_str().expect("UTF-8");
    for format in ["json", "csv", "line"] {
        let said = said("prompts", format, &["--request", request], &input);
        assert!(said.contains("gpt-4o"), "{format}");
        assert_clean(&said, format);
    }
}

/// Providers repeat a wrong key in their message.
#[test]
fn keys_in_errors() {
    let mut errors = String::new();
    for key in KEYS {
        for around in [
            "Incorrect API key provided: KEY. You can find yours at https://example.com.",
            "api_key=KEY,org=x",
            "Authorization: Bearer KEY",
            "{\\\"key\\\":\\\"KEY\\\"}",
            "https://example.com/v1?key=KEY&alt=sse",
        ] {
            let message = around.replace("KEY", key);
            errors += &format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"auth\"}}}}\n");
        }
    }
    for format in ["json", "csv", "line"] {
        let said = said("errors", format, &[], errors.as_bytes());
        let masked = said.lines().filter(|line| line.contains("***"));
        assert_eq!(masked.count(), errors.lines().count(), "{format}");
        assert_clean(&said, format);
    }
}

/// In whatever column a provider may repeat a key, and however short or odd it is.
#[test]
fn keys_in_every_column() {
    for key in [
        "sk-Zq7MarkZq7Mark",
        "Bearer Zq7MarkZq7",
        "bearer Zq7Mark",
        "AKIAZq7MarkZq7Mark",
    ] {
        let body = format!(
            "{{\"id\":\"{key}\",\"object\":\"chat.completion\",\"model\":\"{key}\",\"service_tier\":\"{key}\",\"choices\":\
             [{{\"message\":{{\"content\":\"x\"}},\"finish_reason\":\"{key}\"}}],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1}}}}\n\
             {{\"error\":{{\"message\":\"no\",\"type\":\"{key}\"}}}}\n"
        );
        for format in ["json", "csv", "line"] {
            assert_clean(&said("columns", format, &[], body.as_bytes()), format);
        }
    }
    for message in [
        "Authorization: Bearer Zq7Mark",
        "you sent bearer Zq7MarkZq7Mark.",
        "key wJalZq7Mark/K7MDENG/bPxRfiZq7Mark is wrong",
        "ab+Zq7Mark/9Qx+Zq7Mark/x8J/Lw5v+Zq7Mark==",
        "password=Zq7Mark",
        "{\\\"client_secret\\\":\\\"Zq7Mark\\\"}",
        "https://me:Zq7Mark@example.com",
        "Incorrect API key provided: Zq7Mark",
    ] {
        let body = format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"auth\"}}}}\n");
        assert_clean(&said("messages", "json", &[], body.as_bytes()), message);
    }
}

/// What `run --dry-run` prints of a command.
fn dry(arguments: &[&str]) -> String {
    let run = feed(
        tokensense()
            .args(["run", "--dry-run", "--"])
            .args(arguments),
        b"",
    );
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    run.stderr + &String::from_utf8(run.stdout).expect("text")
}

const BODY: &str = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Zq7Mark\"}]}";

/// Where a secret or a prompt may stand.
const ARGUMENTS: &[&[&str]] = &[
    &["-H", "Authorization: Bearer Zq7Mark"],
    &["-H", "X-Odd: Bearer Zq7Mark"],
    &["-HX-Api-Key: Zq7Mark"],
    &["-H", "x-credential: Zq7Mark"],
    &["-u", "me:Zq7Mark"],
    &["-ume:Zq7Mark"],
    &["--user=me:Zq7Mark"],
    &["--api-key", "Zq7Mark"],
    &["--password=Zq7Mark"],
    &["--client-secret", "Zq7Mark"],
    &["-d", BODY],
    &["--json", BODY],
    &[BODY],
    &["Zq7Mark is a prompt of several words"],
    &["-d", "Zq7Mark is a prompt of several words"],
    &["https://me:Zq7Mark@example.com/"],
    &["https://example.com/?key=Zq7Mark&a=b"],
    &["https://example.com/cb?code=Zq7Mark"],
    &["https://example.com/x;access_token=Zq7Mark"],
    &["https://example.com/#access_token=Zq7Mark"],
    &["https://example.com/?a=b;pwd=Zq7Mark"],
    &["--x=sk-proj-Zq7MarkZq7Mark"],
    &["9aZq7Mark4f6bZq7Mark1c2d3e"],
    &["wJalZq7Mark/K7MDENG/bPxRfiZq7Mark"],
];

const PROGRAMS: &[&[&str]] = &[
    &["curl"],
    &["/usr/local/bin/curl-8.9"],
    &["timeout", "60", "curl"],
    &[
        "timeout",
        "-k",
        "5",
        "-s",
        "INT",
        "60",
        "/usr/bin/curl",
        "-s",
    ],
    &[
        "env",
        "OPENAI_API_KEY=Zq7Mark",
        "DB_PASSWORD=Zq7Mark",
        "curl",
    ],
    &["env", "-u", "HOME", "python", "chat.py"],
    &[
        "sudo", "-u", "me", "nice", "-n", "5", "stdbuf", "-oL", "curl",
    ],
    &["nohup", "time", "-f", "%e", "curl"],
    &["other"],
    &["http"],
    &["python", "chat.py"],
    &["docker", "run", "-e", "API_KEY=Zq7Mark", "image"],
];

/// Where a secret or a prompt may stand in a command, whichever program it starts.
#[test]
fn dry_run_of_any_command() {
    for program in PROGRAMS {
        for arguments in ARGUMENTS {
            let shown = dry(&[*program, arguments].concat());
            assert_clean(
                &shown,
                &format!("{program:?} {arguments:?}: {}", shown.len()),
            );
            assert!(shown.starts_with(program[0]), "{shown}");
        }
    }
    for script in [
        "curl -u me:Zq7Mark x",
        "curl -d '{\"content\":\"Zq7Mark\"}' x",
        "KEY=Zq7Mark; export KEY",
    ] {
        for shell in [
            &["sh", "-c"][..],
            &["bash", "-ec"],
            &["env", "-i", "sh", "-c"],
        ] {
            let shown = dry(&[shell, &[script]].concat());
            assert_clean(&shown, script);
        }
    }
}

/// Options of curl's that hold one.
#[test]
fn dry_run_of_curl_options() {
    for option in [
        "--user",
        "--proxy-user",
        "--oauth2-bearer",
        "--cookie",
        "--login-options",
        "--ftp-account",
        "--quote",
        "--tlspassword",
        "--pass",
        "--cert",
        "--pinnedpubkey",
        "--telnet-option",
    ] {
        let shown = dry(&["curl", option, "Zq7Mark", "x"]);
        assert_clean(&shown, option);
        assert!(shown.contains(option) && shown.contains("***"), "{shown}");
    }
    assert_clean(&dry(&["curl", "-Q", "PASS Zq7Mark", "x"]), "-Q");
    assert_clean(
        &dry(&["curl", "--key", "pkcs11:object=x;pin-value=Zq7Mark", "x"]),
        "a pin",
    );
}

/// What tells nothing is shown: the line is to be understood.
#[test]
fn dry_run_shows_what_is_harmless() {
    for line in [
        "timeout 60 curl -s https://api.openai.com/v1/models",
        "env LANG=C nice -n 5 python chat.py --model gpt-4o --max-tokens 100",
        "aws bedrock-runtime converse-stream --region us-east-1",
        "sudo -u me curl -sN http://localhost:8080/v1/completions",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(dry(&words).trim_end(), line);
    }
}

#[test]
fn progress() {
    let stream = format!(
        "data: {{\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"delta\":{{\"content\":\"{MARK}\"}}}}]}}\n\n"
    );
    let file = scratch("secrets-progress").join("records.json");
    let mut command = tokensense();
    command
        .args(["tap", "--progress", "--progress", "-o"])
        .arg(&file);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(stream.as_bytes()).expect("a reader");
    std::thread::sleep(Duration::from_millis(1500));
    drop(stdin);
    let run = end(child);
    assert!(run.stderr.contains("tokens"), "no progress was shown");
    assert_clean(&run.stderr, "progress");
}

#[test]
fn record_files_are_private() {
    for name in ["records.json", "records.csv"] {
        let file = scratch("secrets-mode").join(name);
        let mut command = isolated("sh");
        command.args(["-c", "umask 0; exec \"$TAP\" tap -o \"$FILE\""]);
        feed(command.env("TAP", BINARY).env("FILE", &file), b"{}");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
