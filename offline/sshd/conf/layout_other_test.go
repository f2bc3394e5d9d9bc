package conf

import (
	"os"
	"testing"
)

// suse keeps the vendor's file below /usr/etc and writes its own only on demand.
func suse(t *testing.T) map[string]string {
	t.Helper()
	return with(machine(t, "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n"),
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_9.6p1", SUSE, "/var/lib/empty"), "var/lib/empty/.keep", "x",
		"usr/lib/systemd/systemd", "x", "usr/sbin/sshd-gen-keys-start", "#!/bin/sh\n",
		"usr/lib/systemd/system/sshd.service", "[Service]\nType=notify\nEnvironmentFile=-/etc/sysconfig/ssh\nExecStartPre=/usr/sbin/sshd-gen-keys-start\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n",
		"etc/systemd/system/multi-user.target.wants/sshd.service", "-> /usr/lib/systemd/system/sshd.service",
		"usr/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nInclude /usr/etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile .ssh/authorized_keys\nX11Forwarding yes\n",
		"usr/etc/ssh/sshd_config.d/50-permit.conf", "PermitRootLogin yes\nUsePAM yes\n", "etc/sysconfig/ssh", "SSHD_OPTS=\"\"\n")
}

func alpine(t *testing.T) map[string]string {
	t.Helper()
	return with(machine(t, "NAME=\"Alpine Linux\"\nID=alpine\n"),
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_9.7p1", Alpine, "/var/empty"), "var/empty/.keep", "x",
		"sbin/openrc-run", "\x7fELF", "etc/init.d/sshd", "#!/sbin/openrc-run\n", "etc/conf.d/sshd", "# SSHD_OPTS=\n",
		"etc/runlevels/default/sshd", "-> /etc/init.d/sshd",
		"etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile .ssh/authorized_keys\nAllowTcpForwarding no\nGatewayPorts no\nX11Forwarding no\nSubsystem sftp internal-sftp\n")
}

func arch(t *testing.T) map[string]string {
	t.Helper()
	return with(machine(t, "ID=arch\n"),
		"usr/bin/sshd", fakeSSHD(t, "OpenSSH_9.9p1", Arch, "/usr/share/empty.sshd"), "usr/share/empty.sshd/.keep", "x",
		"usr/sbin", "-> bin", "usr/lib/ssh/sshd-session", "\x7fELF",
		"usr/lib/systemd/systemd", "x", "usr/lib/systemd/system/sshdgenkeys.service", "[Service]\nExecStart=/usr/bin/ssh-keygen -A\n",
		"usr/lib/systemd/system/sshd.service", "[Unit]\nWants=sshdgenkeys.service\n[Service]\nType=notify-reload\nExecStart=/usr/bin/sshd -D\n",
		"etc/systemd/system/multi-user.target.wants/sshd.service", "-> /usr/lib/systemd/system/sshd.service",
		"etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile .ssh/authorized_keys\nSubsystem sftp /usr/lib/ssh/sftp-server\n",
		"etc/ssh/sshd_config.d/99-archlinux.conf", "KbdInteractiveAuthentication no\nUsePAM yes\nPrintMotd no\n")
}

func oldScripts(t *testing.T) map[string]string {
	t.Helper()
	return with(machine(t, ""), "etc/os-release", "", "etc/redhat-release", "CentOS release 6.10 (Final)\n",
		"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_5.3p1", RedHat, "/var/empty/sshd"), "var/empty/sshd/.keep", "x",
		"etc/rc.d/init.d/sshd", "#!/bin/bash\n", "etc/init.d", "-> rc.d/init.d", "etc/rc.d/rc3.d/S55sshd", "-> ../init.d/sshd", "etc/rc.d/rc5.d/S55sshd", "-> ../init.d/sshd",
		"etc/rc.d/rc0.d/K25sshd", "-> ../init.d/sshd", "etc/sysconfig/sshd", "SSH_USE_STRONG_RNG=0\n",
		"etc/ssh/ssh_host_ed25519_key", "", "etc/ssh/ssh_host_rsa_key", hostKeyFile(t, "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""),
		"etc/ssh/sshd_config", "Protocol 2\nSyslogFacility AUTHPRIV\nPasswordAuthentication yes\nChallengeResponseAuthentication no\nGSSAPIAuthentication yes\nUsePAM yes\nX11Forwarding yes\n")
}

