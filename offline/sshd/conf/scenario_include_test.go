package conf

// includeScenarios are about Include: order, names, nesting, blocks.
var includeScenarios = []scenario{
	{"what is included first stands", 802, 0, "Include d/*.conf\nBanner /main\n-- d/a.conf --\nBanner /a\n", map[string]string{"ann": "banner /a"}},
	{"what stands before the include stands", 802, 0, "Banner /main\nInclude d/*.conf\n-- d/a.conf --\nBanner /a\nMaxSessions 3\n", map[string]string{"ann": "banner /main; maxsessions 3"}},
	{"names by their bytes", 802, 0, "Include d/*\n-- d/b --\nBanner /b\n-- d/a --\nMaxSessions 2\n-- d/B --\nBanner /B\n-- d/10 --\nMaxAuthTries 1\n-- d/9 --\nMaxAuthTries 9\n", map[string]string{
		"ann": "banner /B; maxsessions 2; maxauthtries 1",
	}},
	{"several patterns in their order", 802, 0, "Include d/b.conf d/a.conf\n-- d/a.conf --\nBanner /a\nMaxSessions 2\n-- d/b.conf --\nBanner /b\n", map[string]string{"ann": "banner /b; maxsessions 2"}},
	{"hidden files are passed over", 802, 0, "Include d/*\n-- d/.a --\nBanner /hidden\n-- d/b --\nBanner /b\n", map[string]string{"ann": "banner /b"}},
	{"hidden files by name", 802, 0, "Include d/.*.conf\n-- d/.a.conf --\nBanner /hidden\n", map[string]string{"ann": "banner /hidden"}},
	{"nothing fits the pattern", 802, 0, "Include d/*.conf\nInclude nowhere/x.conf\nBanner /main\n", map[string]string{"ann": "banner /main"}},
	{"a suffix that editors leave", 802, 0, "Include d/*.conf\nBanner /main\n-- d/a.conf~ --\nBanner /a\n-- d/a.conf.bak --\nBanner /b\n", map[string]string{"ann": "banner /main"}},
	{"sets and single characters", 802, 0, "Include d/[0-4]?-*.conf\n-- d/10-x.conf --\nBanner /x\n-- d/50-y.conf --\nMaxSessions 2\n-- d/1-z.conf --\nMaxAuthTries 1\n", map[string]string{
		"ann": "banner /x; maxsessions 10; maxauthtries 6",
	}},
	{"absolute and relative are the same place", 802, 0, "Include /etc/ssh/a.conf\nInclude b.conf\n-- a.conf --\nBanner /a\n-- b.conf --\nMaxSessions 2\n", map[string]string{"ann": "banner /a; maxsessions 2"}},
	{"relative means the directory of sshd, also further down", 802, 0, "Include d/a.conf\n-- d/a.conf --\nInclude b.conf\n-- d/b.conf --\nBanner /wrong\n-- b.conf --\nBanner /right\n", map[string]string{"ann": "banner /right"}},
	{"a directory by wildcard", 802, 0, "Include */x.conf\n-- d1/x.conf --\nBanner /1\n-- d2/x.conf --\nBanner /2\nMaxSessions 2\n", map[string]string{"ann": "banner /1; maxsessions 2"}},
	{"quotes around a name", 802, 0, "Include \"d/with space.conf\"\n-- d/with space.conf --\nBanner /a\n", map[string]string{"ann": "banner /a"}},
	{"a comment behind a name", 807, 0, "Include a.conf # b.conf\n-- a.conf --\nMaxSessions 2\n-- b.conf --\nBanner /b\n", map[string]string{"ann": "banner none; maxsessions 2"}},
	{"no name", 802, 0, "Include\n", map[string]string{"ann": refused}},
	{"not known before 8.2", 0, 802, "Include d/*.conf\n", map[string]string{"ann": refused}},
	{"an error in an included file", 802, 0, "Include d/*.conf\n-- d/a.conf --\nPermitRotLogin yes\n", map[string]string{"ann": refused}},
	{"an error in a file that a closed block includes", 802, 0, "Match User nobody-here\nInclude d/*.conf\n-- d/a.conf --\nPermitRotLogin yes\n", map[string]string{"ann": refused}},
	{"a global keyword in a file that a block includes", 802, 0, "Match User bob\nInclude d/*.conf\n-- d/a.conf --\nUsePAM yes\n", map[string]string{"ann": refused}},
	{"lists over several files", 802, 0, "AllowUsers root\nInclude d/*.conf\nAllowUsers last\n-- d/a.conf --\nAllowUsers ann\n-- d/b.conf --\nAllowUsers bob\n", map[string]string{"ann": "allowusers root ann bob last"}},
	{"a block ends with its file", 802, 0, "Include d/*.conf\nMaxSessions 2\n-- d/a.conf --\nMatch User nobody-here\nBanner /x\n-- d/b.conf --\nMaxAuthTries 1\n", map[string]string{
		"ann": "banner none; maxsessions 2; maxauthtries 1",
	}},
	{"a block in an included file", 802, 0, "Include d/*.conf\nPermitRootLogin no\n-- d/a.conf --\nMatch User root\nPermitRootLogin yes\n", map[string]string{"root": "permitrootlogin yes", "ann": "permitrootlogin no"}},
	{"a file in a block", 802, 0, "Match User ann\nInclude d/*.conf\nMaxSessions 2\n-- d/a.conf --\nBanner /a\n", map[string]string{"ann": "banner /a; maxsessions 2", "bob": "banner none; maxsessions 10"}},
	{"a block in a file in a block", 802, 0, "Match User ann\nInclude d/*.conf\nMaxSessions 2\n-- d/a.conf --\nBanner /outer\nMatch Group wheel\nMaxAuthTries 1\nMatch Group nogroup\nPermitTTY no\n", map[string]string{
		"ann": "banner /outer; maxauthtries 1; permittty yes; maxsessions 2", "bob": "banner none; maxauthtries 6; maxsessions 10",
	}},
	{"all in a file of a closed block opens nothing", 802, 0, "Match User bob\nInclude d/*.conf\n-- d/a.conf --\nMatch all\nBanner /a\n", map[string]string{"ann": "banner none", "bob": "banner /a"}},
	{"all behind the include leaves the block", 802, 0, "Match User bob\nInclude a.conf\nMatch all\nInclude b.conf\n-- a.conf --\nBanner /a\n-- b.conf --\nMaxSessions 2\n", map[string]string{
		"ann": "banner none; maxsessions 2", "bob": "banner /a; maxsessions 2",
	}},
	{"one file in two blocks", 802, 0, "Match User ann\nInclude a.conf\nMatch User bob\nInclude a.conf\nMaxSessions 2\n-- a.conf --\nBanner /a\n", map[string]string{
		"ann": "banner /a; maxsessions 10", "bob": "banner /a; maxsessions 2", "root": "banner none",
	}},
	{"three levels", 802, 0, "Include one\n-- one --\nInclude two\nBanner /one\n-- two --\nInclude three\nMaxSessions 2\n-- three --\nMatch User ann\nMaxAuthTries 1\n", map[string]string{
		"ann": "banner /one; maxsessions 2; maxauthtries 1", "bob": "banner /one; maxsessions 2; maxauthtries 6",
	}},
	// Each host has a file of its own; in each the same three hosts are told apart.
	{"hosts in files in blocks of hosts", 802, 0, `Match Host a
Include 1
Match Host b
Include 2
Match Host *
Include 3
-- 1 --
Match Host a
Banner /1a
Match Host b
Banner /1b
Match Host *
Banner /1x
-- 2 --
Match Host a
Banner /2a
Match Host b
Banner /2b
Match Host *
Banner /2x
-- 3 --
Match Host a
Banner /3a
Match Host b
Banner /3b
Match Host *
Banner /3x
`, map[string]string{"ann host=a": "banner /1a", "ann host=b": "banner /2b", "ann host=c": "banner /3x"}},
	{"hosts in files, the outer file first", 802, 0, `Match Host a
Banner /a
Include 1
Match Host b
Include 1
Banner /b
-- 1 --
Match Host a,b
Banner /inner
MaxSessions 2
`, map[string]string{"ann host=a": "banner /a; maxsessions 2", "ann host=b": "banner /inner; maxsessions 2", "ann host=c": "banner none; maxsessions 10"}},
	{"a cloud's drop-in beats the main file", 802, 0, "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\nPasswordAuthentication yes\n-- sshd_config.d/50-cloud-init.conf --\nPasswordAuthentication no\n-- sshd_config.d/60-site.conf --\nPasswordAuthentication yes\nPermitRootLogin no\n", map[string]string{
		"root": "passwordauthentication no; permitrootlogin no; usepam yes; x11forwarding yes; printmotd no",
	}},
	{"a rescue drop-in that sorts first", 802, 0, "Include /etc/ssh/sshd_config.d/*.conf\nAllowUsers bob\nMatch User ann\nPubkeyAuthentication no\n-- sshd_config.d/00-rescue.conf --\nMatch User ann\nPubkeyAuthentication yes\nAuthorizedKeysFile /etc/ssh/rescue.d/%u\n", map[string]string{
		"ann": "pubkeyauthentication yes; authorizedkeysfile /etc/ssh/rescue.d/%u; allowusers bob", "bob": "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2",
	}},
}
