package linuxroot

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// maxHidden bounds how many hidden homes are listed one by one; where there are
// more, all of /home counts as hidden.
const maxHidden = 1000

// HiddenHomes finds homes that another thing than a mount table puts in place
// at login: eCryptfs, systemd-homed, the automounter. Call it when everything
// of the Layout is mounted; the result goes to Volume.MarkAbsent.
func HiddenHomes(v *offline.Volume) []Absent {
	homes := append(eCryptfs(v), homed(v)...)
	if len(homes) > maxHidden {
		homes = []Absent{{"/home", "home", fmt.Sprintf("more than %d homes are encrypted or activated at login only", maxHidden)}}
	}
	return append(homes, autofs(v)...)
}

// eCryptfs reads the set-up of ecryptfs-utils: /home/.ecryptfs/USER/.ecryptfs
// holds Private.mnt with the mount point, and auto-mount when login mounts it.
func eCryptfs(v *offline.Volume) []Absent {
	const dir = "/home/.ecryptfs"
	names, _ := v.ReadDir(dir) // not there: no eCryptfs
	var out []Absent
	for _, name := range names[:min(len(names), maxHidden+1)] {
		conf := path.Join(dir, name, ".ecryptfs")
		data, err := v.ReadFile(path.Join(conf, "Private.mnt"), 4096)
		point := strings.TrimSpace(string(data))
		if err != nil || !strings.HasPrefix(point, "/") {
			point = path.Join("/home", name)
		}
		if isDir(v, conf) {
			out = append(out, Absent{path.Clean(point), "home", fmt.Sprintf("encrypted with eCryptfs (%s): opened by the user's password only", conf)})
		}
	}
	return out
}

// homed finds what systemd-homed(8) activates at login: NAME.homedir is a
// directory or subvolume, NAME.home an encrypted image.
func homed(v *offline.Volume) []Absent {
	names, _ := v.ReadDir("/home") // no /home: no homes in it
	var out []Absent
	for _, name := range names {
		if len(out) > maxHidden {
			break
		}
		user, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
		if user != "" && (ext == ".home" || ext == ".homedir") {
			out = append(out, Absent{path.Join("/home", user), "home", fmt.Sprintf("kept by systemd-homed in %q: activated at login only", path.Join("/home", name))})
		}
	}
	return out
}

// autofs reads the automounter's master map (auto.master(5)) when the system
// starts the automounter.
func autofs(v *offline.Volume) []Absent {
	if !startsAutofs(v) {
		return nil
	}
	files := []string{"/etc/auto.master"}
	names, _ := v.ReadDir("/etc/auto.master.d") // optional
	for _, name := range names {
		if path.Ext(name) == ".autofs" {
			files = append(files, path.Join("/etc/auto.master.d", name))
		}
	}
	var out []Absent
	for _, file := range files {
		for _, fields := range mapLines(v, file) {
			if fields[0] == "/-" {
				out = append(out, directMap(v, fields)...)
			} else if strings.HasPrefix(fields[0], "/") {
				out = append(out, absentMap(fields[0], file))
			}
		}
	}
	return out[:min(len(out), maxHidden)]
}

func startsAutofs(v *offline.Volume) bool {
	if !exists(v, "/usr/sbin/automount") && !exists(v, "/sbin/automount") {
		return false
	}
	if hasSystemd(v) && enabledUnits(v)["autofs.service"] {
		return true
	}
	for _, level := range []string{"/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d"} {
		names, _ := v.ReadDir(level) // not a System V system
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "S") && strings.HasSuffix(n, "autofs") }) {
			return true
		}
	}
	return exists(v, "/etc/runlevels/default/autofs")
}

func absentMap(point, file string) Absent {
	point = path.Clean(point)
	return Absent{point, RoleOf(point), "filled by the automounter (" + file + ")"}
}

// directMap reads the map of a /- entry: its keys are whole paths. Maps that
// are not files name nothing that can be known offline.
func directMap(v *offline.Volume, fields []string) []Absent {
	if len(fields) < 2 {
		return nil
	}
	file := strings.TrimPrefix(strings.TrimPrefix(fields[1], "file:"), "file,")
	if !strings.HasPrefix(file, "/") {
		file = path.Join("/etc", file)
	}
	var out []Absent
	for _, entry := range mapLines(v, file) {
		if strings.HasPrefix(entry[0], "/") {
			out = append(out, absentMap(entry[0], file))
		}
	}
	return out
}

func mapLines(v *offline.Volume, file string) [][]string {
	data, err := v.ReadFile(file, offline.MaxConfig)
	if err != nil {
		return nil // a map that is not there mounts nothing
	}
	var out [][]string
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") && !strings.HasPrefix(f[0], "+") {
			out = append(out, f)
		}
	}
	return out
}