func TestOtherLayouts(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	sus, alp, arc, old := suse(t), alpine(t), arch(t), oldScripts(t)
	const unit, rc, sysv = "systemd; sshd.service; enabled; makes keys", "openrc; sshd; enabled; makes keys", "sysv; sshd; enabled; makes keys"
	for _, l := range []layout{
		{"SUSE with the vendor's file", sus, unit, "permitrootlogin yes; usepam yes; x11forwarding yes", ""},
		{"SUSE with a drop-in in /etc", with(sus, "etc/ssh/sshd_config.d/10-site.conf", "PermitRootLogin no\n"), unit, "permitrootlogin no; usepam yes", ""},
		{"SUSE with a file of its own", with(sus, "etc/ssh/sshd_config", "PermitRootLogin no\n"), unit, "permitrootlogin no; usepam no; x11forwarding no", ""},
		{"SUSE with options", with(sus, "etc/sysconfig/ssh", "SSHD_OPTS=\"-o UsePAM=no\"\n"), unit + "; with UsePAM=no", "usepam no", ""},
		{"SUSE without keys", with(sus, "etc/ssh/ssh_host_ed25519_key", ""), unit, "usepam yes", "open: sshd-gen-keys-start should make them"},
		{"SUSE without any file", with(sus, "usr/etc/ssh/sshd_config", ""), unit, "usepam no", "fatal: /etc/ssh/sshd_config"},
		{"Alpine as installed", alp, rc, "usepam no; allowtcpforwarding no; subsystem sftp internal-sftp", ""},
		{"Alpine with options", with(alp, "etc/conf.d/sshd", "SSHD_OPTS=\"-p 2222 -o PermitRootLogin=yes\"\n"), rc + "; with PermitRootLogin=yes|-p2222", "port 2222; permitrootlogin yes", ""},
		{"Alpine with another file", with(alp, "etc/conf.d/sshd", "SSHD_CONFIG=/etc/ssh/other\n", "etc/ssh/other", "Port 24\n"), rc + "; with -f/etc/ssh/other", "port 24", ""},
		{"Alpine in another run level", with(alp, "etc/runlevels/default/sshd", "", "etc/runlevels/boot/sshd", "-> /etc/init.d/sshd"), rc, "port 22", ""},
		{"Alpine in no run level", with(alp, "etc/runlevels/default/sshd", ""), "openrc; sshd; makes keys", "port 22", "fatal: in no run level"},
		{"Alpine in a run level that no boot enters", with(alp, "etc/runlevels/default/sshd", "", "etc/runlevels/shutdown/sshd", "-> /etc/init.d/sshd"), "openrc; sshd; makes keys", "port 22", "fatal: in no run level"},
		{"Alpine's sshd knows no PAM", with(alp, "usr/sbin/sshd", "x\x00OpenSSH_9.7p1\x00permitrootlogin\x00", "etc/ssh/sshd_config", "PermitRootLogin yes\nUsePAM yes\n"), rc, "permitrootlogin yes", "fatal: not a keyword"},
		{"Arch as installed", arc, unit, "usepam yes; kbdinteractiveauthentication no; printmotd no", ""},
		{"Arch without its session program", with(arc, "usr/lib/ssh/sshd-session", ""), unit, "usepam yes", "fatal: sshd-session is missing"},
		{"Arch without keys", with(arc, "etc/ssh/ssh_host_ed25519_key", ""), unit, "usepam yes", "open: sshdgenkeys.service should make them"},
		{"CentOS 6", old, sysv, "usepam yes; permitrootlogin yes; challengeresponseauthentication no", ""},
		{"CentOS 6 with options", with(old, "etc/sysconfig/sshd", "OPTIONS=\"-p 2222\"\n"), sysv + "; with -p2222", "port 2222", ""},
		{"CentOS 6 off at boot", with(old, "etc/rc.d/rc3.d/S55sshd", "", "etc/rc.d/rc5.d/S55sshd", "", "etc/rc.d/rc3.d/K25sshd", "-> ../init.d/sshd"), "sysv; sshd; makes keys", "usepam yes", "fatal: in no run level"},
		{"CentOS 6 knows no prohibit-password", with(old, "etc/ssh/sshd_config", "PermitRootLogin prohibit-password\n"), sysv, "usepam no", "fatal: PermitRootLogin"},
		{"CentOS 6 without keys", with(old, "etc/ssh/ssh_host_rsa_key", ""), sysv, "usepam yes", "open: should make them"},
		{"an old Debian", with(old, "etc/redhat-release", "", "etc/rc.d/init.d/sshd", "", "etc/init.d", "", "etc/rc.d/rc3.d/S55sshd", "", "etc/rc.d/rc5.d/S55sshd", "", "etc/rc.d/rc0.d/K25sshd", "",
			"etc/os-release", "ID=debian\n", "etc/init.d/ssh", "#!/bin/sh\n", "etc/rc2.d/S02ssh", "-> ../init.d/ssh", "etc/default/ssh", "SSHD_OPTS=-4\n",
			"usr/sbin/sshd", fakeSSHD(t, "OpenSSH_6.0p1 Debian-4+deb7u7", Debian, "/var/run/sshd")), "sysv; ssh; enabled; with AddressFamily=inet", "usepam yes; addressfamily inet", ""},
	} {
		l.run(t)
	}
}

func TestUpstartLayouts(t *testing.T) {
	base := map[string]string{"sbin/initctl": "x", "etc/init/ssh.conf": "start on runlevel [2345]\nexec /usr/sbin/sshd -D\n", "etc/default/ssh": "SSHD_OPTS='-o UsePAM=yes'\n"}
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"Ubuntu 14.04", base, "upstart; ssh.conf; enabled; with UsePAM=yes"},
		{"by hand only", with(base, "etc/init/ssh.override", "# off\nmanual\n"), "upstart; ssh.conf; with UsePAM=yes"},
		{"an override of something else", with(base, "etc/init/ssh.override", "env X=manual\n"), "upstart; ssh.conf; enabled; with UsePAM=yes"},
		{"a job without upstart", with(base, "sbin/initctl", "", "etc/init.d/ssh", "#!/bin/sh\n", "etc/rc2.d/S20ssh", "-> ../init.d/ssh"), "sysv; ssh; enabled; with UsePAM=yes"},
	} {
		if got := describe(FindInvocation(openVolume(t, tree(t, tt.files)))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
