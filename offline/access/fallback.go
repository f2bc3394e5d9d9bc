package access

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// fallbackDir holds key files of root's that sshd reads for each user: they
// depend neither on the home directory nor on its owner, quota or label.
const fallbackDir = "/etc/ssh/regain.d"

// dropInDir is where distributions' sshd_config includes *.conf from, in the
// order of their names (sshd_config(5), Include).
const dropInDir = "/etc/ssh/sshd_config.d"

// dropInNames are tried in this order: the first that sorts before every file
// there is. "0-" sorts before "00-".
var dropInNames = []string{"00-regain.conf", "0-regain.conf"}

func isFallback(file string) bool { return path.Dir(file) == fallbackDir }

// fallbackWays are the places from which sshd can be told to read the
// fallback, the least intrusive first. Each keeps the list that was in force.
func (dc *Decider) fallbackWays(w Wish) []way {
	if strings.ContainsAny(w.User.Name, "/\x00") || w.User.Name == "." || w.User.Name == ".." {
		return nil
	}
	global := dc.keysLine(w.User.Name)
	list := []way{
		{"root-owned key file, by a drop-in", func(d *draft) (string, error) { return dc.byDropIn(d, w, global) }},
		{"root-owned key file, by the top of sshd_config", func(d *draft) (string, error) { return dc.byMainFile(d, w, global) }},
	}
	if plainName(w.User.Name) {
		matched := fmt.Sprintf("Match User %s\n    %s", w.User.Name, global)
		list = append(list, way{"root-owned key file, by a Match block in a drop-in", func(d *draft) (string, error) { return dc.byDropIn(d, w, matched) }})
	}
	return list
}

// plainName tells whether a name means itself as a pattern of Match.
func plainName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	})
}

// keysLine names the fallback before the files that sshd reads now.
func (dc *Decider) keysLine(user string) string {
	words := []string{"AuthorizedKeysFile", fallbackDir + "/%u"}
	for _, p := range dc.system.AuthorizedKeysFile(user) {
		if strings.EqualFold(p, "none") || p == fallbackDir+"/%u" {
			continue
		}
		if strings.ContainsAny(p, " \t#\"'\\") {
			p = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p) + `"`
		}
		words = append(words, p)
	}
	return strings.Join(words, " ")
}

func (dc *Decider) byDropIn(d *draft, w Wish, setting string) (string, error) {
	file, err := dc.rootFile(d, w)
	if err != nil {
		return "", err
	}
	name, err := dc.dropInName()
	if err != nil {
		return "", err
	}
	f, err := d.file(name)
	if err != nil {
		return "", &UnfitError{name, "it is not a regular file"}
	}
	if f != nil && strings.Contains(string(f.Data), setting) {
		return file, nil
	}
	text := fmt.Sprintf("# regain run %s\n%s\n", w.Run, setting)
	if f == nil {
		return file, d.create(name, &offline.File{Kind: offline.Regular, Data: []byte(text), Mode: rootFileMode}, "let sshd read the root-owned key file")
	}
	if strings.HasPrefix(setting, "Match ") { // what followed it would become part of its block
		f.Data = append(terminated(f.Data), text...)
	} else {
		f.Data = append([]byte(text), f.Data...)
	}
	return file, d.set(name, f.File, "let sshd read the root-owned key file")
}

// terminated ends the last line, where there is one.
func terminated(data []byte) []byte {
	if len(data) == 0 || data[len(data)-1] == '\n' {
		return data
	}
	return append(data, '\n')
}

// dropInName is the path of a file that sorts before all others.
func (dc *Decider) dropInName() (string, error) {
	dir, err := dc.v.Realpath(dropInDir)
	if err != nil {
		return "", &UnfitError{dropInDir, "there is no such directory"}
	}
	names, err := dc.v.ReadDir(dir)
	if err != nil {
		return "", &UnfitError{dropInDir, "it cannot be listed"}
	}
	for _, name := range dropInNames {
		first := slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, ".conf") && !strings.HasPrefix(n, ".") && n < name }) < 0
		if first {
			return path.Join(dir, name), nil
		}
	}
	return "", &UnfitError{dropInDir, "its first file sorts before any name that regain would take"}
}

func (dc *Decider) byMainFile(d *draft, w Wish, setting string) (string, error) {
	file, err := dc.rootFile(d, w)
	if err != nil {
		return "", err
	}
	main, err := dc.v.Realpath(dc.system.MainConfig())
	if err != nil {
		return "", &UnfitError{dc.system.MainConfig(), "it is not there"}
	}
	f, err := d.file(main)
	if err != nil || f == nil || d.linked(main) {
		return "", &UnfitError{main, "it is not a regular file of one name"}
	}
	f.Data = append([]byte(fmt.Sprintf("# regain run %s\n%s\n", w.Run, setting)), f.Data...)
	return file, d.set(main, f.File, "let sshd read the root-owned key file")
}

// rootFile puts the key into the user's root-owned file, and makes the
// directories above it passable where they are not.
func (dc *Decider) rootFile(d *draft, w Wish) (string, error) {
	file := path.Join(fallbackDir, w.User.Name)
	canonical, err := dc.v.ResolveMissing(file)
	if err != nil || canonical != file {
		return "", &UnfitError{file, "a link leads elsewhere"}
	}
	root := owner{}
	if err := dc.addUnlessThere(d, file, root, w); err != nil {
		return "", err
	}
	return file, dc.clearTheWay(d, file, file, root, w)
}
