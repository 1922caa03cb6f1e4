//! The entrance: parse, dispatch, exit status.

use clap::Parser as _;

fn main() {
    tokensense::command::run(tokensense::cli::Cli::parse())
}
