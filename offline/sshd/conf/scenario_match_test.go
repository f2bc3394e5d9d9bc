package conf

// matchScenarios are about blocks: who is in them, what they override, what they
// may hold, and where they end.
var matchScenarios = []scenario{
	{"a block overrides what stands before it", 0, 0, "PasswordAuthentication yes\nMatch User ann\nPasswordAuthentication no\n", map[string]string{
		"ann": "passwordauthentication no", "bob": "passwordauthentication yes",
	}},
	{"a block ends at the next", 0, 0, "Match User ann\nBanner /ann\nMatch User bob\nBanner /bob\nMaxSessions 2\n", map[string]string{
		"ann": "banner /ann; maxsessions 10", "bob": "banner /bob; maxsessions 2", "root": "banner none; maxsessions 10",
	}},
	{"a block does not end at a blank line or less indent", 0, 0, "Match User ann\n\tBanner /ann\n\n# over?\nMaxSessions 2\n", map[string]string{
		"ann": "banner /ann; maxsessions 2", "bob": "maxsessions 10",
	}},
	{"all ends a block", 605, 0, "Match User ann\nBanner /ann\nMatch all\nMaxSessions 2\n", map[string]string{
		"ann": "banner /ann; maxsessions 2", "bob": "banner none; maxsessions 2",
	}},
	{"a value behind all still comes after the first one", 605, 0, "MaxSessions 5\nMatch User ann\nBanner /ann\nMatch all\nMaxSessions 2\n", map[string]string{"bob": "maxsessions 2", "ann": "maxsessions 2"}},
	{"of two blocks the first stands", 0, 0, "Match User ann\nBanner /user\nMatch Group wheel\nBanner /group\nMaxSessions 2\n", map[string]string{
		"ann": "banner /user; maxsessions 2", "bob": "banner none",
	}},
	{"two conditions must both hold", 0, 0, "Match User ann,bob Group wheel\nBanner /both\n", map[string]string{"ann": "banner /both", "bob": "banner none", "root": "banner none"}},
	{"a condition twice must hold twice", 0, 0, "Match User a* User *n\nBanner /both\n", map[string]string{"ann": "banner /both", "bob": "banner none"}},
	{"users by wildcard", 0, 0, "Match User a*,r?ot\nBanner /x\n", map[string]string{"ann": "banner /x", "root": "banner /x", "bob": "banner none"}},
	{"everybody but one", 0, 0, "Match User !root,*\nBanner /x\n", map[string]string{"ann": "banner /x", "root": "banner none"}},
	{"everybody but one, the other way round", 0, 0, "Match User *,!root\nBanner /x\n", map[string]string{"ann": "banner /x", "root": "banner none"}},
	{"a negation alone holds for nobody", 0, 0, "Match User !root\nBanner /x\n", map[string]string{"ann": "banner none", "root": "banner none"}},
	{"users are told by case", 0, 0, "Match User Ann\nBanner /x\n", map[string]string{"ann": "banner none"}},
	{"conditions are not told by case", 0, 0, "MATCH USER ann\nBanner /x\n", map[string]string{"ann": "banner /x", "bob": "banner none"}},
	{"any group counts", 0, 0, "Match Group staff\nBanner /x\n", map[string]string{"ann": "banner /x", "bob": "banner /x", "root": "banner none"}},
	{"the primary group counts", 0, 0, "Match Group bob\nBanner /x\n", map[string]string{"bob": "banner /x", "ann": "banner none"}},
	{"a negated group decides against all others", 0, 0, "Match Group !wheel,staff\nBanner /x\n", map[string]string{"ann": "banner none", "bob": "banner /x"}},
	{"a user that does not exist has no groups", 909, 0, "Match Group *\nBanner /x\n", map[string]string{"nosuch invalid-user": "banner none", "bob": "banner /x"}},
	{"a quoted condition", 0, 0, "Match User \"ann\"\nBanner /x\n", map[string]string{"ann": "banner /x", "bob": "banner none"}},
	{"a quoted list", 0, 0, "Match User \"ann,bob\"\nBanner /x\n", map[string]string{"bob": "banner /x", "root": "banner none"}},
	{"a list cannot be cut by blanks", 0, 0, "Match User ann, bob\nBanner /x\n", map[string]string{"ann": refused}},
	{"an equals sign in a condition", 0, 0, "Match User=ann Group=wheel\nBanner /x\n", map[string]string{"ann": "banner /x", "bob": "banner none"}},
	{"a comment behind a condition", 0, 0, "Match User ann # and nobody else\nBanner /x\n", map[string]string{"ann": "banner /x", "bob": "banner none"}},
	{"no condition", 0, 0, "Match\nBanner /x\n", map[string]string{"ann": refused}},
	{"an unknown condition", 0, 0, "Match Uid 1000\nBanner /x\n", map[string]string{"ann": refused}},
	{"the client's condition exec", 0, 0, "Match exec true\nBanner /x\n", map[string]string{"ann": refused}},
	{"a condition without a value", 0, 0, "Match User\nBanner /x\n", map[string]string{"ann": refused}},
	{"all beside another condition", 605, 0, "Match all User ann\nBanner /x\n", map[string]string{"ann": refused}},
	{"another condition beside all", 605, 0, "Match User ann all\nBanner /x\n", map[string]string{"ann": refused}},
	{"users that do not exist", 909, 0, "Match invalid-user\nBanner /x\n", map[string]string{"nosuch invalid-user": "banner /x", "ann": "banner none"}},
	{"users that do not exist are not told before 9.9", 0, 909, "Match invalid-user\nBanner /x\n", map[string]string{"ann": refused}},
	{"nobody's block", 0, 0, "Match User nobody-here\nPermitRootLogin no\nAllowUsers x\nAuthenticationMethods password\n", map[string]string{
		"root": "permitrootlogin without-password; allowusers ; authenticationmethods any",
	}},
	{"global keywords in a block: PAM", 0, 0, "Match User ann\nUsePAM yes\n", map[string]string{"bob": refused}},
	{"global keywords in a block: modes", 0, 0, "Match User ann\nStrictModes no\n", map[string]string{"bob": refused}},
	{"global keywords in a block: host key", 0, 0, "Match User ann\nHostKey /etc/ssh/ssh_host_ed25519_key\n", map[string]string{"bob": refused}},
	{"global keywords in a block: grace", 0, 0, "Match User ann\nLoginGraceTime 5\n", map[string]string{"bob": refused}},
	{"global keywords in a block: startups", 0, 0, "Match User ann\nMaxStartups 5\n", map[string]string{"bob": refused}},
	{"global keywords in a block: ciphers", 0, 0, "Match User ann\nCiphers aes128-ctr\n", map[string]string{"bob": refused}},
	{"a subsystem in a block, before 9.5", 0, 905, "Match User ann\nSubsystem sftp internal-sftp\n", map[string]string{"bob": refused}},
	{"a subsystem in a block, since 9.5", 905, 0, "Subsystem sftp /bin/a\nMatch User ann\nSubsystem sftp /bin/b\n", map[string]string{"ann": "subsystem sftp /bin/b", "bob": "subsystem sftp /bin/a"}},
	{"what a block may hold", 708, 0, `Match User ann
AllowTcpForwarding no
AllowAgentForwarding no
AllowStreamLocalForwarding no
X11Forwarding yes
X11UseLocalhost no
X11DisplayOffset 20
PermitTTY no
PermitUserRC no
PermitTunnel yes
GatewayPorts clientspecified
MaxAuthTries 1
MaxSessions 1
ClientAliveInterval 9
ClientAliveCountMax 1
ForceCommand internal-sftp
ChrootDirectory /srv/%u
LogLevel DEBUG
PermitEmptyPasswords yes
KbdInteractiveAuthentication no
PubkeyAuthentication no
HostbasedAuthentication yes
ExposeAuthInfo yes
DisableForwarding yes
StreamLocalBindUnlink yes
RevokedKeys /r
AuthorizedPrincipalsFile /p
`, map[string]string{
		"ann": "allowtcpforwarding no; allowagentforwarding no; allowstreamlocalforwarding no; x11forwarding yes; x11uselocalhost no; x11displayoffset 20; permittty no; permituserrc no; permittunnel yes; gatewayports clientspecified; maxauthtries 1; maxsessions 1; clientaliveinterval 9; clientalivecountmax 1; forcecommand internal-sftp; chrootdirectory /srv/%u; loglevel DEBUG; permitemptypasswords yes; pubkeyauthentication no; hostbasedauthentication yes; exposeauthinfo yes; disableforwarding yes; streamlocalbindunlink yes; revokedkeys /r; authorizedprincipalsfile /p",
		"bob": "allowtcpforwarding yes; allowagentforwarding yes; permittty yes; maxauthtries 6; forcecommand none; chrootdirectory none; loglevel INFO; pubkeyauthentication yes; disableforwarding no; revokedkeys none",
	}},
	{"root is shut out for all but one group", 0, 0, "PermitRootLogin no\nMatch User root Address 10.0.0.0/8\nPermitRootLogin prohibit-password\n", map[string]string{
		"root 10.1.2.3": "permitrootlogin without-password", "root 192.0.2.1": "permitrootlogin no",
	}},
	{"a jail for files", 0, 0, "Subsystem sftp internal-sftp\nAllowGroups wheel staff root\nMatch Group staff User !ann,*\nChrootDirectory /srv\nForceCommand internal-sftp -u 0027\nAllowTcpForwarding no\n", map[string]string{
		"ann": "chrootdirectory none; forcecommand none", "bob": "chrootdirectory /srv; forcecommand internal-sftp -u 0027; allowtcpforwarding no", "root": "chrootdirectory none",
	}},
}

