package pam

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

func TestAssemble(t *testing.T) {
	tests := map[string]struct {
		text     string
		want     []line
		complete bool
	}{
		"plain":                      {"a b\n\n  c\n", []line{{"a b", 1, false}, {"c", 3, false}}, true},
		"comments":                   {"# x\na # b\n #\n", []line{{"a ", 2, false}}, true},
		"continued":                  {"a \\\n b\\  \n\tc\n", []line{{"a  b c", 1, false}}, true},
		"comment ends continuation":  {"a # b \\\nc", []line{{"a ", 1, false}, {"c", 2, false}}, true},
		"blank lines inside":         {"a \\\n\n# x\n b\nc", []line{{"a  b", 1, true}, {"c", 5, false}}, true},
		"into nothing":               {"a \\\n", nil, false},
		"carriage returns stay":      {"a\r\n", []line{{"a\r", 1, false}}, true},
		"a backslash in the comment": {"a#\\\nb", []line{{"a", 1, false}, {"b", 2, false}}, true},
	}
	for name, tt := range tests {
		got, complete := assemble(tt.text)
		if !slices.Equal(got, tt.want) || complete != tt.complete {
			t.Errorf("%s: %+v, %v", name, got, complete)
		}
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string][]string{
		"a  b\tc":              {"a", "b", "c"},
		"[a b=c]  d":           {"a b=c", "d"},
		`[a\]b]c [x`:           {"a]b", "c", "x"},
		"a[b c]":               {"a[b", "c]"},
		" ":                    nil,
		`pam_x.so [y=z \[w\]]`: {"pam_x.so", `y=z \[w]`},
	} {
		if got := tokens(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseControl(t *testing.T) {
	for text, want := range map[string]string{
		"success=ok":                                "0=-1 rest=-3",
		"success=1 default=ignore":                  "0=1 rest=0",
		"default=die success=ok":                    "0=-1 rest=-4",
		" success = done  new_authtok_reqd=reset  ": "0=-2 12=-5 rest=-3",
		"success=99999999999999":                    "0=1048576 rest=-3",
		"":                                          "rest=-3",
		"success=0":                                 "error",
		"success=often":                             "error",
		"nonsense=ok":                               "error",
		"success":                                   "error",
		"success ok":                                "error",
	} {
		c, err := parseControl(text)
		got := "error"
		if err == nil {
			got = ""
			for i, a := range c {
				if a != c[numCodes-1] {
					got += fmt.Sprintf("%d=%d ", i, a)
				}
			}
			got += fmt.Sprintf("rest=%d", c[numCodes-1])
		} else if c != filled(actBad) {
			t.Errorf("%q: a malformed field is not all bad: %v", text, c)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// loaded shows a stack in one line.
func loaded(st stacks) string {
	if st.fatal != nil {
		return fmt.Sprintf("fatal %s:%d", st.fatal.Path, st.fatal.Line)
	}
	var out []string
	for _, h := range st.active() {
		kind := map[handlerKind]string{kindModule: h.module, kindMustFail: "FAIL", kindSubstack: "sub:" + h.module}[h.kind]
		out = append(out, strings.Repeat(">", h.level)+kind)
	}
	for range st.doubts {
		out = append(out, "doubt")
	}
	return strings.Join(out, " ")
}

func TestLoad(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"a file": {map[string]string{"etc/pam.d/sshd": "auth required a\naccount required b\n-account optional c x y\nsession required d\n"}, "b c"},
		"include and substack": {map[string]string{
			"etc/pam.d/sshd": "account include one\naccount substack one\naccount required z\n",
			"etc/pam.d/one":  "account required a\nsession required s\nauth required x\naccount include two\n",
			"etc/pam.d/two":  "account required b\n",
		}, "a b sub:one >a >b z"},
		"@include of Debian": {map[string]string{
			"etc/debian_version": "", "etc/pam.d/sshd": "@include common\naccount required z\n", "etc/pam.d/common": "auth required x\naccount required a\n",
		}, "a z"},
		"@include elsewhere is garbage in auth": {map[string]string{"etc/pam.d/sshd": "@include common\naccount required z\n", "etc/pam.d/common": "account required a\n"}, "z"},
		"@include of nothing on Debian":         {map[string]string{"etc/debian_version": "", "etc/pam.d/sshd": "account required z\n@include common\n"}, "fatal /etc/pam.d/sshd:2"},
		"include of nothing":                    {map[string]string{"etc/pam.d/sshd": "account include none\naccount required z\n"}, "FAIL z"},
		"substack of nothing":                   {map[string]string{"etc/pam.d/sshd": "account substack none\n"}, "sub:none FAIL"},
		"include of no name":                    {map[string]string{"etc/pam.d/sshd": "account include\n"}, "FAIL"},
		"an include of itself ends":             {map[string]string{"etc/pam.d/sshd": "account required a\naccount include sshd\n"}, strings.Repeat("a ", 16) + "FAIL"},
		"absolute include":                      {map[string]string{"etc/pam.d/sshd": "account include /etc/x\n", "etc/x": "account required a\n"}, "a"},
		"the distribution's file":               {map[string]string{"usr/lib/pam.d/sshd": "account required a\n"}, "a"},
		"the administrator's beats it":          {map[string]string{"usr/lib/pam.d/sshd": "account required a\n", "etc/pam.d/sshd": "account required b\n"}, "b"},
		"other":                                 {map[string]string{"etc/pam.d/sshd": "auth required a\n", "etc/pam.d/other": "account required o\n"}, "o"},
		"no file of its own":                    {map[string]string{"etc/pam.d/other": "account required o\n"}, "o"},
		"nothing at all":                        {map[string]string{"etc/pam.d/": ""}, "fatal /etc/pam.d/sshd:0"},
		"no directory either":                   {nil, "fatal /etc/pam.conf:0"},
		"pam.conf":                              {map[string]string{"etc/pam.conf": "login account required x\nsshd account required a\nSSHD account required b\nother account required o\n"}, "a b"},
		"pam.conf beside a directory":           {map[string]string{"etc/pam.conf": "sshd account required a\n", "etc/pam.d/other": "account required o\n"}, "o"},
		"unfinished":                            {map[string]string{"etc/pam.d/sshd": "account required a\naccount required \\\n"}, "fatal /etc/pam.d/sshd:0"},
		"unfinished other":                      {map[string]string{"etc/pam.d/sshd": "account required a\n", "etc/pam.d/other": "x \\\n"}, "fatal /etc/pam.d/other:0"},
		"no control, no module":                 {map[string]string{"etc/pam.d/sshd": "account\naccount required\n"}, "FAIL FAIL"},
		"a bad type in an include":              {map[string]string{"etc/pam.d/sshd": "account include i\n", "etc/pam.d/i": "acount required a\n"}, "FAIL"},
		"a bad type at the top":                 {map[string]string{"etc/pam.d/sshd": "acount required a\naccount required b\n"}, "b"},
		"a long line":                           {map[string]string{"etc/pam.d/sshd": "account required a " + strings.Repeat("x", 1100) + "\n"}, "a doubt"},
		"a gap in a line":                       {map[string]string{"etc/pam.d/sshd": "account required \\\n\n a\n"}, "a doubt"},
		"a NUL byte":                            {map[string]string{"etc/pam.d/sshd": "account required a\x00\n"}, "a\x00 doubt"},
		"a directory in place of the file":      {map[string]string{"etc/pam.d/sshd/": ""}, "doubt"},
		"a bomb of includes": {map[string]string{
			"etc/pam.d/sshd": strings.Repeat("account include a\n", 100), "etc/pam.d/a": strings.Repeat("account include b\n", 100), "etc/pam.d/b": "account required c\n",
		}, "bounded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			st := load(plant(t, tt.files).v, "sshd", phaseAccount)
			got := loaded(st)
			if tt.want == "bounded" {
				if len(st.active()) > maxHandlers+1 || len(st.doubts) == 0 {
					t.Errorf("%d entries, doubts %v", len(st.active()), st.doubts)
				}
			} else if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestModuleFile(t *testing.T) {
	tests := map[string]struct {
		files  map[string]string
		module string
		text   string // empty: it can be loaded
	}{
		"lib64":        {modules("x"), "pam_x.so", ""},
		"multiarch":    {map[string]string{"usr/lib/aarch64-linux-gnu/security/pam_x.so": "\x7fELF"}, "pam_x.so", ""},
		"missing":      {modules("y"), "pam_x.so", "missing"},
		"empty":        {map[string]string{"lib/security/pam_x.so": ""}, "pam_x.so", "damaged"},
		"a directory":  {map[string]string{"lib/security/pam_x.so/": ""}, "pam_x.so", "missing"},
		"absolute":     {map[string]string{"opt/m.so": "\x7fELF"}, "/opt/m.so", ""},
		"with $ISA":    {modules("x"), "/lib/security/$ISA/pam_x.so", "missing"},
		"with $ISA, .": {map[string]string{"lib/security/pam_x.so": "\x7fELF"}, "/lib/security/$ISA/pam_x.so", ""},
	}
	for name, tt := range tests {
		r := run{v: plant(t, tt.files).v}
		why, missing := r.moduleFile(tt.module)
		if (why == "") != (tt.text == "") || !strings.Contains(why, tt.text) || missing != (why != "") {
			t.Errorf("%s: %q, %v", name, why, missing)
		}
	}
	tr := plant(t)
	tr.v.MarkAbsent("/usr")
	if why, missing := (&run{v: tr.v}).moduleFile("pam_x.so"); why == "" || missing {
		t.Errorf("/usr is not attached: %q, %v", why, missing)
	}
}

func FuzzStack(f *testing.F) {
	for _, text := range []string{
		"account required pam_permit.so\n", "account [success=1 default=die] pam_deny.so\naccount substack sshd\n", "@include sshd\naccount \\\n",
		"account required pam_access.so accessfile=/etc/pam.d/sshd\n", "account required pam_succeed_if.so uid >= 5 user =~ a*\naccount sufficient pam_time.so conffile=/etc/pam.d/sshd",
		"-account [default=2] pam_exec.so\naccount [ignore=reset] pam_sss.so\naccount required pam_listfile.so item=user sense=deny file=/etc/passwd\n",
	} {
		f.Add(text)
	}
	dir := plant(f, allModules(), map[string]string{"etc/debian_version": "", "etc/pam.d/": ""})
	env := dir.env(f, "admin")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(dir.dir+"/etc/pam.d/sshd", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, r := range []Result{Account(dir.v, env), Session(dir.v, env)} {
			if (r.Answer == offline.Accepted) != (len(r.Reasons) == 0) {
				t.Errorf("%+v", r)
			}
		}
	})
}

// FuzzConfigFiles feeds the same bytes to every module that reads a file.
func FuzzConfigFiles(f *testing.F) {
	for _, text := range []string{"-:ALL EXCEPT admin:ALL\n", "*;*;admin;!Al0000-2400\n", "admin - maxlogins 0\n@1:2 hard nproc 0\n", "admin:exclusive\n", "UID_MIN 5\n"} {
		f.Add(text)
	}
	const stack = "account required pam_access.so accessfile=/etc/f\naccount required pam_time.so conffile=/etc/f\naccount required pam_sepermit.so conf=/etc/f\n" +
		"account required pam_listfile.so item=group sense=deny file=/etc/f\naccount required pam_localuser.so file=/etc/f\nsession required pam_limits.so conf=/etc/f\n"
	tr := plant(f, allModules(), map[string]string{"etc/pam.d/sshd": stack, "etc/f": ""})
	env := tr.env(f, "admin")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(tr.dir+"/etc/f", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		Account(tr.v, env)
		Session(tr.v, env)
	})
}
