# Completion for ssmx, printed by `ssmx completions powershell`.
Register-ArgumentCompleter -Native -CommandName ssmx -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $prev = $env:SSMX_COMPLETE;
    $env:SSMX_COMPLETE = "powershell";

    $args = $commandAst.Extent.Text
    $args = $args.Substring(0, [math]::Min($cursorPosition, $args.Length));
    if ($wordToComplete -eq "") {
        $args += " ''";
    }

    $results = Invoke-Expression @"
& ssmx -- $args
"@;
    if ($null -eq $prev) {
        Remove-Item Env:\SSMX_COMPLETE;
    } else {
        $env:SSMX_COMPLETE = $prev;
    }
    $results | ForEach-Object {
        $split = $_.Split("`t");
        $cmd = $split[0];

        if ($split.Length -eq 2) {
            $help = $split[1];
        }
        else {
            $help = $split[0];
        }

        [System.Management.Automation.CompletionResult]::new($cmd, $cmd, 'ParameterValue', $help)
    }
};
