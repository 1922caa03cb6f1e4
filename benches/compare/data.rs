//! What the rows are measured on: made once, from the captures in testdata, and kept in target/compare.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const WORDS: [&str; 24] = [
    " the",
    " tide",
    " turns",
    " twice",
    " a",
    " day",
    " of",
    " harbour",
    ",",
    " with",
    "\\n",
    " rope",
    " they",
    " \\\"mind\\\"",
    " which",
    ".",
    " north",
    " said",
    " was",
    " \\u2014",
    " water",
    " and",
    " low",
    " moon",
];

/// Streams whose event with the text " twice" is repeated with other words.
pub(crate) const FORMATS: [(&str, &str); 5] = [
    ("anthropic", "anthropic.messages/stream.sse"),
    ("ollama", "ollama.chat/stream.ndjson"),
    ("openai", "openai.chat/usage.sse"),
    ("openai, completions", "openai.completions/usage.sse"),
    ("openai, responses", "openai.responses/completed.sse"),
];

pub(crate) struct Data {
    pub(crate) folder: PathBuf,
    /// All of what was asked for, or a tenth.
    share: u64,
}

impl Data {
    pub(crate) fn new(folder: PathBuf, share: u64) -> Self {
        Self { folder, share }
    }

    /// Bytes, of those that a whole run has.
    pub(crate) fn sized(&self, whole: u64) -> u64 {
        whole * self.share / 10
    }

    /// A file or folder that `make` makes where it is not there yet.
    fn kept(&self, name: &str, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
        let place = self.folder.join(format!("{name}-{}", self.share));
        if !place.exists() {
            fs::create_dir_all(&self.folder)?;
            let part = self.folder.join("part");
            let _ = fs::remove_dir_all(&part);
            let _ = fs::remove_file(&part);
            make(&part)?;
            fs::rename(&part, &place)?;
        }
        Ok(place)
    }

    /// One file of responses like a capture.
    pub(crate) fn long(&self, capture: &str, bytes: u64) -> io::Result<PathBuf> {
        let name = format!("{}-{bytes}", capture.replace(['/', '.'], "-"));
        self.kept(&name, |path| {
            let mut out = BufWriter::new(File::create(path)?);
            let mut maker = Maker::new(capture)?;
            let (mut written, wanted) = (0, self.sized(bytes));
            while written < wanted {
                let response = maker.response(460, true);
                out.write_all(response.as_bytes())?;
                written += response.len() as u64;
            }
            out.flush()
        })
    }

    /// A folder of logs with several responses each, with or without their usage.
    pub(crate) fn logs(&self, files: u64, bytes: usize, usage: bool) -> io::Result<PathBuf> {
        let name = format!("logs-{files}-{bytes}{}", if usage { "" } else { "-silent" });
        self.kept(&name, |folder| {
            fs::create_dir(folder)?;
            let mut maker = Maker::new("openai.chat/usage.sse")?;
            let events = (bytes / 320).clamp(12, 460);
            for n in 0..self.sized(files) {
                let mut log = String::new();
                while log.len() < bytes {
                    log.push_str(&maker.response(events, usage));
                }
                fs::write(folder.join(format!("{n:05}.sse")), log)?;
            }
            Ok(())
        })
    }

    /// Records like this one, one a line, of several models.
    pub(crate) fn records(&self, record: &str, count: u64) -> io::Result<PathBuf> {
        self.kept(&format!("records-{count}"), |path| {
            let mut out = BufWriter::new(File::create(path)?);
            for n in 0..self.sized(count) {
                let line = record
                    .replace("chatcmpl-A1", &format!("chatcmpl-{n}"))
                    .replace(
                        "gpt-4o-mini-2024-07-18",
                        ["gpt-4o-mini-2024-07-18", "gpt-4o", "gpt-4.1"][n as usize % 3],
                    );
                writeln!(out, "{}", line.trim_end())?;
            }
            out.flush()
        })
    }

