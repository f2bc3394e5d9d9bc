package conf

import (
	"os"
	"path/filepath"
	"testing"
)

const (
	rhelUnit = `[Unit]
Description=OpenSSH server daemon
After=network.target sshd-keygen.target
Wants=sshd-keygen.target

[Service]
Type=notify
EnvironmentFile=-/etc/sysconfig/sshd
ExecStart=/usr/sbin/sshd -D $OPTIONS
KillMode=process

[Install]
WantedBy=multi-user.target
`
	rhel8Unit = "[Unit]\nWants=sshd-keygen.target\n[Service]\nType=notify\nEnvironmentFile=-/etc/crypto-policies/back-ends/opensshserver.config\n" +
		"EnvironmentFile=-/etc/sysconfig/sshd\nExecStart=/usr/sbin/sshd -D $OPTIONS $CRYPTO_POLICY\n"
	rhel7Unit = "[Unit]\nWants=sshd-keygen.service\n[Service]\nType=notify\nEnvironmentFile=/etc/sysconfig/sshd\nExecStart=/usr/sbin/sshd -D $OPTIONS\n"

	rhel9Config  = "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile\t.ssh/authorized_keys\nSubsystem\tsftp\t/usr/libexec/openssh/sftp-server\n"
	rhel9DropIn  = "Include /etc/crypto-policies/back-ends/opensshserver.config\nSyslogFacility AUTHPRIV\nChallengeResponseAuthentication no\nGSSAPIAuthentication yes\nGSSAPICleanupCredentials no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\n"
	rhel9Policy  = "Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr\nPubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512\nRequiredRSASize 2048\n"
	rhel9FIPS    = "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512\nRequiredRSASize 2048\n"
	rhel8Policy  = "CRYPTO_POLICY='-oCiphers=aes256-gcm@openssh.com,aes256-ctr -oPubkeyAcceptedKeyTypes=rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519 -oCASignatureAlgorithms=rsa-sha2-256'\n"
	rhel8Config  = "HostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/ssh_host_ecdsa_key\nHostKey /etc/ssh/ssh_host_ed25519_key\nSyslogFacility AUTHPRIV\nPermitRootLogin yes\nAuthorizedKeysFile .ssh/authorized_keys\nPasswordAuthentication yes\nChallengeResponseAuthentication no\nGSSAPIAuthentication yes\nUsePAM yes\nX11Forwarding yes\n"
	amazonConfig = "HostKey /etc/ssh/ssh_host_ed25519_key\nSyslogFacility AUTHPRIV\nAuthorizedKeysFile .ssh/authorized_keys\nPasswordAuthentication no\nUsePAM yes\nAuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f\nAuthorizedKeysCommandUser ec2-instance-connect\n"
	policyLink   = "etc/crypto-policies/back-ends/opensshserver.config"
)

func rhel9(t *testing.T) map[string]string {
	t.Helper()
	return with(machine(t, "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_8.7p1", RedHat, "/usr/share/empty.sshd", "requiredrsasize"),
		"usr/share/empty.sshd/.keep", "x",
		"usr/lib/systemd/systemd", "x",
		"usr/lib/systemd/system/sshd.service", rhelUnit,
		"usr/lib/systemd/system/sshd.socket", "[Socket]\nListenStream=22\nAccept=yes\n",
		"usr/lib/systemd/system/sshd-keygen.target", "[Unit]\nWants=sshd-keygen@ed25519.service\n",
		"usr/lib/systemd/system/sshd-keygen@.service", "[Service]\nType=oneshot\nExecStart=/usr/libexec/openssh/sshd-keygen %i\n",
		"etc/systemd/system/multi-user.target.wants/sshd.service", "-> /usr/lib/systemd/system/sshd.service",
		"etc/ssh/sshd_config", rhel9Config, "etc/ssh/sshd_config.d/50-redhat.conf", rhel9DropIn,
		policyLink, "-> /usr/share/crypto-policies/DEFAULT/opensshserver.txt",
		"usr/share/crypto-policies/DEFAULT/opensshserver.txt", rhel9Policy,
		"usr/share/crypto-policies/FIPS/opensshserver.txt", rhel9FIPS,
	)
}

func rhel8(t *testing.T) map[string]string {
	t.Helper()
	return with(rhel9(t), "usr/sbin/sshd", fakeSSHD(t, "OpenSSH_8.0p1", RedHat, "/var/empty/sshd"), "var/empty/sshd/.keep", "x",
		"usr/lib/systemd/system/sshd.service", rhel8Unit, "etc/ssh/sshd_config", rhel8Config, "etc/ssh/sshd_config.d/50-redhat.conf", "",
		"usr/share/crypto-policies/DEFAULT/opensshserver.txt", rhel8Policy, "etc/sysconfig/sshd", "# CRYPTO_POLICY=\n")
}

