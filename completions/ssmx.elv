# Completion for ssmx, printed by `ssmx completions elvish`.
set edit:completion:arg-completer[ssmx] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) SSMX_COMPLETE="elvish" ssmx -- $@words) | to-lines
}
