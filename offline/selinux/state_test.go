package selinux_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/selinux"
)

const policyFile = "etc/selinux/targeted/policy/policy.33"

func TestRead(t *testing.T) {
	const rhel = "# comment\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"
	tests := map[string]struct {
		config  string
		args    []string
		more    map[string]string
		mode    string
		because string
		policy  string
	}{
		"as RHEL ships it":         {config: rhel, mode: "enforcing", because: "config:2", policy: "targeted"},
		"upper case, a space":      {config: "SELINUX= Permissive\n", mode: "permissive", because: "config:1", policy: "targeted"},
		"first value wins":         {config: "SELINUX=disabled\nSELINUX=enforcing\n", mode: "disabled", because: "config:1", policy: "targeted"},
		"an unusable value first":  {config: "SELINUX=on\nSELINUX=enforcing\n", mode: "enforcing", because: "config:2", policy: "targeted"},
		"indented does not count":  {config: " SELINUX=enforcing\n  SELINUXTYPE=mls \n", mode: "permissive", because: "sets no mode", policy: "mls"},
		"the boot entry disables":  {config: rhel, args: []string{"ro", "selinux=0"}, mode: "disabled", because: "selinux=0", policy: "targeted"},
		"the last selinux= counts": {config: rhel, args: []string{"selinux=0 selinux=1"}, mode: "enforcing", because: "config:2", policy: "targeted"},
		"the boot entry relaxes":   {config: rhel, args: []string{"root=/dev/sda enforcing=0 quiet"}, mode: "permissive", because: "enforcing=0", policy: "targeted"},
		"the boot entry enforces":  {config: "SELINUX=permissive", args: []string{"enforcing=1"}, mode: "enforcing", because: "enforcing=1", policy: "targeted"},
		"disabled stays disabled":  {config: "SELINUX=disabled", args: []string{"enforcing=1"}, mode: "disabled", because: "config:1", policy: "targeted"},
		"another module":           {config: rhel, args: []string{"security=apparmor"}, mode: "disabled", because: "security=apparmor", policy: "targeted"},
		"a list of modules":        {config: rhel, args: []string{"lsm=lockdown,selinux,bpf"}, mode: "enforcing", because: "config:2", policy: "targeted"},
		"Debian runs AppArmor": {
			config: "SELINUX=enforcing\nSELINUXTYPE=default\n", args: []string{"quiet"}, more: map[string]string{"etc/debian_version": "12.5\n", "usr/sbin/load_policy": ""},
			mode: "disabled", because: "AppArmor", policy: "default",
		},
		"Debian asked for SELinux": {
			config: "SELINUX=enforcing\nSELINUXTYPE=default\n", args: []string{"security=selinux"}, more: map[string]string{"etc/debian_version": "12.5\n", "usr/sbin/load_policy": ""},
			mode: "enforcing", because: "config:1", policy: "default",
		},
		"Debian, boot entry not known": {
			config: "SELINUX=enforcing\n", more: map[string]string{"etc/debian_version": "12.5\n"},
			mode: "enforcing", because: "config:1", policy: "targeted",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"etc/selinux/config": tt.config, "etc/passwd": "", "usr/sbin/load_policy": ""}
			for k, v := range tt.more {
				files[k] = v
			}
			s, err := selinux.Read(plant(t, files).Volume, tt.args)
			if err != nil {
				t.Fatal(err)
			}
			if !s.Installed || s.Mode != tt.mode || !strings.Contains(s.Because, tt.because) || s.Policy != tt.policy {
				t.Errorf("got %+v, want %s because %s, policy %s", s, tt.mode, tt.because, tt.policy)
			}
		})
	}
}

func TestReadWithoutPolicy(t *testing.T) {
	tests := map[string]map[string]string{
		"nothing":         {"etc/passwd": ""},
		"only the config": {"etc/passwd": "", "etc/selinux/config": "SELINUX=enforcing\n"},
		"only the tool":   {"etc/passwd": "", "usr/sbin/load_policy": ""},
	}
	for name, files := range tests {
		s, err := selinux.Read(plant(t, files).Volume, nil)
		if err != nil || s.Installed || s.Mode != selinux.Disabled {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestReadLabels(t *testing.T) {
	contexts := "etc/selinux/targeted/contexts/files/file_contexts"
	base := map[string]string{"etc/passwd": "", "etc/selinux/config": "SELINUX=enforcing\n", policyFile: "", ".autorelabel": ""}
	tests := map[string]struct {
		label, contexts string
		mls, labelled   bool
	}{
		"label with level":          {label: "system_u:object_r:passwd_file_t:s0", mls: true, labelled: true},
		"label without":             {label: "system_u:object_r:etc_t", contexts: "/x -- u:r:t:s0\n", labelled: true},
		"no label, contexts with":   {contexts: "# comment\n/y <<none>>\n/x\t--\tu:r:t:s0\n", mls: true},
		"no label, contexts plain":  {contexts: "/x u:r:t\n"},
		"neither label nor context": {},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := plant(t, base)
			if tt.contexts != "" {
				v = plant(t, merge(base, map[string]string{contexts: tt.contexts}))
			}
			if tt.label != "" {
				v.label(t, "etc/passwd", tt.label)
			}
			s, err := selinux.Read(v.Volume, nil)
			if err != nil || s.MLS != tt.mls || s.Labelled != tt.labelled || !s.AutoRelabel {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

func TestReadUnreadableConfig(t *testing.T) {
	v := plant(t, map[string]string{"etc/selinux/config/": ""})
	if _, err := selinux.Read(v.Volume, nil); err == nil {
		t.Error("a directory in place of the configuration is no error")
	}
}

func merge(a, b map[string]string) map[string]string {
	m := map[string]string{}
	for k, v := range a {
		m[k] = v
	}
	for k, v := range b {
		m[k] = v
	}
	return m
}

func FuzzReadConfig(f *testing.F) {
	f.Add("SELINUX=enforcing\nSELINUXTYPE=targeted\n", "ro enforcing=0")
	f.Add(" SELINUXTYPE=../../..\n", "selinux=0 lsm=a,b")
	dir := f.TempDir()
	if err := os.MkdirAll(dir+"/etc/selinux", 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, config, args string) {
		if err := os.WriteFile(dir+"/etc/selinux/config", []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := selinux.Read(open(t, dir).Volume, []string{args})
		if err == nil && s.Mode != selinux.Disabled && s.Mode != selinux.Permissive && s.Mode != selinux.Enforcing {
			t.Errorf("mode %q", s.Mode)
		}
	})
}
