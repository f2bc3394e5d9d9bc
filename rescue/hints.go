package rescue

import (
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline/sshd"
)

// advice is what becomes of one kind of finding.
type advice struct {
	ID     string
	Rescue string // what rescue does about it by itself; empty: nothing
	ByHand string // what a person can do, where rescue does not
}

// Findings of the volume itself, beside those of the verdict.
var ownCauses = []sshd.Cause{
	{ID: "linux/unreadable-setting", Title: "a setting cannot be read as meant"},
	{ID: "linux/filesystem-absent", Title: "a filesystem of the system is not here"},
}

const (
	addsKey     = "puts the key in place, with the directories that lead to it"
	setsOwner   = "sets the owner of that component"
	setsMode    = "takes the write permission of others, ACLs included, from that component"
	otherFile   = "uses the root-owned key file"
	newerKey    = "adds a line for the key that wins"
	otherType   = "makes a key of a type that is accepted"
	editConfig  = "edit that line of sshd_config on the volume, or name another user with --user"
	editAccount = "edit that line on the volume (vipw -R and chage -R work on a mounted tree), or name another user with --user"
	editPAM     = "edit that file on the volume"
	chownIt     = "chown it to the user"
	chmodIt     = "chmod go-w it, and take others' rights to write out of its ACL"
)

// catalogue says of each kind of finding what rescue does and what a person can
// do. An id that ends in a star stands for all that begin so.
var catalogue = []advice{
	{"linux/boot-stops", "", "take that argument off the boot entry"},
	{"linux/sshd-missing", "", "install openssh-server from the distribution's packages"},
	{"linux/sshd-version", "", "look whether the sshd binary is damaged"},
	{"linux/sshd-start", "", "repair what the evidence names: the configuration line, host keys (mode 0600, root), the unit, the user sshd"},
	{"linux/sshd-starts", "", ""},
	{"linux/selinux-unlabelled", "", "create /.autorelabel on the volume: the next boot labels everything, slowly, and reboots"},
	{"linux/tcp-wrappers", "", "put a line \"sshd: ALL\" into /etc/hosts.allow"},
	{"linux/ssh-port", "", "connect to that port, and open it in the security group"},
	{"linux/listen-address", "", "see that the instance still has that address, or take the line out"},
	{"linux/sshd-config", "", editConfig},
	{"linux/refuse-connection", "", editConfig},
	{"linux/match-open", "", "look at the Match blocks that the evidence names"},
	{"linux/user-unknown", "", "name a user of the system with --user"},
	{"linux/account-line", "", editAccount},
	{"linux/account-locked", "", "set UsePAM yes, or replace the ! in /etc/shadow by *"},
	{"linux/account-expired", "", "empty the eighth field of the user's line in /etc/shadow"},
	{"linux/shell-missing", "", editAccount},
	{"linux/shell-not-executable", "", "chmod 0755 that program on the volume"},
	{"linux/shell-unusual", "", "if that program is a shell, run again with --accept-unknown"},
	{"linux/nologin-shell", "", editAccount},
	{"linux/deny-users", "", editConfig},
	{"linux/allow-users", "", editConfig},
	{"linux/deny-groups", "", editConfig},
	{"linux/allow-groups", "", editConfig},
	{"linux/pubkey-authentication", "", editConfig},
	{"linux/max-auth-tries", "", "offer one key only: ssh -o IdentitiesOnly=yes -i KEY"},
	{"linux/key-type", otherType, "bring a key of another type, or let regain make one"},
	{"linux/rsa-size", otherType, "bring a larger key, or let regain make one"},
	{"linux/revoked-keys", "", "repair or remove the file that RevokedKeys names"},
	{"linux/authorized-keys-file", otherFile, editConfig},
	{"linux/home-volume-absent", otherFile, "attach the volume that holds the home, mount the whole tree, and run again with --root DIR"},
	{"linux/authorized-keys-missing", addsKey, "make the way to one of these files free: directories of the user's with mode 0700, no link that leads elsewhere"},
	{"linux/authorized-keys-not-regular", otherFile, "move aside what stands in place of the file"},
	{"linux/authorized-keys-owner", setsOwner, chownIt},
	{"linux/authorized-keys-mode", setsMode, chmodIt},
	{"linux/authorized-keys-size", otherFile, "look whether that file is damaged"},
	{"linux/authorized-keys-unreadable", "gives it to the user, below the home; lets everybody pass the system's own directories", "chmod or chown what the evidence names"},
	{"linux/authorized-keys-path-owner", setsOwner + ", where it is one of the system's own; else " + otherFile, "chown that directory to root or the user"},
	{"linux/authorized-keys-path-mode", setsMode + ", where it is one of the system's own; else " + otherFile, "chmod go-w that directory"},
	{"linux/ssh-dir-owner", setsOwner, chownIt},
	{"linux/ssh-dir-mode", setsMode, chmodIt},
	{"linux/home-owner", setsOwner, chownIt},
	{"linux/home-mode", setsMode, chmodIt},
	{"linux/selinux-label", "sets the label that the policy names", "restorecon -R that directory on the running system"},
	{"linux/key-not-found", addsKey, ""},
	{"linux/key-line-ignored", newerKey, ""},
	{"linux/key-line-open", newerKey, ""},
	{"linux/key-found", "", ""},
	{"linux/authorized-keys-command", "", ""},
	{"linux/forced-command", newerKey, ""},
	{"linux/permit-root-login", "", "name another user with --user, or set PermitRootLogin prohibit-password"},
	{"linux/authentication-methods", "", editConfig},
	{"linux/pam", "", ""},
	{"linux/pam-config", "", editPAM},
	{"linux/pam-module-missing", "", "reinstall the package of that module, or take the line out"},
	{"linux/pam-nologin", "", "remove /etc/nologin on the volume, once you know why it is there"},
	{"linux/pam-unix-expired", "", "empty the eighth field of the user's line in /etc/shadow"},
	{"linux/pam-unix-password", "", "set the third field of the user's line in /etc/shadow to today's day number, or the fifth to 99999"},
	{"linux/pam-unix-shadow", "", editAccount},
	{"linux/pam-access", "", "put a line that allows the user above the one that denies"},
	{"linux/pam-limits-*", "", editPAM},
	{"linux/pam-*", "", editPAM + "; if you know that the module lets the user in, run again with --accept-unknown"},
	{"linux/nologin-file", "", "remove /etc/nologin on the volume, once you know why it is there"},
	{"linux/max-sessions", "", editConfig},
	{"linux/force-command", "", editConfig},
	{"linux/chroot-directory", "", editConfig},
	{"linux/no-terminal", "", editConfig},
	{"linux/home-missing", otherFile, "create the home directory on the volume, owned by the user"},
	{"linux/unreadable-setting", "", ""},
	{"linux/filesystem-absent", "", "attach it as well, mount the whole tree, and run again with --root DIR, if something that is needed lies there"},
}

// adviceFor is the catalogue's entry for a finding, by id or by the star that covers it.
func adviceFor(id string) advice {
	i := slices.IndexFunc(catalogue, func(a advice) bool { return covers(a.ID, id) })
	if i < 0 {
		return advice{ID: id}
	}
	return catalogue[i]
}

// titleFor is what the finding is called.
func titleFor(id string) string {
	for _, c := range slices.Concat(sshd.Causes, ownCauses) {
		if covers(c.ID, id) {
			return c.Title
		}
	}
	return id
}

func covers(pattern, id string) bool {
	prefix, star := strings.CutSuffix(pattern, "*")
	return pattern == id || star && strings.HasPrefix(id, prefix)
}
