package conf

import (
	"os"
	"testing"
)

const (
	debianConfig = "Include /etc/ssh/sshd_config.d/*.conf\n\n#Port 22\nKbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem\tsftp\t/usr/lib/openssh/sftp-server\n"
	ubuntuSocket = "[Unit]\nBefore=sockets.target ssh.service\nConditionPathExists=!/etc/ssh/sshd_not_to_be_run\n\n[Socket]\nListenStream=0.0.0.0:22\nListenStream=[::]:22\nAccept=no\n\n[Install]\nWantedBy=sockets.target\nRequiredBy=ssh.service\n"
)

// debian12 is a machine as the package leaves it.
func debian12(t *testing.T) map[string]string {
	t.Helper()
	return with(machine(t, "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"),
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_9.2p1 Debian-2+deb12u5", Debian, "/run/sshd"),
		"usr/lib/systemd/systemd", "x",
		"usr/lib/systemd/system/ssh.service", debianUnit,
		"usr/lib/systemd/system/ssh.socket", "[Unit]\nConditionPathExists=!/etc/ssh/sshd_not_to_be_run\n[Socket]\nListenStream=22\nAccept=no\n",
		"usr/lib/systemd/system/ssh@.service", "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=-/usr/sbin/sshd -i $SSHD_OPTS\n",
		"lib", "-> usr/lib",
		"etc/systemd/system/sshd.service", "-> /lib/systemd/system/ssh.service",
		"etc/systemd/system/multi-user.target.wants/ssh.service", "-> /lib/systemd/system/ssh.service",
		"etc/default/ssh", "# Options to pass to sshd\nSSHD_OPTS=\n",
		"etc/ssh/sshd_config", debianConfig,
	)
}

// ubuntu24 listens by a socket whose addresses a generator makes.
func ubuntu24(t *testing.T) map[string]string {
	t.Helper()
	return with(debian12(t),
		"etc/os-release", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n",
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_9.6p1 Ubuntu-3ubuntu13.5", Debian, "/run/sshd"),
		"usr/lib/systemd/system/ssh.socket", ubuntuSocket,
		"usr/lib/systemd/system-generators/sshd-socket-generator", "\x7fELF",
		"etc/systemd/system/multi-user.target.wants/ssh.service", "",
		"etc/systemd/system/sockets.target.wants/ssh.socket", "-> /usr/lib/systemd/system/ssh.socket",
		"etc/systemd/system/ssh.service.requires/ssh.socket", "-> /usr/lib/systemd/system/ssh.socket",
		"etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication no\n",
	)
}

