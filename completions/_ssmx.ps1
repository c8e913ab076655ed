# Completion of ssmx for PowerShell 5.1 and newer, as `ssmx completions powershell` prints it.
# Nothing of the line is run: PowerShell's own parser takes it apart, and ssmx gets the words in a variable, one a line.
# Arguments would not do, as older versions lose those that are empty and the quotes in them.

Register-ArgumentCompleter -Native -CommandName 'ssmx', 'ssmx.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $program = Get-Command -Name 'ssmx' -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    if ($null -eq $program) { return }

    # The words up to the cursor.
    $line = $commandAst.Extent.Text
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $before = $line.Substring(0, [Math]::Min($length, $line.Length))
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($before, [ref]$null, [ref]$null)
    $command = $tree.Find({ param($part) $part -is [System.Management.Automation.Language.CommandAst] }, $false)
    if ($null -eq $command) { return }
    $isText = $false
    $words = @(
        foreach ($element in $command.CommandElements) {
            $isText = $element -is [System.Management.Automation.Language.StringConstantExpressionAst]
            if ($isText) { $element.Value } else { $element.Extent.Text }
        }
        if ($length -gt $line.Length) {
            $isText = $true
            ''
        }
    )
    # Of a list, PowerShell completes what follows the last comma.
    $breaks = if ($isText) { '' } else { ',' }

    $variables = @{
        SSMX_COMPLETE        = 'powershell'
        SSMX_COMPLETE_LINE   = ($words -replace '[\r\n]', ' ') -join "`n"
        SSMX_COMPLETE_BREAKS = $breaks
    }
    $saved = @{}
    foreach ($name in $variables.Keys) { $saved[$name] = [Environment]::GetEnvironmentVariable($name) }
    $encoding = [Console]::OutputEncoding
    $code = Get-Variable -Name 'LASTEXITCODE' -Scope Global -ValueOnly -ErrorAction Ignore
    $ErrorActionPreference = 'Continue'
    $PSNativeCommandUseErrorActionPreference = $false
    try {
        foreach ($name in $variables.Keys) { Set-Item -LiteralPath "Env:$name" -Value $variables[$name] }
        if ($encoding.WebName -ne 'utf-8') { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false }
        $answer = @(& $program 2>$null)
    } finally {
        foreach ($name in $saved.Keys) {
            if ($null -ne $saved[$name]) { Set-Item -LiteralPath "Env:$name" -Value $saved[$name] }
            else { Remove-Item -LiteralPath "Env:$name" -ErrorAction Ignore }
        }
        if ($encoding.WebName -ne 'utf-8') { [Console]::OutputEncoding = $encoding }
        $global:LASTEXITCODE = $code
    }

    foreach ($candidate in $answer) {
        $text, $help = $candidate -split "`t", 2
        if (-not $text) { continue }
        if (-not $help) { $help = $text }
        New-Object System.Management.Automation.CompletionResult $text, $text, 'ParameterValue', $help
    }
}
