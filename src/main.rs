//! The entrance: parse, dispatch, exit status.

fn main() {
    tokensense::command::run(tokensense::command::parse())
}
