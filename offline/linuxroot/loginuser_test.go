package linuxroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// pub is a well-formed public key; the comment follows it.
const pub = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g "

func forcedFor(user string) string {
	return `no-port-forwarding,command="echo 'Please login as the user \"` + user + `\" rather than the user \"root\".';echo;sleep 10;exit 142" ` + pub + "my-key\n"
}

// host is an image in short: passwd and group lines beyond root's, and files.
type host struct {
	id      string
	passwd  string
	group   string
	files   map[string]string
	keyName string
	noRoot  bool
}

func (h host) open(t testing.TB) (*offline.Volume, Facts) {
	t.Helper()
	passwd := "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nsync:x:4:65534:sync:/bin:/bin/sync\nnobody:x:65534:65534::/:/bin/sh\n" + h.passwd
	files := with(map[string]string{"bin/bash": "", "bin/sh": "", "bin/ash": "", "root/": "", "etc/passwd": passwd}, h.files)
	db := account.Parse([]byte(passwd), nil, []byte("root:x:0:\n"+h.group), nil)
	for _, u := range db.Users() {
		if h.id != "absent" && strings.HasPrefix(u.Home, "/home/") && len(files) < 200 {
			files[u.Home[1:]+"/"] = ""
		}
	}
	v := tree(t, files)
	cloud, _ := ReadCloudConfig(v)
	return v, Facts{Accounts: db, OS: offline.OS{ID: h.id}, Cloud: cloud, KeyName: h.keyName, RootLogin: !h.noRoot}
}

func defaultCloud(user string) map[string]string {
	return map[string]string{"etc/cloud/cloud.cfg": "users: [default]\nsystem_info: {default_user: {name: " + user + "}}\n"}
}

