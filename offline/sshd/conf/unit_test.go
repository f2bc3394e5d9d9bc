package conf

import (
	"slices"
	"strings"
	"testing"
)

func TestParseUnit(t *testing.T) {
	text := "# c\n[Service]\nExecStart=/usr/sbin/sshd -D \\\n# between\n  $OPTIONS\n;c\n Key = v = w \n[Install]\nWantedBy=a.target\nlast=\\"
	var got []string
	for _, a := range parseUnit([]byte(text), "/u") {
		got = append(got, a.section+"/"+a.key+"="+a.value)
	}
	want := []string{"Service/ExecStart=/usr/sbin/sshd -D    $OPTIONS", "Service/Key=v = w", "Install/WantedBy=a.target", "Install/last="}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestParseEnvironment(t *testing.T) {
	text := "# c\nSSHD_OPTS=\"-o A=b -4\"\n\n export X='a\\b' \nY=a\\\nb\nZ=\"two\nlines\"\n;c\nW=1"
	var got []string
	for _, v := range parseEnvironment([]byte(text), "/e") {
		got = append(got, v.name+"="+v.value)
	}
	want := []string{"SSHD_OPTS=-o A=b -4", `X=a\b`, "Y=ab", "Z=two\nlines", "W=1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSplitExec(t *testing.T) {
	env := []variable{{"OPTIONS", `-o "A b" -p 23`, "/e", 1}, {"PORT", "24", "/e", 2}}
	var got []string
	for _, w := range splitExec(assignment{value: `/usr/sbin/sshd -D $OPTIONS $NONE -p${PORT} "x y" 'a%%b' %i`}, env, "inst") {
		got = append(got, w.text)
	}
	want := []string{"/usr/sbin/sshd", "-D", "-o", "A b", "-p", "23", "-p24", "x y", "a%b", "inst"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

const debianUnit = "[Unit]\nConditionPathExists=!/etc/ssh/sshd_not_to_be_run\n[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStartPre=/usr/sbin/sshd -t\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n"

// debianTree is a systemd machine whose ssh.service is enabled, with changes.
func debianTree(t *testing.T, more map[string]string) map[string]string {
	t.Helper()
	files := map[string]string{
		"lib/systemd/systemd":                                    "",
		"lib/systemd/system/ssh.service":                         debianUnit,
		"lib/systemd/system/ssh.socket":                          "[Socket]\nListenStream=22\nAccept=no\n",
		"etc/systemd/system/sshd.service":                        "-> /lib/systemd/system/ssh.service",
		"etc/systemd/system/multi-user.target.wants/ssh.service": "-> /lib/systemd/system/ssh.service",
		"etc/default/ssh":                                        "SSHD_OPTS=\n",
		"etc/ssh/sshd_config":                                    "UsePAM yes\n",
	}
	for name, text := range more {
		files[name] = text
		if text == "" {
			delete(files, name)
		}
	}
	return files
}

func TestFindInvocation(t *testing.T) {
	tests := []struct {
		name    string
		more    map[string]string
		options string // -o, -f, -p as found
		problem string // a part of the first problem's text
		enabled bool
	}{
		{"plain", nil, "", "", true},
		{"default file", map[string]string{"etc/default/ssh": "SSHD_OPTS=\"-o PasswordAuthentication=no -p 2222 -f /etc/ssh/other\"\n"}, "PasswordAuthentication=no|-p2222|-f/etc/ssh/other", "", true},
		{"drop-in", map[string]string{"etc/systemd/system/ssh.service.d/10.conf": "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -oUsePAM=no\n"}, "UsePAM=no", "", true},
		{"instance connect", map[string]string{"lib/systemd/system/ssh.service.d/ec2-instance-connect.conf": "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o \"AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %%u %%f\" -o \"AuthorizedKeysCommandUser ec2-instance-connect\" $SSHD_OPTS\n"},
			"AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %u %f|AuthorizedKeysCommandUser ec2-instance-connect", "", true},
		{"masked drop-in", map[string]string{"usr/lib/systemd/system/ssh.service.d/10.conf": "[Service]\nExecStart=\n", "etc/systemd/system/ssh.service.d/10.conf": "-> /dev/null"}, "", "", true},
		{"two starts", map[string]string{"etc/systemd/system/ssh.service.d/10.conf": "[Service]\nExecStart=/usr/sbin/sshd -D\n"}, "", "more than one ExecStart", true},
		{"masked", map[string]string{"etc/systemd/system/ssh.service": "-> /dev/null"}, "", "masked", false},
		{"disabled", map[string]string{"etc/systemd/system/multi-user.target.wants/ssh.service": ""}, "", "not enabled", false},
		{"condition", map[string]string{"etc/ssh/sshd_not_to_be_run": "x"}, "", "does not hold", true},
		{"bad flag", map[string]string{"etc/default/ssh": "SSHD_OPTS=-Z\n"}, "", "does not know the flag -Z", true},
		{"extra argument", map[string]string{"etc/default/ssh": "SSHD_OPTS=foo\n"}, "", "extra argument", true},
		{"test flag", map[string]string{"etc/default/ssh": "SSHD_OPTS=-t\n"}, "", "only checks", true},
		{"missing environment", map[string]string{"etc/systemd/system/ssh.service.d/10.conf": "[Service]\nEnvironmentFile=/etc/nosuch\n"}, "", "is missing", true},
		{"wrapper", map[string]string{"etc/systemd/system/ssh.service.d/10.conf": "[Service]\nExecStart=\nExecStart=/usr/local/bin/wrap\n"}, "", "not sshd itself", true},
		{"socket", map[string]string{"etc/systemd/system/multi-user.target.wants/ssh.service": "", "etc/systemd/system/sockets.target.wants/ssh.socket": "-> /lib/systemd/system/ssh.socket"}, "", "", true},
	}
	for _, tt := range tests {
		i := FindInvocation(openVolume(t, tree(t, debianTree(t, tt.more))))
		if got := summary(i); got != tt.options || i.Enabled != tt.enabled || i.Init != Systemd {
			t.Errorf("%s: got %q, enabled %v by %s", tt.name, got, i.Enabled, i.Init)
		}
		if found := len(i.Problems) > 0; found != (tt.problem != "") || found && !strings.Contains(i.Problems[0].Text, tt.problem) {
			t.Errorf("%s: problems %+v", tt.name, i.Problems)
		}
	}
}

func summary(i Invocation) string {
	var out []string
	for _, s := range i.CommandLine {
		out = append(out, s.Text)
	}
	for _, p := range i.Ports {
		out = append(out, "-p"+p)
	}
	if i.File != "" {
		out = append(out, "-f"+i.File)
	}
	return strings.Join(out, "|")
}

func TestSocketWithInstances(t *testing.T) {
	i := FindInvocation(openVolume(t, tree(t, map[string]string{
		"usr/lib/systemd/systemd":                             "",
		"usr/lib/systemd/system/sshd.service":                 "[Service]\nExecStart=/usr/sbin/sshd -D\n",
		"usr/lib/systemd/system/sshd.socket":                  "[Socket]\nListenStream=2022\nAccept=yes\n",
		"usr/lib/systemd/system/sshd@.service":                "[Service]\nExecStart=-/usr/sbin/sshd -i -oUseDNS=no\n",
		"usr/lib/systemd/system/sshd-keygen.target":           "[Unit]\n",
		"etc/systemd/system/sockets.target.wants/sshd.socket": "-> /usr/lib/systemd/system/sshd.socket",
	})))
	if !i.Enabled || !i.Inetd || i.Unit != "sshd@.service" || summary(i) != "UseDNS=no" || !slices.Equal(i.Listen, []string{"2022"}) || i.KeyGen == "" || i.Binary != "/usr/sbin/sshd" {
		t.Errorf("got %+v", i)
	}
}

func TestCryptoPolicyOnTheCommandLine(t *testing.T) {
	i := FindInvocation(openVolume(t, tree(t, map[string]string{
		"usr/lib/systemd/systemd": "",
		"usr/lib/systemd/system/sshd.service": "[Service]\nEnvironmentFile=-/etc/crypto-policies/back-ends/opensshserver.config\nEnvironmentFile=-/etc/sysconfig/sshd\n" +
			"ExecStart=/usr/sbin/sshd -D $OPTIONS $CRYPTO_POLICY\n",
		"etc/systemd/system/multi-user.target.wants/sshd.service": "-> /usr/lib/systemd/system/sshd.service",
		"etc/crypto-policies/back-ends/opensshserver.config":      "CRYPTO_POLICY='-oCiphers=aes256-ctr -oPubkeyAcceptedKeyTypes=rsa-sha2-256'\n",
		"etc/sysconfig/sshd": "OPTIONS=\"-u0\"\n",
	})))
	if len(i.CommandLine) != 2 || i.CommandLine[1].Text != "PubkeyAcceptedKeyTypes=rsa-sha2-256" || i.CommandLine[1].Origin != FromCryptoPolicy {
		t.Errorf("got %+v", i)
	}
}

func TestInitScripts(t *testing.T) {
	tests := []struct {
		name, init string
		files      map[string]string
		enabled    bool
		options    string
	}{
		{"alpine", OpenRC, map[string]string{"sbin/openrc-run": "", "etc/init.d/sshd": "#!", "etc/runlevels/default/sshd": "-> /etc/init.d/sshd", "etc/conf.d/sshd": "SSHD_OPTS=\"-o UseDNS=no\"\n"}, true, "UseDNS=no"},
		{"alpine off", OpenRC, map[string]string{"sbin/openrc-run": "", "etc/init.d/sshd": "#!"}, false, ""},
		{"centos 6", Upstart, map[string]string{"sbin/initctl": "", "etc/init/ssh.conf": "x", "etc/init/ssh.override": "manual\n"}, false, ""},
		{"amazon linux 1", SysV, map[string]string{"etc/init.d/sshd": "#!", "etc/rc.d/rc3.d/S55sshd": "-> ../init.d/sshd", "etc/sysconfig/sshd": "OPTIONS=-4\n"}, true, "AddressFamily=inet"},
		{"nothing", "", map[string]string{"etc/passwd": ""}, false, ""},
	}
	for _, tt := range tests {
		i := FindInvocation(openVolume(t, tree(t, tt.files)))
		if i.Init != tt.init || i.Enabled != tt.enabled || summary(i) != tt.options || !i.Enabled && len(fatal(i.Problems)) == 0 {
			t.Errorf("%s: got %+v", tt.name, i)
		}
	}
}
