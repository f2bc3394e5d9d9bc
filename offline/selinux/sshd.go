package selinux

import (
	"slices"

	"github.com/seed-77750964/regain/offline"
)

// sshHome is the type of everything below a home's .ssh (refpolicy: ssh.te).
const sshHome = "ssh_home_t"

// The types whose answer does not depend on the distribution's policy; those
// readable are what sesearch finds for sshd_t in the reference policy.
var (
	readable = []string{sshHome, "etc_t", "sshd_key_t", "usr_t", "cert_t"}
	denied   = []string{
		"", "default_t", "unlabeled_t", "file_t", "admin_home_t", "home_root_t",
		"tmp_t", "user_tmp_t", "mnt_t", "root_t", "boot_t",
	}
)

// ReadableBySSHD tells whether an enforcing policy lets sshd read authorized
// keys in a file of this type. Unknown covers what differs between policies and
// booleans, such as user_home_t and nfs_t, and every type not listed.
func ReadableBySSHD(typ string) offline.Answer {
	switch {
	case slices.Contains(readable, typ):
		return offline.Accepted
	case slices.Contains(denied, typ):
		return offline.Denied
	}
	return offline.Unknown
}
