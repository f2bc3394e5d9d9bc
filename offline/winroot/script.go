package winroot

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/gpo"
	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

const (
	maxPolicy   = 64 << 10
	maxScript   = 1 << 20 // it carries the policy's files four times
	maxScripts  = 16
	powerShell  = "/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"
	psPolicies  = `Policies\Microsoft\Windows\PowerShell`
	policyOff   = `Policies\Microsoft\Windows\System`
	scriptLimit = "it does not run where a policy of the domain switches the local policy off, and under PowerShell's constrained language mode"
)

var (
	ourScript = regexp.MustCompile(`(?i)^regain-([0-9a-z-]+)\.cmd$`)
	ourBlock  = regexp.MustCompile(`(?i)^regain-[0-9a-z-]+\.(?:done|[0-9a-f]+\.sealed)$`)
)

// A policyFile is a file of the local policy as it is found.
type policyFile struct {
	path string // canonical, or where it is to be
	file *offline.File
}

func (f policyFile) data() []byte {
	if f.file == nil {
		return nil
	}
	return f.file.Data
}

func (s *System) policyFile(path string) (policyFile, error) {
	_, file, err := s.snapshot("/"+path, maxPolicy)
	if err != nil {
		return policyFile{}, err
	}
	canonical, err := s.v.ResolveMissing("/" + path)
	return policyFile{canonical, file}, err
}

// findScripts finds the start-up scripts that earlier runs have left to be run.
func (s *System) findScripts() {
	names, err := s.v.ReadDir("/" + gpo.StartupDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, offline.ErrNotDir) {
			s.unreadable("/"+gpo.StartupDir, err)
		}
		return
	}
	if i := slices.IndexFunc(names, ourBlock.MatchString); i >= 0 {
		s.find("windows/agent-leftover", "/"+gpo.StartupDir+"/"+names[i], "an encrypted password of a start-up script that was cut off, or could tell it nobody: keep it until you have a password")
	}
	found := 0
	for _, name := range names {
		if !ourScript.MatchString(name) {
			continue
		}
		a := Agent{Kind: StartupScript, Program: s.exists("/" + gpo.StartupDir + "/" + name)}
		if a.Armed, err = s.inPolicy(name); err != nil {
			s.unreadable("/"+gpo.ScriptsPath, err)
		}
		if a.Armed {
			a.Activator = "a start-up script of the local policy"
		} else {
			s.find("windows/agent-leftover", a.Program, "a start-up script of an earlier run that nothing starts")
		}
		s.Agents = append(s.Agents, a)
		if found++; found == maxScripts {
			return
		}
	}
}

func scriptName(run string) string { return "regain-" + run + ".cmd" }

// runOf is the run that has installed the start-up script.
func runOf(program string) string {
	if m := ourScript.FindStringSubmatch(path.Base(program)); m != nil {
		return m[1]
	}
	return ""
}

// waiting is the run whose start-up script waits to encrypt a password to that
// key, unchanged: it serves as well as another would. Empty: there is none.
func (s *System) waiting(key *rsa.PublicKey) string {
	for _, a := range s.Agents {
		if a.Kind != StartupScript || !a.Armed {
			continue
		}
		run := runOf(a.Program)
		_, starter, err1 := s.snapshot(a.Program, maxScript)
		_, script, err2 := s.snapshot(strings.TrimSuffix(a.Program, path.Ext(a.Program))+".ps1", maxScript)
		if err1 == nil && err2 == nil && starter != nil && script != nil && newpassword.Knows(run, key, starter.Data, script.Data) {
			return run
		}
	}
	return ""
}

// inPolicy tells whether Windows runs the script: whether adding it once more
// changes nothing.
func (s *System) inPolicy(name string) (bool, error) {
	ps1 := s.exists("/" + gpo.StartupDir + "/" + strings.TrimSuffix(name, path.Ext(name)) + ".ps1")
	gpt, err := s.policyFile(gpo.GPTPath)
	if err != nil {
		return false, err
	}
	scripts, err := s.policyFile(gpo.ScriptsPath)
	if err != nil {
		return false, err
	}
	before := gpo.Policy{GPT: gpt.data(), Scripts: scripts.data()}
	after, err := gpo.Add(before, name)
	same := bytes.Equal(after.Scripts, before.Scripts) && bytes.Equal(after.GPT, before.GPT)
	return ps1 != "" && err == nil && same, nil
}

// planScript installs the start-up script of that name.
func (s *System) planScript(m *arming, w Wishes, name string) {
	s.checkScripting(m)
	m.find("windows/script-note", "", scriptLimit)
	gpt, err := s.policyFile(gpo.GPTPath)
	if err != nil {
		m.unreadable("/"+gpo.GPTPath, err)
		return
	}
	scripts, err := s.policyFile(gpo.ScriptsPath)
	if err != nil {
		m.unreadable("/"+gpo.ScriptsPath, err)
		return
	}
	if gpo.MachineOff(gpt.data()) {
		m.find("windows/policy-off", gpt.path, "its Options turn off the policy's part for the computer")
	}
	if s.scriptArmed(name) {
		return
	}
	m.missing("the start-up script is not in the local policy")
	missing, ok := m.makeDirs()
	if !ok {
		return
	}
	add, err := newpassword.Install(w.Run, w.Fallback, gpo.Policy{GPT: gpt.data(), Scripts: scripts.data(), Missing: missing})
	if err != nil {
		m.find("windows/policy-file", scripts.path, err.Error())
		return
	}
	for _, f := range add.Files {
		m.writeScript(f)
	}
	m.writePolicy(gpt, add.Policy.GPT, decoded)
	m.writePolicy(scripts, add.Policy.Scripts, func(b []byte) string { return maskScripts(b, name) })
}