func rhel7(t *testing.T) map[string]string {
	t.Helper()
	return with(rhel8(t), "usr/sbin/sshd", fakeSSHD(t, "OpenSSH_7.4p1", RedHat, "/var/empty/sshd"), policyLink, "",
		"usr/lib/systemd/system/sshd.service", rhel7Unit, "etc/sysconfig/sshd", "SSH_USE_STRONG_RNG=0\n",
		"usr/lib/systemd/system/sshd-keygen.target", "", "usr/lib/systemd/system/sshd-keygen@.service", "",
		"usr/lib/systemd/system/sshd-keygen.service", "[Unit]\nConditionFileNotEmpty=|!/etc/ssh/ssh_host_rsa_key\n[Service]\nExecStart=/usr/sbin/sshd-keygen\n", "usr/sbin/sshd-keygen", "#!/bin/bash\n")
}

func TestRedHatLayouts(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	const plain = "systemd; sshd.service; enabled; makes keys"
	nine, eight, seven := rhel9(t), rhel8(t), rhel7(t)
	for _, l := range []layout{
		{"9 as installed", nine, plain, "usepam yes; gssapiauthentication yes; kbdinteractiveauthentication no; syslogfacility AUTHPRIV; authorizedkeysfile .ssh/authorized_keys; pubkeyacceptedalgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512; requiredrsasize 2048", ""},
		{"9 with FIPS", with(nine, policyLink, "-> /usr/share/crypto-policies/FIPS/opensshserver.txt"), plain, "pubkeyacceptedalgorithms ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512", ""},
		{"9 with a policy of its own", with(nine, policyLink, "PubkeyAcceptedAlgorithms rsa-sha2-512\n"), plain, "pubkeyacceptedalgorithms rsa-sha2-512; usepam yes", ""},
		{"9 with a relative link", with(nine, policyLink, "-> ../../../usr/share/crypto-policies/FIPS/opensshserver.txt"), plain, "pubkeyacceptedalgorithms ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512", ""},
		{"9 with a link into nowhere", with(nine, policyLink, "-> /usr/share/crypto-policies/GONE/opensshserver.txt"), plain, "permittty yes", "fatal: GONE"},
		{"9 without a policy", with(nine, policyLink, ""), plain, "usepam yes; requiredrsasize 1024", ""},
		{"9 with a file before Red Hat's", with(nine, "etc/ssh/sshd_config.d/40-site.conf", "PubkeyAcceptedAlgorithms ssh-ed25519\nUsePAM no\n"), plain, "pubkeyacceptedalgorithms ssh-ed25519; usepam no", ""},
		{"9 with cloud-init's file", with(nine, "etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication no\nX11Forwarding no\n"), plain, "passwordauthentication no; x11forwarding no", ""},
		{"9 with the old variable, which nothing passes on", with(nine, "etc/sysconfig/sshd", "CRYPTO_POLICY='-oPubkeyAcceptedAlgorithms=ssh-rsa'\n"), plain, "pubkeyacceptedalgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512", ""},
		{"9 without keys: a unit makes them", with(nine, "etc/ssh/ssh_host_ed25519_key", ""), plain, "usepam yes", "open: sshd-keygen.target should make them"},
		{"9 without keys and without what makes them", with(nine, "etc/ssh/ssh_host_ed25519_key", "", "etc/systemd/system/sshd-keygen.target", "-> /dev/null", "etc/systemd/system/sshd-keygen@.service", "-> /dev/null"),
			"systemd; sshd.service; enabled", "usepam yes", "fatal: no host key"},
		{"9 without the directory of separation", with(nine, "usr/share/empty.sshd/.keep", ""), plain, "usepam yes", "fatal: privilege separation is missing"},
		{"9 with the socket", with(nine, "etc/systemd/system/multi-user.target.wants/sshd.service", "", "etc/systemd/system/sockets.target.wants/sshd.socket", "-> /usr/lib/systemd/system/sshd.socket",
			"usr/lib/systemd/system/sshd@.service", "[Service]\nEnvironmentFile=-/etc/sysconfig/sshd\nExecStart=-/usr/sbin/sshd -i $OPTIONS\n"), "systemd; sshd@.service; enabled; inetd; socket sshd.socket; on 22; makes keys", "usepam yes", ""},
		{"9 masked", with(nine, "etc/systemd/system/sshd.service", "-> /dev/null"), "systemd; sshd.service; masked; makes keys", "usepam yes", "fatal: masked"},
		{"8 as installed", eight, plain + "; with Ciphers=aes256-gcm@openssh.com,aes256-ctr|PubkeyAcceptedKeyTypes=rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519|CASignatureAlgorithms=rsa-sha2-256",
			"permitrootlogin yes; pubkeyacceptedalgorithms rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519; ciphers aes256-gcm@openssh.com,aes256-ctr; challengeresponseauthentication no", ""},
		{"8: the policy beats the file", with(eight, "etc/ssh/sshd_config", "PubkeyAcceptedKeyTypes ssh-rsa\nUsePAM yes\n"), plain + "; with Ciphers=aes256-gcm@openssh.com,aes256-ctr|PubkeyAcceptedKeyTypes=rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519|CASignatureAlgorithms=rsa-sha2-256",
			"pubkeyacceptedalgorithms rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519", ""},
		{"8: opted out", with(eight, "etc/sysconfig/sshd", "CRYPTO_POLICY=\n"), plain, "ciphers chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com", ""},
		{"8: options and opted out", with(eight, "etc/sysconfig/sshd", "OPTIONS=\"-u0 -4\"\nCRYPTO_POLICY=\n"), plain + "; with AddressFamily=inet", "addressfamily inet", ""},
		{"8 knows no Include", with(eight, "etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"), plain + "; with Ciphers=aes256-gcm@openssh.com,aes256-ctr|PubkeyAcceptedKeyTypes=rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519|CASignatureAlgorithms=rsa-sha2-256", "usepam no", "fatal: not a keyword"},
		{"7 as installed", seven, plain, "permitrootlogin yes; usepam yes; challengeresponseauthentication no", ""},
		{"7: the file of options must be there", with(seven, "etc/sysconfig/sshd", ""), plain, "usepam yes", "fatal: EnvironmentFile=/etc/sysconfig/sshd is missing"},
		{"7: a key type by its later keyword", with(seven, "etc/ssh/sshd_config", "PubkeyAcceptedAlgorithms ssh-rsa\n"), plain, "usepam no", "fatal: not a keyword"},
		{"Amazon Linux 2", with(seven, "etc/os-release", "ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\n", "etc/ssh/sshd_config", amazonConfig, "opt/aws/bin/eic_run_authorized_keys", "#!/bin/sh\n"), plain,
			"passwordauthentication no; authorizedkeyscommand /opt/aws/bin/eic_run_authorized_keys %u %f; permitrootlogin without-password", ""},
		{"Amazon Linux 2023", with(nine, "etc/os-release", "ID=\"amzn\"\nID_LIKE=\"fedora\"\n", "etc/ssh/sshd_config", rhel9Config+"PermitRootLogin forced-commands-only\nAuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f\nAuthorizedKeysCommandUser ec2-instance-connect\n"), plain,
			"permitrootlogin forced-commands-only; authorizedkeyscommanduser ec2-instance-connect; usepam yes", ""},
	} {
		l.run(t)
	}
}

