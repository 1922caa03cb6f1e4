//! Sums of many responses: exact, and the same in any order and any split.
//!
//! What a response adds is a row of cells. Copies of one response join cell by cell: the firmest word counts, and
//! of equally firm ones the greatest. Different responses add up.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash as _, Hasher, RandomState};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;

use crate::record::{COUNTED, COUNTS, Cell as Field, Record};

/// What a group of responses comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Totals {
    responses: u64,
    partial: u64,
    estimated: u64,
    failed: u64,
    unpriced: u64,
    /// In the order of [`COUNTED`]; `None` where no response says.
    counts: [Option<u64>; COUNTS],
    /// US dollars · 10¹².
    cost: Option<u128>,
    /// The weakest of its parts: a place in [`BASES`].
    basis: Option<u8>,
    bytes: u64,
}

/// Where a cost comes from, the weakest first.
const BASES: [&str; 4] = ["lower_bound", "estimated", "computed", "reported"];
/// Money has no more decimal places than this.
const PLACES: u32 = 12;

/// What one response adds to the totals.
#[derive(Clone, Debug, PartialEq)]
struct Share {
    /// The fullest copy tells the group.
    fullness: u8,
    group: u32,
    /// The counts in the order of [`COUNTED`], and the rest.
    cells: [Cell; CELLS],
}

/// Something a response says, and how firmly: 0 where it says nothing.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Cell {
    firm: u8,
    value: u128,
}

const ESTIMATED: u8 = 1;
const REPORTED: u8 = 2;

const COST: usize = COUNTS;
const BYTES: usize = COUNTS + 1;
/// It is not partial.
const WHOLE: usize = COUNTS + 2;
/// It did not fail.
const SOUND: usize = COUNTS + 3;
const CELLS: usize = COUNTS + 4;

impl Totals {
    fn add(&mut self, share: &Share) {
        let (counts, rest) = share.cells.split_at(COUNTS);
        let firm = |cell: usize| rest[cell - COUNTS].firm;
        let estimated = counts.iter().any(|cell| cell.firm == ESTIMATED);
        let adds = |own: &mut u64, more: u64| *own = own.saturating_add(more);
        adds(&mut self.responses, 1);
        adds(&mut self.partial, (firm(WHOLE) == 0).into());
        adds(&mut self.estimated, estimated.into());
        adds(&mut self.failed, (firm(SOUND) == 0).into());
        adds(&mut self.unpriced, (firm(COST) == 0).into());
        adds(&mut self.bytes, share.cells[BYTES].value as u64);
        for (own, cell) in self.counts.iter_mut().zip(counts) {
            let count = cell.get().map(|n| n as u64);
            *own = sum(*own, count, u64::saturating_add);
        }
        let basis = firm(COST).checked_sub(1);
        self.cost = sum(self.cost, share.cells[COST].get(), u128::saturating_add);
        self.basis = sum(self.basis, basis, u8::min);
    }

    /// Adds another group's totals.
    pub(super) fn merge(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.responses, other.responses),
            (&mut self.partial, other.partial),
            (&mut self.estimated, other.estimated),
            (&mut self.failed, other.failed),
            (&mut self.unpriced, other.unpriced),
            (&mut self.bytes, other.bytes),
        ] {
            *own = own.saturating_add(more);
        }
        for (own, more) in self.counts.iter_mut().zip(other.counts) {
            *own = sum(*own, more, u64::saturating_add);
        }
        self.cost = sum(self.cost, other.cost, u128::saturating_add);
        self.basis = sum(self.basis, other.basis, u8::min);
    }

    /// Everything it says, by name, in the order of JSON and CSV.
    pub(super) fn figures(&self) -> Vec<(&'static str, Box<dyn Field>)> {
        let number = |n: u64| -> Box<dyn Field> { Box::new(Some(n)) };
        let mut figures = vec![
            ("responses", number(self.responses)),
            ("partial", number(self.partial)),
            ("estimated", number(self.estimated)),
            ("failed", number(self.failed)),
            ("unpriced", number(self.unpriced)),
        ];
        for (counted, count) in COUNTED.iter().zip(self.counts) {
            figures.push((counted.name, Box::new(count)));
        }
        figures.push(("cost_usd", Box::new(self.cost())));
        figures.push(("cost_basis", Box::new(self.basis().map(str::to_owned))));
        figures.push(("bytes", number(self.bytes)));
        figures
    }

    /// One of the figures, if it is a number.
    pub(super) fn figure(&self, name: &str) -> Option<Decimal> {
        let figures = self.figures();
        let (_, figure) = figures.iter().find(|(known, _)| *known == name)?;
        figure.to_text().parse().ok()
    }

    pub(super) fn cost(&self) -> Option<Decimal> {
        let amount = i128::try_from(self.cost?).unwrap_or(i128::MAX);
        let amount = Decimal::try_from_i128_with_scale(amount, PLACES);
        Some(amount.unwrap_or(Decimal::MAX).normalize())
    }

    pub(super) fn basis(&self) -> Option<&'static str> {
        self.basis.map(|at| BASES[usize::from(at)])
    }

    /// How much it matters beside others.
    pub(super) fn weight(&self) -> impl Ord + use<> {
        let tokens = COUNTED
            .iter()
            .position(|counted| counted.name == "total_tokens");
        (self.cost, tokens.map(|at| self.counts[at]), self.responses)
    }
}

