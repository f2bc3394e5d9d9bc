# EC2Launch v1: sets the enabled bit of its task in the registry and nothing else, as
# an edit from outside would. With $spoil = $true it also makes the task's Hash wrong.
# It must run as SYSTEM, which Run Command does. Start the machine anew afterwards.

$cache = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache'
$guid = (Get-ItemProperty "$cache\Tree\Amazon Ec2 Launch - Instance Initialization").Id
$key = "$cache\Tasks\$guid"
$triggers = [byte[]](Get-ItemProperty $key).Triggers
'before: version {0:X2}, flags {1:X8}' -f $triggers[0], [BitConverter]::ToUInt32($triggers, 0x28)
$triggers[0x2A] = $triggers[0x2A] -bor 0x40
Set-ItemProperty $key Triggers $triggers -Type Binary
if ($spoil) {
    $hash = [byte[]](Get-ItemProperty $key).Hash
    for ($i = 0; $i -lt $hash.Length; $i++) { $hash[$i] = 0 }
    Set-ItemProperty $key Hash $hash -Type Binary
}
'after: flags {0:X8}, Boot key {1}' -f [BitConverter]::ToUInt32([byte[]](Get-ItemProperty $key).Triggers, 0x28), (Test-Path "$cache\Boot\$guid")
