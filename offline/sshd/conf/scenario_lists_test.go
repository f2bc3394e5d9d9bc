package conf

// listScenarios are about keywords that take lists, and about methods.
var listScenarios = []scenario{
	{"users of several lines add up", 0, 0, "AllowUsers ann\nAllowUsers bob carl\nDenyUsers dora\n", map[string]string{"ann": "allowusers ann bob carl; denyusers dora"}},
	{"groups of several lines add up", 0, 0, "AllowGroups wheel\nAllowGroups staff\nDenyGroups games\n", map[string]string{"ann": "allowgroups wheel staff; denygroups games"}},
	{"a block's users take the place of the others", 0, 0, "AllowUsers ann bob\nMatch User ann\nAllowUsers ann carl\n", map[string]string{
		"ann": "allowusers ann carl", "bob": "allowusers ann bob",
	}},
	{"users of a block with several lines add up", 0, 0, "AllowUsers x\nMatch User ann\nAllowUsers ann\nAllowUsers bob\n", map[string]string{"ann": "allowusers ann bob", "bob": "allowusers x"}},
	{"users of several blocks add up", 0, 0, "AllowUsers x\nMatch User ann\nAllowUsers one\nMatch Group wheel\nAllowUsers two\n", map[string]string{
		"ann": "allowusers one two", "bob": "allowusers x",
	}},
	{"denied users in a block leave the allowed ones alone", 0, 0, "AllowUsers ann bob\nDenyUsers carl\nMatch User ann\nDenyUsers dora\n", map[string]string{
		"ann": "allowusers ann bob; denyusers dora", "bob": "allowusers ann bob; denyusers carl",
	}},
	{"users with hosts", 0, 0, "AllowUsers ann@10.0.0.0/8 *@*.example.org bob@!10.1.1.1,10.*\n", map[string]string{"ann": "allowusers ann@10.0.0.0/8 *@*.example.org bob@!10.1.1.1,10.*"}},
	{"a user with a network that has host bits", 0, 0, "AllowUsers ann@10.0.0.1/8\n", map[string]string{"ann": refused}},
	{"a denied user with a network that has host bits", 0, 0, "DenyUsers ann@10.0.0.1/8\n", map[string]string{"ann": refused}},
	{"an empty name in quotes", 0, 0, "DenyGroups games\nAllowUsers ann\n", map[string]string{"ann": "allowusers ann; denygroups games"}},
	{"a list without members", 807, 0, "AllowUsers\n", map[string]string{"ann": refused}},
	{"variables add up", 0, 0, "AcceptEnv LANG LC_*\nAcceptEnv TERM\n", map[string]string{"ann": "acceptenv LANG LC_* TERM"}},
	{"a variable with a value", 807, 0, "AcceptEnv LANG=C\n", map[string]string{"ann": refused}},
	{"methods of the first line", 0, 0, "AuthenticationMethods publickey,password publickey,keyboard-interactive\nAuthenticationMethods publickey\n", map[string]string{
		"ann": "authenticationmethods publickey,password publickey,keyboard-interactive",
	}},
	{"methods of a block", 0, 0, "AuthenticationMethods publickey,password\nMatch User ann\nAuthenticationMethods publickey\n", map[string]string{
		"ann": "authenticationmethods publickey", "bob": "authenticationmethods publickey,password",
	}},
	{"a method that nobody knows", 0, 0, "AuthenticationMethods pubkey\n", map[string]string{"ann": refused}},
	{"a method that is off", 0, 0, "PasswordAuthentication no\nAuthenticationMethods password\n", map[string]string{"ann": refused}},
	{"one of two lists has a method that is off", 0, 0, "PasswordAuthentication no\nAuthenticationMethods publickey,password publickey\n", map[string]string{"ann": "authenticationmethods publickey,password publickey"}},
	{"the method is switched off later in the file", 0, 0, "AuthenticationMethods password\nPasswordAuthentication no\n", map[string]string{"ann": refused}},
	{"a block's method that is off does not stop the start", 0, 0, "PasswordAuthentication no\nMatch User bob\nAuthenticationMethods password\n", map[string]string{"ann": "authenticationmethods any"}},
	{"any beside another method", 0, 0, "AuthenticationMethods any publickey\n", map[string]string{"ann": refused}},
	{"a keys command without its user", 0, 0, "AuthorizedKeysCommand /usr/bin/keys %u\n", map[string]string{"ann": refused}},
	{"a keys command with its user", 0, 0, "AuthorizedKeysCommand /usr/bin/keys %u\nAuthorizedKeysCommandUser nobody\n", map[string]string{
		"ann": "authorizedkeyscommand /usr/bin/keys %u; authorizedkeyscommanduser nobody",
	}},
	{"a keys command of a relative path", 0, 0, "AuthorizedKeysCommand bin/keys\nAuthorizedKeysCommandUser nobody\n", map[string]string{"ann": refused}},
	{"a principals command without its user", 0, 0, "AuthorizedPrincipalsCommand /usr/bin/names %u\n", map[string]string{"ann": refused}},
	{"no keys command", 0, 0, "AuthorizedKeysCommand none\n", map[string]string{"ann": "authorizedkeyscommand none"}},
	{"subsystems by name", 0, 0, "Subsystem sftp internal-sftp\nSubsystem other /bin/other -x\n", map[string]string{"ann": "subsystem sftp internal-sftp other /bin/other -x"}},
	{"a subsystem twice", 0, 905, "Subsystem sftp internal-sftp\nSubsystem sftp /bin/x\n", map[string]string{"ann": refused}},
	{"the first of a subsystem stands", 905, 0, "Subsystem sftp internal-sftp\nSubsystem sftp /bin/x\n", map[string]string{"ann": "subsystem sftp internal-sftp"}},
	{"a subsystem without a command", 0, 0, "Subsystem sftp\n", map[string]string{"ann": refused}},
	{"a forwarding list", 0, 0, "PermitOpen db.example:5432 [2001:db8::1]:80 web:*\n", map[string]string{"ann": "permitopen db.example:5432 [2001:db8::1]:80 web:*"}},
	{"a forwarding list of the block", 0, 0, "PermitOpen a:1\nMatch User ann\nPermitOpen b:2\nPermitOpen c:3\n", map[string]string{"ann": "permitopen b:2", "bob": "permitopen a:1"}},
	{"a forwarding destination without a port", 0, 0, "PermitOpen db.example\n", map[string]string{"ann": refused}},
	{"a listening port alone", 708, 0, "PermitListen 8080 localhost:9090\n", map[string]string{"ann": "permitlisten *:8080 localhost:9090"}},
	{"a listening list of the block", 708, 0, "PermitListen 8080\nMatch User ann\nPermitListen 9090\nMatch User bob\nPermitListen none\n", map[string]string{
		"ann": "permitlisten *:9090", "bob": "permitlisten none", "root": "permitlisten *:8080",
	}},
	{"listening everywhere again in the block", 708, 0, "PermitListen none\nMatch Group staff\nPermitListen any\n", map[string]string{"ann": "permitlisten any", "root": "permitlisten none"}},
	{"keys again after data and time", 0, 0, "RekeyLimit 512M 1h\n", map[string]string{"ann": "rekeylimit 536870912 3600"}},
	{"keys again after too little data", 0, 0, "RekeyLimit 15\n", map[string]string{"ann": refused}},
}

