package selinux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

const (
	configPath    = "/etc/selinux/config"
	defaultPolicy = "targeted" // libselinux: selinux_config.c
)

// The modes in which a system comes up.
const (
	Enforcing  = "enforcing"
	Permissive = "permissive"
	Disabled   = "disabled"
)

// State is what SELinux will do on the system once it boots.
type State struct {
	Installed   bool   // a configuration, and a policy or the tool that loads one
	Mode        string // Enforcing, Permissive or Disabled
	Because     string // what decides the mode: file:line, or the boot argument
	Policy      string // SELINUXTYPE; "targeted" by default
	MLS         bool   // labels carry a level
	Labelled    bool   // /etc/passwd carries a label
	AutoRelabel bool   // /.autorelabel: the next boot labels the tree anew
}

// Read finds the state. kernelArgs are the options of the boot entry that will
// be used, as words or as whole lines; nil when they are not known. An error
// means that a file exists and cannot be read; what is absent is no error.
func Read(v *offline.Volume, kernelArgs []string) (State, error) {
	s := State{Mode: Disabled, Policy: defaultPolicy, Because: "no " + configPath}
	data, err := v.ReadFile(configPath, offline.MaxConfig)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return s, fmt.Errorf("cannot read the SELinux configuration: %w", err)
	default:
		s.readConfig(string(data))
		s.Installed = exists(v, "/usr/sbin/load_policy") || exists(v, "/sbin/load_policy") || s.hasPolicy(v)
	}
	s.readArgs(strings.Fields(strings.Join(kernelArgs, " ")))
	if kernelArgs != nil {
		s.readModules(v, strings.Fields(strings.Join(kernelArgs, " ")))
	}
	if !s.Installed {
		s.Mode = Disabled
	}
	s.AutoRelabel = exists(v, "/.autorelabel")
	label, err := v.Label("/etc/passwd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("cannot read the label of /etc/passwd: %w", err)
	}
	s.Labelled = label != ""
	s.MLS = hasLevel(label) || !s.Labelled && specsHaveLevel(v, s.Policy)
	return s, nil
}

// readConfig follows libselinux: SELINUX= counts only at the very start of a
// line and the first usable value wins; SELINUXTYPE= may be indented and the
// last one wins (selinux_config.c). A file that names no mode leaves the
// kernel permissive (load_policy.c).
func (s *State) readConfig(text string) {
	s.Mode, s.Because = "", configPath+" sets no mode"
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if value, ok := strings.CutPrefix(line, "SELINUX="); ok && s.Mode == "" {
			if mode := modeOf(value); mode != "" {
				s.Mode, s.Because = mode, fmt.Sprintf("%s:%d", configPath, n)
			}
		}
		if value, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "SELINUXTYPE="); ok {
			if value = strings.TrimSpace(value); value != "" && len(value) < 256 {
				s.Policy = value
			}
		}
	}
	if s.Mode == "" {
		s.Mode = Permissive
	}
}

// modeOf compares a prefix without regard to case, as libselinux does.
func modeOf(value string) string {
	value = strings.ToLower(strings.TrimLeft(value, " \t"))
	for _, mode := range []string{Enforcing, Permissive, Disabled} {
		if strings.HasPrefix(value, mode) {
			return mode
		}
	}
	return ""
}

// readArgs lets the boot entry override the file. The kernel takes the last
// selinux=, libselinux the first enforcing= (load_policy.c).
func (s *State) readArgs(args []string) {
	i := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "enforcing=") })
	if i >= 0 && s.Mode != Disabled {
		s.Because = "boot argument " + fmt.Sprintf("%q", args[i])
		s.Mode = Enforcing
		if strings.TrimLeft(strings.TrimPrefix(args[i], "enforcing="), "0") == "" {
			s.Mode = Permissive
		}
	}
	for _, a := range slices.Backward(args) {
		if value, ok := strings.CutPrefix(a, "selinux="); ok {
			if value == "0" {
				s.Mode, s.Because = Disabled, `boot argument "selinux=0"`
			}
			return
		}
	}
}

// readModules looks for a boot that leaves SELinux out of the kernel's security
// modules: security= or lsm= without it, or on Debian and its kin, where
// AppArmor runs unless the boot entry asks for SELinux, no such argument.
func (s *State) readModules(v *offline.Volume, args []string) {
	asked := slices.Contains(args, "selinux=1")
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		if key != "lsm" && key != "security" {
			continue
		}
		asked = slices.Contains(strings.Split(value, ","), "selinux")
		if !asked {
			s.Mode, s.Because = Disabled, fmt.Sprintf("boot argument %q", a)
		}
	}
	if !asked && s.Mode != Disabled && exists(v, "/etc/debian_version") {
		s.Mode, s.Because = Disabled, "no boot argument security=selinux, and this kernel runs AppArmor by default"
	}
}

func (s *State) hasPolicy(v *offline.Volume) bool {
	names, err := v.ReadDir(path.Join("/etc/selinux", s.Policy, "policy"))
	return err == nil && slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "policy.") })
}

// specsHaveLevel looks at the first label that the policy's file contexts hold.
func specsHaveLevel(v *offline.Volume, policy string) bool {
	head := make([]byte, 16<<10)
	n, err := v.ReadAt(specPath(policy, ""), head, 0)
	if err != nil {
		return false
	}
	for line := range strings.SplitSeq(string(head[:n]), "\n") {
		if sp, err := parseSpec(line); err == nil && sp != nil && sp.label != noLabel {
			return hasLevel(sp.label)
		}
	}
	return false
}

func exists(v *offline.Volume, p string) bool {
	_, err := v.Stat(p)
	return err == nil
}
