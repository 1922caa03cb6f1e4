//! Byte pair encoding: of all neighbours that together are a piece, those of the lowest rank are joined first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::table::Table;

/// Parts of a word are looked through one by one up to so many bytes.
const SHORT: usize = 64;
/// So much of a word without end is encoded at once…
const WINDOW: usize = 16 << 10;
/// …and so much of that again with what follows: how the end is encoded hangs on it.
pub(super) const MARGIN: usize = 1 << 10;

/// No pair, or one that is no piece.
const NONE: u32 = u32::MAX;

/// Tokens of a word.
pub(super) fn count(table: Table<'_>, word: &[u8]) -> u64 {
    if table.has(word) {
        return 1;
    }
    let (tokens, at) = if word.len() > WINDOW {
        settle(table, word, WINDOW)
    } else {
        (0, 0)
    };
    let rest = &word[at..];
    tokens
        + match rest.len() {
            0..=SHORT => short(table, rest),
            _ => ends(table, rest).len() as u64,
        }
}

/// Tokens of the beginning of a word, of which some `most` bytes are left, and where it ends: between two characters.
pub(super) fn settle(table: Table<'_>, word: &[u8], most: usize) -> (u64, usize) {
    let (mut tokens, mut at) = (0, 0);
    while word.len() - at > most.max(2 * MARGIN) {
        let window = &word[at..word.len().min(at + WINDOW)];
        let ends = ends(table, window);
        let within = ends.partition_point(|end| *end + MARGIN <= window.len());
        let whole = |end: &usize| window.get(*end).is_none_or(|byte| !is_inner(*byte));
        let Some(last) = ends[..within].iter().rposition(whole) else {
            // Every token here ends within a character: nothing that anybody writes.
            let end = (0..window.len() - MARGIN).rfind(|end| !is_inner(window[*end]));
            let end = end.filter(|end| *end > 0).unwrap_or(window.len());
            return (
                tokens + ends.partition_point(|other| *other <= end) as u64,
                at + end,
            );
        };
        tokens += last as u64 + 1;
        at += ends[last];
    }
    (tokens, at)
}

/// Whether a byte goes on with a character of UTF-8.
fn is_inner(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Tokens of a word of few bytes that is no piece.
fn short(table: Table<'_>, word: &[u8]) -> u64 {
    // Where each part begins, and the rank of it with the next one.
    let mut parts = [(0u8, NONE); SHORT + 1];
    let mut len = word.len();
    let rank = |from: usize, to: usize| table.rank(&word[from..to]).unwrap_or(NONE);
    for (at, part) in parts[..=len].iter_mut().enumerate() {
        let pair = at + 2 <= word.len();
        *part = (at as u8, if pair { rank(at, at + 2) } else { NONE });
    }
    while len > 1 {
        let ranked = parts[..len - 1].iter().map(|(_, rank)| *rank).enumerate();
        let Some((at, lowest)) = ranked.min_by_key(|(_, rank)| *rank) else {
            break;
        };
        if lowest == NONE {
            break;
        }
        parts.copy_within(at + 2..=len, at + 1);
        len -= 1;
        let again = |at: usize| match at + 2 <= len {
            true => rank(parts[at].0.into(), parts[at + 2].0.into()),
            false => NONE,
        };
        let (this, before) = (again(at), at.checked_sub(1).map(again));
        parts[at].1 = this;
        if let Some(before) = before {
            parts[at - 1].1 = before;
        }
    }
    len as u64
}

/// Where each token of a word ends.
fn ends(table: Table<'_>, word: &[u8]) -> Vec<usize> {
    let len = word.len();
    // Of the part that begins at each byte: where the ones beside it begin, and the rank of it with the next one.
    let mut next: Vec<usize> = (1..=len).collect();
    let mut before: Vec<usize> = (0..=len).map(|at| at.saturating_sub(1)).collect();
    let mut ranks = vec![NONE; len];
    let mut pairs = BinaryHeap::new();
    for at in 0..len.saturating_sub(1) {
        if let Some(rank) = table.rank(&word[at..at + 2]) {
            ranks[at] = rank;
            pairs.push(Reverse((rank, at)));
        }
    }
    while let Some(Reverse((rank, at))) = pairs.pop() {
        // What was joined with another since is no such pair any more.
        if ranks[at] != rank {
            continue;
        }
        let gone = next[at];
        next[at] = next[gone];
        before[next[gone]] = at;
        ranks[gone] = NONE;
        for at in [Some(at), (at > 0).then(|| before[at])]
            .into_iter()
            .flatten()
        {
            let end = next.get(next[at]).copied();
            let rank = end.and_then(|end| table.rank(&word[at..end]));
            ranks[at] = rank.unwrap_or(NONE);
            if let Some(rank) = rank {
                pairs.push(Reverse((rank, at)));
            }
        }
    }
    let mut ends = Vec::new();
    let mut at = 0;
    while at < len {
        at = next[at];
        ends.push(at);
    }
    ends
}
