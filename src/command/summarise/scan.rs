//! One worker: reads file after file, whatever they hold, and adds their responses to the ledger.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::mem::take;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use jiff::Timestamp;

use super::input::{Folder, Input, Source};
use super::job::Job;
use super::ledger::Sums;
use super::lines::{fill, next_line};
use crate::fd::Buffer;
use crate::meter::{EndedBy, Meter};
use crate::price::PriceBook;
use crate::record::{Record, Shape};
use crate::saved::{self, Reader};

/// One thread's part of the job.
pub(super) struct Worker<'j> {
    job: &'j Job,
    prices: PriceBook,
    meter: Meter,
    folder: Folder,
    /// The beginnings of files.
    slots: Vec<Buffer>,
    /// What is read at once of their rest.
    buffer: Buffer,
    bytes_read: u64,
    sums: Sums,
    /// The keys of the response at hand.
    keys: Vec<String>,
    /// Records yet to be written.
    lines: Vec<u8>,
}

/// What is known of the file at hand.
#[derive(Default)]
struct Place {
    input: Input,
    /// When it was last written to, if that matters.
    modified: Option<Timestamp>,
    /// Responses met so far.
    number: u64,
}

/// A file of which the beginning was read.
struct Begun<'j> {
    source: Counted<'j>,
    place: Place,
    /// How much that is, and what went wrong then.
    filled: usize,
    result: io::Result<()>,
}

/// Up to here a file takes the less time the more of it is read at once.
const CHUNK: usize = 1 << 20;
/// A file no longer than this is read at once.
const SLOT: usize = 32 << 10;
/// A file shows within so many bytes what it holds.
const BEGINNING: usize = 4 << 10;
/// Records are written together up to this size.
const LINES: usize = 64 << 10;

impl<'j> Worker<'j> {
    /// A worker that has so many files open at once.
    pub(super) fn new(job: &'j Job, open: usize) -> Self {
        Self {
            job,
            prices: job.prices.split(),
            meter: Meter::new(),
            folder: Folder::default(),
            slots: (0..open).map(|_| Buffer::new(SLOT)).collect(),
            buffer: Buffer::new(CHUNK),
            bytes_read: 0,
            sums: Sums::default(),
            keys: vec![String::new(); job.by.len()],
            lines: Vec::new(),
        }
    }

    /// Adds all that some inputs hold. Says what goes wrong, and notes it; what came before that is counted.
    pub(super) fn scan(&mut self, inputs: Vec<Result<Input, String>>) {
        let (mut inputs, mut slots) = (inputs.into_iter(), take(&mut self.slots));
        // To read some and then meter them takes less time than both by turns: neither loses its caches to the other.
        loop {
            let begin = |(slot, input): (&mut Buffer, Result<Input, String>)| {
                input.and_then(|input| self.begin(input, slot.bytes()))
            };
            let begun: Vec<_> = slots.iter_mut().zip(&mut inputs).map(begin).collect();
            if begun.is_empty() {
                break;
            }
            let (files, mut failed) = (begun.len(), 0);
            for (slot, begun) in slots.iter_mut().zip(begun) {
                let result = begun.and_then(|begun| self.go_on(begun, slot.bytes()));
                if let Err(error) = result {
                    self.job.complain(&error);
                    failed += 1;
                }
            }
            self.job.done.fetch_add(files, Ordering::Relaxed);
            self.job.failed.fetch_add(failed, Ordering::Relaxed);
        }
        self.slots = slots;
    }

