package agent

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// keyFile is what the private key is called in advice when it is in no file yet.
const keyFile = "regain-key"

// advise adds what to do next: how to log in, and how to take it all back.
func (w *work) advise(report *offline.Report) {
	if report.DryRun {
		if w.job.public == nil && report.Key != nil {
			report.Warnings = append(report.Warnings, "the key shown was made for this plan and is thrown away: the real run makes a new one, and stores its private half first")
		}
		return
	}
	if report.Windows != nil {
		w.adviseWindows(report)
		return
	}
	if report.Outcome == offline.Refused || report.Key == nil {
		return
	}
	report.Login = loginLines(*report)
	if report.Outcome == offline.Rescued {
		report.Login = append(report.Login, undoCommand(w.task))
	}
}

// adviseWindows says how the password is had once Windows has started.
func (w *work) adviseWindows(report *offline.Report) {
	if report.Outcome != offline.Rescued && (report.Windows == nil || !report.Windows.Already) {
		return
	}
	command := "regain password " + cmp.Or(w.task.Instance, "INSTANCE") + " --key KEY"
	if report.Windows != nil && report.Windows.Run != "" { // what the script writes to the console bears the name of the run
		command += " --run " + report.Windows.Run
	}
	report.Login = append(report.Login, command)
	if report.Outcome == offline.Rescued {
		report.Login = append(report.Login, undoCommand(w.task))
	}
}

// loginLines are commands to copy: first the one that fetches the private key.
func loginLines(report offline.Report) []string {
	var lines []string
	identity := "KEY"
	switch k := report.Key; {
	case k.Parameter != "":
		identity = keyFile
		lines = append(lines, fmt.Sprintf("aws ssm get-parameter --with-decryption --name %s --query Parameter.Value --output text > %s; chmod 600 %s",
			shellQuote(fmt.Sprintf("%s:%d", k.Parameter, k.Version)), keyFile, keyFile))
	case k.File != "":
		identity = shellQuote(k.File)
	}
	for _, v := range report.Verdicts {
		if v.After != offline.Denied {
			lines = append(lines, fmt.Sprintf("ssh -i %s -o IdentitiesOnly=yes %s@HOST", identity, shellQuote(v.User)))
		}
	}
	return lines
}

// undoCommand takes the task's run back.
func undoCommand(t offline.Task) string {
	words := []string{"regain-agent", Undo}
	for _, s := range sources(t) {
		if s.value != "" {
			words = append(words, s.flag, shellQuote(s.value))
		}
	}
	words = append(words, "--run", t.Run)
	if t.StateDir != DefaultStateDir {
		words = append(words, "--state-dir", shellQuote(t.StateDir))
	}
	return strings.Join(words, " ")
}

// shellQuote makes one word of a shell's command line. What a terminal would
// not show is written in the $'…' form that bash knows.
func shellQuote(s string) string {
	plain := !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:,@%=", r))
	})
	switch shown := offline.Printable(s); {
	case plain && s != "":
		return s
	case shown == s:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c < 0x7f && c != '\'' && c != '\\' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return "$'" + b.String() + "'"
}