fn sum<T>(a: Option<T>, b: Option<T>, add: fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(add(a, b)),
        (a, b) => a.or(b),
    }
}

impl Cell {
    fn new(firm: u8, value: impl Into<u128>) -> Self {
        let value = value.into();
        Self { firm, value }
    }

    fn get(&self) -> Option<u128> {
        (self.firm > 0).then_some(self.value)
    }
}

impl Share {
    /// `known` is how many of its group's keys are known.
    fn new(record: &Record, group: u32, known: usize) -> Self {
        let mut cells = [Cell::default(); CELLS];
        for (cell, count) in cells.iter_mut().zip(record.counts()) {
            if let Some(n) = count {
                *cell = Cell::new(REPORTED, n);
            }
        }
        for name in &record.estimated {
            let at = COUNTED.iter().position(|counted| counted.name == name);
            if let Some(cell) = at.map(|at| &mut cells[at]).filter(|cell| cell.firm > 0) {
                cell.firm = ESTIMATED;
            }
        }
        if let Some(cost) = record.cost_usd {
            let basis = record.cost_basis.as_deref();
            let at = BASES.iter().position(|name| Some(*name) == basis);
            cells[COST] = Cell::new(at.unwrap_or(0) as u8 + 1, pico(cost));
        }
        cells[BYTES] = Cell::new(REPORTED, record.bytes.unwrap_or(0));
        cells[WHOLE].firm = u8::from(!record.partial);
        cells[SOUND].firm = u8::from(record.status.as_deref() != Some("error"));
        let reported = cells[..COUNTS].iter().filter(|cell| cell.firm == REPORTED);
        let fullness = [known.min(7), cells[WHOLE].firm.into(), reported.count()];
        Self {
            fullness: (fullness[0] << 5 | fullness[1] << 4 | fullness[2]) as u8,
            group,
            cells,
        }
    }

    /// Takes in another copy of the same response; `order` tells which group stands for two copies equally full.
    fn join(&mut self, copy: &Self, order: impl FnOnce(u32, u32) -> Ordering) {
        let fuller = copy.fullness.cmp(&self.fullness);
        if fuller.then_with(|| order(copy.group, self.group)).is_gt() {
            self.fullness = copy.fullness;
            self.group = copy.group;
        }
        for (own, other) in self.cells.iter_mut().zip(&copy.cells) {
            *own = (*own).max(*other);
        }
    }

    /// Adds it to others in few bytes, since one is kept of each response: which cells say anything, and the numbers,
    /// seven bits a byte, the least first.
    fn pack(&self, into: &mut Vec<u8>) {
        let mut given: u32 = 0;
        for (at, cell) in self.cells.iter().enumerate() {
            given |= u32::from(cell.firm > 0) << at;
        }
        into.push(self.fullness);
        into.extend_from_slice(&given.to_le_bytes());
        pack(self.group.into(), into);
        for at in bits(given) {
            let cell = &self.cells[at];
            pack(cell.value << 3 | u128::from(cell.firm), into);
        }
    }

    /// The share that these bytes begin with, and how many it takes.
    fn unpack(bytes: &[u8]) -> (Self, usize) {
        let mut rest = &bytes[5..];
        let given = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
        let group = unpack(&mut rest) as u32;
        let mut cells = [Cell::default(); CELLS];
        for at in bits(given) {
            let n = unpack(&mut rest);
            cells[at] = Cell::new((n & 7) as u8, n >> 3);
        }
        let share = Self {
            fullness: bytes[0],
            group,
            cells,
        };
        (share, bytes.len() - rest.len())
    }
}

