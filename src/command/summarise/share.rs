//! What one response adds to the totals: a row of cells, packed into few bytes.
//!
//! Copies of one response join cell by cell: the firmest word counts, and of equally firm ones the greatest.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::meter::Status;
use crate::record::{COUNTED, COUNTS, CostBasis, Record};

/// Where a cost comes from, the weakest first.
pub(super) const BASES: [CostBasis; 4] = [
    CostBasis::LowerBound,
    CostBasis::Estimated,
    CostBasis::Computed,
    CostBasis::Reported,
];
/// Money has no more decimal places than this.
pub(super) const PLACES: u32 = 12;

/// What one response adds to the totals.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Share {
    /// The fullest copy tells the group.
    fullness: u8,
    pub(super) group: u32,
    /// The counts in the order of [`COUNTED`], and the rest.
    pub(super) cells: [Cell; CELLS],
}

/// Something a response says, and how firmly: 0 where it says nothing.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Cell {
    pub(super) firm: u8,
    pub(super) value: u128,
}

pub(super) const ESTIMATED: u8 = 1;
const REPORTED: u8 = 2;

pub(super) const COST: usize = COUNTS;
pub(super) const BYTES: usize = COUNTS + 1;
/// It is not partial.
pub(super) const WHOLE: usize = COUNTS + 2;
/// It did not fail.
pub(super) const SOUND: usize = COUNTS + 3;
/// How far its estimates may be off, in hundredths, where that was measured.
pub(super) const ERROR: usize = COUNTS + 4;
const CELLS: usize = COUNTS + 5;

impl Cell {
    fn new(firm: u8, value: impl Into<u128>) -> Self {
        let value = value.into();
        Self { firm, value }
    }

    pub(super) fn get(&self) -> Option<u128> {
        (self.firm > 0).then_some(self.value)
    }
}

impl Share {
    /// `known` is how many of its group's keys are known.
    pub(super) fn new(record: &Record, group: u32, known: usize) -> Self {
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
            let at = BASES
                .iter()
                .position(|basis| Some(*basis) == record.cost_basis);
            cells[COST] = Cell::new(at.unwrap_or(0) as u8 + 1, pico(cost));
        }
        cells[BYTES] = Cell::new(REPORTED, record.bytes.unwrap_or(0));
        if let Some(error) = record.estimate_error {
            let hundredths = (error.abs().round_dp(2) * Decimal::ONE_HUNDRED).to_u32();
            cells[ERROR] = Cell::new(REPORTED, hundredths.unwrap_or(0));
        }
        cells[WHOLE].firm = u8::from(!record.partial);
        cells[SOUND].firm = u8::from(record.status != Some(Status::Error));
        let reported = cells[..COUNTS].iter().filter(|cell| cell.firm == REPORTED);
        let fullness = [known.min(7), cells[WHOLE].firm.into(), reported.count()];
        Self {
            fullness: (fullness[0] << 5 | fullness[1] << 4 | fullness[2]) as u8,
            group,
            cells,
        }
    }

    /// Takes in another copy of the same response; `order` tells which group stands for two copies equally full.
    pub(super) fn join(&mut self, copy: &Self, order: impl FnOnce(u32, u32) -> Ordering) {
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
    pub(super) fn pack(&self, into: &mut Vec<u8>) {
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
    pub(super) fn unpack(bytes: &[u8]) -> (Self, usize) {
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

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::word::Word as _;

    /// A record as parts of a folder may tell it: few ids, so that copies are met often.
    pub(in super::super) fn record() -> impl Strategy<Value = Record> {
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
                        status: Status::read(&status),
                        partial,
                        cost_usd: cost.map(|(n, places)| Decimal::new(n as i64, places).abs()),
                        cost_basis: BASES.get(basis).copied(),
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

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

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
            cost_basis: Some(CostBasis::Computed),
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
