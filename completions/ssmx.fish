# Completion for ssmx, printed by `ssmx completions fish`.
complete --keep-order --exclusive --command ssmx --arguments "(SSMX_COMPLETE=fish ssmx -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