/// Each cell has its bit.
const _: () = assert!(CELLS <= 32);

/// The places of the bits that are set.
fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        lowest
    })
}

fn pack(mut n: u128, into: &mut Vec<u8>) {
    while n >= 0x80 {
        into.push(n as u8 | 0x80);
        n >>= 7;
    }
    into.push(n as u8);
}

fn unpack(bytes: &mut &[u8]) -> u128 {
    let (mut n, mut shift) = (0, 0);
    while let [byte, rest @ ..] = bytes {
        *bytes = rest;
        n |= u128::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
    }
    n
}

/// Dollars · 10¹².
fn pico(amount: Decimal) -> u128 {
    let amount = amount.round_dp(PLACES);
    let whole = u128::try_from(amount.mantissa()).unwrap_or(0);
    // What no money is must not overflow where it is packed.
    whole
        .saturating_mul(10u128.pow(PLACES - amount.scale()))
        .min(u128::MAX >> 3)
}

/// Where the shares of all responses come together. Many threads add to it, each with sums of its own.
pub(super) struct Ledger {
    groups: Mutex<Groups>,
    /// In shards by id; none where copies count like any other response.
    copies: Vec<Mutex<Copies>>,
    /// Some response came more than once.
    joined: AtomicBool,
    hasher: RandomState,
}

/// What responses that have ids add.
#[derive(Default)]
struct Copies {
    /// Where the share of each id begins.
    places: HashMap<Id, usize, BuildHasherDefault<Hashed>>,
    packed: Vec<u8>,
}

/// A response's id: two hashes of it.
type Id = (u64, u64);

/// The second one of them.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
struct Groups {
    numbers: HashMap<Arc<[String]>, u32>,
    keys: Vec<Arc<[String]>>,
}

/// Totals by the number of the group.
type Sum = HashMap<u32, Totals>;

/// What one thread has added.
#[derive(Clone, Default)]
pub(super) struct Sums {
    /// Of responses without ids.
    nameless: Sum,
    /// Of the others, unless copies were among them.
    named: Sum,
    /// The group of the last response: mostly that of the next one too.
    last: Option<(Arc<[String]>, u32)>,
    /// Shares that are yet to meet their copies, and where each is packed.
    fresh: Vec<(Id, Range<usize>)>,
    packed: Vec<u8>,
}

/// Stands for a key that a response does not tell.
pub(super) const UNKNOWN: &str = "unknown";

const SHARDS: usize = 64;
/// So many shares meet their copies together: the processor waits for them at once, and for fewer locks.
const FRESH: usize = 256;
/// Ids shorter than this are not unique: Ollama draws `chatcmpl-0` to `chatcmpl-999`.
const UNIQUE: usize = 16;

impl Ledger {
    pub(super) fn new(dedup: bool) -> Self {
        let shards = if dedup { SHARDS } else { 0 };
        Self {
            groups: Mutex::default(),
            copies: (0..shards).map(|_| Mutex::default()).collect(),
            joined: AtomicBool::new(false),
            hasher: RandomState::new(),
        }
    }

    /// Adds a response to the group of these keys.
    pub(super) fn add(&self, record: &Record, keys: &[String], sums: &mut Sums) {
        let known = keys.iter().filter(|key| *key != UNKNOWN).count();
        let group = match &sums.last {
            Some((last, group)) if **last == *keys => *group,
            _ => {
                let (keys, group) = lock(&self.groups).number(keys);
                sums.last = Some((keys, group));
                group
            }
        };
        let share = Share::new(record, group, known);
        let Some(id) = self.identity(record) else {
            sums.nameless.entry(group).or_default().add(&share);
            return;
        };
        sums.named.entry(group).or_default().add(&share);
        let begin = sums.packed.len();
        share.pack(&mut sums.packed);
        sums.fresh.push((id, begin..sums.packed.len()));
        if sums.fresh.len() == FRESH {
            self.settle(sums);
        }
    }

    /// Lets fresh shares meet their copies.
    fn settle(&self, sums: &mut Sums) {
        let shard = |(id, _): &(Id, _)| id.0 as usize % SHARDS;
        let order = |a, b| {
            let groups = lock(&self.groups);
            groups.keys[a as usize].cmp(&groups.keys[b as usize])
        };
        sums.fresh.sort_unstable_by_key(shard);
        for fresh in sums.fresh.chunk_by(|a, b| shard(a) == shard(b)) {
            let mut copies = lock(&self.copies[shard(&fresh[0])]);
            for (id, span) in fresh {
                if copies.add(*id, &sums.packed[span.clone()], order) {
                    self.joined.store(true, Relaxed);
                }
            }
        }
        sums.fresh.clear();
        sums.packed.clear();
    }

