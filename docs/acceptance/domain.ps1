# Makes the machine the first domain controller of a forest acceptance.test. The
# password of Directory Services Restore Mode is made here, and kept nowhere.

Install-WindowsFeature AD-Domain-Services -IncludeManagementTools | Out-Null
$secret = ConvertTo-SecureString ([Guid]::NewGuid().ToString('N') + 'Aa!') -AsPlainText -Force
Install-ADDSForest -DomainName acceptance.test -DomainNetbiosName ACCEPTANCE -InstallDns -SafeModeAdministratorPassword $secret -NoRebootOnCompletion -Force |
    Format-List Status, Message
