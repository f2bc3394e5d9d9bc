package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// human is the report as a person reads it: what was found, what was against
// the login, what was changed, and what to type next. Everything that may come
// from the volume is escaped. It is empty when nothing was looked at; the error
// goes to stderr.
func human(r offline.Report) string {
	p := &page{}
	if len(r.Filesystems) == 0 && r.OS.Name == "" && len(r.Changes) == 0 && r.Error != nil {
		return ""
	}
	p.line("%s", headline(r))
	if r.Command != agent.Undo {
		p.found(r)
	}
	p.before(r)
	p.findings(r)
	p.changes(r)
	p.after(r)
	p.warnings(r)
	p.next(r)
	return p.String()
}

func headline(r offline.Report) string {
	switch {
	case r.Outcome == offline.Failed:
		return failure(r)
	case r.Windows != nil && r.Outcome != offline.Refused && (!r.DryRun || r.Windows.Already):
		return windowsHeadline(r)
	case r.Outcome == offline.Refused && len(r.Verdicts) > 0:
		return "REFUSED: nothing was changed. As far as can be told, sshd would still not let\nyou in with the key in place."
	case r.Outcome == offline.Refused:
		return "REFUSED: nothing was changed."
	case r.Outcome == offline.Rescued:
		return "RESCUED: the key is in place, and sshd will accept it." + runNote(r)
	case r.DryRun:
		return "PLAN: this is what a rescue would do. Nothing was changed."
	case r.Command == agent.Rescue:
		return "NOTHING TO DO: the key is in place already."
	case r.Command == agent.Undo && len(r.Changes) == 0:
		return "NOTHING TO DO: everything is back already." + runNote(r)
	case r.Command == agent.Undo:
		return "TAKEN BACK: every file is as the run found it." + runNote(r)
	case r.Command == agent.Inspect:
		return "What is on the volume. Nothing was changed."
	case !rescue.Blocked(r):
		return "NO LOCK FOUND: each user has a key that sshd would accept. Nothing was changed."
	}
	return "LOCKED OUT: somebody has no key that sshd would accept. Nothing was changed."
}

// failure says where the volume is now.
func failure(r offline.Report) string {
	switch {
	case r.Command == agent.Undo, r.Error != nil && r.Error.Code == "not-taken-back":
		return "FAILED, and not everything is back: take the run back now." + runNote(r)
	case r.Command == agent.Rescue:
		return "FAILED, and the volume is as it was."
	}
	return "FAILED: this is as far as the look came. Nothing was changed."
}

func runNote(r offline.Report) string { return "\nRun " + r.Run }

func (p *page) found(r offline.Report) {
	p.section("Found")
	if name := strings.TrimSpace(r.OS.Name + " " + r.OS.Arch); name != "" {
		p.field("system", strings.Join(nonEmpty(name, sshdName(r.OS.SSHD)), ", "))
	}
	for _, f := range r.Filesystems {
		p.field("disk", filesystem(f))
	}
	p.launchAgents(r.Windows)
	for _, u := range r.Users {
		what := "user"
		if !u.Chosen {
			what = "other user"
		}
		p.field(what, fmt.Sprintf("%s, uid %d, home %s: %s", u.Name, u.UID, u.Home, u.Why))
	}
}

func sshdName(version string) string {
	if version == "" {
		return ""
	}
	return "OpenSSH " + strings.TrimPrefix(version, "OpenSSH_")
}

func filesystem(f offline.Filesystem) string {
	name := f.Device
	if f.Partition != 0 {
		name += fmt.Sprintf(" partition %d", f.Partition)
	}
	kind := f.Type
	if kind == "" && f.Mountpoint == "" {
		kind = "no known filesystem"
	}
	parts := nonEmpty(kind, size(f.Size), labelled(f.Label))
	if f.Mountpoint != "" {
		parts = append(parts, "is "+f.Mountpoint)
	}
	if f.Dirty {
		parts = append(parts, "not cleanly unmounted")
	}
	return name + ": " + strings.Join(append(parts, nonEmpty(f.Note)...), ", ")
}

func labelled(label string) string {
	if label == "" {
		return ""
	}
	return "label " + label
}

func nonEmpty(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// size is in binary units: whole ones, and tenths below ten.
func size(n int64) string {
	if n <= 0 {
		return ""
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if value < 10 && unit > 0 {
		return fmt.Sprintf("%.1f %s", value, units[unit])
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}
