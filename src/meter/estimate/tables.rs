//! Makes the files in `tables/` and holds them to their sources.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regex_syntax::hir::{Class, HirKind, Literal};

use super::classes::CATEGORIES;
use super::claude::{BYTES, PIECE, PREFIX};
use super::table;

/// Holds a file in `tables/` to what it is made from, or makes it where that is asked for.
#[track_caller]
fn hold(name: &str, want: &[u8]) {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = here.join("src/meter/estimate/tables").join(name);
    if std::env::var_os("TOKENSENSE_BLESS").is_some() {
        std::fs::write(&path, want).expect("the file can be written");
        return;
    }
    let have = std::fs::read(&path).unwrap_or_default();
    assert!(have == want, "{name} is not what its source gives");
}

/// The pieces of a vocabulary of tiktoken's, each with its rank.
fn pieces(name: &str) -> Vec<(Vec<u8>, u32)> {
    let encoding = tiktoken::get_encoding(name).expect("a vocabulary");
    let is_special = |piece: &[u8], rank| {
        let text = str::from_utf8(piece);
        let special = |text| {
            encoding.encode_with_special_tokens(text) == [rank] && encoding.encode(text) != [rank]
        };
        text.is_ok_and(special)
    };
    let size = encoding.vocab_size();
    let ranks = 0..(size + encoding.num_special_tokens() + 1000) as u32;
    let all = ranks.map(|rank| (encoding.decode(&[rank]), rank));
    let pieces: Vec<_> = all
        .filter(|(piece, rank)| !piece.is_empty() && !is_special(piece, *rank))
        .collect();
    // Some count the special ones as pieces too.
    let least = size - encoding.num_special_tokens();
    assert!((least..=size).contains(&pieces.len()), "{name}");
    pieces
}

#[test]
fn vocabularies() {
    for name in [
        "cl100k_base",
        "deepseek_v3",
        "mistral_v3",
        "o200k_base",
        "qwen2",
    ] {
        let pieces = pieces(name);
        let flat = table::build(pieces.iter().map(|(piece, rank)| (&piece[..], *rank)));
        let table = table::Table::open(&flat);
        for (piece, rank) in &pieces {
            assert_eq!(table.rank(piece), Some(*rank), "{name}: {piece:?}");
        }
        hold(&format!("{name}.table"), &flat);
    }
}

/// A piece of Claude's in ctok's notation: marks are bytes that no text has.
fn unmarked(piece: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = piece;
    while let Some((plain, tail)) = rest.split_once('⟨') {
        out.extend(plain.as_bytes());
        let (mark, tail) = tail.split_once('⟩').expect("a mark");
        out.push(match mark {
            "bow" => 1,
            "eow" => 2,
            "shift" => 3,
            "caps" => 4,
            hex => u8::from_str_radix(hex.trim_start_matches("0x"), 16).expect("a byte"),
        });
        rest = tail;
    }
    out.extend(rest.as_bytes());
    out
}

#[test]
#[ignore = "needs ctok"]
fn claude() {
    let package = std::env::var("CTOK").expect("CTOK names the folder of the package ctok");
    for (file, table) in [("pieces_v3", "claude_3"), ("pieces_v4_7", "claude_4_7")] {
        let path = format!("{package}/data/{file}.json");
        let json = std::fs::read(&path).expect("the vocabulary of ctok");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let mut keys = BTreeMap::new();
        for (group, pieces) in json["tokens"].as_object().expect("groups") {
            for piece in pieces.as_object().expect("pieces").keys() {
                let (mut key, mut what) = (unmarked(piece), PIECE);
                match group.as_str() {
                    "bytes_fallback" => {
                        let digits = piece.as_bytes().chunks(2);
                        let byte =
                            |two: &[u8]| u8::from_str_radix(str::from_utf8(two).ok()?, 16).ok();
                        key = digits.filter_map(byte).collect();
                        what = BYTES;
                    }
                    "contractions" => key.push(2),
                    _ => {}
                }
                keys.insert(key, what);
            }
        }
        for piece in keys.clone().into_iter().filter(|(_, what)| *what == PIECE) {
            let piece = String::from_utf8(piece.0).expect("UTF-8");
            for (at, _) in piece.char_indices().skip(1) {
                keys.entry(piece[..at].into()).or_insert(PREFIX);
            }
        }
        let flat = table::build(keys.iter().map(|(key, what)| (&key[..], *what)));
        hold(&format!("{table}.table"), &flat);
    }
}

/// The characters of a class of Unicode's, as ranges.
fn class(name: &str) -> Vec<(u32, u32)> {
    let parsed = regex_syntax::parse(&format!(r"\p{{{name}}}")).expect("a class");
    match parsed.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.iter();
            ranges
                .map(|range| (range.start().into(), range.end().into()))
                .collect()
        }
        // A class of one.
        HirKind::Literal(Literal(text)) => {
            let text = str::from_utf8(text).expect("UTF-8");
            text.chars()
                .map(|char| (char.into(), char.into()))
                .collect()
        }
        other => panic!("{name} is no class: {other:?}"),
    }
}

#[test]
fn unicode() {
    let mut kinds = vec![0u8; 0x11_0000];
    let mut add = |name: &str, bits: u8| {
        for (first, last) in class(name) {
            kinds[first as usize..=last as usize]
                .iter_mut()
                .for_each(|kind| *kind |= bits);
        }
    };
    for (number, category) in CATEGORIES.iter().enumerate() {
        if !matches!(*category, "Cn" | "Cs") {
            add(category, number as u8);
        }
    }
    add("Alphabetic", 0x40);
    let mut blocks: Vec<&[u8]> = Vec::new();
    let mut flat = Vec::new();
    for block in kinds.chunks(256) {
        let at = blocks.iter().position(|known| *known == block);
        flat.push(at.unwrap_or(blocks.len()) as u8);
        if at.is_none() {
            blocks.push(block);
        }
    }
    assert!(blocks.len() <= 256);
    flat.extend(blocks.concat());
    hold("unicode.table", &flat);
}