func TestDebianLayouts(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	const plain = "systemd; ssh.service; enabled"
	base, socket := debian12(t), ubuntu24(t)
	for _, l := range []layout{
		{"as installed", base, plain, "usepam yes; port 22; kbdinteractiveauthentication no; passwordauthentication yes; permitrootlogin without-password", ""},
		{"merged by links the old way", with(base, "lib", "", "lib/systemd/systemd", "x"), plain, "usepam yes", ""},
		{"options of the default file", with(base, "etc/default/ssh", "SSHD_OPTS='-o Port=2222 -p 2200 -o \"PermitRootLogin no\"'\n"),
			plain + "; with Port=2222|PermitRootLogin no|-p2200", "permitrootlogin no; port 2222 2200", ""},
		{"another file", with(base, "etc/default/ssh", "SSHD_OPTS=-f/etc/ssh/other\n", "etc/ssh/other", "Port 2022\n"), plain + "; with -f/etc/ssh/other", "port 2022; usepam no", ""},
		{"another file that is not there", with(base, "etc/default/ssh", "SSHD_OPTS=-f/etc/ssh/other\n"), plain + "; with -f/etc/ssh/other", "usepam no", "fatal: /etc/ssh/other"},
		{"a bad option of the default file", with(base, "etc/default/ssh", "SSHD_OPTS=\"-o PermitRotLogin=no\"\n"), plain + "; with PermitRotLogin=no", "usepam yes", "fatal: not a keyword"},
		{"options without quotes are cut at blanks and still one value", with(base, "etc/default/ssh", "SSHD_OPTS=-o UseDNS=no -4\n"), plain + "; with UseDNS=no|AddressFamily=inet", "usedns no; addressfamily inet", ""},
		{"masked", with(base, "etc/systemd/system/ssh.service", "-> /dev/null", "etc/systemd/system/sshd.service", ""), "systemd; ssh.service; masked", "usepam yes", "fatal: masked"},
		{"disabled", with(base, "etc/systemd/system/multi-user.target.wants/ssh.service", "", "etc/systemd/system/sshd.service", ""), "systemd; ssh.service", "usepam yes", "fatal: not enabled"},
		{"kept from starting by a file", with(base, "etc/ssh/sshd_not_to_be_run", "x"), plain, "usepam yes", "fatal: sshd_not_to_be_run"},
		{"EC2 Instance Connect", with(base, "usr/lib/systemd/system/ssh.service.d/ec2-instance-connect.conf",
			"[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o \"AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %%u %%f\" -o \"AuthorizedKeysCommandUser ec2-instance-connect\" $SSHD_OPTS\n"),
			plain + "; with AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %u %f|AuthorizedKeysCommandUser ec2-instance-connect",
			"authorizedkeyscommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %u %f; authorizedkeyscommanduser ec2-instance-connect", ""},
		{"host keys are gone", with(base, "etc/ssh/ssh_host_ed25519_key", ""), plain, "usepam yes", "fatal: no host key"},
		{"socket without a generator", with(socket, "usr/lib/systemd/system-generators/sshd-socket-generator", "", "etc/ssh/sshd_config", "Port 2222\n"),
			"systemd; ssh.service; enabled; socket ssh.socket; on 0.0.0.0:22 [::]:22", "port 2222", ""},
		{"socket with a generator", socket, "systemd; ssh.service; enabled; socket ssh.socket", "port 22; passwordauthentication no; usepam yes", ""},
		{"socket with a generator and a port", with(socket, "etc/ssh/sshd_config", "Port 2222\n"), "systemd; ssh.service; enabled; socket ssh.socket", "port 2222", ""},
		{"the generator is masked", with(socket, "etc/systemd/system-generators/sshd-socket-generator", "-> /dev/null"),
			"systemd; ssh.service; enabled; socket ssh.socket; on 0.0.0.0:22 [::]:22", "port 22", ""},
		{"addresses of the administrator", with(socket, "etc/systemd/system/ssh.socket.d/override.conf", "[Socket]\nListenStream=\nListenStream=2022\n"),
			"systemd; ssh.service; enabled; socket ssh.socket; on 2022", "port 22", ""},
		{"addresses beside the packaged ones", with(socket, "etc/systemd/system/ssh.socket.d/override.conf", "[Socket]\nListenStream=2022\n"),
			"systemd; ssh.service; enabled; socket ssh.socket; on 0.0.0.0:22 [::]:22 2022", "port 22", ""},
		{"socket kept from starting by a file", with(socket, "etc/ssh/sshd_not_to_be_run", "x"), "systemd; ssh.service; enabled; socket ssh.socket", "port 22", "fatal: sshd_not_to_be_run"},
		{"the service behind the socket is masked", with(socket, "etc/systemd/system/ssh.service", "-> /dev/null"), "systemd; ssh.service; masked; socket ssh.socket", "port 22", "fatal: masked"},
		{"back from socket to service", with(socket, "etc/systemd/system/sockets.target.wants/ssh.socket", "", "etc/systemd/system/ssh.service.requires/ssh.socket", "",
			"etc/systemd/system/multi-user.target.wants/ssh.service", "-> /usr/lib/systemd/system/ssh.service"), plain, "port 22", ""},
		{"a drop-in with a setting of a newer sshd", with(base, "etc/ssh/sshd_config.d/99-hardening.conf", "PersourcePenalties authfail:30s\n"), plain, "usepam yes", "fatal: not a keyword"},
		{"no init at all", with(base, "usr/lib/systemd/systemd", "", "usr/lib/systemd/system/ssh.service", "", "usr/lib/systemd/system/ssh.socket", "", "usr/lib/systemd/system/ssh@.service", "", "lib", "",
			"etc/systemd/system/sshd.service", "", "etc/systemd/system/multi-user.target.wants/ssh.service", ""), "; ", "usepam yes", "fatal: no unit or init script"},
	} {
		l.run(t)
	}
}

// TestDebian13 has its session programs apart.
func TestDebian13(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	session := "\x7fELF\x00permitrootlogin\x00"
	base := with(debian12(t),
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_10.0p2 Debian-7", Debian, "/run/sshd", "/usr/lib/openssh/sshd-session", "/usr/lib/openssh/sshd-auth"),
		"usr/lib/openssh/sshd-session", session, "usr/lib/openssh/sshd-auth", session)
	const plain = "systemd; ssh.service; enabled"
	for _, l := range []layout{
		{"as installed", base, plain, "usepam yes", ""},
		{"no session program", with(base, "usr/lib/openssh/sshd-session", ""), plain, "usepam yes", "fatal: sshd-session is missing"},
		{"no program for authentication", with(base, "usr/lib/openssh/sshd-auth", ""), plain, "usepam yes", "fatal: sshd-auth is missing"},
		{"session program in another place", with(base, "usr/lib/openssh/sshd-session", "", "usr/libexec/sshd-session", session), plain, "usepam yes", "fatal: sshd-session is missing"},
		{"session program named in the file", with(base, "usr/lib/openssh/sshd-session", "", "opt/sshd-session", session, "etc/ssh/sshd_config", "SshdSessionPath /opt/sshd-session\n"), plain, "usepam no", ""},
		{"session program is a directory", with(base, "usr/lib/openssh/sshd-session", "", "usr/lib/openssh/sshd-session/x", "x"), plain, "usepam yes", "fatal: not an executable file"},
	} {
		l.run(t)
	}
}
