//! The text of a command for an agent on Windows, which puts `powershell` before it.
//!
//! PowerShell would join the words and read them a second time as code. So they are written as PowerShell's own strings,
//! in a script that travels as `-EncodedCommand`: base64, in which neither the agent nor PowerShell finds anything to
//! read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{CommandError, LONGEST_ON_WINDOWS};

/// What PowerShell takes for a single quote; in a string in single quotes each is doubled.
const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// Errors as text: with an encoded command PowerShell writes XML by default.
const PLAIN: &str = "-NoLogo -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand ";
const ON_TERMINAL: &str = "-NoLogo -NoProfile -EncodedCommand ";

/// Progress bars would be on standard error, and agents take UTF-8 only.
const OUTPUT: &str = "$ProgressPreference='SilentlyContinue'\n\
    try{[Console]::OutputEncoding=New-Object Text.UTF8Encoding $false}catch{}\n";

/// Runs the words in `$w`, and ends with the code of what they run.
///
/// A program gets its command line from here and not from PowerShell, of which the versions before 7.3 drop quotes and
/// empty arguments. A batch file goes through cmd.exe, which expands `%` even in quotes: what cannot be passed is refused.
/// For what PowerShell runs itself, `-Name` is a parameter and the rest are strings.
const RUN: &str = r#"$p=$w[0];$a=@($w|Select-Object -Skip 1)
$g=$ExecutionContext.InvokeCommand.GetCommand($p,'All')
while($g -is [Management.Automation.AliasInfo]){$g=$g.ResolvedCommand}
if($g -is [Management.Automation.ApplicationInfo]){
$bare='\A[^\s"]+\z'
if($g.Path -match '\.(bat|cmd)\z'){
$bare='\A[\w.:\\/+-]+\z'
if($a -match '["%!\r\n]'){[Console]::Error.WriteLine('ssmx: a batch file cannot be given ", %, ! or a line break');exit 1}}
$q=@($a|ForEach-Object{if($_ -match $bare){$_}else{'"'+($_ -replace '(\\*)"','$1$1\"' -replace '(\\+)\z','$1$1')+'"'}})
$s=New-Object Diagnostics.ProcessStartInfo
$s.FileName=$g.Path;$s.Arguments=$q -join ' ';$s.UseShellExecute=$false
$x=[Diagnostics.Process]::Start($s);$x.WaitForExit();exit $x.ExitCode}
$q=@($w|ForEach-Object{"'"+($_ -replace "['\u2018-\u201b]",'$0$0')+"'"})
for($i=1;$i -lt $w.Count;$i++){if($w[$i] -match '\A-[A-Za-z]\w*:?\z'){$q[$i]=$w[$i]}}
$ok=$false;$global:LASTEXITCODE=$null
Invoke-Expression ('& '+($q -join ' ')+';$ok=$?')
if($LASTEXITCODE){exit $LASTEXITCODE}
if(!$ok){exit 1}
"#;

/// A command without a terminal.
pub(super) fn plain(words: &[String]) -> Result<String, CommandError> {
    encoded(PLAIN, &format!("{OUTPUT}{}", script(words)))
}

/// A command on a terminal: one word is a line of PowerShell.
pub(super) fn on_terminal(words: &[String]) -> Result<String, CommandError> {
    match words {
        [line] => encoded(ON_TERMINAL, line),
        words => encoded(ON_TERMINAL, &script(words)),
    }
}

fn script(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    format!("$w=@({})\n{RUN}", words.join(","))
}

fn quoted(word: &str) -> String {
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('\'');
    for c in word.chars() {
        if SINGLE_QUOTES.contains(&c) {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

fn encoded(options: &str, script: &str) -> Result<String, CommandError> {
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = format!("{options}{}", STANDARD.encode(bytes));
    if text.len() > LONGEST_ON_WINDOWS { Err(CommandError::LongForWindows { length: text.len() }) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PowerShell reads.
    fn decoded(text: &str) -> String {
        let (_, code) = text.split_once("-EncodedCommand ").unwrap();
        let bytes = STANDARD.decode(code).unwrap();
        let units: Vec<_> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        String::from_utf16(&units).unwrap()
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn words_are_strings_of_powershell() {
        let text = plain(&words(&["echo", "a; b", "it's", "\u{2018}x\u{201b}", "", "😀", "{{ssm:x}}"])).unwrap();
        let list = "$w=@('echo','a; b','it''s','\u{2018}\u{2018}x\u{201b}\u{201b}','','😀','{{ssm:x}}')\n";
        assert!(decoded(&text).contains(list), "{}", decoded(&text));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -+/=".contains(&byte)), "{text}");
        assert!(decoded(&on_terminal(&words(&["a b", "c"])).unwrap()).starts_with("$w=@('a b','c')\n"));
    }

    #[test]
    fn one_word_on_a_terminal_is_a_line() {
        let line = "Get-Service | Where-Object Status -eq 'Running'";
        assert_eq!(decoded(&on_terminal(&words(&[line])).unwrap()), line);
    }

    #[test]
    fn what_does_not_fit_into_a_command_line_is_refused() {
        assert!(plain(&words(&["echo", &"x".repeat(10_000)])).is_ok());
        let error = plain(&words(&["echo", &"x".repeat(12_000)])).unwrap_err();
        assert!(matches!(error, CommandError::LongForWindows { length: 32_001.. }), "{error}");
    }
}
