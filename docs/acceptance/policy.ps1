# Gives the machine a start-up script of the local policy that is not regain's, as an
# administrator may have made it. $encoding is how scripts.ini is written: Unicode
# (UTF-16LE with its mark) or ASCII. Give it as a line before this script.

$policy = "$env:SystemRoot\System32\GroupPolicy"
$startup = "$policy\Machine\Scripts\Startup"
New-Item -ItemType Directory -Force $startup | Out-Null
'@echo ran %DATE% %TIME% >> C:\acceptance-ran.txt' | Set-Content -Encoding ASCII "$startup\acceptance.cmd"
@'

[Startup]
0CmdLine=acceptance.cmd
0Parameters=
'@ -replace "`r?`n", "`r`n" | Set-Content -Encoding $encoding "$policy\Machine\Scripts\scripts.ini"
@'
[General]
gPCMachineExtensionNames=[{42B5FAAE-6536-11D2-AE5A-0000F87571E3}{40B6664F-4972-11D1-A7CA-0000F87571E3}]
Version=7
'@ -replace "`r?`n", "`r`n" | Set-Content -Encoding ASCII "$policy\gpt.ini"
foreach ($f in "$policy\gpt.ini", "$policy\Machine\Scripts\scripts.ini") {
    $f
    (& certutil.exe -hashfile $f SHA256)[1]
}
