//! A vocabulary as one flat run of bytes, read where it lies: nothing is loaded, and nothing allocated.
//!
//! All numbers are 32 bits, little endian. The pieces stand by length, those of one length by rank, so that the place of
//! one follows from its index:
//!
//! ```text
//! pieces · slots · longest piece
//! for each length from 0 to longest + 1: index of the first piece that long or longer · where its bytes begin
//! rank of each piece
//! slots: open addressing by hash; index in the lower 20 bits, part of the hash above, or all ones
//! bytes of the pieces
//! ```

/// A vocabulary's pieces, each with its rank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    longest: usize,
    lengths: &'a [[u8; 8]],
    ranks: &'a [[u8; 4]],
    slots: &'a [[u8; 4]],
    bytes: &'a [u8],
}

const INDEX: u32 = (1 << 20) - 1;
const FREE: u32 = u32::MAX;
/// Most pieces that a table can hold.
#[cfg(test)]
const MAX_PIECES: usize = INDEX as usize;
/// A longer piece is none.
#[cfg(test)]
const MAX_PIECE: usize = 1 << 10;

impl<'a> Table<'a> {
    /// The table that [`build`] wrote.
    pub(super) fn open(flat: &'a [u8]) -> Self {
        let head = |at: usize| number(&flat.as_chunks::<4>().0[at]) as usize;
        let (pieces, slots, longest) = (head(0), head(1), head(2));
        let (lengths, rest) = flat[12..].split_at(8 * (longest + 2));
        let (ranks, rest) = rest.split_at(4 * pieces);
        let (slots, bytes) = rest.split_at(4 * slots);
        Self {
            longest,
            lengths: lengths.as_chunks().0,
            ranks: ranks.as_chunks().0,
            slots: slots.as_chunks().0,
            bytes,
        }
    }

    /// Whether a text is a piece.
    #[inline]
    pub(super) fn has(&self, text: &[u8]) -> bool {
        self.find(text).is_some()
    }

    /// The rank of a piece: of two, the lower one is joined first.
    #[inline]
    pub(super) fn rank(&self, text: &[u8]) -> Option<u32> {
        self.find(text).map(|index| number(&self.ranks[index]))
    }

    #[inline]
    fn find(&self, text: &[u8]) -> Option<usize> {
        let len = text.len();
        if len == 0 || len > self.longest {
            return None;
        }
        let hash = hash(text);
        let (first, begin) = self.length(len);
        let (past, _) = self.length(len + 1);
        let mut at = place(hash, self.slots.len());
        loop {
            let slot = number(&self.slots[at]);
            if slot == FREE {
                return None;
            }
            let index = (slot & INDEX) as usize;
            if slot & !INDEX == mark(hash) && (first..past).contains(&index) {
                let begin = begin + (index - first) * len;
                if &self.bytes[begin..begin + len] == text {
                    return Some(index);
                }
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
    }

    /// The index of the first piece of a length, and where its bytes begin.
    #[inline]
    fn length(&self, len: usize) -> (usize, usize) {
        let [first, begin] = self.lengths[len].as_chunks::<4>().0 else {
            return (0, 0);
        };
        (number(first) as usize, number(begin) as usize)
    }
}

/// Lays out pieces as a table. The first of two that are the same counts; one that is empty or too long is left out, and
/// what is more than a table can hold.
#[cfg(test)]
pub(super) fn build<'a>(pieces: impl IntoIterator<Item = (&'a [u8], u32)>) -> Vec<u8> {
    let fits = |(piece, _): &(&[u8], u32)| (1..=MAX_PIECE).contains(&piece.len());
    let mut pieces: Vec<_> = pieces.into_iter().filter(fits).take(MAX_PIECES).collect();
    pieces.sort_by_key(|(piece, rank)| (piece.len(), *rank));
    let longest = pieces.last().map_or(0, |(piece, _)| piece.len());
    // A fifth of the slots stays free: fewer make those who look for what is not there look for long.
    let mut slots = vec![FREE; (pieces.len() + pieces.len() / 4).max(1)];
    for (index, (piece, _)) in pieces.iter().enumerate() {
        let hash = hash(piece);
        let mut at = place(hash, slots.len());
        while slots[at] != FREE {
            at = (at + 1) % slots.len();
        }
        slots[at] = index as u32 | mark(hash);
    }
    let mut flat = Vec::new();
    let mut put = |n: usize| flat.extend((n as u32).to_le_bytes());
    put(pieces.len());
    put(slots.len());
    put(longest);
    let (mut first, mut begin) = (0, 0);
    for len in 0..longest + 2 {
        put(first);
        put(begin);
        let past = pieces.partition_point(|(piece, _)| piece.len() <= len);
        begin += (past - first) * len;
        first = past;
    }
    for (_, rank) in &pieces {
        put(*rank as usize);
    }
    for slot in slots {
        put(slot as usize);
    }
    for (piece, _) in pieces {
        flat.extend(piece);
    }
    flat
}

#[inline]
fn number(bytes: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*bytes)
}

#[inline]
fn place(hash: u64, slots: usize) -> usize {
    (((hash >> 32) * slots as u64) >> 32) as usize
}

/// The part of a hash that a slot holds; never all ones.
#[inline]
fn mark(hash: u64) -> u32 {
    ((hash as u32 % 0xfff) << 20) & !INDEX
}

#[inline]
fn hash(text: &[u8]) -> u64 {
    let word = |at: usize| {
        let word = text[at..].first_chunk().copied();
        u64::from_le_bytes(word.unwrap_or_default())
    };
    let half = |at: usize| {
        let half = text[at..].first_chunk().copied();
        u64::from(u32::from_le_bytes(half.unwrap_or_default()))
    };
    let len = text.len();
    let (mut a, b) = match len {
        0 => (0, 0),
        1..=3 => {
            let [first, middle, last] = [0, len / 2, len - 1].map(|at| u64::from(text[at]));
            (first | middle << 8 | last << 16, 0)
        }
        4..=7 => (half(0), half(len - 4)),
        _ => (word(0), word(len - 8)),
    };
    let mut at = 8;
    while at + 8 < len {
        a = mix(a ^ 0x9e37_79b9_7f4a_7c15, word(at) ^ 0xd6e8_feb8_6659_fd93);
        at += 8;
    }
    mix(
        a ^ 0xa076_1d64_78bd_642f,
        b ^ 0xe703_7ed1_a0b4_28db ^ len as u64,
    )
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
