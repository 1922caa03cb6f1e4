//! One worker: reads file after file, whatever they hold, and adds their responses to the ledger.

use std::io::{self, BufReader, Cursor, Read};
use std::mem::take;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use jiff::Timestamp;
use lzma_rust2::XzReader;
use memchr::memmem;

use super::copies::Copies;
use super::input::{Folder, Input, Source};
use super::job::Job;
use super::ledger::Sums;
use super::lines::{fill, next_line};
use crate::fd::Buffer;
use crate::meter::{EndedBy, Meter, Status};
use crate::price::PriceBook;
use crate::record::Record;
use crate::record::read::Shape;
use crate::saved::{self, Reader, Saved, Unwrap, is_response};

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
    /// It holds records, maybe none.
    is_records: bool,
    /// Nothing but blanks came.
    blank: bool,
    /// Reads what stands between responses or records and is neither.
    side: Option<Box<Unwrap>>,
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
/// What unpacking xz may take, in KiB: as `xz -9` needs, and zstd's own bound is near it.
const XZ_MEMORY: u32 = 128 << 10;
/// How a record begins.
const RECORD: &[u8] = b"{\"schema\":\"tokensense/";
/// Records are written together up to this size.
const LINES: usize = 64 << 10;

impl<'j> Worker<'j> {
    /// A worker that has so many files open at once.
    pub(super) fn new(job: &'j Job, open: usize) -> Self {
        let mut meter = Meter::new();
        meter.keep_strangers();
        Self {
            job,
            prices: job.prices.split(),
            meter,
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
            ..Place::default()
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
        source: &mut dyn Read,
        packed: bool,
        place: &mut Place,
    ) -> io::Result<()> {
        if beginning.is_empty() {
            // Nothing is no response, whatever it was to be.
            return begun;
        }
        let mut whole = Cursor::new(beginning).chain(&mut *source);
        let result = match beginning {
            [0x1f, 0x8b, ..] if packed => self.unpack(&mut MultiGzDecoder::new(whole), place),
            // A frame, or one to be skipped before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if packed => {
                zstd::Decoder::new(whole).and_then(|mut unpacked| self.unpack(&mut unpacked, place))
            }
            [b'B', b'Z', b'h', b'1'..=b'9', ..] if packed => {
                self.unpack(&mut MultiBzDecoder::new(whole), place)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] if packed => {
                let mut unpacked = XzReader::new_mem_limit(whole, true, XZ_MEMORY);
                self.unpack(&mut unpacked, place)
            }
            _ => match json_records(beginning) {
                None => match saved::recognise(beginning, place.input.path()) {
                    Some(mut reader) => self.saved(&mut *reader, beginning, source, place),
                    None => self.meter(beginning, source, place),
                },
                Some(Ok(mut shape)) => self.records(&mut shape, &mut whole, place),
                Some(Err(error)) => Err(io::Error::other(error)),
            },
        };
        // What came before it broke off is taken all the same.
        result.and(begun)
    }

    fn unpack(&mut self, source: &mut dyn Read, place: &mut Place) -> io::Result<()> {
        let mut slot = vec![0; SLOT];
        let (filled, begun) = fill(source, &mut slot, BEGINNING);
        self.read(&slot[..filled], begun, source, false, place)
    }

