package rescue_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

func TestLabels(t *testing.T) { trials(t, labelTrials) }

const contexts = "/etc/selinux/targeted/contexts/files/file_contexts"

// policy is the part of a targeted policy's file contexts that homes need.
const policy = `/.*	system_u:object_r:default_t:s0
/etc(/.*)?	system_u:object_r:etc_t:s0
/srv(/.*)?	system_u:object_r:var_t:s0
/root/\.ssh(/.*)?	system_u:object_r:ssh_home_t:s0
`

const homedirs = `/home/[^/]+	-d	unconfined_u:object_r:user_home_dir_t:s0
/home/[^/]+/.+	unconfined_u:object_r:user_home_t:s0
/home/[^/]+/\.ssh(/.*)?	homes_u:object_r:ssh_home_t:s0
`

// enforcing makes a tree that comes up with SELinux in a mode, and whose
// passwd, home and ssh directory have the labels that they should have.
func mode(m string) change {
	return all(
		config("/etc/selinux/config", "# comment\nSELINUX="+m+"\nSELINUXTYPE=targeted\n"), write("/usr/sbin/load_policy", "", 0o755, 0, 0),
		config(contexts, policy), config(contexts+".homedirs", homedirs),
		label("passwd_file_t", "/etc/passwd"), label("etc_t", "/etc", "/etc/ssh", "/etc/ssh/sshd_config.d", "/etc/ssh/sshd_config"),
		label("user_home_dir_t", admin), label("ssh_home_t", dotSSH, keyFile), label("var_t", "/srv"),
	)
}

var enforcing = mode("enforcing")

// created are the user's directory and file with a label.
func created(label string) []string {
	return []string{dotSSH + ": new dir 0700 1000:1000 " + label, keyFile + ": new file 0600 1000:1000 " + label + " {key}"}
}

var labelTrials = []trial{
	{name: "labels are right", in: []change{enforcing}},
	{name: "no ssh dir", in: []change{enforcing, remove(dotSSH)}, out: created("homes_u:object_r:ssh_home_t")},
	{name: "no ssh dir, local rule", in: []change{enforcing, remove(dotSSH), config(contexts+".local", `/home/admin/\.ssh(/.*)? local_u:object_r:ssh_home_t:s0`+"\n")},
		out: created("local_u:object_r:ssh_home_t")},
	{name: "no ssh dir, home elsewhere by substitution", in: []change{enforcing, remove(dotSSH), rename(admin, "/data/people/admin"), replace("/etc/passwd", ":/home/admin:", ":/data/people/admin:"), config(contexts+".subs_dist", "/data/people /home\n")},
		out: []string{"/data/people/admin/.ssh: new dir 0700 1000:1000 homes_u:object_r:ssh_home_t", "/data/people/admin/.ssh/authorized_keys: new file 0600 1000:1000 homes_u:object_r:ssh_home_t {key}"}},
	{name: "no ssh dir, home where the policy knows none", in: []change{enforcing, remove(dotSSH), rename(admin, "/data/admin"), replace("/etc/passwd", ":/home/admin:", ":/data/admin:")},
		out: []string{"/etc/ssh/regain.d: new dir 0755 0:0 etc_t", "/etc/ssh/regain.d/admin: new file 0644 0:0 etc_t {key}", dropIn + "etc_t " + dropInText}},
	{name: "no file: as the ssh dir", in: []change{enforcing, remove(keyFile), xattr(dotSSH, offline.XattrLabel, "staff_u:object_r:ssh_home_t:s0\x00")},
		out: is("new file 0600 1000:1000 staff_u:object_r:ssh_home_t {key}")},
	{name: "no file, ssh dir default_t", in: []change{enforcing, remove(keyFile), label("default_t", dotSSH)}, finding: "linux/authorized-keys-missing",
		out: []string{dotSSH + ": label default_t -> homes_u:object_r:ssh_home_t", keyFile + ": new file 0600 1000:1000 homes_u:object_r:ssh_home_t {key}"}},
	{name: "file default_t", in: []change{enforcing, label("default_t", keyFile)}, finding: "linux/selinux-label", out: is("label default_t -> ssh_home_t, +{key}")},
	{name: "file admin_home_t, key there", in: []change{enforcing, keys("{pub}\n"), label("admin_home_t", keyFile)}, finding: "linux/selinux-label", out: is("label admin_home_t -> ssh_home_t")},
	{name: "file without label", in: []change{enforcing, keys("{pub}\n"), unlabel(keyFile)}, out: is("label  -> ssh_home_t")},
	{name: "file and dir user_home_t", in: []change{enforcing, label("user_home_t", dotSSH, keyFile)},
		out: []string{dotSSH + ": label user_home_t -> homes_u:object_r:ssh_home_t", keyFile + ": label user_home_t -> homes_u:object_r:ssh_home_t, +{key}"}},
	{name: "wrong label, mode and owner at once", in: []change{enforcing, label("tmp_t", keyFile), chown(keyFile, 0, 0), chmod(keyFile, 0o666)},
		out: is("mode 0666 -> 0644, label tmp_t -> ssh_home_t, +{key}")},
	{name: "permissive", in: []change{mode("permissive"), remove(dotSSH)}, out: created("homes_u:object_r:ssh_home_t")},
	{name: "disabled, labelled", in: []change{mode("disabled"), label("default_t", keyFile)}},
	{name: "disabled, not labelled, no ssh dir", in: []change{mode("disabled"), unlabel("/etc/passwd"), remove(dotSSH)},
		out: []string{dotSSH + ": new dir 0700 1000:1000", keyFile + ": new file 0600 1000:1000 {key}"}},
	refused("enforcing, not labelled", "linux/selinux-unlabelled", enforcing, unlabel("/etc/passwd")),
	{name: "enforcing, not labelled, relabel is due", in: []change{enforcing, unlabel("/etc/passwd"), remove(dotSSH), config("/.autorelabel", "")}, out: created("homes_u:object_r:ssh_home_t")},
	{name: "fallback", in: []change{enforcing}, ask: fallback,
		out: []string{"/etc/ssh/regain.d: new dir 0755 0:0 etc_t", "/etc/ssh/regain.d/admin: new file 0644 0:0 etc_t {key}", dropIn + "etc_t " + dropInText}},
	{name: "malformed rules", in: []change{enforcing, remove(dotSSH), add(contexts, "/home/(( system_u:object_r:bad_t:s0\n/half\n\xff\xfe x\n/home/[^/]+/.+ -q x\n")}, out: created("homes_u:object_r:ssh_home_t")},
	{name: "no rules at all", in: []change{enforcing, remove(dotSSH, contexts, contexts+".homedirs")}, out: created("ssh_home_t")},
	{name: "root's key file", ask: users("root"), in: []change{enforcing, label("admin_home_t", "/root", "/root/.ssh", "/root/.ssh/authorized_keys")},
		out: []string{"/root/.ssh: label admin_home_t -> ssh_home_t", "/root/.ssh/authorized_keys: label admin_home_t -> ssh_home_t, +{key}"}},
}

func unlabel(name string) change {
	return func(w *world) { w.t.Helper(); w.must(unix.Removexattr(w.path(name), offline.XattrLabel)) }
}
