package controller

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-77750964/regain/offline"
)

// Where the agent is on a helper to which it was delivered, and how it is
// called on one whose image has it.
const (
	deliveredAgent = "/opt/regain/regain-agent"
	installedAgent = "regain-agent"
)

// maxReport keeps the agent's report within what Run Command keeps of output.
const maxReport = 20000

// quote makes one word of a POSIX shell of any text. Braces that stand together
// are parted: Systems Manager would take what is between them for a parameter.
func quote(word string) string {
	word = strings.ReplaceAll(word, `'`, `'\''`)
	for _, brace := range []string{"{{", "}}"} {
		for strings.Contains(word, brace) {
			word = strings.ReplaceAll(word, brace, brace[:1]+"''"+brace[1:])
		}
	}
	return "'" + word + "'"
}

func words(list ...string) string {
	quoted := make([]string, len(list))
	for i, w := range list {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// prepareScript puts the agent on a helper: what comes by the link is taken only
// if it is, byte for byte, what was delivered. It may run again, also beside one
// that was sent before and whose answer was lost.
func prepareScript(link, sha256 string) []string {
	return []string{
		"set -eu",
		"umask 022",
		"mkdir -p /opt/regain",
		"cd /opt/regain",
		"pinned() { echo " + quote(sha256+"  ") + `"$1" | sha256sum -c --status; }`,
		"if ! pinned regain-agent 2>/dev/null; then",
		"  new=regain-agent.$$",
		"  curl --fail --silent --show-error --location --retry 3 --max-time 300 --output $new " + quote(link),
		"  pinned $new || { echo 'what came is not the agent that was sent' >&2; rm -f $new; exit 1; }",
		"  chmod 0755 $new",
		"  mv -f $new regain-agent",
		"fi",
		"./regain-agent version",
	}
}

// ntfsScript has the helper able to write to NTFS as the agent does. Images for
// servers of Ubuntu have ntfs-3g; of others it is asked of their own repository.
func ntfsScript() []string {
	return []string{
		"set -eu",
		"if ! command -v ntfs-3g >/dev/null || ! command -v ntfs-3g.probe >/dev/null; then",
		"  if command -v apt-get >/dev/null; then",
		"    export DEBIAN_FRONTEND=noninteractive",
		"    apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null",
		"    apt-get -qq -o DPkg::Lock::Timeout=300 install -y ntfs-3g >/dev/null",
		"  elif command -v dnf >/dev/null; then",
		"    dnf -q -y install ntfs-3g ntfsprogs >/dev/null",
		"  fi",
		"  command -v ntfs-3g.probe >/dev/null || { echo 'there is no ntfs-3g on the helper, and none could be installed' >&2; exit 1; }",
		"fi",
	}
}

// installedScript only asks whether the agent is there.
func installedScript() []string { return []string{words(installedAgent, "version")} }

// rescueScript runs the agent, which waits for the volume. Runs of earlier
// attempts, whose reports were lost, are taken back first; what they say goes
// to stderr, as stdout is for the report.
func rescueScript(agent string, t offline.Task, earlier []string) []string {
	var script []string
	for _, run := range earlier {
		script = append(script, words(undoCommand(agent, t.Volume, run, t.Wait)...)+" >&2 || true")
	}
	return append(script, "exec "+words(rescueCommand(agent, t)...))
}

// undoScript takes runs of the agent back, the newest first, and reports on
// each in a line. The first that fails decides the exit code; a run that never
// began is no failure of this script's.
func undoScript(agent, volume string, runs []string) []string {
	var script []string
	for _, run := range runs {
		script = append(script, words(undoCommand(agent, volume, run, time.Minute)...)+" || code=${code:-$?}")
	}
	return append(script, "exit ${code:-0}")
}

// maxUndoReport leaves room for the reports of all attempts.
const maxUndoReport = 20000 / mostAttempts

func undoCommand(agent, volume, run string, wait time.Duration) []string {
	return []string{agent, "undo", "--volume", volume, "--wait", wait.String(), "--run", run, "--json", "--max-report", strconv.Itoa(maxUndoReport)}
}

// rescueCommand is the task as the agent's command line.
func rescueCommand(agent string, t offline.Task) []string {
	command := []string{agent, "rescue", "--volume", t.Volume, "--wait", t.Wait.String(), "--instance", t.Instance, "--run", t.Run,
		"--json", "--max-report", strconv.Itoa(maxReport)}
	add := func(flag, value string) {
		if value != "" {
			command = append(command, "--"+flag, value)
		}
	}
	for _, user := range t.Users {
		add("user", user)
	}
	add("key-name", t.KeyName)
	add("public-key", t.PublicKey)
	add("key-type", t.KeyType)
	add("store", t.Store)
	add("kms-key", t.KMSKey)
	if t.Expires > 0 {
		add("expires", t.Expires.String())
	}
	add("repair", t.Repair)
	add("accept", t.Accept)
	add("windows-agent", t.WindowsAgent)
	add("windows-fallback", t.WindowsFallback)
	add("windows-user-data", t.WindowsUserData)
	if t.RevokePrevious {
		command = append(command, "--revoke-previous")
	}
	if t.AcceptUnknown {
		command = append(command, "--accept-unknown")
	}
	return command
}

// agent is how the agent is called on the helper of an ask.
func (a Ask) agent() string {
	if a.Installed {
		return installedAgent
	}
	return deliveredAgent
}

// armedFor is how long the agent waits for the volume: the stop may take long.
const armedFor = longestStop + 15*time.Minute

// task is what the agent is asked in an attempt.
func (r *Rescue) task(run string) offline.Task {
	t := offline.Task{
		Command: "rescue", Run: run, Instance: r.Ask.Instance, KeyName: r.Original.Instance.KeyName,
		Volume: r.Original.Root.Volume, Wait: armedFor,
		Users: r.Ask.Users, PublicKey: r.Ask.PublicKey, Expires: r.Ask.Expires, Repair: r.Ask.Repair,
		RevokePrevious: r.Ask.RevokePrevious, AcceptUnknown: r.Ask.AcceptUnknown,
	}
	switch r.Ask.Keys {
	case KeysController:
		t.PublicKey = r.Public
	case KeysAgent:
		t.KeyType, t.KMSKey, t.Store = r.Ask.KeyType, r.Ask.KMSKey, "ssm"
	}
	if r.windows() {
		r.forWindows(&t)
	}
	return t
}

// forWindows makes the task one for a Windows volume: the operator's key is what
// the password is encrypted to, and nobody is let in by it.
func (r *Rescue) forWindows(t *offline.Task) {
	t.KeyName = "" // it hints at the login user of a Linux
	t.PublicKey, t.WindowsFallback = "", r.Ask.PublicKey
	t.WindowsAgent, t.WindowsUserData, t.Accept = r.Ask.WindowsAgent, r.UserData, r.Ask.InSpiteOf
	if r.Ask.Accepts("windows-sysprep") && !strings.Contains(t.Accept, sysprepFinding) {
		t.Accept = strings.TrimPrefix(t.Accept+","+sysprepFinding, ",")
	}
}

// sysprepFinding is the agent's id for what preflight calls windows-sysprep.
const sysprepFinding = "windows/sysprep"

// windows tells whether the instance runs Windows.
func (r *Rescue) windows() bool { return r.Original != nil && r.Original.Instance.Platform == Windows }

func (r *Rescue) comment(kind string, n int) string {
	return fmt.Sprintf("regain %s %s %d", r.Run, kind, n)
}