// matchHostScenarios are about where the client comes from and where it arrives.
var matchHostScenarios = []scenario{
	{"an address", 0, 0, "Match Address 10.1.2.3\nBanner /x\n", map[string]string{"ann 10.1.2.3": "banner /x", "ann 10.1.2.4": "banner none"}},
	{"a network", 0, 0, "Match Address 10.1.0.0/16\nBanner /x\n", map[string]string{"ann 10.1.255.255": "banner /x", "ann 10.2.0.0": "banner none", "ann 2001:db8::1": "banner none"}},
	{"a network of version 6", 0, 0, "Match Address 2001:db8::/32\nBanner /x\n", map[string]string{"ann 2001:db8:ffff::1": "banner /x", "ann 2001:db9::1": "banner none", "ann 10.1.2.3": "banner none"}},
	{"an address of version 6 in another spelling", 0, 0, "Match Address 2001:db8:0:0::1\nBanner /x\n", map[string]string{"ann 2001:db8::1": "banner /x"}},
	{"addresses by wildcard", 0, 0, "Match Address 10.1.*,192.168.?.1\nBanner /x\n", map[string]string{"ann 10.1.9.9": "banner /x", "ann 192.168.3.1": "banner /x", "ann 192.168.33.1": "banner none"}},
	{"all but one network", 0, 0, "Match Address *,!10.0.0.0/8\nBanner /x\n", map[string]string{"ann 10.1.2.3": "banner none", "ann 192.0.2.1": "banner /x", "ann 2001:db8::1": "banner /x"}},
	{"a network and a hole in it", 0, 0, "Match Address !10.1.2.0/24,10.0.0.0/8\nBanner /x\n", map[string]string{"ann 10.1.2.3": "banner none", "ann 10.1.3.3": "banner /x"}},
	{"all of version 4", 0, 0, "Match Address 0.0.0.0/0\nBanner /x\n", map[string]string{"ann 10.1.2.3": "banner /x", "ann ::1": "banner none"}},
	{"a network with host bits", 0, 0, "Match Address 10.1.2.3/8\nBanner /x\n", map[string]string{"ann": refused}},
	{"a mask that is too long", 0, 0, "Match Address 10.0.0.0/33\nBanner /x\n", map[string]string{"ann": refused}},
	{"an empty part of a list", 0, 0, "Match Address 10.1.2.3,,10.1.2.4\nBanner /x\n", map[string]string{"ann": refused}},
	{"a name in place of an address matches no address", 0, 0, "Match Address client.example.org\nBanner /x\n", map[string]string{"ann": "banner none"}},
	{"the name of the client", 0, 0, "Match Host client.example.org\nBanner /x\n", map[string]string{"ann": "banner /x", "ann host=other.example.org": "banner none"}},
	{"names in any case", 0, 0, "Match Host CLIENT.Example.org\nBanner /x\n", map[string]string{"ann": "banner /x"}},
	{"names by domain", 0, 0, "Match Host *.example.org,!bad.example.org\nBanner /x\n", map[string]string{
		"ann": "banner /x", "ann host=bad.example.org": "banner none", "ann host=example.org": "banner none",
	}},
	{"an address stands for a name that is not known", 0, 0, "Match Host 10.1.*\nBanner /x\n", map[string]string{"ann host=10.1.2.3": "banner /x", "ann": "banner none"}},
	{"the address it came to", 0, 0, "Match LocalAddress 10.9.9.0/24\nBanner /x\n", map[string]string{"ann": "banner /x", "ann laddr=127.0.0.1": "banner none"}},
	{"the port it came to", 0, 0, "Match LocalPort 2222\nBanner /x\n", map[string]string{"ann lport=2222": "banner /x", "ann": "banner none"}},
	{"the port takes no list", 0, 0, "Match LocalPort 22,2222\nBanner /x\n", map[string]string{"ann": refused}},
	{"the port takes no zero in front of nothing", 0, 0, "Match LocalPort x\nBanner /x\n", map[string]string{"ann": refused}},
	{"the routing domain", 708, 0, "Match RDomain blue,green*\nBanner /x\n", map[string]string{"ann rdomain=blue": "banner /x", "ann rdomain=greenish": "banner /x", "ann rdomain=red": "banner none"}},
	{"user, network and port together", 0, 0, "Match User ann Address 10.0.0.0/8 LocalPort 2222\nBanner /x\n", map[string]string{
		"ann lport=2222": "banner /x", "ann": "banner none", "bob lport=2222": "banner none", "ann 11.0.0.1 lport=2222": "banner none",
	}},
	{"a first block for one place, a second for the rest", 0, 0, "PasswordAuthentication no\nMatch Address 10.0.0.0/8\nPasswordAuthentication yes\nMatch User ann\nPasswordAuthentication no\nBanner /ann\n", map[string]string{
		"ann": "passwordauthentication yes; banner /ann", "ann 192.0.2.1": "passwordauthentication no; banner /ann", "bob 192.0.2.1": "passwordauthentication no; banner none",
	}},
}