    /// A home folder with Claude Code's logs.
    pub(crate) fn home(&self, bytes: u64) -> io::Result<PathBuf> {
        self.kept(&format!("home-{bytes}"), |home| {
            let mut written = 0;
            let mut call = 0;
            for session in 0.. {
                if written >= self.sized(bytes) {
                    break;
                }
                let project =
                    home.join(format!(".claude/projects/-home-me-project{}", session % 12));
                fs::create_dir_all(&project)?;
                let id = format!("{session:08x}-0000-4000-8000-000000000000");
                let log = session_log(&id, &mut call);
                written += log.len() as u64;
                fs::write(project.join(format!("{id}.jsonl")), log)?;
            }
            Ok(())
        })
    }
}

/// A session of some 2.5 MB: calls with their usage, streamed in one to three parts, and results of tools between them.
fn session_log(id: &str, call: &mut u64) -> String {
    let mut log = String::new();
    let common = format!(
        r#""isSidechain":false,"userType":"external","cwd":"/home/me/project","sessionId":"{id}","version":"2.0.31","gitBranch":"main""#
    );
    while log.len() < 2_500_000 {
        *call += 1;
        let n = *call;
        let (minute, second) = (n / 60 % 60, n % 60);
        let time = format!(
            "2025-11-{:02}T{:02}:{minute:02}:{second:02}.000Z",
            n / 86400 % 28 + 1,
            n / 3600 % 24
        );
        let model = [
            "claude-sonnet-4-5-20250929",
            "claude-opus-4-5-20251101",
            "claude-haiku-4-5-20251001",
        ][n as usize % 3];
        for part in 0..=n % 3 {
            let output = if part == n % 3 { 30 + n * 7 % 2500 } else { 1 };
            log.push_str(&format!(
                r#"{{"parentUuid":"p{n}",{common},"message":{{"model":"{model}","id":"msg_{n:024}","type":"message","role":"assistant","content":[{{"type":"text","text":"{text}"}}],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{input},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{read},"cache_creation":{{"ephemeral_5m_input_tokens":{written},"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"service_tier":"standard"}}}},"requestId":"req_{n:024}","type":"assistant","uuid":"u{n}-{part}","timestamp":"{time}"}}"#,
                text = text(n, 60), input = n % 30 + 1, written = 100 + n % 3900, read = 12_000 + n % 100_000,
            ));
            log.push('\n');
        }
        let result = text(n, [40, 160, 800, 3000][n as usize % 4]);
        log.push_str(&format!(
            r#"{{"parentUuid":"u{n}",{common},"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_{n}","type":"tool_result","content":"{result}"}}]}},"uuid":"r{n}","timestamp":"{time}","toolUseResult":{{"stdout":"{result}","stderr":"","interrupted":false}}}}"#
        ));
        log.push('\n');
    }
    log
}

pub(crate) fn text(seed: u64, words: usize) -> String {
    let word = |n: usize| WORDS[(seed as usize * 7 + n * n + n) % WORDS.len()];
    (0..words).map(word).collect()
}

/// Makes responses like a capture, each with an id of its own.
struct Maker {
    events: Vec<String>,
    /// Its ids, which are replaced.
    id: &'static str,
    count: u64,
}

impl Maker {
    fn new(capture: &str) -> io::Result<Self> {
        let stream = read(capture)?;
        let ends = ["\r\n\r\n", "\n\n", "\n"];
        let end = ends
            .into_iter()
            .find(|end| stream.contains(end))
            .unwrap_or("\n");
        let ids = ["chatcmpl-A1", "msg_01A", "resp_1", "cmpl-1"];
        Ok(Self {
            events: stream.split_inclusive(end).map(str::to_owned).collect(),
            id: ids
                .into_iter()
                .find(|id| stream.contains(id))
                .unwrap_or("2026-11-20T10"),
            count: 0,
        })
    }

    fn response(&mut self, words: usize, usage: bool) -> String {
        self.count += 1;
        let mut out = String::new();
        for event in &self.events {
            // The last event of some APIs says the whole text once more.
            if event.contains(" twice") && !event.contains("harbour") {
                for word in 0..words {
                    out.push_str(
                        &event.replace(" twice", WORDS[(word * word + word) % WORDS.len()]),
                    );
                }
            } else if usage || !event.contains("\"usage\":{") {
                out.push_str(event);
            }
        }
        out.replace(
            self.id,
            &format!("{}{}", &self.id[..self.id.len() - 1], self.count),
        )
    }
}

fn read(capture: &str) -> io::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(capture);
    fs::read_to_string(&path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
