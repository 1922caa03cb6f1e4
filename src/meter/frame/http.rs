//! What curl writes around a body: header blocks (`-i`, `-D -`) and undecoded chunks (`--raw`).

/// A status line with the headers that matter here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// What Bedrock counted: it says so here even of a body that says nothing.
    pub(crate) tokens: Tokens,
    /// What a proxy says that the response cost, in billionths of a thousandth of a US dollar.
    pub(crate) cost: Option<u64>,
}

/// Tokens that Bedrock states in headers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
}

impl Head {
    /// Reads a status line: `HTTP/1.1 200 OK`, or `HTTP/2 200` without a reason.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"HTTP/")?;
        let text = std::str::from_utf8(rest.get(..rest.len().min(8))?).ok()?;
        let (version, status) = text.split_once(' ')?;
        if !version.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let status = status.get(..3)?.parse().ok()?;
        let tokens = Tokens::default();
        let cost = None;
        Some(Self {
            status,
            tokens,
            cost,
        })
    }

    /// Takes in one header line.
    pub(super) fn field(&mut self, line: &[u8]) {
        let slots = [
            (
                &b"x-amzn-bedrock-input-token-count:"[..],
                &mut self.tokens.input,
            ),
            (
                b"x-amzn-bedrock-output-token-count:",
                &mut self.tokens.output,
            ),
        ];
        if let Some((front, value)) = line.split_at_checked(COST.len())
            && front.eq_ignore_ascii_case(COST)
        {
            let value = str::from_utf8(value).unwrap_or_default();
            // Zero is what LiteLLM says of models that it has no price of.
            self.cost = picodollars(value.trim()).filter(|cost| *cost > 0);
        }
        for (name, slot) in slots {
            if let Some((front, value)) = line.split_at_checked(name.len())
                && front.eq_ignore_ascii_case(name)
            {
                let value = str::from_utf8(value).unwrap_or_default();
                *slot = value.trim().parse().ok().or(*slot);
            }
        }
    }
}

/// LiteLLM's proxy: <https://docs.litellm.ai/docs/proxy/response_headers>
const COST: &[u8] = b"x-litellm-response-cost:";

/// What the last of some header blocks states that a response cost, in US dollars ÷ 10^12.
pub(crate) fn cost(headers: &[u8]) -> Option<u64> {
    let mut head: Option<Head> = None;
    for line in headers.split(|byte| *byte == b'\n') {
        match Head::parse(line) {
            Some(begun) => head = Some(begun),
            None => head.iter_mut().for_each(|head| head.field(line)),
        }
    }
    head?.cost
}

/// An amount of US dollars, `0.00045` or `4.5e-05`, to twelve places.
fn picodollars(text: &str) -> Option<u64> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent: i32 = exponent.parse().ok()?;
    let places = exponent
        .checked_add(12)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let digits: u128 = digits.parse().ok()?;
    let power = 10_u128.checked_pow(places.unsigned_abs())?;
    let amount = match places >= 0 {
        true => digits.checked_mul(power)?,
        // The last place is rounded.
        false => (digits + power / 2) / power,
    };
    u64::try_from(amount).ok()
}

/// Chunked transfer coding, RFC 9112 section 7.1, taken off a body that `curl --raw` left as it was.
#[derive(Debug)]
pub(super) struct Chunks {
    step: ChunkStep,
    left: u64,
    /// The chunk-size line under way.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ChunkStep {
    Data,
    /// The CRLF after a chunk's data.
    DataEnd,
    Size,
    /// The LF after the first chunk size.
    SizeEnd,
    /// After the last chunk, up to an empty line.
    Trailer,
}

/// What the coding leaves of the input's front.
pub(super) enum Window {
    /// So many bytes of body.
    Body(usize),
    More,
    /// The coding has ended, or was none.
    Over,
}

impl Chunks {
    /// Reads the first chunk-size line; `None` where the line is something else.
    /// `owes_lf`: of the CRLF after it, the LF is still to come.
    pub(super) fn begin(line: &[u8], owes_lf: bool) -> Option<Self> {
        let left = size(line)?;
        (left > 0).then_some(Self {
            step: if owes_lf {
                ChunkStep::SizeEnd
            } else {
                ChunkStep::Data
            },
            left,
            line: Vec::new(),
        })
    }

    /// How many bytes of coding stand in front, and what follows them.
    pub(super) fn next(&mut self, input: &[u8]) -> (usize, Window) {
        let mut at = 0;
        loop {
            let Some(&byte) = input.get(at) else {
                return (at, Window::More);
            };
            match self.step {
                ChunkStep::Data if self.left > 0 => {
                    let rest = (input.len() - at) as u64;
                    return (at, Window::Body(rest.min(self.left) as usize));
                }
                ChunkStep::Data => self.step = ChunkStep::DataEnd,
                ChunkStep::SizeEnd => {
                    at += usize::from(byte == b'\n');
                    self.step = ChunkStep::Data;
                }
                ChunkStep::DataEnd => match byte {
                    b'\r' => at += 1,
                    b'\n' => {
                        at += 1;
                        self.step = ChunkStep::Size;
                    }
                    _ => return (at, Window::Over),
                },
                ChunkStep::Size | ChunkStep::Trailer => {
                    at += 1;
                    if byte != b'\n' {
                        if self.line.len() < 1024 {
                            self.line.push(byte);
                        }
                        continue;
                    }
                    let line = std::mem::take(&mut self.line);
                    let line = line.strip_suffix(b"\r").unwrap_or(&line);
                    if self.step == ChunkStep::Trailer {
                        if line.is_empty() {
                            return (at, Window::Over);
                        }
                        continue;
                    }
                    match size(line) {
                        Some(0) => self.step = ChunkStep::Trailer,
                        Some(left) => {
                            self.left = left;
                            self.step = ChunkStep::Data;
                        }
                        None => return (at, Window::Over),
                    }
                }
            }
        }
    }

    /// Says that so many bytes of the body were taken.
    pub(super) fn consume(&mut self, n: usize) {
        self.left -= n as u64;
    }
}

/// A chunk size in hexadecimal, extensions left out.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&b| b == b';').next()?.trim_ascii();
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