// TestGroupOfHostKeys is a patch of Red Hat's: one group may read the keys.
func TestGroupOfHostKeys(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	tests := []struct {
		name     string
		tree     map[string]string
		uid, gid int
		mode     os.FileMode
		loads    Tri
	}{
		{"Red Hat: as sshd-keygen makes them", rhel9(t), 0, 990, 0o640, Yes},
		{"Red Hat: another group", rhel9(t), 0, 50, 0o640, No},
		{"Red Hat: the group may write", rhel9(t), 0, 990, 0o660, No},
		{"Red Hat: others may read", rhel9(t), 0, 990, 0o644, No},
		{"Red Hat: closed", rhel9(t), 0, 0, 0o600, Yes},
		{"Debian: the same group", debian12(t), 0, 990, 0o640, No},
		{"Debian: closed, read only", debian12(t), 0, 0, 0o400, Yes},
		{"Debian: nothing at all for root", debian12(t), 0, 0, 0, Yes},
		{"Debian: executable", debian12(t), 0, 0, 0o700, Yes},
		{"Debian: open, but another's", debian12(t), 1000, 1000, 0o644, Yes},
		{"Debian: open, the group is another's", debian12(t), 0, 1000, 0o644, No},
	}
	for _, tt := range tests {
		dir := plant(t, tt.tree)
		key := filepath.Join(dir, "etc/ssh/ssh_host_ed25519_key")
		if err := chown("etc/ssh/ssh_host_ed25519_key", tt.uid, tt.gid, tt.mode)(dir); err != nil {
			t.Fatal(err)
		}
		v := openVolume(t, dir)
		version, err := DetectVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Load(v, Options{Version: version})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range c.HostKeys(v, accounts(t, dir)) {
			if filepath.Base(k.Path) == filepath.Base(key) && k.Loadable != tt.loads {
				t.Errorf("%s: loads is %v (%s), want %v", tt.name, k.Loadable, k.Text, tt.loads)
			}
		}
	}
}