    /// Meters a capture that begins so.
    fn meter(
        &mut self,
        beginning: &[u8],
        source: &mut dyn Read,
        place: &mut Place,
    ) -> io::Result<()> {
        self.meter.renew();
        self.meter.feed(beginning);
        self.put(place);
        let mut buffer = take(&mut self.buffer);
        let result = loop {
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
        self.end(place);
        result
    }

    /// Reads a log that holds responses in a form of its own.
    fn saved(
        &mut self,
        reader: &mut dyn Reader,
        beginning: &[u8],
        source: &mut dyn Read,
        place: &mut Place,
    ) -> io::Result<()> {
        reader.feed(beginning);
        self.put_saved(reader, place);
        let mut buffer = take(&mut self.buffer);
        let result = loop {
            match source.read(buffer.bytes()) {
                Ok(0) => break Ok(()),
                Ok(n) => reader.feed(&buffer.bytes()[..n]),
                Err(error) => break Err(error),
            }
            self.put_saved(reader, place);
        };
        self.buffer = buffer;
        reader.finish(EndedBy::Upstream);
        self.put_saved(reader, place);
        place.is_records |= reader.is_table();
        self.end(place);
        let lost = reader
            .lost()
            .map_or(Ok(()), |lost| Err(io::Error::other(lost)));
        result.and(lost)
    }

    fn put_saved(&mut self, reader: &mut dyn Reader, place: &mut Place) {
        while let Some(found) = reader.next() {
            self.add_found(found, place);
        }
    }

    fn add_found(&mut self, mut found: Saved, place: &mut Place) {
        if let Some(record) = found.record {
            return self.add_record(*record, place);
        }
        if !is_response(&found.reading) {
            place.blank = found.reading.status == Status::Empty;
            return;
        }
        let now = place.modified.map_or(self.job.now, SystemTime::from);
        let mut record = Record::priced(&mut found.reading, &self.prices, now);
        let mut labels = found.labels;
        labels.retain(|(name, _)| !self.job.no_project || name != "project");
        record.labels = labels.into_iter().collect();
        // Keys may ask where it lies; what is written does not tell.
        if !self.job.keyed_by_place || self.job.no_project {
            record.source.clone_from(&found.source);
        }
        place.mark(&mut record, self.job.placed);
        if let (Some(parent), Some(copies)) = (&found.copied_from, &self.job.copies) {
            record.source = found.source.or(record.source);
            let mut copies = copies.lock().unwrap_or_else(PoisonError::into_inner);
            copies.hold(parent, record);
            return;
        }
        if self.count(&record) {
            record.source = found.source.or(record.source);
            self.write(&record);
        }
    }

    /// Adds the copied calls that no log of an earlier session has.
    pub(super) fn adopt(&mut self, copies: Copies) {
        for record in copies.orphans(&self.job.ledger) {
            self.add(&record);
        }
    }

    /// Adds a record that was written before.
    fn add_record(&mut self, mut record: Record, place: &mut Place) {
        place.mark(&mut record, self.job.placed);
        if self.job.reprice {
            record.reprice(&self.prices, self.job.now);
        }
        self.add(&record);
    }

    /// Notes what a file came to whose end was read.
    fn end(&mut self, place: &mut Place) {
        if let Some(mut side) = place.side.take() {
            side.finish(EndedBy::Upstream);
            self.put_saved(&mut *side, place);
        }
        if place.number > 0 || place.is_records {
            self.job.known.store(true, Ordering::Relaxed);
        } else if !place.blank {
            self.job.unrecognised(&place.input);
        }
    }

    /// Gives what it has summed up.
    pub(super) fn close(mut self) -> Sums {
        self.flush();
        self.job.read.fetch_add(self.bytes_read, Ordering::Relaxed);
        self.sums
    }

    fn put(&mut self, place: &mut Place) {
        while let Some(reading) = self.meter.next_reading() {
            self.add_found(reading.into(), place);
        }
        while let Some(stranger) = self.meter.next_stranger() {
            let mut side = place.side.take().unwrap_or_else(|| Box::new(Unwrap::log()));
            side.feed(&stranger);
            self.put_saved(&mut *side, place);
            place.side = Some(side);
        }
    }

    /// Reads records, each a JSON object in a line of its own.
    fn records(
        &mut self,
        shape: &mut Shape,
        source: &mut dyn Read,
        place: &mut Place,
    ) -> io::Result<()> {
        // A larger buffer would be cleared for longer than a small file takes to read.
        let mut source = BufReader::with_capacity(SLOT, source);
        place.is_records = true;
        let mut line = Vec::new();
        let mut at = 0;
        let (mut wrong, mut first, mut under_way) = (0, None, None);
        while next_line(&mut source, &mut line)? {
            at += 1;
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            let trimmed = text.trim_ascii();
            if trimmed.is_empty() {
                continue;
            }
            match shape.read(trimmed) {
                Ok(record) => self.add_record(record, place),
                Err(error) => {
                    let before = place.number;
                    let lost = self.other(&line, shape, place);
                    // It may go on in the next line.
                    let (begun, error) = under_way.take().unwrap_or((at, error));
                    wrong += lost;
                    if lost > 0 {
                        first.get_or_insert((begun, error));
                    } else if place.number == before {
                        under_way = Some((begun, error));
                    }
                }
            }
        }
        if let Some(mut side) = place.side.take() {
            let before = side.lost_units();
            side.finish(EndedBy::Upstream);
            self.put_saved(&mut *side, place);
            wrong += side.lost_units() - before;
            if wrong > 0 {
                let cut = under_way.unwrap_or((at, "it is cut off".to_owned()));
                first.get_or_insert(cut);
            }
        }
        self.end(place);
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

    /// Reads what stands in a line among records and is none; gives how many things in it were lost.
    fn other(&mut self, line: &[u8], shape: &mut Shape, place: &mut Place) -> u64 {
        // A record that was cut off, as by a full disk, and one that was written right behind it.
        let last = memmem::rfind(line, RECORD).filter(|at| *at > 0);
        if let Some(Ok(record)) = last.map(|at| shape.read(line[at..].trim_ascii())) {
            self.add_record(record, place);
            return 1;
        }
        let mut side = place.side.take().unwrap_or_else(|| Box::new(Unwrap::log()));
        let before = side.lost_units();
        side.feed(line);
        self.put_saved(&mut *side, place);
        let lost = side.lost_units() - before;
        place.side = Some(side);
        lost
    }

    fn add(&mut self, record: &Record) {
        if self.count(record) {
            self.write(record);
        }
    }

    /// Adds it to the ledger, unless the options leave it out.
    fn count(&mut self, record: &Record) -> bool {
        let job = self.job;
        let taken = job.picks.take(record, &job.zone);
        if taken {
            for (text, key) in self.keys.iter_mut().zip(&job.by) {
                key.of(record, &job.zone).as_ref().clone_into(text);
            }
            job.ledger.add(record, &self.keys, &mut self.sums);
        }
        taken
    }

    fn write(&mut self, record: &Record) {
        if let Some(records) = &self.job.records {
            self.lines.extend(records.writer.record(record));
            if self.lines.len() > LINES {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if let Some(records) = &self.job.records {
            records.write(&self.lines);
            self.lines.clear();
        }
    }
}

/// Recognises records in lines of JSON by how they begin.
fn json_records(beginning: &[u8]) -> Option<Result<Shape, String>> {
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let is_object = text.trim_ascii_start().starts_with(b"{");
    is_object.then(|| Shape::recognise(beginning)).flatten()
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