// keyScenarios are about algorithms: operators, wildcards, unknown names.
var keyScenarios = []scenario{
	{"one key type", 0, 0, "PubkeyAcceptedKeyTypes ssh-ed25519\n", map[string]string{"ann": "pubkeyacceptedalgorithms ssh-ed25519"}},
	{"several in the order written", 0, 0, "PubkeyAcceptedKeyTypes rsa-sha2-512,ssh-ed25519,rsa-sha2-256\n", map[string]string{"ann": "pubkeyacceptedalgorithms rsa-sha2-512,ssh-ed25519,rsa-sha2-256"}},
	{"for one user another", 0, 0, "PubkeyAcceptedKeyTypes ssh-ed25519\nMatch User bob\nPubkeyAcceptedKeyTypes ecdsa-sha2-nistp256\n", map[string]string{
		"ann": "pubkeyacceptedalgorithms ssh-ed25519", "bob": "pubkeyacceptedalgorithms ecdsa-sha2-nistp256",
	}},
	{"a wildcard", 802, 0, "PubkeyAcceptedKeyTypes sk-*\n", map[string]string{
		"ann": "pubkeyacceptedalgorithms sk-ssh-ed25519@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
	}},
	{"a name that is none", 0, 0, "PubkeyAcceptedKeyTypes ssh-ed25519,ed25520\n", map[string]string{"ann": refused}},
	{"a name that is none, to add", 0, 0, "PubkeyAcceptedKeyTypes +ed25520\n", map[string]string{"ann": refused}},
	{"a name that is none, to remove", 703, 0, "PubkeyAcceptedKeyTypes -ed25520\n", map[string]string{"ann": "pubkeyauthentication yes"}},
	{"short names are taken and mean nothing", 0, 909, "PubkeyAcceptedKeyTypes ssh-ed25519,ed25519,RSA,ecdsa\n", map[string]string{"ann": "pubkeyacceptedalgorithms ssh-ed25519"}},
	{"a short name alone leaves nothing", 0, 0, "PubkeyAcceptedKeyTypes ed25519\n", map[string]string{"ann": refused}},
	{"short names of certificates are none", 0, 0, "PubkeyAcceptedKeyTypes ssh-ed25519,ed25519-cert\n", map[string]string{"ann": refused}},
	{"short names of token keys", 802, 909, "PubkeyAcceptedKeyTypes ssh-ed25519,Ed25519-sk,ecdsa-SK\n", map[string]string{"ann": "pubkeyacceptedalgorithms ssh-ed25519"}},
	{"short names in host keys", 0, 909, "HostKeyAlgorithms ssh-ed25519,rsa\n", map[string]string{"ann": "hostkeyalgorithms ssh-ed25519"}},
	{"short names are refused since 9.9", 909, 0, "PubkeyAcceptedKeyTypes ssh-ed25519,ed25519\n", map[string]string{"ann": refused}},
	{"short names in signatures", 709, 909, "CASignatureAlgorithms ssh-ed25519,rsa\n", map[string]string{"ann": "casignaturealgorithms ssh-ed25519"}},
	{"removed by a wildcard", 808, 1000, "PubkeyAcceptedAlgorithms -*cert*,sk-*,ecdsa*\n", map[string]string{"ann": "pubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256"}},
	{"added at the end", 808, 0, "CASignatureAlgorithms +ssh-rsa\n", map[string]string{
		"ann": "casignaturealgorithms ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256,ssh-rsa",
	}},
	{"put at the front", 805, 0, "CASignatureAlgorithms ^rsa-sha2-256\n", map[string]string{
		"ann": "casignaturealgorithms rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512",
	}},
	{"a certificate cannot sign others", 905, 0, "CASignatureAlgorithms ssh-ed25519-cert-v01@openssh.com\n", map[string]string{"ann": refused}},
	{"an old cipher", 0, 0, "Ciphers aes128-cbc,aes256-ctr\n", map[string]string{"ann": "ciphers aes128-cbc,aes256-ctr"}},
	{"a cipher that left", 706, 0, "Ciphers arcfour\n", map[string]string{"ann": refused}},
	{"ciphers take no wildcards", 0, 0, "Ciphers aes*\n", map[string]string{"ann": refused}},
	{"ciphers are removed by wildcards", 803, 1000, "Ciphers -aes*\n", map[string]string{"ann": "ciphers chacha20-poly1305@openssh.com"}},
	{"codes that are known", 0, 0, "MACs hmac-sha2-256-etm@openssh.com,hmac-sha1\n", map[string]string{"ann": "macs hmac-sha2-256-etm@openssh.com,hmac-sha1"}},
	{"codes that left", 706, 0, "MACs hmac-ripemd160\n", map[string]string{"ann": refused}},
	{"exchanges", 0, 0, "KexAlgorithms ecdh-sha2-nistp256,diffie-hellman-group14-sha1\n", map[string]string{"ann": "kexalgorithms ecdh-sha2-nistp256,diffie-hellman-group14-sha1"}},
	{"nothing is left", 803, 0, "Ciphers -*\n", map[string]string{"ann": ""}},
	{"DSA is still known", 0, 1000, "PubkeyAcceptedKeyTypes +ssh-dss\n", map[string]string{"ann": "pubkeyauthentication yes"}},
	{"DSA is gone", 1000, 0, "PubkeyAcceptedKeyTypes +ssh-dss\n", map[string]string{"ann": refused}},
	{"the size of RSA keys", 901, 0, "RequiredRSASize 3072\nMatch User bob\nRequiredRSASize 2048\n", map[string]string{"ann": "requiredrsasize 3072", "bob": "requiredrsasize 2048"}},
}

