package winroot

import (
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// A Cause is a kind of finding. An id that ends in a star stands for all that begin
// so: the rest is a code of agentconf or task.
type Cause struct {
	ID       string
	Severity offline.Severity
	Title    string
	Hint     string
	Consent  Consent
}

// A Consent says what allowing a finding means.
type Consent string

// The consents. With none, a finding that blocks does so whatever is allowed.
const (
	NoConsent Consent = ""
	Repair    Consent = "--repair" // the plan repairs it
	Accept    Consent = "--accept" // the plan goes on in spite of it
)

const (
	startAndStop = "start the instance, let Windows come up, stop it from within or without force, and run again"
	useFallback  = "use the start-up script with an RSA key of yours (--windows-fallback)"
	inspect      = "look at that path from a Windows, and put it in order"
)

// Causes are all kinds of findings, in the order in which one would look.
func Causes() []Cause {
	const blocks, warning = offline.Blocks, offline.Warning
	return []Cause{
		{"windows/hibernated", blocks, "Windows is hibernated", "start the instance, and stop it without hibernation", NoConsent},
		{"windows/hive-unreadable", blocks, "a registry hive cannot be read", "repair Windows, or restore the volume from a snapshot", NoConsent},
		{"windows/hive-dirty", blocks, "a registry hive was not closed in order", startAndStop, NoConsent},
		{"windows/hive-log", blocks, "a registry log holds more than its hive", startAndStop, Accept},
		{"windows/path-ambiguous", blocks, "two names differ only in case", inspect, Accept},
		{"windows/reparse-point", blocks, "a junction or link is in the way", inspect, Accept},
		{"windows/hard-link", blocks, "a file that must be changed has a second name", inspect, NoConsent},
		{"windows/unreadable", blocks, "a file cannot be read", inspect, Accept},
		{"windows/control-set", blocks, "the control set in use is not known", "repair Windows, or restore the volume from a snapshot", NoConsent},
		{"windows/setup", blocks, "Windows is being set up", "start the instance and let set-up finish", Accept},
		{"windows/image-state", blocks, "the set-up of Windows is not complete", "start the instance and let set-up finish", Accept},
		{"windows/domain-controller", blocks, "the system is a domain controller", "it has no local accounts: reset the password of Directory Services Restore Mode, or of a domain administrator", NoConsent},
		{"windows/agent-none", blocks, "no launch agent can set a password", useFallback, NoConsent},
		{"windows/agent-absent", blocks, "that launch agent is not installed", "name another, or " + useFallback, NoConsent},
		{"windows/agents-armed", blocks, "more than one program would set a password", "name the agent to use (--windows-agent): the password of the last one counts", Accept},
		{"windows/service-disabled", blocks, "a service that the agent needs does not start by itself", "or " + useFallback, Repair},
		{"windows/service-unknown", blocks, "how a service starts cannot be read", useFallback, NoConsent},
		{"windows/config-absent", blocks, "the agent's settings are not there", "install the agent again, or " + useFallback, NoConsent},
		{"windows/config-task-missing", blocks, "the agent's settings set no password", "or " + useFallback, Repair},
		{"windows/config-tab", blocks, "the agent may not be able to read its settings", "or " + useFallback, Repair},
		{"windows/config-*", blocks, "the agent's settings cannot be edited", "repair the file on the volume, or " + useFallback, NoConsent},
		{"windows/task-*", blocks, "EC2Launch's task cannot be enabled", useFallback, NoConsent},
		{"windows/sysprep", blocks, "sysprep would run again and generalise the machine", "take it out of the agent's settings or the user data first", Accept},
		{"windows/policy-off", blocks, "the local policy is not applied", "use a launch agent, or take that setting back", Accept},
		{"windows/powershell", blocks, "the start-up script cannot run", "use a launch agent", Accept},
		{"windows/powershell-absent", blocks, "the start-up script cannot run", "use a launch agent", NoConsent},
		{"windows/policy-file", blocks, "the local policy cannot take a start-up script", "repair the file on the volume, or use a launch agent", NoConsent},
		{"windows/not-armed", blocks, "the planned changes would not bring a new password", useFallback, NoConsent},
		{"windows/agent-leftover", warning, "part of a launch agent is left", "", NoConsent},
		{"windows/runs-again", warning, "this runs at the next start, too", "", NoConsent},
		{"windows/user-data", warning, "user data runs at the next start", "", NoConsent},
		{"windows/agent-note", warning, "what the edit leaves and brings about", "", NoConsent},
		{"windows/account-name", warning, "the password is that of an account with a certain name", "if Administrator was renamed, put its name into the agent's settings", NoConsent},
		{"windows/agent-old", warning, "the agent does not know metadata tokens (IMDSv2)", "where the instance requires them, make them optional for the start", NoConsent},
		{"windows/script-note", warning, "where the start-up script does not work", "", NoConsent},
		{"windows/serial-console", warning, "the emergency console takes the serial port", "the agents report over that port: if no password comes, turn EMS off or use another way", NoConsent},
		{"windows/rdp-off", warning, "Remote Desktop is off", "log in through Session Manager or the serial console, and turn it on", NoConsent},
		{"windows/release-unknown", warning, "the release of Windows is not known", "", NoConsent},
	}
}

// finding is one of a known kind. Path and evidence may be foreign.
func finding(id, path, evidence string) offline.Finding {
	f := offline.Finding{ID: id, Path: offline.Printable(path), Evidence: shown(evidence)}
	causes := Causes()
	i := slices.IndexFunc(causes, func(c Cause) bool { return c.ID == id })
	if i < 0 {
		i = slices.IndexFunc(causes, func(c Cause) bool {
			start, open := strings.CutSuffix(c.ID, "*")
			return open && strings.HasPrefix(id, start)
		})
	}
	if i < 0 { // no kind is forgotten: a test asks for each
		f.Severity, f.Title = offline.Blocks, id
		return f
	}
	c := causes[i]
	f.Severity, f.Title, f.Hint = c.Severity, c.Title, c.Hint
	if c.Consent != NoConsent {
		f.Consent = string(c.Consent) + " " + id
	}
	return f
}
