//! Where the shares of all responses come together: each response once, by its id.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash as _, Hasher, RandomState};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::UNKNOWN;
use super::share::Share;
use super::total::Totals;
use crate::record::Record;
use crate::saved::agent;

/// The keys of a group, and what it comes to.
pub(super) type Group = (Arc<[String]>, Totals);

/// Where the shares of all responses come together. Many threads add to it, each with sums of its own.
pub(super) struct Ledger {
    groups: Mutex<Groups>,
    /// In shards by id; none where copies count like any other response.
    copies: Vec<Mutex<Repeats>>,
    /// How many responses had come before.
    joined: AtomicU64,
    hasher: RandomState,
}

/// What responses that have ids add.
#[derive(Default)]
struct Repeats {
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
            joined: AtomicU64::new(0),
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
    pub(super) fn settle(&self, sums: &mut Sums) {
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
                    self.joined.fetch_add(1, Relaxed);
                }
            }
        }
        sums.fresh.clear();
        sums.packed.clear();
    }

    /// Whether a response of this id, which is nobody else's, was added and has settled.
    pub(super) fn has(&self, id: &str) -> bool {
        let id = self.hashed(id, None);
        let shard = self.copies.get(id.0 as usize % SHARDS);
        shard.is_some_and(|copies| lock(copies).places.contains_key(&id))
    }

    /// What tells a response's copies from other responses, if anything is to.
    fn identity(&self, record: &Record) -> Option<Id> {
        if self.copies.is_empty() {
            return None;
        }
        let id = record.response_id.as_deref().filter(|id| !id.is_empty())?;
        let is_unique =
            id.len() >= UNIQUE || record.api.as_deref().is_some_and(agent::has_unique_ids);
        Some(self.hashed(id, (!is_unique).then_some(&record.created_at)))
    }

    fn hashed(&self, id: &str, created: Option<&Option<String>>) -> Id {
        let mut hasher = self.hasher.build_hasher();
        id.hash(&mut hasher);
        if let Some(created) = created {
            created.hash(&mut hasher);
        }
        // A longer text of the same beginning has another hash: two together are as good as one of 128 bits.
        let high = hasher.finish();
        hasher.write_u8(0);
        (high, hasher.finish())
    }

    /// The groups, in no order, out of all that was added; and how many copies were left out of them.
    pub(super) fn close(self, mut sums: Vec<Sums>) -> (Vec<Group>, u64) {
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
        let joined = self.joined.into_inner();
        if joined > 0 {
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
        let groups = groups.filter(|(_, totals)| totals.responses > 0);
        (groups.collect(), joined)
    }
}

/// Sums up what copies came to, on so many threads.
fn sum_up(mut shards: Vec<Mutex<Repeats>>, threads: usize, take: &mut impl FnMut(Sum)) {
    let each = shards.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let mut others = Vec::new();
        while shards.len() > each {
            let part = shards.split_off(shards.len() - each);
            others.push(scope.spawn(|| Repeats::sum(part)));
        }
        take(Repeats::sum(shards));
        for other in others {
            take(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
}

impl Repeats {
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

    use super::super::share::tests::record;
    use super::*;
    use crate::record::read::Shape;
    use crate::record::write::{Format, Selection, Writer};

    /// The groups of records that several threads add, in order.
    fn summary(records: &[Record], threads: usize, dedup: bool) -> Vec<(Arc<[String]>, Totals)> {
        let ledger = Ledger::new(dedup);
        let mut sums = vec![Sums::default(); threads];
        for (at, record) in records.iter().enumerate() {
            let model = record.model.clone().unwrap_or_else(|| UNKNOWN.to_owned());
            ledger.add(record, &[model], &mut sums[at % threads]);
        }
        let (mut groups, _) = ledger.close(sums);
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
    }
}
