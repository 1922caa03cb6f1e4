# Values of options, and the command that run starts.
_tokensense_columns() { _values -s , column @columns@ }
_tokensense_keys() { _values -s , key @keys@ }
_tokensense_sorts() { compadd -- @sorts@ }
_tokensense_models() {
    local -a names
    names=(${${(f)"$(tokensense prices --format csv 2>/dev/null)"}%%,*})
    compadd -- ${names[2,-1]} ${names[2,-1]#*/}
}

