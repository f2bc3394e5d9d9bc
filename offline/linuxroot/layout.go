// Package linuxroot knows what a Linux root filesystem holds: which system it
// is, which filesystems it mounts and where, how it boots, what cloud-init was
// told, who may log in, and what keeps people out.
//
// It reads through offline.Volume only. It runs nothing, dials nothing, opens
// no device and writes nothing: repairs are returned as offline.Change.
package linuxroot

import (
	"fmt"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// A Problem is something in a file of the system that could not be read as
// meant, or that the running system would stumble over.
type Problem struct {
	Path string // the file, as named in the tree
	Line int    // from 1; 0: the file as a whole
	Text string // for a person, foreign strings quoted
}

func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.Path, p.Text)
	}
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Text)
}

// Class is what a filesystem is, by its content.
type Class string

// The classes of filesystems.
const (
	ClassRoot        Class = "root"        // a Linux root that can be worked on
	ClassBoot        Class = "boot"        // kernels and boot loader configuration
	ClassESP         Class = "efi"         // an EFI system partition
	ClassHome        Class = "home"        // home directories
	ClassUsr         Class = "usr"         // /usr on its own
	ClassVar         Class = "var"         // /var on its own
	ClassSubvolumes  Class = "subvolumes"  // a btrfs top level: roots are in Subvolumes
	ClassUnsupported Class = "unsupported" // a root of a kind that Refusal names
	ClassUnknown     Class = ""            // nothing of the above
)

// Classification is what Classify found.
type Classification struct {
	Class      Class
	Refusal    string   // ClassUnsupported: why, and what to do instead
	Warnings   []string // markers that make an edit doubtful
	Subvolumes []string // ClassSubvolumes: directories that look like roots, "@" or "a/b"
}

// IsRoot tells whether the filesystem is a Linux root that can be worked on.
func IsRoot(v *offline.Volume) bool { return Classify(v).Class == ClassRoot }

// Classify says what a candidate filesystem is, by its content alone.
func Classify(v *offline.Volume) Classification {
	if refusal := unsupported(v); refusal != "" {
		return Classification{Class: ClassUnsupported, Refusal: refusal}
	}
	if looksLikeRoot(v, "/") {
		return Classification{Class: ClassRoot, Warnings: doubtful(v)}
	}
	if subs := rootSubvolumes(v); len(subs) > 0 {
		return Classification{Class: ClassSubvolumes, Subvolumes: subs}
	}
	return Classification{Class: classifyPart(v)}
}

// looksLikeRoot is the rule: /etc, a place for programs, and one of the files
// that every installation has.
func looksLikeRoot(v *offline.Volume, at string) bool {
	if !isDir(v, path.Join(at, "etc")) || !isDirHere(v, at, "bin") && !isDir(v, path.Join(at, "usr/bin")) {
		return false
	}
	for _, name := range []string{"etc/passwd", "etc/fstab", "etc/hosts", "etc/os-release", "usr/lib/os-release"} {
		if existsHere(v, path.Join(at, name)) {
			return true
		}
	}
	return false
}

// isDirHere takes a link to usr/bin for the directory it means: in a subtree it
// would resolve against the wrong root, and /usr may be a filesystem of its own.
func isDirHere(v *offline.Volume, at, name string) bool {
	info, err := v.Lstat(path.Join(at, name))
	if err != nil || info.Kind != offline.Symlink {
		return err == nil && info.Kind == offline.Dir
	}
	target, err := v.Readlink(path.Join(at, name))
	return err == nil && strings.TrimPrefix(target, "/") == "usr/"+name
}

// unsupported recognises layouts whose /etc is not what an edit would change,
// or that have no sshd of their own.
func unsupported(v *offline.Volume) string {
	switch id := osID(v, "/"); {
	case isDir(v, "/ostree/deploy") || isDir(v, "/ostree/repo"):
		return "an ostree system (such as Fedora CoreOS, RHEL CoreOS or Silverblue): its /etc lies in a deployment, which this version does not edit"
	case id == "bottlerocket" || id == "talos":
		return fmt.Sprintf("%q has no sshd on its root disk: use its own administration interface", id)
	case id == "nixos" || isDir(v, "/nix/store") && exists(v, "/etc/NIXOS"):
		return "NixOS: its /etc is generated from the system configuration, which this version does not edit"
	case id == "ubuntu-core" || exists(v, "/writable/system-data") || isDir(v, "/system-data/var/lib/snapd"):
		return "Ubuntu Core: its accounts are managed by snapd"
	case isDir(v, "/coreos") && exists(v, "/coreos/update.conf") || id == "flatcar" && !isDir(v, "/etc/ssh") && !exists(v, "/etc/passwd"):
		return "one side of a Container Linux A/B /usr: its loader alone knows which side boots"
	}
	return ""
}

// doubtful names markers of systems whose lower layer may be hidden at boot.
func doubtful(v *offline.Volume) []string {
	var out []string
	if data, err := v.ReadFile("/etc/overlayroot.conf", offline.MaxConfig); err == nil {
		if mode := shellValue(data, "overlayroot"); mode != "" && mode != "disabled" {
			out = append(out, fmt.Sprintf("overlayroot is on (%q in /etc/overlayroot.conf): an upper layer may hide edits", mode))
		}
	}
	if exists(v, "/etc/transactional-update.conf") || exists(v, "/usr/etc/transactional-update.conf") {
		out = append(out, "a transactional-update system: /etc may be an overlay that hides edits")
	}
	return out
}

// classifyPart recognises a filesystem that is mounted below a root.
func classifyPart(v *offline.Volume) Class {
	switch {
	case isDir(v, "/EFI") || isDir(v, "/efi/boot"):
		return ClassESP
	case isDir(v, "/grub") || isDir(v, "/grub2") || isDir(v, "/loader/entries") || isDir(v, "/extlinux") || hasName(v, "/", "vmlinuz"):
		return ClassBoot
	case isDir(v, "/lib/dpkg") || isDir(v, "/lib/rpm") || isDir(v, "/log") && isDir(v, "/lib"):
		return ClassVar
	case isDir(v, "/bin") && isDir(v, "/lib") && isDir(v, "/share"):
		return ClassUsr
	case looksLikeHome(v):
		return ClassHome
	}
	return ClassUnknown
}

// looksLikeHome looks for the dot files of a home in the first directories.
func looksLikeHome(v *offline.Volume) bool {
	names, err := v.ReadDir("/")
	if err != nil {
		return false
	}
	for _, name := range names[:min(len(names), 64)] {
		for _, dot := range []string{".ssh", ".profile", ".bashrc", ".bash_profile"} {
			if exists(v, path.Join("/", name, dot)) {
				return true
			}
		}
	}
	return false
}

func exists(v *offline.Volume, p string) bool {
	_, err := v.Stat(p)
	return err == nil
}

// existsHere counts a dangling link too: in a subtree it may resolve once the
// subtree is the root.
func existsHere(v *offline.Volume, p string) bool {
	_, err := v.Lstat(p)
	return err == nil
}

func isDir(v *offline.Volume, p string) bool {
	info, err := v.Stat(p)
	return err == nil && info.Kind == offline.Dir
}

// hasName tells whether a directory holds a name with the prefix.
func hasName(v *offline.Volume, dir, prefix string) bool {
	names, _ := v.ReadDir(dir) // an unreadable directory holds nothing for us
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
