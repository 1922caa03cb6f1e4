//! What must hold of any bytes whatever. The fuzz targets and `tests/properties.rs` both call these.

use serde_json::Value;
use tokensense::{Context, Emit, EndedBy, Measure, Meter, Reading, Record, Request};

/// The fast meter says what the naive one says, accounts for every byte, and nothing in it panics.
pub fn twin(bytes: &[u8]) {
    let want = read(Meter::naive(), [bytes]);
    assert_eq!(read(Meter::new(), [bytes]), want);
    let total: u64 = want.iter().map(|reading| reading.bytes).sum();
    assert_eq!(total, bytes.len() as u64);
    for reading in &want {
        let record = Record::new(reading);
        let texts = [&record.model, &record.response_id, &record.error_message];
        for text in texts.into_iter().flatten() {
            assert!(!text.contains(char::is_control) && text.chars().count() <= 300);
        }
    }
    for emit in [Emit::Data, Emit::Text] {
        let mut meter = Meter::new();
        meter.emit(emit);
        assert_eq!(read(meter, [bytes]), want);
    }
}

/// However the bytes are cut, the meter says the same. The seed decides on the cuts.
pub fn cuts(seed: u8, bytes: &[u8]) {
    let want = read(Meter::new(), [bytes]);
    assert_eq!(read(Meter::new(), bytes.chunks(1)), want);
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let pieces = std::iter::from_fn(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = 1 + (state >> 24) as usize % (1 + usize::from(seed));
        let (piece, tail) = rest.split_at(len.min(rest.len()));
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(read(Meter::new(), pieces), want);
    for emit in [Emit::Data, Emit::Text] {
        let emitted = |size: usize| {
            let mut meter = Meter::new();
            meter.emit(emit);
            bytes.chunks(size).for_each(|piece| meter.feed(piece));
            meter.finish(EndedBy::Upstream);
            meter.take_emitted()
        };
        assert_eq!(emitted(1 + usize::from(seed)), emitted(bytes.len().max(1)));
    }
}

/// As both, for bytes that come in sound AWS frames: each line is an event's name, a space, and its payload.
pub fn aws(seed: u8, lines: &[u8]) {
    let mut stream = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let space = line.iter().position(|byte| *byte == b' ');
        let (name, payload) = line.split_at(space.unwrap_or(0).min(255));
        stream.extend(frame(name, payload));
        let mut meter = Meter::new();
        meter.emit(Emit::Data);
        meter.feed(&frame(name, b"{}"));
        let emitted: Option<Value> = serde_json::from_slice(&meter.take_emitted()).ok();
        assert!(
            emitted.is_some(),
            "an event is given out as JSON, whatever its name"
        );
    }
    twin(&stream);
    cuts(seed, &stream);
}

/// A request's body, whatever it is, gives a prompt of no more tokens than it can hold, or none.
pub fn request(body: &[u8]) {
    let mut context = Context::default();
    context.requests.extend(Request::parse(body));
    let mut meter = Meter::with_context(context);
    meter.feed(b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
    meter.finish(EndedBy::Upstream);
    let reading = meter.next_reading().expect("a response");
    let tokens = reading.usage.value(Measure::Input).unwrap_or(0);
    assert!(tokens <= 1000 + 4 * body.len() as u64, "{tokens} tokens");
}

/// What a meter reads in these pieces.
fn read<'a>(mut meter: Meter, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Reading> {
    for piece in pieces {
        meter.feed(piece);
    }
    meter.finish(EndedBy::Upstream);
    std::iter::from_fn(|| meter.next_reading()).collect()
}

/// One frame of an AWS event stream.
fn frame(name: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (key, value) in [(&b":event-type"[..], name), (b":message-type", b"event")] {
        headers.push(key.len() as u8);
        headers.extend(key);
        // A string, by its length in 16 bits.
        headers.extend([7, 0, value.len() as u8]);
        headers.extend(value);
    }
    let mut frame = Vec::new();
    frame.extend((16 + headers.len() as u32 + payload.len() as u32).to_be_bytes());
    frame.extend((headers.len() as u32).to_be_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}