func (s *System) scriptArmed(name string) bool {
	for _, a := range s.Agents {
		if a.Kind == StartupScript && a.Armed && strings.EqualFold(path.Base(a.Program), name) {
			return true
		}
	}
	return false
}

// checkScripting finds what keeps a start-up script, or PowerShell, from running,
// as far as the volume tells.
func (s *System) checkScripting(m *arming) {
	if s.exists(powerShell) == "" {
		m.find("windows/powershell-absent", powerShell, "there is no PowerShell")
	}
	if n, ok := s.software.number(psPolicies, "EnableScripts"); ok && n == 0 {
		m.find("windows/powershell", s.software.path, "a policy turns PowerShell scripts off")
	}
	switch p := s.software.text(psPolicies, "ExecutionPolicy"); strings.ToLower(p) {
	case "allsigned", "restricted":
		m.find("windows/powershell", s.software.path, "a policy sets PowerShell's execution policy to "+p)
	}
	if p := s.system.text(s.control(`Session Manager\Environment`), "__PSLockdownPolicy"); p != "" && p != "0" {
		m.find("windows/powershell", s.system.path, "__PSLockdownPolicy is "+p)
	}
	if n, ok := s.software.number(policyOff, "DisableLGPOProcessing"); ok && n != 0 {
		m.find("windows/policy-off", s.software.path, fmt.Sprintf("DisableLGPOProcessing is %d, which counts for members of a domain", n))
	}
}

const whyScript = "so that a start-up script sets a password, encrypted to your key"

// makeDirs makes what is missing of the policy's directories, and says how many are.
func (m *arming) makeDirs() (missing int, ok bool) {
	for _, dir := range gpo.Dirs() {
		_, err := m.s.v.Stat("/" + dir)
		if err == nil {
			continue
		}
		canonical := ""
		if errors.Is(err, fs.ErrNotExist) {
			canonical, err = m.s.v.ResolveMissing("/" + dir)
		}
		if err != nil {
			m.unreadable("/"+dir, err)
			return 0, false
		}
		m.changes = append(m.changes, offline.Change{Path: canonical, After: offline.NTFSDir(), Why: whyScript})
		missing++
	}
	return missing, true
}

// carriedPolicy is where the script holds the policy's files, as they were and as they
// are to be.
var carriedPolicy = regexp.MustCompile(`(Restore-File \(Join-Path \$policy '[^']*'\)) '[^']*' '[^']*'`)

// writeScript puts a file of ours in place. What it carries of the policy, as it
// was, may hold what others have written there.
func (m *arming) writeScript(f newpassword.File) {
	old, err := m.s.policyFile(f.Path)
	if err != nil {
		m.unreadable("/"+f.Path, err)
		return
	}
	m.changes = append(m.changes, offline.Change{
		Path: old.path, Before: old.file, After: offline.NTFSFile(f.Data), Why: whyScript,
		Shown: &offline.Shown{Before: hidden(old.data()), After: hidden(f.Data)},
	})
}

func hidden(script []byte) string {
	return carriedPolicy.ReplaceAllString(string(script), "$1 '[masked]' '[masked]'")
}

func (m *arming) writePolicy(f policyFile, data []byte, show func([]byte) string) {
	if bytes.Equal(f.data(), data) && f.file != nil {
		return
	}
	after := offline.NTFSFile(data)
	if f.file != nil {
		after = f.file.Clone()
		after.Data = data
	}
	m.changes = append(m.changes, offline.Change{
		Path: f.path, Before: f.file, After: after, Why: whyScript,
		Shown: &offline.Shown{Before: show(f.data()), After: show(data)},
	})
}

// maskScripts shows of scripts.ini our own script alone: the command lines and
// parameters of others may hold passwords.
func maskScripts(data []byte, ours string) string {
	var b strings.Builder
	for line := range strings.Lines(decoded(data)) {
		text := strings.TrimRight(line, "\r\n")
		key, value, ok := strings.Cut(text, "=")
		value = strings.TrimSpace(value)
		switch {
		case strings.TrimSpace(text) == "" || strings.HasPrefix(text, "[") || ok && (value == "" || strings.EqualFold(value, ours)):
			b.WriteString(line)
		case ok && !strings.HasPrefix(text, ";"):
			b.WriteString(key + "=[masked]" + line[len(text):])
		default:
			b.WriteString("[masked]" + line[len(text):])
		}
	}
	return b.String()
}