    /// What tells a response's copies from other responses, if anything is to.
    fn identity(&self, record: &Record) -> Option<Id> {
        if self.copies.is_empty() {
            return None;
        }
        let id = record.response_id.as_deref().filter(|id| !id.is_empty())?;
        let mut hasher = self.hasher.build_hasher();
        id.hash(&mut hasher);
        if id.len() < UNIQUE {
            record.created_at.hash(&mut hasher);
        }
        // A longer text of the same beginning has another hash: two together are as good as one of 128 bits.
        let high = hasher.finish();
        hasher.write_u8(0);
        Some((high, hasher.finish()))
    }

    /// The groups, in no order, out of all that was added.
    pub(super) fn close(self, mut sums: Vec<Sums>) -> Vec<(Arc<[String]>, Totals)> {
        sums.iter_mut().for_each(|sums| self.settle(sums));
        let keys = self
            .groups
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .keys;
        let mut all = vec![Totals::default(); keys.len()];
        let mut take = |sum: Sum| {
            for (group, totals) in sum {
                all[group as usize].merge(&totals);
            }
        };
        if self.joined.into_inner() {
            sum_up(self.copies, sums.len(), &mut take);
        } else {
            for sums in &mut sums {
                take(std::mem::take(&mut sums.named));
            }
            // The process is at its end: to free it, response by response, would only take time.
            std::mem::forget(self.copies);
        }
        sums.into_iter().for_each(|sums| take(sums.nameless));
        let groups = keys.into_iter().zip(all);
        // A group may have lost its only response to a fuller copy.
        groups.filter(|(_, totals)| totals.responses > 0).collect()
    }
}

