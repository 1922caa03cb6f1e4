module completions {

  def "nu-complete tokensense color" [] {
    [ "auto" "always" "never" ]
  }

  # Meter LLM API streams in a pipe: every byte forwarded unchanged, usage and cost written when the stream ends
  export extern tokensense [
    --color: string@"nu-complete tokensense color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete tokensense tap format" [] {
    [ "json" "csv" "line" ]
  }

  def "nu-complete tokensense tap emit" [] {
    [ "raw" "data" "text" "none" ]
  }

  def "nu-complete tokensense tap color" [] {
    [ "auto" "always" "never" ]
  }

  # Meter a stream that passes through a pipe
  export extern "tokensense tap" [
    --output(-o): path        # Append records to FILE instead of stderr
    --format: string@"nu-complete tokensense tap format" # How records are written
    --columns: string         # Choose, order and rename columns
    --label: string           # Carry KEY=VALUE into the record; repeatable
    --model: string           # The model, where the stream does not say or says it wrongly
    --provider: string        # The provider, where the stream does not say or says it wrongly
    --request: path           # The JSON request body, so that an interrupted stream's prompt can be estimated
    --emit: string@"nu-complete tokensense tap emit" # What goes to standard output
    --drain                   # When the reader goes away, read on to the end of the stream for exact usage
    --max-output-tokens: string # Stop the stream once more than N output tokens have come; exit 4
    --max-cost: string        # Stop the stream once it has cost more than USD; exit 4
    --progress                # Show tokens, speed and cost on stderr while the stream goes by
    --strict                  # Exit 3 if any response was partial, failed or unrecognised
    --quiet(-q)               # No record on stderr
    --color: string@"nu-complete tokensense tap color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete tokensense completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  def "nu-complete tokensense completions color" [] {
    [ "auto" "always" "never" ]
  }

  # Print a completion script
  export extern "tokensense completions" [
    --color: string@"nu-complete tokensense completions color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete tokensense completions shell" # The shell to complete in
  ]

  def "nu-complete tokensense man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual
  export extern "tokensense man" [
    --color: string@"nu-complete tokensense man color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
    command?: string          # The command whose page is wanted; without it, all pages
  ]

}

export use completions *
