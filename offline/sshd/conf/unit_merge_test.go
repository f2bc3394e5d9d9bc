package conf

import (
	"path"
	"slices"
	"strings"
	"testing"
)

const plainUnit = "[Service]\nExecStart=/usr/sbin/sshd -D -o A=base\n[Install]\nWantedBy=multi-user.target\n"

// TestUnitMerge: which files make up a unit, what they reset and add, and what
// starts it (systemd.unit(5)).
func TestUnitMerge(t *testing.T) {
	const wanted = "etc/systemd/system/multi-user.target.wants/sshd.service"
	base := map[string]string{"usr/lib/systemd/systemd": "x", "usr/lib/systemd/system/sshd.service": plainUnit, wanted: "-> /usr/lib/systemd/system/sshd.service"}
	start := func(value string) string {
		return "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o A=" + value + "\n"
	}
	empty := with(base)
	empty["etc/systemd/system/sshd.service"] = ""
	for _, tt := range []struct {
		name    string
		files   map[string]string
		options string
		state   string // the words of describe after the unit's name
		problem string // as in a layout
	}{
		{"the packaged unit", base, "A=base", "enabled", ""},
		{"a whole unit in /etc", with(base, "etc/systemd/system/sshd.service", start("etc")), "A=etc", "enabled", ""},
		{"a whole unit in /run", with(base, "run/systemd/system/sshd.service", start("run")), "A=run", "enabled", ""},
		{"a whole unit in /usr/local", with(base, "usr/local/lib/systemd/system/sshd.service", start("local")), "A=local", "enabled", ""},
		{"/etc before /run", with(base, "etc/systemd/system/sshd.service", start("etc"), "run/systemd/system/sshd.service", start("run")), "A=etc", "enabled", ""},
		{"a drop-in resets the command", with(base, "etc/systemd/system/sshd.service.d/10.conf", start("drop")), "A=drop", "enabled", ""},
		{"a drop-in of a package", with(base, "usr/lib/systemd/system/sshd.service.d/10.conf", start("drop")), "A=drop", "enabled", ""},
		{"the last name wins, wherever it is", with(base, "etc/systemd/system/sshd.service.d/10.conf", start("ten"), "usr/lib/systemd/system/sshd.service.d/20.conf", start("twenty")), "A=twenty", "enabled", ""},
		{"the same name: /etc hides the package's", with(base, "etc/systemd/system/sshd.service.d/10.conf", start("etc"), "usr/lib/systemd/system/sshd.service.d/10.conf", start("lib")), "A=etc", "enabled", ""},
		{"the same name: /run hides the package's", with(base, "run/systemd/system/sshd.service.d/10.conf", start("run"), "usr/lib/systemd/system/sshd.service.d/10.conf", start("lib")), "A=run", "enabled", ""},
		{"a masked drop-in", with(base, "etc/systemd/system/sshd.service.d/10.conf", "-> /dev/null", "usr/lib/systemd/system/sshd.service.d/10.conf", start("lib")), "A=base", "enabled", ""},
		{"a drop-in for all services", with(base, "etc/systemd/system/service.d/10.conf", start("all")), "A=all", "enabled", ""},
		{"its own drop-in hides the one of all services", with(base, "etc/systemd/system/service.d/10.conf", start("all"), "etc/systemd/system/sshd.service.d/10.conf", start("own")), "A=own", "enabled", ""},
		{"a drop-in without the suffix", with(base, "etc/systemd/system/sshd.service.d/10.conf.bak", start("bak")), "A=base", "enabled", ""},
		{"two commands", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Service]\nExecStart=/usr/sbin/sshd -D -o A=two\n"), "A=base", "enabled", "fatal: more than one ExecStart"},
		{"no command is left", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Service]\nExecStart=\n"), "", "enabled", "fatal: no ExecStart"},
		{"the command in another section", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nExecStart=/bin/false\n"), "A=base", "enabled", ""},
		{"a full path to argv[0]", with(base, "usr/lib/systemd/system/sshd.service", "[Service]\nExecStart=@/usr/sbin/sshd sshd: -D -o A=b\n"), "A=b", "enabled", ""},
		{"signs before the path", with(base, "usr/lib/systemd/system/sshd.service", "[Service]\nExecStart=-:+/usr/sbin/sshd -D -oA=b\n"), "A=b", "enabled", ""},
		{"continued lines", with(base, "usr/lib/systemd/system/sshd.service", "[Service]\nExecStart=/usr/sbin/sshd \\\n  -D \\\n# comment\n  -o A=b\n"), "A=b", "enabled", ""},
		{"the unit is masked", with(base, "etc/systemd/system/sshd.service", "-> /dev/null"), "", "masked", "fatal: masked"},
		{"the unit is masked by a relative link", with(base, "etc/systemd/system/sshd.service", "-> ../../../dev/null"), "", "masked", "fatal: masked"},
		{"the unit is masked by an empty file", empty, "", "masked", "fatal: masked"},
		{"nothing wants it", with(base, wanted, ""), "A=base", "", "fatal: not enabled"},
		{"another target wants it", with(base, wanted, "", "etc/systemd/system/graphical.target.wants/sshd.service", "-> /usr/lib/systemd/system/sshd.service"), "A=base", "enabled", ""},
		{"a target requires it", with(base, wanted, "", "etc/systemd/system/multi-user.target.requires/sshd.service", "-> /usr/lib/systemd/system/sshd.service"), "A=base", "enabled", ""},
		{"a package wants it", with(base, wanted, "", "usr/lib/systemd/system/multi-user.target.wants/sshd.service", "-> ../sshd.service"), "A=base", "enabled", ""},
		{"a link that wants it leads nowhere", with(base, wanted, "-> /nosuch"), "A=base", "enabled", ""},
		{"a condition that fails", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nConditionPathExists=/etc/ssh/go\n"), "A=base", "enabled", "fatal: does not hold"},
		{"a condition that holds", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nConditionPathExists=/etc/ssh/go\n", "etc/ssh/go", "x"), "A=base", "enabled", ""},
		{"a condition that is reset", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nConditionPathExists=/etc/ssh/go\n", "etc/systemd/system/sshd.service.d/20.conf", "[Unit]\nConditionPathExists=\n"), "A=base", "enabled", ""},
		{"one of two alternatives holds", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nConditionPathExists=|/etc/ssh/go\nConditionPathExists=|!/etc/ssh/stop\n"), "A=base", "enabled", ""},
		{"none of two alternatives holds", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nConditionPathExists=|/etc/ssh/go\nConditionPathExists=|/etc/ssh/go2\n"), "A=base", "enabled", "fatal: none of its alternative"},
		{"an assertion that fails", with(base, "etc/systemd/system/sshd.service.d/10.conf", "[Unit]\nAssertPathExists=!/usr/lib/systemd/systemd\n"), "A=base", "enabled", "fatal: does not hold"},
	} {
		i := FindInvocation(openVolume(t, tree(t, tt.files)))
		var options []string
		for _, s := range i.CommandLine {
			options = append(options, s.Text)
		}
		_, state, _ := strings.Cut(describe(i), "sshd.service")
		state, _, _ = strings.Cut(strings.TrimPrefix(state, "; "), "with ")
		if strings.Join(options, "|") != tt.options || strings.TrimSuffix(state, "; ") != tt.state {
			t.Errorf("%s: got %q %q", tt.name, options, state)
		}
		kind, text, _ := strings.Cut(tt.problem, ": ")
		if got := worst(i.Problems); !strings.HasPrefix(got, kind) || !strings.Contains(got, text) || tt.problem == "" && got != "" {
			t.Errorf("%s: problem %q, want %q", tt.name, got, tt.problem)
		}
	}
}

// TestCommandLines: what sshd takes from its command line, in all the ways that
// shells, units and people write it.
func TestCommandLines(t *testing.T) {
	for _, tt := range []struct{ exec, want, problem string }{
		{"-D", "", ""},
		{"-D -o A=b", "A=b", ""},
		{"-D -oA=b", "A=b", ""},
		{"-DoA=b", "A=b", ""},
		{"-Dep 2222", "-p2222", ""},
		{"-D -p2222 -p 2223", "-p2222|-p2223", ""},
		{"-D -f /etc/ssh/x -f /etc/ssh/y", "-f/etc/ssh/y", ""},
		{`-D -o "A b"`, "A b", ""},
		{`-D -o 'A "b c"'`, `A "b c"`, ""},
		{`-D "-oA=b c"`, "A=b c", ""},
		{`-D -o A=b\x20c`, "A=bx20c", ""},
		{"-D -4", "AddressFamily=inet", ""},
		{"-D46", "AddressFamily=inet|AddressFamily=inet6", ""},
		{"-q -D", "LogLevel=QUIET", ""},
		{"-D -g 30", "LoginGraceTime=30", ""},
		{"-D -c /etc/ssh/cert.pub", "HostCertificate=/etc/ssh/cert.pub", ""},
		{"-D -E /var/log/x -u 0 -C user=a", "", ""},
		{"-D -h /k1 -h/k2", "-h/k1|-h/k2", ""},
		{"-D --", "", ""},
		{"-D -- x", "", "refuses the extra argument"},
		{"-D x", "", "refuses the extra argument"},
		{"-D -", "", "refuses the extra argument"},
		{"-D -o", "", "value of -o is missing"},
		{"-D -Z", "", "does not know the flag -Z"},
		{"-D --port=22", "", "does not know the flag"},
		{"-t", "", "only checks"},
		{"-D $OPTS", "A=1|B=2", ""},
		{"-D ${OPTS}", " A=1 -o B=2", ""}, // one word, however many blanks it holds
		{"-D -o ${ONE}", "A=1", ""},
		{"-D $NONE -o A=b", "A=b", ""},
		{"-D -oA=$$x", "A=$x", ""},
		{"-D -oA=$ONE", "A=$ONE", ""},
		{"-D -o A=$${ONE}", "A=${ONE}", ""},
		{"-D $PERCENT", "A=%u%%", ""},
		{"-D -o ${PERCENT2}", "A=%u", ""},
		{"-D -o A=%u:%U:%h", "A=root:0:/root", ""},
		{"-D $QUOTED", "A b=c", ""},
		{"-D -o A=%%u", "A=%u", ""},
		{"-D -o A=b ; /bin/true", "A=b", ""},
	} {
		i := FindInvocation(openVolume(t, tree(t, map[string]string{
			"usr/lib/systemd/systemd": "x", "etc/default/x": "OPTS=\"-o A=1 -o B=2\"\nONE=A=1\nQUOTED=\"-o 'A b=c'\"\nPERCENT=\"-o A=%u%%\"\nPERCENT2=A=%u\n",
			"usr/lib/systemd/system/sshd.service":                     "[Service]\nEnvironmentFile=/etc/default/x\nExecStart=/usr/sbin/sshd " + tt.exec + "\n",
			"etc/systemd/system/multi-user.target.wants/sshd.service": "-> /usr/lib/systemd/system/sshd.service",
		})))
		got := summary(i)
		for _, k := range i.HostKeys {
			got = strings.TrimPrefix(got+"|-h"+k, "|")
		}
		if p := worst(i.Problems); got != tt.want || !strings.Contains(p, tt.problem) || tt.problem == "" && p != "" {
			t.Errorf("%s: got %q, problem %q", tt.exec, got, p)
		}
	}
}

// TestEnvironment: the last definition counts, and files beat the unit.
func TestEnvironment(t *testing.T) {
	const run = "ExecStart=/usr/sbin/sshd -D -o A=${X}\n"
	for _, tt := range []struct{ name, service, one, two, want, problem string }{
		{"in the unit", "Environment=X=unit\n" + run, "", "", "A=unit", ""},
		{"twice in a line", "Environment=X=1 X=2\n" + run, "", "", "A=2", ""},
		{"quoted", "Environment=\"X=a b\"\n" + run, "", "", "A=a b", ""},
		{"reset", "Environment=X=1\nEnvironment=\n" + run, "", "", "A=", ""},
		{"a file beats the unit", "EnvironmentFile=/etc/one\nEnvironment=X=unit\n" + run, "X=one\n", "", "A=one", ""},
		{"the last file", "EnvironmentFile=/etc/one\nEnvironmentFile=/etc/two\n" + run, "X=one\n", "X=two\n", "A=two", ""},
		{"files by pattern, in order", "EnvironmentFile=/etc/*o*\n" + run, "X=one\n", "X=two\n", "A=two", ""},
		{"files are reset", "EnvironmentFile=/etc/one\nEnvironmentFile=\n" + run, "X=one\n", "", "A=", ""},
		{"an optional file is missing", "EnvironmentFile=-/etc/none\n" + run, "", "", "A=", ""},
		{"a file is missing", "EnvironmentFile=/etc/none\n" + run, "", "", "A=", "fatal: is missing"},
		{"comments and blanks", "EnvironmentFile=/etc/one\n" + run, "# X=no\n\n  X = yes\n; X=no\n", "", "A=yes", ""},
		{"an unset variable", run, "", "", "A=", ""},
	} {
		files := map[string]string{"usr/lib/systemd/systemd": "x", "usr/lib/systemd/system/sshd.service": "[Service]\n" + tt.service,
			"etc/systemd/system/multi-user.target.wants/sshd.service": "-> /usr/lib/systemd/system/sshd.service"}
		i := FindInvocation(openVolume(t, tree(t, with(files, "etc/one", tt.one, "etc/two", tt.two))))
		if got, p := summary(i), worst(i.Problems); got != tt.want || !strings.HasPrefix(p, strings.SplitN(tt.problem, ": ", 2)[0]) || tt.problem == "" && p != "" {
			t.Errorf("%s: got %q, problem %q", tt.name, got, p)
		}
	}
}

// TestWhoStarts: Invocation names the links and drop-ins that matter to a repair.
func TestWhoStarts(t *testing.T) {
	i := FindInvocation(openVolume(t, tree(t, map[string]string{
		"usr/lib/systemd/systemd": "x", "usr/lib/systemd/system/sshd.service": plainUnit,
		"etc/systemd/system/sshd.service.d/b.conf": "[Service]\nNice=1\n", "usr/lib/systemd/system/sshd.service.d/a.conf": "[Service]\nNice=2\n",
		"etc/systemd/system/multi-user.target.wants/sshd.service":     "-> /usr/lib/systemd/system/sshd.service",
		"usr/lib/systemd/system/cloud-init.target.wants/sshd.service": "-> ../sshd.service",
	})))
	if i.Path != "/usr/lib/systemd/system/sshd.service" || i.Unit != path.Base(i.Path) ||
		!slices.Equal(i.DropIns, []string{"/usr/lib/systemd/system/sshd.service.d/a.conf", "/etc/systemd/system/sshd.service.d/b.conf"}) ||
		!slices.Equal(i.EnabledBy, []string{"/etc/systemd/system/multi-user.target.wants/sshd.service", "/usr/lib/systemd/system/cloud-init.target.wants/sshd.service"}) {
		t.Errorf("got %+v", i)
	}
}