/// Sums up what copies came to, on so many threads.
fn sum_up(mut shards: Vec<Mutex<Copies>>, threads: usize, take: &mut impl FnMut(Sum)) {
    let each = shards.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let mut others = Vec::new();
        while shards.len() > each {
            let part = shards.split_off(shards.len() - each);
            others.push(scope.spawn(|| Copies::sum(part)));
        }
        take(Copies::sum(shards));
        for other in others {
            take(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
}

impl Copies {
    fn sum(shards: Vec<Mutex<Self>>) -> Sum {
        let mut sum = Sum::new();
        for shard in shards {
            let shard = shard.into_inner().unwrap_or_else(PoisonError::into_inner);
            for at in shard.places.into_values() {
                let (share, _) = Share::unpack(&shard.packed[at..]);
                sum.entry(share.group).or_default().add(&share);
            }
        }
        sum
    }

    /// Adds a packed share, or joins it with its copy; gives whether there was one.
    fn add(&mut self, id: Id, share: &[u8], order: impl FnOnce(u32, u32) -> Ordering) -> bool {
        let end = self.packed.len();
        match self.places.entry(id) {
            Entry::Vacant(place) => {
                place.insert(end);
                self.packed.extend_from_slice(share);
                false
            }
            Entry::Occupied(mut place) => {
                let at = *place.get();
                if self.packed[at..].starts_with(share) {
                    // Mostly copies say the same.
                    return true;
                }
                let (mut joined, len) = Share::unpack(&self.packed[at..]);
                joined.join(&Share::unpack(share).0, order);
                joined.pack(&mut self.packed);
                // In the place of the old one, unless it has grown, as it does few times.
                if self.packed.len() - end <= len {
                    self.packed.copy_within(end.., at);
                    self.packed.truncate(end);
                } else {
                    place.insert(end);
                }
                true
            }
        }
    }
}

impl Groups {
    /// The number of the group of these keys, which are kept once for all.
    fn number(&mut self, keys: &[String]) -> (Arc<[String]>, u32) {
        if let Some((keys, number)) = self.numbers.get_key_value(keys) {
            return (Arc::clone(keys), *number);
        }
        let (number, keys) = (self.keys.len() as u32, Arc::from(keys));
        self.keys.push(Arc::clone(&keys));
        self.numbers.insert(Arc::clone(&keys), number);
        (keys, number)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Format, Selection, Shape, Writer};

    /// A record as parts of a folder may tell it: few ids, so that copies are met often.
    fn record() -> impl Strategy<Value = Record> {
        let count = || proptest::option::weighted(0.7, prop_oneof![0..9u64, any::<u64>()]);
        let ids = proptest::option::of("chatcmpl-[ab]{1,2}|gen-long-enough-to-be-unique-[ab]");
        let cost = proptest::option::of((0..u64::MAX, 0..=12u32));
        let texts = (ids, "[mno]?", "complete|error|truncated", 0..6usize);
        (
            texts,
            prop::array::uniform4(count()),
            cost,
            any::<[bool; 2]>(),
        )
            .prop_map(
                |((id, model, status, basis), counts, cost, [partial, estimated])| {
                    let mut record = Record {
                        schema: Some("tokensense/1".into()),
                        response_id: id,
                        model: Some(model).filter(|model| !model.is_empty()),
                        status: Some(status.into()),
                        partial,
                        cost_usd: cost.map(|(n, places)| Decimal::new(n as i64, places).abs()),
                        cost_basis: BASES.get(basis).map(|basis| (*basis).into()),
                        bytes: counts[3],
                        ..Record::default()
                    };
                    for (counted, count) in COUNTED.iter().step_by(4).zip(counts) {
                        *(counted.slot)(&mut record) = count;
                        if estimated {
                            record.estimated.push(counted.name.to_owned());
                        }
                    }
                    record
                },
            )
    }

    /// The groups of records that several threads add, in order.
    fn summary(records: &[Record], threads: usize, dedup: bool) -> Vec<(Arc<[String]>, Totals)> {
        let ledger = Ledger::new(dedup);
        let mut sums = vec![Sums::default(); threads];
        for (at, record) in records.iter().enumerate() {
            let model = record.model.clone().unwrap_or_else(|| UNKNOWN.to_owned());
            ledger.add(record, &[model], &mut sums[at % threads]);
        }
        let mut groups = ledger.close(sums);
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
        groups
    }

    /// What is read back of a record that was written.
    fn reread(record: &Record, format: Format) -> Record {
        let writer = Writer::new(format, Selection::default());
        let header = writer.header().unwrap_or_default();
        let line = writer.record(record);
        let shape = Shape::recognise(&[header, line.clone()].concat());
        let mut shape = shape.expect("records").expect("ours");
        shape.read(line.trim_ascii()).expect("a record")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// Records in any order, by any number of threads, through any file, give the same sums.
        #[test]
        fn order_and_writing_change_nothing(
            (records, shuffled) in prop::collection::vec(record(), 0..12).prop_flat_map(|records| {
                (Just(records.clone()), Just(records).prop_shuffle())
            }),
            threads in 1..4usize,
            dedup in any::<bool>(),
        ) {
            let whole = summary(&records, 1, dedup);
            prop_assert_eq!(&summary(&shuffled, threads, dedup), &whole);
            for format in [Format::Csv, Format::Json] {
                let reread: Vec<_> = shuffled.iter().map(|record| reread(record, format)).collect();
                prop_assert_eq!(&summary(&reread, threads, dedup), &whole);
            }
            if dedup {
                let twice = [records, shuffled].concat();
                let named = |record: &&Record| record.response_id.is_some();
                let once: Vec<_> = twice.iter().filter(named).cloned().collect();
                let half: Vec<_> = twice[..twice.len() / 2].iter().filter(named).cloned().collect();
                let half = summary(&half, 1, true);
                prop_assert_eq!(&summary(&once, threads, true), &half);
                let often: Vec<_> = once.iter().cloned().cycle().take(4 * FRESH).collect();
                prop_assert_eq!(&summary(&often, threads, true), &half);
            }
        }

        #[test]
        fn packing_loses_nothing(record in record(), group in any::<u32>()) {
            let share = Share::new(&record, group, 3);
            let mut packed = Vec::new();
            share.pack(&mut packed);
            let len = packed.len();
            packed.extend([0x80, 0]);
            prop_assert_eq!(Share::unpack(&packed), (share, len));
        }
    }

    #[test]
    fn a_share_is_small() {
        let counts = |at: usize| (at < 5).then_some(12_345);
        let mut record = Record {
            cost_usd: Some(Decimal::new(123_456_789, 9)),
            cost_basis: Some("computed".into()),
            bytes: Some(123_456),
            ..Record::default()
        };
        for (at, counted) in COUNTED.iter().enumerate() {
            *(counted.slot)(&mut record) = counts(at);
        }
        let mut packed = Vec::new();
        Share::new(&record, 100, 1).pack(&mut packed);
        assert!(packed.len() < 48);
    }
}
