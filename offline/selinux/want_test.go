package selinux_test

import (
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/selinux"
)

func TestWant(t *testing.T) {
	const key = "/home/u/.ssh/authorized_keys"
	on := selinux.State{Installed: true, Mode: selinux.Enforcing, MLS: true, Labelled: true}
	plain, off, bare := on, on, on
	plain.MLS, off.Mode, bare.Installed = false, selinux.Disabled, false
	unlabelled := off
	unlabelled.Labelled = false
	homedirs := "/home/[^/]+/\\.ssh(/.*)?\tunconfined_u:object_r:ssh_home_t:s0\n/etc/ssh/.* system_u:object_r:etc_t:s0\n/none/.* <<none>>\n"
	tests := map[string]struct {
		state selinux.State
		specs string
		sshd  string // label of .ssh
		path  string
		want  string
	}{
		"from the contexts":          {on, homedirs, "", key, "unconfined_u:object_r:ssh_home_t:s0"},
		"the level goes":             {plain, homedirs, "", key, "unconfined_u:object_r:ssh_home_t"},
		"the level comes":            {on, "/home/.* u:object_r:x_t\n", "", key, "u:object_r:x_t:s0"},
		"as .ssh has it":             {on, homedirs, "staff_u:object_r:ssh_home_t:s0", key, "staff_u:object_r:ssh_home_t:s0"},
		".ssh is wrong":              {on, homedirs, "u:object_r:default_t:s0", key, "unconfined_u:object_r:ssh_home_t:s0"},
		"no rule, below .ssh":        {on, "", "", key, "system_u:object_r:ssh_home_t:s0"},
		"no rule, below /etc":        {plain, "", "", "/etc/ssh/regain.d/u", "system_u:object_r:etc_t"},
		"no rule, as its directory":  {on, "", "", "/srv/x/y", "system_u:object_r:var_t:s0"},
		"<<none>>, as its directory": {on, homedirs, "", "/none/y", "system_u:object_r:root_t:s0"},
		"no policy":                  {bare, homedirs, "", key, ""},
		"disabled, tree labelled":    {off, homedirs, "", key, "unconfined_u:object_r:ssh_home_t:s0"},
		"disabled, tree bare":        {unlabelled, homedirs, "", key, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := plant(t, map[string]string{"home/u/.ssh/": "", contextsFile: tt.specs, "etc/ssh/": "", "srv/": "", "none/": ""})
			v.label(t, "", "system_u:object_r:root_t:s0")
			v.label(t, "srv", "system_u:object_r:var_t:s0")
			if tt.sshd != "" {
				v.label(t, "home/u/.ssh", tt.sshd)
			}
			c, _, err := selinux.LoadContexts(v.Volume, "targeted")
			if err != nil {
				t.Fatal(err)
			}
			got, err := selinux.Want(v.Volume, tt.state, c, tt.path, offline.Regular)
			if err != nil || got != tt.want {
				t.Errorf("Want = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestWantNowhere(t *testing.T) {
	on := selinux.State{Installed: true, Mode: selinux.Enforcing, MLS: true}
	if got, err := selinux.Want(plant(t, nil).Volume, on, nil, "/srv/x", offline.Regular); err == nil {
		t.Errorf("no rule and no labelled directory, but %q", got)
	}
}

func TestType(t *testing.T) {
	for label, want := range map[string]string{
		"u:object_r:ssh_home_t:s0": "ssh_home_t", "u:object_r:etc_t": "etc_t", "u:r:t:s0-s0:c0.c1023": "t", "": "", "unlabeled": "", "a:b": "",
	} {
		if got := selinux.Type(label); got != want {
			t.Errorf("Type(%q) = %q, want %q", label, got, want)
		}
	}
}

func TestReadableBySSHD(t *testing.T) {
	for typ, want := range map[string]offline.Answer{
		"ssh_home_t": offline.Accepted, "etc_t": offline.Accepted, "default_t": offline.Denied, "unlabeled_t": offline.Denied,
		"admin_home_t": offline.Denied, "": offline.Denied, "user_home_t": offline.Unknown, "nfs_t": offline.Unknown, "my_own_t": offline.Unknown,
	} {
		if got := selinux.ReadableBySSHD(typ); got != want {
			t.Errorf("ReadableBySSHD(%q) = %s, want %s", typ, got, want)
		}
	}
}
