# Does to the built-in administrator what $do says: rename, disable, lock or restore.
# Give it as a line before this script.

$user = Get-WmiObject Win32_UserAccount -Filter "LocalAccount=True" | Where-Object { $_.SID -like '*-500' }
switch ($do) {
    'rename' { $user.Rename('boss').ReturnValue }
    'disable' { & net.exe user $user.Name /active:no }
    'lock' {
        # Windows locks this account only where a policy says so.
        & net.exe accounts /lockoutthreshold:3 /lockoutduration:600 /lockoutwindow:600
        $inf = "$env:TEMP\lock.inf"
        "[Version]`r`nsignature=`"`$CHICAGO`$`"`r`n[System Access]`r`nAllowAdministratorLockout = 1`r`n" | Set-Content -Encoding Unicode $inf
        & secedit.exe /configure /db "$env:TEMP\lock.sdb" /cfg $inf /areas SECURITYPOLICY /quiet
        Add-Type -AssemblyName System.DirectoryServices.AccountManagement
        $machine = New-Object DirectoryServices.AccountManagement.PrincipalContext 'Machine'
        1..6 | ForEach-Object { [void]$machine.ValidateCredentials($user.Name, "wrong $_") }
    }
    'restore' {
        if ($user.Name -ne 'Administrator') { $user.Rename('Administrator').ReturnValue }
        & net.exe user Administrator /active:yes
        & net.exe accounts /lockoutthreshold:0
    }
    default { throw "what to do is not said" }
}
Get-WmiObject Win32_UserAccount -Filter "LocalAccount=True" | Where-Object { $_.SID -like '*-500' } | Format-List Name, Disabled, Lockout
