//! The AWS event stream encoding, `application/vnd.amazon.eventstream`: prelude, headers, payload, two CRCs.
//!
//! <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream>

use super::event::{MAX_EVENT, Wrap};

/// Total length, header length, and the CRC of both.
pub(super) const PRELUDE: usize = 12;
const CRC: usize = 4;

/// Puts one frame together.
#[derive(Default)]
pub(super) struct AwsAssembler {
    bytes: Vec<u8>,
    /// Bytes of a frame that is too long to keep, still to be passed over.
    skip: usize,
}

/// How far the frame under way has come.
#[derive(Debug, PartialEq)]
pub(super) enum AwsStep {
    /// Whole, but its CRC is wrong, and what it held is to be [given back](Assembler::give_back); or it was longer than we
    /// keep.
    Damaged,
    More,
    /// No frame begins here.
    NotAws,
    Whole,
}

impl AwsAssembler {
    /// Takes from the front of `input`; gives how many bytes it took.
    pub(super) fn take(&mut self, input: &[u8]) -> (usize, AwsStep) {
        if self.skip > 0 {
            let n = self.skip.min(input.len());
            self.skip -= n;
            let step = if self.skip == 0 {
                AwsStep::Damaged
            } else {
                AwsStep::More
            };
            return (n, step);
        }
        let mut used = 0;
        if self.bytes.len() < PRELUDE {
            used = self.fill_to(PRELUDE, input);
            if self.bytes.len() < PRELUDE {
                return (used, AwsStep::More);
            }
        }
        let Some(total) = total(&self.bytes) else {
            return (used, AwsStep::NotAws);
        };
        if total > MAX_EVENT {
            self.bytes.clear();
            self.skip = total - PRELUDE;
            return (used, AwsStep::More);
        }
        used += self.fill_to(total, &input[used..]);
        if self.bytes.len() < total {
            return (used, AwsStep::More);
        }
        let (body, crc) = self.bytes.split_at(total - CRC);
        if crc32fast::hash(body) != word(crc) {
            return (used, AwsStep::Damaged);
        }
        (used, AwsStep::Whole)
    }

    /// Reads the whole frame into name and payload; `None` where its headers are malformed.
    pub(super) fn read(&mut self, name: &mut Vec<u8>, data: &mut Vec<u8>) -> Option<Wrap> {
        let bytes = std::mem::take(&mut self.bytes);
        let headers_end = PRELUDE + word(&bytes[4..]) as usize;
        let mut headers = &bytes[PRELUDE..headers_end];
        let mut wrap = Wrap::Aws;
        name.clear();
        while !headers.is_empty() {
            let (key, value) = header(&mut headers)?;
            match key {
                b":event-type" | b":exception-type" | b":error-code" => {
                    name.extend_from_slice(value)
                }
                b":message-type" if value != b"event" => wrap = Wrap::AwsException,
                _ => {}
            }
        }
        data.clear();
        data.extend_from_slice(&bytes[headers_end..bytes.len() - CRC]);
        Some(wrap)
    }

    /// What was taken for a frame, and is none.
    pub(super) fn give_back(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn fill_to(&mut self, len: usize, input: &[u8]) -> usize {
        let n = (len - self.bytes.len()).min(input.len());
        self.bytes.extend_from_slice(&input[..n]);
        n
    }
}

/// The length of a frame, if its prelude is sound.
fn total(bytes: &[u8]) -> Option<usize> {
    let prelude = bytes.get(..PRELUDE)?;
    let total = word(prelude) as usize;
    let headers = word(&prelude[4..]) as usize;
    let sound = total >= PRELUDE.saturating_add(headers).saturating_add(CRC)
        && crc32fast::hash(&prelude[..8]) == word(&prelude[8..]);
    sound.then_some(total)
}

/// Whether a frame begins here; `None` where more has to be seen.
pub(super) fn is_prelude(bytes: &[u8]) -> Option<bool> {
    (bytes.len() >= PRELUDE).then(|| total(bytes).is_some())
}

/// Takes one header off the front: its name and, where it is a string or bytes, its value.
fn header<'a>(headers: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut take = |n: usize| -> Option<&'a [u8]> {
        let (front, rest) = headers.split_at_checked(n)?;
        *headers = rest;
        Some(front)
    };
    let name_len = take(1)?[0];
    let name = take(name_len.into())?;
    let fixed = match take(1)?[0] {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let len = take(2)?;
            let value = take(u16::from_be_bytes([len[0], len[1]]).into())?;
            return Some((name, value));
        }
        _ => return None,
    };
    take(fixed)?;
    Some((name, &[]))
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
