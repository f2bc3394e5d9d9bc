# Writes a password block to the console as a launch agent would, though no launch
# agent has made it. What it holds is random bytes: no password.

$bytes = New-Object byte[] 256
(New-Object Security.Cryptography.RNGCryptoServiceProvider).GetBytes($bytes)
$block = "<Username>Administrator</Username>`r`n<Password>`r`n" + [Convert]::ToBase64String($bytes) + "`r`n</Password>`r`n"
$port = New-Object IO.Ports.SerialPort 'COM1', 115200, 'None', 8, 'One'
$port.Open()
$port.Write((Get-Date).ToUniversalTime().ToString('yyyy/MM/dd HH:mm:ssZ') + ": acceptance`r`n" + $block)
$port.Close()
$block
