# Prints what the acceptance of regain looks at on a Windows, and changes nothing.
# It needs an administrator and PowerShell 2, and uses programs rather than .NET, so
# that it also works in FIPS mode and under constrained language mode.

function Say($title) { ''; "== $title" }
function Key($path) { & reg.exe query $path 2>&1 | Out-String -Width 4096 }
function Value($path, $name) { & reg.exe query $path /v $name 2>&1 | Where-Object { "$_" -match 'REG_' } }
function Log($name, $query, $count) { & wevtutil.exe qe $name "/q:$query" "/c:$count" /rd:true /f:text 2>&1 | Out-String -Width 400 }
function Files($path) {
    if (-not (Test-Path $path)) { "not there: $path"; return }
    & icacls.exe $path
    foreach ($f in Get-ChildItem -Force -Recurse $path | Where-Object { -not $_.PSIsContainer }) {
        '{0} bytes, {1:u}, {2}' -f $f.Length, $f.LastWriteTimeUtc, $f.FullName
        if ($f.Length -gt 0 -and $f.Length -lt 1MB) { (& certutil.exe -hashfile $f.FullName SHA256)[1] }
        & icacls.exe $f.FullName | Select-Object -First 6
    }
}

Say 'system'
'{0:u} UTC' -f (Get-Date).ToUniversalTime()
& cmd.exe /c ver
'PowerShell {0}, {1}' -f $PSVersionTable.PSVersion, $ExecutionContext.SessionState.LanguageMode
Value 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion' ProductName
Value 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion' UBR
Value 'HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions' ProductType
Value 'HKLM\SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy' Enabled
Value 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' __PSLockdownPolicy
Key 'HKLM\SOFTWARE\Policies\Microsoft\Windows\PowerShell'
Value 'HKLM\SOFTWARE\Policies\Microsoft\Windows\System' DisableLGPOProcessing
& bcdedit.exe /enum '{current}' | Where-Object { $_ -match 'ems|identifier' }
foreach ($s in 'Amazon EC2Launch', 'Ec2Config', 'AmazonSSMAgent', 'Schedule', 'gpsvc') {
    '{0}: {1}' -f $s, (Value "HKLM\SYSTEM\CurrentControlSet\Services\$s" Start)
}

Say 'launch agents'
& reg.exe query 'HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall' /s /f EC2 /d 2>&1 | Where-Object { "$_" -match 'Display(Name|Version)' }
Get-Content "$env:ProgramData\Amazon\EC2-Windows\Launch\Module\Ec2Launch.psd1" -ErrorAction SilentlyContinue | Where-Object { $_ -match 'ModuleVersion' }

Say 'local administrator'
Get-WmiObject Win32_UserAccount -Filter "LocalAccount=True" | Where-Object { $_.SID -like '*-500' } |
    Format-List Name, Disabled, Lockout, PasswordExpires, PasswordChangeable | Out-String
& net.exe user (Get-WmiObject Win32_UserAccount -Filter "LocalAccount=True" | Where-Object { $_.SID -like '*-500' }).Name |
    Where-Object { $_ -match 'Password last set|Account active|Last logon' }

Say 'disk'
& fsutil.exe dirty query C:
& fsutil.exe fsinfo ntfsinfo C: | Select-Object -First 6
Log System "*[System[Provider[@Name='Ntfs' or @Name='Microsoft-Windows-Ntfs' or @Name='disk']]]" 8
Log Application "*[System[Provider[@Name='Microsoft-Windows-Wininit' or @Name='Chkdsk']]]" 3
Log System "*[System[(EventID=41 or EventID=6008 or EventID=5 or EventID=6)]]" 6

Say 'local policy'
Files "$env:SystemRoot\System32\GroupPolicy"
Say 'ProgramData\regain'
Files "$env:ProgramData\regain"
Say 'other start-up script'
Get-Content C:\acceptance-ran.txt -ErrorAction SilentlyContinue
Log Microsoft-Windows-GroupPolicy/Operational "*[System[(EventID=4018 or EventID=5018 or EventID=7018)]]" 6
Log System "*[System[Provider[@Name='Microsoft-Windows-GroupPolicy'] and (EventID=1129 or EventID=1130)]]" 4

Say 'EC2Launch v2'
Files "$env:ProgramData\Amazon\EC2Launch\state"
Files "$env:ProgramData\Amazon\EC2Launch\config"
Get-Content "$env:ProgramData\Amazon\EC2Launch\log\agent.log" -ErrorAction SilentlyContinue | Select-Object -Last 40

Say 'EC2Launch v1'
Files "$env:ProgramData\Amazon\EC2-Windows\Launch\Config"
$task = 'Amazon Ec2 Launch - Instance Initialization'
$cache = 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache'
$guid = (Get-ItemProperty "Registry::$cache\Tree\$task" -ErrorAction SilentlyContinue).Id
if ($guid) {
    Key "$cache\Tree\$task"
    Key "$cache\Tasks\$guid"
    Key "$cache\Boot\$guid"
    Files "$env:SystemRoot\System32\Tasks\$task"
    & schtasks.exe /query /tn "\$task" /v /fo list
}
Get-Content "$env:ProgramData\Amazon\EC2-Windows\Launch\Log\Ec2Launch.log" -ErrorAction SilentlyContinue | Select-Object -Last 30

Say 'EC2Config'
Files "$env:ProgramFiles\Amazon\Ec2ConfigService\Settings\Config.xml"
foreach ($f in Get-ChildItem "$env:ProgramFiles\Amazon\Ec2ConfigService\Logs\Ec2Config*" -ErrorAction SilentlyContinue) {
    $f.FullName
    Get-Content $f.FullName | Select-Object -Last 30
}