// listenScenarios are about ports and addresses.
var listenScenarios = []scenario{
	{"one port", 0, 0, "Port 2222\n", map[string]string{"ann": "port 2222"}},
	{"two ports", 0, 0, "Port 22\nPort 2222\n", map[string]string{"ann": "port 22 2222"}},
	{"addresses take every port", 0, 0, "Port 1234\nListenAddress 127.0.0.1\nPort 5678\n", map[string]string{"ann": "port 1234 5678; listenaddress 127.0.0.1:1234 127.0.0.1:5678"}},
	{"an address with its own port", 0, 0, "Port 1234\nListenAddress 127.0.0.1:24\nListenAddress [::1]:25\n", map[string]string{"ann": "port 1234; listenaddress 127.0.0.1:24 [::1]:25"}},
	{"only version 4", 0, 0, "AddressFamily inet\nListenAddress 127.0.0.1\n", map[string]string{"ann": "addressfamily inet; listenaddress 127.0.0.1:22"}},
	{"an address of the other family", 0, 0, "AddressFamily inet\nListenAddress ::1\n", map[string]string{"ann": refused}},
	{"an address of the other family, said later", 0, 0, "ListenAddress 127.0.0.1\nAddressFamily inet6\n", map[string]string{"ann": refused}},
	{"port zero", 0, 0, "Port 0\n", map[string]string{"ann": refused}},
	{"a port too big", 0, 0, "Port 65536\n", map[string]string{"ann": refused}},
	{"the biggest port", 0, 0, "Port 65535\n", map[string]string{"ann": "port 65535"}},
	{"a port in a block", 0, 0, "Match User ann\nPort 23\n", map[string]string{"bob": refused}},
	{"an address in a block", 0, 0, "Match User ann\nListenAddress ::1\n", map[string]string{"bob": refused}},
	{"an address with an open bracket", 0, 0, "ListenAddress [::1\n", map[string]string{"ann": refused}},
	{"an address with a colon and no port", 0, 0, "ListenAddress 127.0.0.1:\n", map[string]string{"ann": refused}},
	{"an address with port zero", 0, 0, "ListenAddress 127.0.0.1:0\n", map[string]string{"ann": refused}},
	{"a word behind the address", 0, 0, "ListenAddress 127.0.0.1 eth0\n", map[string]string{"ann": refused}},
}