func TestLoginUsers(t *testing.T) {
	ubuntu := host{id: "ubuntu", passwd: "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n", group: "adm:x:4:ubuntu\n",
		files: with(defaultCloud("ubuntu"), map[string]string{"etc/sudoers.d/90-cloud-init-users": "# User rules for ubuntu\nubuntu ALL=(ALL) NOPASSWD:ALL\n", "root/.ssh/authorized_keys": forcedFor("ubuntu")})}
	for name, c := range map[string]struct {
		host host
		want string // the ranking
		why  string // of the first
	}{
		"Ubuntu":           {ubuntu, "ubuntu root", `forced command in /root/.ssh/authorized_keys names it`},
		"Debian":           {host{id: "debian", passwd: "admin:x:1000:1000:Debian:/home/admin:/bin/bash\n", files: defaultCloud("admin")}, "admin root", "cloud-init's default user"},
		"Debian, generic":  {host{id: "debian", passwd: "debian:x:1000:1000:Debian:/home/debian:/bin/bash\n"}, "debian root", `comment "Debian"`},
		"AL2":              {host{id: "amzn", passwd: "ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\nssm-user:x:1001:1001::/home/ssm-user:/bin/bash\nec2-instance-connect:x:998:997::/home/eic:/bin/sh\n", group: "wheel:x:10:ec2-user,ssm-user\n"}, "ec2-user root", "EC2 Default User"},
		"AL2023":           {host{id: "amzn", noRoot: true, passwd: "ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n", files: with(defaultCloud("ec2-user"), map[string]string{"etc/sudoers.d/90-cloud-init-users": "ec2-user ALL=(ALL) NOPASSWD:ALL\n"})}, "ec2-user", "named in /etc/sudoers.d/90-cloud-init-users"},
		"AL1":              {host{id: "amzn", passwd: "ec2-user:x:500:500:EC2 Default User:/home/ec2-user:/bin/bash\n", files: map[string]string{"etc/login.defs": "UID_MIN\t\t500\nUID_MAX 60000\n"}}, "ec2-user root", "usual user of amzn"},
		"RHEL":             {host{id: "rhel", passwd: "cloud-user:x:1000:1000:rhel Cloud User:/home/cloud-user:/bin/bash\nec2-user:x:1001:1001:Cloud User:/home/ec2-user:/bin/bash\n", files: defaultCloud("ec2-user")}, "ec2-user cloud-user root", "default user"},
		"CentOS":           {host{id: "centos", passwd: "centos:x:1000:1000:Cloud User:/home/centos:/bin/bash\n"}, "centos root", "Cloud User"},
		"CentOS, ec2-user": {host{id: "centos", passwd: "ec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n"}, "ec2-user root", "usual user"},
		"Rocky":            {host{id: "rocky", passwd: "rocky:x:1000:1000:Rocky Cloud User:/home/rocky:/bin/bash\n"}, "rocky root", "Cloud User"},
		"Alma":             {host{id: "almalinux", passwd: "ec2-user:x:1000:1000:Cloud User:/home/ec2-user:/bin/bash\n"}, "ec2-user root", "usual user"},
		"SLES":             {host{id: "sles", passwd: "ec2-user:x:1000:100:Default User:/home/ec2-user:/bin/bash\n", files: map[string]string{"usr/etc/login.defs": "UID_MIN 1000\n"}}, "ec2-user root", "usual user of sles"},
		"openSUSE":         {host{id: "opensuse-leap", passwd: "ec2-user:x:1000:100::/home/ec2-user:/bin/bash\n"}, "ec2-user root", "usual user"},
		"Fedora":           {host{id: "fedora", passwd: "fedora:x:1000:1000:fedora Cloud User:/home/fedora:/bin/bash\n", files: defaultCloud("fedora")}, "fedora root", "default user"},
		"Alpine":           {host{id: "alpine", passwd: "alpine:x:1000:1000::/home/alpine:/bin/ash\n", group: "wheel:x:10:root,alpine\n"}, "alpine root", "usual user of alpine"},
		"Arch":             {host{id: "arch", passwd: "arch:x:1000:1000:arch Cloud User:/home/arch:/bin/bash\n"}, "arch root", "Cloud User"},
		"Bitnami":          {host{id: "debian", passwd: "bitnami:x:1000:1000::/home/bitnami:/bin/bash\nmysql:x:999:999::/opt:/bin/bash\n"}, "bitnami root", "usual user"},
		"Photon":           {host{id: "photon"}, "root", "sshd lets root in"},
		"root only":        {host{id: "turnkey", files: map[string]string{"root/.ssh/authorized_keys": pub + "my-key\n"}, keyName: "my-key"}, "root", "the instance's key pair"},
		"nobody":           {host{id: "debian", noRoot: true}, "", ""},

		"key name wins":            {host{id: "ubuntu", keyName: "ops", passwd: ubuntu.passwd + "ann:x:1001:1001::/home/ann:/bin/bash\n", files: with(ubuntu.files, map[string]string{"home/ann/.ssh/authorized_keys": "# c\n" + pub + "ops\n"})}, "ann ubuntu root", `comment "ops"`},
		"key name is exact":        {host{id: "ubuntu", keyName: "op", passwd: ubuntu.passwd + "ann:x:1001:1001::/home/ann:/bin/bash\n", files: with(ubuntu.files, map[string]string{"home/ann/.ssh/authorized_keys": pub + "ops\n"})}, "ubuntu ann root", "forced command"},
		"forced key is not root's": {host{id: "ubuntu", keyName: "my-key", passwd: ubuntu.passwd, files: ubuntu.files}, "ubuntu root", "forced command"},
		"sudoers against gecos":    {host{id: "rhel", passwd: "a:x:1000:1000:Cloud User:/home/a:/bin/bash\nb:x:1001:1001::/home/b:/bin/bash\n", files: map[string]string{"etc/sudoers.d/90-cloud-init-users": "Defaults x\n#c\n%wheel ALL=ALL\nb ALL=(ALL) NOPASSWD:ALL\n"}}, "b a root", "named in"},
		"several by cloud-init":    {host{id: "debian", passwd: "a:x:1000:1000::/home/a:/bin/bash\nb:x:1001:1001::/home/b:/bin/bash\n", files: map[string]string{"etc/cloud/cloud.cfg": "users: [a, default]\nsystem_info: {default_user: {name: b}}\n"}}, "b a root", "default user"},
		"only an administrator":    {host{id: "x", passwd: "a:x:1000:1000::/home/a:/bin/bash\nb:x:1001:1001::/home/b:/bin/bash\n", group: "sudo:x:27:b\n"}, "b root a", `group "sudo"`},
		"sudoers of its own":       {host{id: "x", passwd: "a:x:1000:1000::/home/a:/bin/bash\nb:x:1001:1001::/home/b:/bin/bash\n", files: map[string]string{"etc/sudoers": "Defaults env_reset\nUser_Alias X = a\nroot ALL=(ALL) ALL\n%a ALL=ALL\n", "etc/sudoers.d/b": "b ALL=(ALL) NOPASSWD:ALL\n"}}, "b root a", "/etc/sudoers.d/b"},
		"administrator, no shell":  {host{id: "x", passwd: "a:x:1000:1000::/home/a:/bin/bash\nb:x:1001:1001::/home/b:/bin/zsh\n", group: "sudo:x:27:b\n", noRoot: true}, "a b", "ordinary"},
		"system account by name":   {host{id: "x", passwd: "core:x:500:500::/home/core:/bin/bash\npostgres:x:999:999::/var/lib/pg:/bin/bash\n", files: defaultCloud("core")}, "core root", "default user"},
		"two alike":                {host{id: "x", noRoot: true, passwd: "b:x:1001:1001::/home/b:/bin/bash\na:x:1002:1002::/home/a:/bin/bash\n"}, "b a", `"a" is as likely`},
		"three alike":              {host{id: "x", noRoot: true, passwd: "b:x:1001:1001::/home/b:/bin/bash\na:x:1002:1002::/home/a:/bin/bash\nc:x:1003:1::/home/c:/bin/bash\n"}, "b a c", `2 others ("a" first)`},
		"default user is gone":     {host{id: "x", passwd: "a:x:1000:1000::/home/a:/bin/bash\n", files: defaultCloud("gone")}, "root a", "sshd lets root in"},
		"uid 0 twin":               {host{id: "x", noRoot: true, passwd: "toor:x:0:0::/root:/bin/bash\n"}, "", ""},
		"broken uid":               {host{id: "ubuntu", noRoot: true, passwd: "ubuntu:x:banana:1000:Ubuntu:/home/ubuntu:/bin/bash\n", files: ubuntu.files}, "", ""},
		"no login shell":           {host{id: "ubuntu", noRoot: true, passwd: "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/usr/sbin/nologin\n", files: ubuntu.files}, "", ""},
	} {
		v, facts := c.host.open(t)
		users := LoginUsers(v, facts)
		var got []string
		for i, u := range users {
			got = append(got, u.Name)
			if u.Chosen != (i == 0) || u.Why == "" {
				t.Errorf("%s: %+v", name, u)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q: %+v", name, got, c.want, users)
		} else if len(users) > 0 && !strings.Contains(users[0].Why, c.why) {
			t.Errorf("%s: %q, want %q in it", name, users[0].Why, c.why)
		}
	}
}

func TestLoginUsersHomeAbsent(t *testing.T) {
	v, facts := host{id: "ubuntu", keyName: "k", passwd: "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n",
		files: map[string]string{"home/ubuntu/.ssh/authorized_keys": pub + "k\n"}}.open(t)
	v.MarkAbsent("/home")
	users := LoginUsers(v, facts)
	if users[0].Name != "ubuntu" || !strings.Contains(users[0].Why, "not attached") || strings.Contains(users[0].Why, "key pair") {
		t.Errorf("%+v", users)
	}
}

func TestPickUsers(t *testing.T) {
	v, facts := host{id: "debian", passwd: "admin:x:1000:1000::/home/admin:/bin/bash\nann:x:1001:1001::/home/ann:/bin/bash\nbad:x:x:1::/:/bin/sh\n"}.open(t)
	for _, c := range []struct {
		want []string
		got  string
		err  string
	}{
		{nil, "admin", ""},
		{[]string{"ann"}, "ann", ""},
		{[]string{"ann", "root", "ann"}, "ann root", ""},
		{[]string{"daemon"}, "daemon", ""},
		{[]string{"ann", "nosuch"}, "", `candidates: "admin", "root", "ann"`},
		{[]string{"bad"}, "", "malformed"},
		{[]string{"esc\x1b[2J"}, "", `"esc\x1b[2J"`},
	} {
		users, err := PickUsers(v, facts, c.want)
		var got []string
		for _, u := range users {
			got = append(got, u.Name)
			if !u.Chosen {
				t.Errorf("%q: %+v", c.want, u)
			}
		}
		if strings.Join(got, " ") != c.got || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %q, %v", c.want, got, err)
		}
	}
	v, facts = host{id: "debian", noRoot: true}.open(t)
	if _, err := PickUsers(v, facts, nil); err == nil || !strings.Contains(err.Error(), "--user") {
		t.Errorf("nobody: %v", err)
	}
}

func TestManyUsers(t *testing.T) {
	measure := func(n int) time.Duration {
		var passwd strings.Builder
		for i := range n {
			fmt.Fprintf(&passwd, "user%d:x:%d:100::/home/user%d:/bin/bash\n", i, 1000+i%59000, i)
		}
		passwd.WriteString("ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n")
		v, facts := host{id: "amzn", passwd: passwd.String(), files: map[string]string{"home/ec2-user/.ssh/authorized_keys": pub + "k\n"}, keyName: "k"}.open(t)
		start := time.Now()
		users := LoginUsers(v, facts)
		took := time.Since(start)
		if users[0].Name != "ec2-user" || !strings.Contains(users[0].Why, "key pair") || len(users) > maxReturned {
			t.Errorf("%d users: %+v", n, users[:1])
		}
		if !slices.IsSortedFunc(users[1:], func(a, b offline.User) int { return int(a.UID) - int(b.UID) }) {
			t.Errorf("%d users: equals are not in order of uid", n)
		}
		return took
	}
	t.Logf("10 users %v, 1,000 users %v", measure(10), measure(1000))
	if took := measure(60000); took > 10*time.Second {
		t.Errorf("60,000 users took %v", took)
	} else {
		t.Logf("60,000 users %v", took)
	}
}
