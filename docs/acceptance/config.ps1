# EC2Launch v2: writes its settings anew, as $variant says: original, doNothing, static,
# absent or bare. Give it as a line before this script.

$file = "$env:ProgramData\Amazon\EC2Launch\config\agent-config.yml"
$kept = 'C:\acceptance-agent-config.yml'
if (-not (Test-Path $kept)) { Copy-Item $file $kept }
$text = [IO.File]::ReadAllText($kept)
$task = '(?m)^([ \t]*)- task: setAdminAccount[^\n]*\n(?:(?![ \t]*-[ \t])[^\n]+\n)*'
switch ($variant) {
    'original' { }
    'doNothing' { $text = $text -replace '(setAdminAccount[\s\S]*?type:[ \t]*)\w+', '${1}doNothing' }
    'static' {
        $secret = 'Acc-' + [Guid]::NewGuid().ToString('N')
        $text = $text -replace '(?m)^([ \t]*)type:[ \t]*random', ('${1}type: static' + "`r`n" + '${1}data: ' + $secret)
    }
    'absent' { $text = $text -replace $task, '' }
    'bare' { $text = $text -replace $task, ('${1}- task: setAdminAccount' + "`r`n") }
    default { throw "which variant is not said" }
}
[IO.File]::WriteAllText($file, $text)
($text -split "`n") -notmatch 'data:'
& "$env:ProgramFiles\Amazon\EC2Launch\EC2Launch.exe" validate
"validate: $LASTEXITCODE"