    /// Opens an input and reads its beginning.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    fn begin(&mut self, input: Input, slot: &mut [u8]) -> Result<Begun<'j>, String> {
        let source = input.open(&mut self.folder)?;
        let modified = self.job.mtime.then(|| input.metadata()?.modified().ok());
        let place = Place {
            input,
            modified: modified
                .flatten()
                .and_then(|at| Timestamp::try_from(at).ok()),
            number: 0,
        };
        let (bar, read) = (self.job.bar.as_ref(), 0);
        let mut source = Counted { source, bar, read };
        let (filled, result) = fill(&mut source, slot, BEGINNING);
        Ok(Begun {
            source,
            place,
            filled,
            result,
        })
    }

    /// Adds all that an input holds whose beginning is in the slot.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    fn go_on(&mut self, begun: Begun<'_>, slot: &[u8]) -> Result<(), String> {
        let Begun {
            mut source,
            mut place,
            filled,
            result,
        } = begun;
        let result = self.read(&slot[..filled], result, &mut source, true, &mut place);
        self.bytes_read += source.read;
        self.flush();
        result.map_err(|error| format!("cannot read {}: {error}", place.input.name()))
    }

    /// Reads what may be packed, and began so.
    fn read(
        &mut self,
        beginning: &[u8],
        begun: io::Result<()>,
        source: &mut dyn Stream,
        packed: bool,
        place: &mut Place,
    ) -> io::Result<()> {
        if beginning.is_empty() {
            begun?;
            return self.meter(beginning, source, place);
        }
        let mut whole = Cursor::new(beginning).chain(&mut *source);
        let result = match beginning {
            [0x1f, 0x8b, ..] if packed => self.unpack(&mut MultiGzDecoder::new(whole), place),
            [0x28, 0xb5, 0x2f, 0xfd, ..] if packed => {
                zstd::Decoder::new(whole).and_then(|mut unpacked| self.unpack(&mut unpacked, place))
            }
            _ => match Shape::recognise(beginning) {
                None => match saved::recognise(beginning, place.input.path()) {
                    Some(reader) => self.saved(reader, beginning, source, place),
                    None => self.meter(beginning, source, place),
                },
                Some(Ok(mut shape)) => self.records(&mut shape, &mut whole, place),
                Some(Err(error)) => Err(io::Error::other(error)),
            },
        };
        // What came before it broke off is taken all the same.
        result.and(begun)
    }

    fn unpack(&mut self, source: &mut dyn Stream, place: &mut Place) -> io::Result<()> {
        let mut slot = vec![0; SLOT];
        let (filled, begun) = fill(source, &mut slot, BEGINNING);
        self.read(&slot[..filled], begun, source, false, place)
    }

    /// Meters a capture that begins so.
    fn meter(
        &mut self,
        beginning: &[u8],
        source: &mut dyn Stream,
        place: &mut Place,
    ) -> io::Result<()> {
        self.meter.renew();
        self.meter.feed(beginning);
        self.put(place);
        let mut buffer = take(&mut self.buffer);
        let result = loop {
            if source.seems_read() && self.meter.is_done() {
                break Ok(());
            }
            match source.read(buffer.bytes()) {
                Ok(0) => break Ok(()),
                Ok(n) => self.meter.feed(&buffer.bytes()[..n]),
                Err(error) => break Err(error),
            }
            self.put(place);
        };
        self.buffer = buffer;
        self.meter.finish(EndedBy::Upstream);
        self.put(place);
        result
    }

    /// Reads a log that holds responses in a form of its own.
    fn saved(
        &mut self,
        mut reader: Box<dyn Reader>,
        beginning: &[u8],
        source: &mut dyn Stream,
        place: &mut Place,
    ) -> io::Result<()> {
        reader.feed(beginning);
        self.put_saved(&mut *reader, place);
        let mut buffer = take(&mut self.buffer);
        let result = loop {
            match source.read(buffer.bytes()) {
                Ok(0) => break Ok(()),
                Ok(n) => reader.feed(&buffer.bytes()[..n]),
                Err(error) => break Err(error),
            }
            self.put_saved(&mut *reader, place);
        };
        self.buffer = buffer;
        reader.finish(EndedBy::Upstream);
        self.put_saved(&mut *reader, place);
        result
    }

    fn put_saved(&mut self, reader: &mut dyn Reader, place: &mut Place) {
        while let Some(mut found) = reader.next() {
            let now = place.modified.map_or(self.job.now, SystemTime::from);
            let mut record = Record::priced(&mut found.reading, &self.prices, now);
            record.labels = found.labels.into_iter().collect();
            record.source = found.source;
            place.mark(&mut record, self.job.placed);
            self.add(&record);
        }
    }

    /// Gives what it has summed up.
    pub(super) fn close(mut self) -> Sums {
        self.flush();
        self.job.read.fetch_add(self.bytes_read, Ordering::Relaxed);
        self.sums
    }

    fn put(&mut self, place: &mut Place) {
        while let Some(mut reading) = self.meter.next_reading() {
            let now = place.modified.map_or(self.job.now, SystemTime::from);
            let mut record = Record::priced(&mut reading, &self.prices, now);
            place.mark(&mut record, self.job.placed);
            self.add(&record);
        }
    }

    /// Reads records, each in a line of its own.
    fn records(
        &mut self,
        shape: &mut Shape,
        source: &mut dyn Read,
        place: &mut Place,
    ) -> io::Result<()> {
        // A larger buffer would be cleared for longer than a small file takes to read.
        let mut source = BufReader::with_capacity(SLOT, source);
        let is_csv = matches!(shape, Shape::Csv(..));
        let mut header = None;
        let mut line = Vec::new();
        let mut at = 0;
        let (mut wrong, mut first) = (0, None);
        while next_line(&mut source, is_csv, &mut line)? {
            at += 1;
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            let trimmed = text.trim_ascii();
            if trimmed.is_empty() {
                continue;
            }
            if is_csv && header.get_or_insert_with(|| trimmed.to_owned()) == trimmed {
                // The header comes again where files were joined.
                continue;
            }
            // Blanks at the ends of a row belong to its fields.
            match shape.read(if is_csv { text } else { trimmed }) {
                Ok(mut record) => {
                    place.mark(&mut record, self.job.placed);
                    if self.job.reprice {
                        record.reprice(&self.prices, self.job.now);
                    }
                    self.add(&record);
                }
                Err(error) => {
                    wrong += 1;
                    first.get_or_insert((at, error));
                }
            }
        }
        let Some((at, error)) = first else {
            return Ok(());
        };
        let others = match wrong {
            1 => String::new(),
            wrong => format!(" (and {} more)", wrong - 1),
        };
        let error = format!("line {at} is no record{others}: {error}");
        Err(io::Error::other(error))
    }

    fn add(&mut self, record: &Record) {
        let job = self.job;
        if !job.picks.take(record, &job.zone) {
            return;
        }
        if let Some(records) = &job.records {
            self.lines.extend(records.writer.record(record));
            if self.lines.len() > LINES {
                self.flush();
            }
        }
        for (text, key) in self.keys.iter_mut().zip(&job.by) {
            key.of(record, &job.zone).as_ref().clone_into(text);
        }
        job.ledger.add(record, &self.keys, &mut self.sums);
    }

    fn flush(&mut self) {
        if let Some(records) = &self.job.records {
            records.write(&self.lines);
            self.lines.clear();
        }
    }
}

/// What is read.
trait Stream: Read {
    /// Whether nothing is left, by all signs.
    fn seems_read(&self) -> bool {
        false
    }
}

impl<R: Read> Stream for MultiGzDecoder<R> {}
impl<R: BufRead> Stream for zstd::Decoder<'_, R> {}

impl Stream for Counted<'_> {
    fn seems_read(&self) -> bool {
        self.source.seems_read()
    }
}

/// Counts what is read.
struct Counted<'j> {
    source: Source,
    bar: Option<&'j ProgressBar>,
    /// Bytes.
    read: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.read += n as u64;
        if let Some(bar) = self.bar {
            bar.inc(n as u64);
        }
        Ok(n)
    }
}

impl Place {
    /// Says in a record when it was written and, if that is `asked`, where it was found.
    fn mark(&mut self, record: &mut Record, asked: bool) {
        self.number += 1;
        if asked && record.source.is_none() {
            record.source = Some([&self.input.name(), "#", &self.number.to_string()].concat());
        }
        if let Some(modified) = self.modified
            && record.at().is_none()
        {
            record.started_at = Some(format!("{modified:.3}"));
        }
    }
}
