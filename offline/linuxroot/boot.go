package linuxroot

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Args is the kernel command line of the default boot entry, as far as it
// decides what is mounted as / and whether sshd comes up.
type Args struct {
	Source    string   // the file it was read from; empty: none was found
	Raw       []string // the arguments, boot loader variables expanded where known
	Root      string   // root=, a spec as in fstab
	RootFlags []string // rootflags=, split
	Unit      string   // the systemd unit that is started instead of the default; empty: the default
	Init      string   // init=; empty: the system's own
	Shell     string   // the argument that stops the start in a shell (rd.break, init=/bin/sh); empty: none
	OSTree    string   // ostree=
	SELinux   Switch   // selinux=
	Enforcing Switch   // enforcing=
	FIPS      Switch   // fips=
	NoFstab   bool     // fstab=no or systemd.fstab=no
	NoCloud   bool     // cloud-init=disabled
}

// Switch is a 0/1 argument, which may not be given at all.
type Switch string

// The positions of a Switch.
const (
	Unset Switch = ""
	Off   Switch = "0"
	On    Switch = "1"
)

// Entry is one entry of the boot menu.
type Entry struct {
	ID      string // the BLS file's name without .conf; empty elsewhere
	Title   string
	Kernel  string   // path as the loader sees it
	Initrd  []string // paths as the loader sees them
	Args    []string
	Source  string // file
	Default bool
}

// KernelArgs reads the command line of the default boot entry. v is a root, with
// a separate boot filesystem mounted, or a boot filesystem by itself.
func KernelArgs(v *offline.Volume) (Args, []Problem) { return kernelArgsAt(v, "/") }

func kernelArgsAt(v *offline.Volume, at string) (Args, []Problem) {
	entries, problems := bootEntriesAt(v, at)
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Default })
	if i >= 0 {
		return ParseArgs(entries[i].Args, entries[i].Source), problems
	}
	for _, file := range []string{"etc/kernel/cmdline", "etc/default/grub"} {
		data, err := v.ReadFile(path.Join(at, file), offline.MaxConfig)
		if err != nil {
			continue
		}
		line := string(data)
		if file == "etc/default/grub" {
			values := shellAssignments(data)
			line = values["GRUB_CMDLINE_LINUX"] + " " + values["GRUB_CMDLINE_LINUX_DEFAULT"]
		}
		return ParseArgs(splitArgs(line), path.Join(at, file)), problems
	}
	return Args{}, append(problems, Problem{Path: path.Join(at, "boot"), Text: "no boot entry found: the kernel command line is not known"})
}

// BootEntries reads the boot menu: the first source that holds entries, with
// the default marked as the loader's own configuration chooses it.
func BootEntries(v *offline.Volume) ([]Entry, []Problem) { return bootEntriesAt(v, "/") }

func bootEntriesAt(v *offline.Volume, at string) ([]Entry, []Problem) {
	var problems []Problem
	for _, boot := range bootDirs(v, at) {
		cfg, file := readFirst(v, boot, "grub2/grub.cfg", "grub/grub.cfg")
		env := readGrubEnv(v, boot)
		bls, more := readBLS(v, boot, cfg, env)
		problems = append(problems, more...)
		if len(bls) > 0 && (cfg == nil || strings.Contains(string(cfg), "blscfg")) {
			markBLS(v, boot, bls, env)
			return bls, problems
		}
		if entries := parseGrub(cfg, file, env); len(entries) > 0 {
			markGrub(entries, defaultOf(cfg, env))
			return entries, problems
		}
		if entries := readLegacy(v, boot); len(entries) > 0 {
			return entries, problems
		}
	}
	return nil, problems
}

// bootDirs are the places of loader files: below a root, or, on a boot
// filesystem by itself, at its top.
func bootDirs(v *offline.Volume, at string) []string {
	if isDir(v, path.Join(at, "boot")) {
		return []string{path.Join(at, "boot"), path.Join(at, "efi"), path.Join(at, "boot/efi")}
	}
	return []string{at}
}

// readFirst reads the first of several files; nil when none is there.
func readFirst(v *offline.Volume, dir string, names ...string) ([]byte, string) {
	for _, name := range names {
		file := path.Join(dir, name)
		if data, err := v.ReadFile(file, 4*offline.MaxConfig); err == nil {
			return data, file
		}
	}
	return nil, ""
}

// ParseArgs understands a kernel command line (kernel-command-line(7)). The
// last of several values counts.
func ParseArgs(args []string, source string) Args {
	a := Args{Source: source, Raw: args}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "root":
			a.Root = value
		case "rootflags":
			a.RootFlags = splitOptions(value)
		case "init":
			a.Init = value
			if base := path.Base(value); base == "sh" || base == "bash" {
				a.Shell = arg
			}
		case "ostree":
			a.OSTree = value
		case "selinux":
			a.SELinux = parseSwitch(value)
		case "enforcing":
			a.Enforcing = parseSwitch(value)
		case "fips":
			a.FIPS = parseSwitch(value)
		case "rd.break", "break":
			a.Shell = arg
		case "systemd.unit":
			a.Unit = value
		case "fstab", "systemd.fstab":
			a.NoFstab = value == "no" || value == "0" || value == "false"
		case "cloud-init":
			a.NoCloud = value == "disabled"
		default:
			if unit := runlevels[arg]; unit != "" {
				a.Unit = unit
			}
		}
	}
	return a
}

// runlevels are the words that systemd takes for a unit (kernel-command-line(7)).
var runlevels = map[string]string{
	"emergency": "emergency.target", "-b": "emergency.target",
	"rescue": "rescue.target", "single": "rescue.target", "-s": "rescue.target", "s": "rescue.target", "S": "rescue.target", "1": "rescue.target",
	"2": "multi-user.target", "3": "multi-user.target", "4": "multi-user.target", "5": "graphical.target",
}

func parseSwitch(value string) Switch {
	if value == "" {
		return Unset
	}
	if strings.Trim(value, "0") == "" {
		return Off
	}
	return On
}

// splitArgs splits at blanks outside double quotes and removes the quotes, as
// the kernel does (lib/cmdline.c next_arg).
func splitArgs(line string) []string {
	var out []string
	var b strings.Builder
	quoted, some := false, false
	flush := func() {
		if some {
			out = append(out, b.String())
		}
		b.Reset()
		some = false
	}
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
			some = true
		case !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			flush()
		default:
			b.WriteByte(c)
			some = true
		}
	}
	flush()
	return out
}

// Stops says why the start ends before sshd; empty when it does not.
func (a Args) Stops() string {
	switch {
	case a.Shell != "":
		return fmt.Sprintf("%q on the kernel command line stops the start in a shell", a.Shell)
	case a.Unit == "rescue.target" || a.Unit == "emergency.target" || a.Unit == "rescue.service" || a.Unit == "emergency.service":
		return fmt.Sprintf("the kernel command line starts %q, where sshd does not run", a.Unit)
	}
	return ""
}
