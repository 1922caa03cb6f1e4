//! Where records go, and in which form: a file, the terminal, or both.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum as _;

use super::outcome::is_coloured;
use crate::cli;
use crate::nearest::meant;
use crate::record::Record;
use crate::record::sink::Sink;
use crate::record::write::{Format, Selection, Writer};

/// Where the records of one stream go.
pub(super) struct Output {
    sink: Sink,
    /// A short line on the terminal for each record that goes elsewhere.
    line: Option<Sink>,
    /// Whoever reads stderr reads a line for each record.
    shows_lines: bool,
}

/// How the records are written.
///
/// # Errors
/// A sentence that says what to change.
pub(super) fn writer(args: &cli::Metering) -> Result<Writer> {
    let selection = match &args.columns {
        Some(list) => Selection::parse(list).map_err(|error| anyhow!("--columns: {error}"))?,
        None => Selection::default(),
    };
    Ok(Writer::new(format(args)?, selection))
}

impl Output {
    /// Opens the place that the options name.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub(super) fn open(args: &cli::Metering, writer: Writer) -> Result<Self> {
        let format = format(args)?;
        let on_terminal = std::io::stderr().is_terminal();
        let coloured = is_coloured(&std::io::stderr());
        let mut elsewhere = true;
        let sink = match &args.output {
            Some(path) if path.as_os_str() == "-" => {
                if args.emit != cli::Emit::None {
                    bail!(
                        "--output - would mix records into the stream: add --emit none, or name a file"
                    );
                }
                elsewhere = !std::io::stdout().is_terminal();
                Sink::stdout(writer.coloured(is_coloured(&std::io::stdout())))
            }
            Some(path) => Sink::append(path, writer).map_err(|error| anyhow!(error))?,
            None => {
                elsewhere = false;
                match args.quiet {
                    true => Sink::nowhere(writer),
                    false => Sink::stderr(writer.coloured(coloured)),
                }
            }
        };
        let line = (elsewhere && on_terminal && !args.quiet).then(|| {
            let writer = Writer::new(Format::Line, Selection::default());
            Sink::stderr(writer.coloured(coloured))
        });
        Ok(Self {
            shows_lines: line.is_some() || (sink.is_stderr() && format == Format::Line),
            sink,
            line,
        })
    }

    /// Writes a record, and its line where there is to be one.
    ///
    /// # Errors
    /// The place's name and what went wrong.
    pub(super) fn write(&mut self, record: &Record) -> Result<(), String> {
        let written = self.sink.write(record);
        if let Some(line) = &mut self.line {
            let _ = line.write(record);
        }
        written
    }

    /// Whether nobody will see a record.
    pub(super) fn is_nowhere(&self) -> bool {
        self.sink.is_nowhere()
    }

    /// Whether records, or lines for them, go to stderr.
    pub(super) fn is_on_stderr(&self) -> bool {
        self.sink.is_stderr() || self.line.is_some()
    }

    /// Whether records go to stderr as they would go to a file.
    pub(super) fn is_stderr(&self) -> bool {
        self.sink.is_stderr()
    }

    /// Whether a line for people on stderr says how each response ended.
    pub(super) fn shows_lines(&self) -> bool {
        self.shows_lines
    }
}

/// The format of records: what the option says, else what the file's ending names, else the variable's, else a line where
/// a person reads it and JSON where a program does.
fn format(args: &cli::Metering) -> Result<Format> {
    let file = args
        .output
        .as_deref()
        .filter(|path| path.as_os_str() != "-");
    let named = file.and_then(Format::of);
    if let Some(format) = args.format {
        let format = of(format);
        // Spans are JSON lines too.
        let fits =
            |named: &Format| *named == format || (*named, format) == (Format::Json, Format::Otlp);
        if let (Some(named), Some(file)) = (named.filter(|named| !fits(named)), file) {
            bail!(
                "--format {} does not fit {}: its ending means {}; change one of them",
                word(format),
                file.display(),
                word(named)
            );
        }
        return Ok(format);
    }
    if let Some(named) = named {
        return Ok(named);
    }
    if let Some(format) = from_environment()? {
        return Ok(format);
    }
    let on_terminal = match &args.output {
        None => std::io::stderr().is_terminal(),
        Some(path) => path == Path::new("-") && std::io::stdout().is_terminal(),
    };
    // A line has no columns to choose.
    let variable = std::env::var("TOKENSENSE_COLUMNS").ok();
    let chosen = args.columns.is_some() && args.columns != variable;
    Ok(match on_terminal && !chosen {
        true => Format::Line,
        false => Format::Json,
    })
}

/// The format that `TOKENSENSE_FORMAT` names.
fn from_environment() -> Result<Option<Format>> {
    let Some(word) = std::env::var_os("TOKENSENSE_FORMAT").filter(|word| !word.is_empty()) else {
        return Ok(None);
    };
    let word = word.to_string_lossy();
    match cli::Format::from_str(&word, true) {
        Ok(format) => Ok(Some(of(format))),
        Err(_) => {
            let names: Vec<_> = FORMATS.iter().map(|(name, ..)| *name).collect();
            bail!(
                "TOKENSENSE_FORMAT: there is no format {word:?}: {}",
                meant(&word, &names)
            )
        }
    }
}

/// Each format: its word, as an option, and as the record's writer knows it.
const FORMATS: &[(&str, cli::Format, Format)] = &[
    ("json", cli::Format::Json, Format::Json),
    ("csv", cli::Format::Csv, Format::Csv),
    ("tsv", cli::Format::Tsv, Format::Tsv),
    ("line", cli::Format::Line, Format::Line),
    ("otlp", cli::Format::Otlp, Format::Otlp),
];

fn of(option: cli::Format) -> Format {
    let found = FORMATS.iter().find(|(_, of, _)| *of == option);
    found.map_or(Format::Json, |(.., format)| *format)
}

fn word(format: Format) -> &'static str {
    let found = FORMATS.iter().find(|(.., of)| *of == format);
    found.map_or("json", |(word, ..)| word)
}
