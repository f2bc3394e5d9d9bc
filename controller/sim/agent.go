package sim

import (
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/offline"
)

// The files of a root volume that matter for a login, and what one of them says.
const (
	keysFile   = "authorized_keys"
	configFile = "sshd_config"
	repaired   = "PubkeyAuthentication yes"

	settingsFile = "agent-config.yml"
	armedFile    = "armed" // what makes a password at the next start
)

// An undo is what a run of the agent found: its journal on the helper.
type undo struct {
	volume string
	before map[string]string
}

// begin runs the script of an invocation.
func (c *Cloud) begin(v *invocation) {
	d := c.options.Delays
	if v.command.Kind == controller.PrepareCommand {
		c.later(v, d.Prepare, func() { c.install(v) })
		return
	}
	if !v.helper.agent {
		v.ends(127, "", "regain-agent: not found")
		return
	}
	v.waiting = true
	c.arrived(v.helper)
	c.after(v.command.Task.Wait, func() {
		if v.waiting {
			c.finish(v, problem(v, "not-attached", "the volume is not attached to this instance"))
		}
	})
}

// later goes on with a script, unless it is dead by then.
func (c *Cloud) later(v *invocation, d delay, do func()) {
	c.after(d, func() {
		if !v.dead {
			do()
		}
	})
}

// install puts the agent there, from the object that the script links to.
func (c *Cloud) install(v *invocation) {
	for _, line := range v.command.Script {
		if _, link, ok := strings.Cut(line, linkPrefix); ok && !c.linked(link) {
			v.ends(22, "", "curl: (22) The requested URL returned error: 404")
			return
		}
	}
	v.helper.agent = true
	v.ends(0, "", "")
}

// arrived wakes the scripts that wait for a volume.
func (c *Cloud) arrived(i *instance) {
	for _, v := range i.invoked {
		vol := c.volumes[v.command.Task.Volume]
		if !v.waiting || vol == nil {
			continue
		}
		if a := vol.attachment(i.ID); a == nil || a.State != attached {
			continue
		}
		v.waiting = false
		vol.used++
		v.holds = vol
		c.work(v)
	}
}

// kill ends a script at once, wherever it is: the kernel unmounts.
func (c *Cloud) kill(v *invocation) {
	v.dead, v.waiting = true, false
	if v.holds != nil {
		c.release(v.holds, v.helper.ID)
		v.holds = nil
	}
}

// unplug is the end of all that runs on an instance. Systems Manager does not
// hear of it.
func (c *Cloud) unplug(i *instance) {
	for _, v := range i.invoked {
		c.kill(v)
	}
}

// work takes back what it is told to, and rescues, in three moves: the key is
// stored, a first file written, then a second.
func (c *Cloud) work(v *invocation) {
	d := c.options.Delays
	if v.command.Kind == controller.UndoCommand {
		c.later(v, d.Undo, func() { c.finish(v, c.takeBack(v)...) })
		return
	}
	c.takeBack(v)
	patient := c.instances[v.command.Task.Instance]
	if _, known := v.helper.journal[v.command.Task.Run]; known {
		c.finish(v, problem(v, "run-exists", "the run has begun before"))
		return
	}
	if patient != nil && patient.patient.Refusal != nil {
		c.finish(v, problem(v, patient.patient.Refusal.Code, patient.patient.Refusal.Message))
		return
	}
	c.later(v, d.Rescue/3, func() {
		if patient != nil && patient.Platform == controller.Windows {
			c.later(v, d.Rescue/3, func() { c.arm(v, patient) })
			return
		}
		public, key := c.keyFor(v)
		c.later(v, d.Rescue/3, func() {
			before := v.holds.files
			v.helper.journal[v.command.Task.Run] = undo{v.holds.ID, before}
			after := maps.Clone(before)
			after[configFile] = repaired
			v.holds.files = after
			if patient != nil && patient.patient.AgentDies > 0 {
				patient.patient.AgentDies--
				c.kill(v)
				v.ends(137, "", "Killed")
				return
			}
			c.later(v, d.Rescue/3, func() { c.open(v, public, key, before) })
		})
	})
}

// open writes the second file, and reports.
func (c *Cloud) open(v *invocation, public string, key *offline.Key, before map[string]string) {
	after := maps.Clone(v.holds.files)
	if !slices.Contains(strings.Split(after[keysFile], "\n"), public) {
		after[keysFile] += public + "\n"
	}
	v.holds.files = after
	r := report(v, offline.Rescued)
	verdict := offline.Verdict{User: user(v), Fingerprint: key.Fingerprint, Before: offline.Denied, After: offline.Accepted, Reasons: []string{}}
	if maps.Equal(before, after) {
		r.Outcome, verdict.Before = offline.Unchanged, offline.Accepted
	} else {
		r.Changes = []offline.ChangeSummary{{Path: "/etc/ssh/" + configFile, Action: "replace"}, {Path: "/home/" + user(v) + "/.ssh/" + keysFile, Action: "replace"}}
	}
	r.Key, r.Verdicts = key, []offline.Verdict{verdict}
	r.Users = []offline.User{{Name: user(v), UID: 1000, Home: "/home/" + user(v), Chosen: true, Why: "the image's default user"}}
	c.finish(v, r)
}

// arm writes the two files of a Windows volume by which its launch agent, or a
// start-up script, makes a new password; an agent may die between them.
func (c *Cloud) arm(v *invocation, patient *instance) {
	before, run := v.holds.files, v.command.Task.Run
	v.helper.journal[run] = undo{v.holds.ID, before}
	half := maps.Clone(before)
	half[settingsFile] = "random"
	v.holds.files = half
	if patient.patient.AgentDies > 0 {
		patient.patient.AgentDies--
		c.kill(v)
		v.ends(137, "", "Killed")
		return
	}
	c.later(v, c.options.Delays.Rescue/3, func() {
		after, agent, script := maps.Clone(half), "ec2launch-v2", ""
		after[armedFile] = "agent"
		if v.command.Task.WindowsFallback != "" {
			agent, script = "startup-script", run
			if waits, ok := strings.CutPrefix(before[armedFile], "script of "); ok {
				script = waits
			}
			after[armedFile] = "script of " + script
		}
		v.holds.files = after
		r := report(v, offline.Rescued)
		if maps.Equal(before, after) {
			r.Outcome = offline.Unchanged
		} else {
			r.Changes = []offline.ChangeSummary{{Path: settingsFile, Action: "replace"}, {Path: armedFile, Action: "replace"}}
		}
		r.OS = offline.OS{Family: "windows", ID: "windows", Version: "2022", Name: "Windows Server 2022 Datacenter", Arch: "amd64"}
		r.Windows = &offline.Windows{Agent: agent, Armed: []string{agent}, Run: script}
		c.finish(v, r)
	})
}

// keyFor takes the key of the task, or makes and stores one.
func (c *Cloud) keyFor(v *invocation) (public string, key *offline.Key) {
	task := v.command.Task
	if task.PublicKey != "" {
		parsed, _, _, _, err := ssh.ParseAuthorizedKey([]byte(task.PublicKey))
		if err != nil {
			return task.PublicKey, &offline.Key{Public: task.PublicKey}
		}
		return task.PublicKey, &offline.Key{Type: parsed.Type(), Fingerprint: ssh.FingerprintSHA256(parsed), Public: task.PublicKey}
	}
	secret := secretFor("key of " + task.Run)
	of, _ := ssh.NewPublicKey(secret.Public())
	block, _ := ssh.MarshalPrivateKey(secret, task.Run)
	name := "/ec2rl/openssh/" + task.Instance + "/key"
	if _, rest, named := strings.Cut(task.Store, "ssm:"); named {
		name = rest
	}
	version := c.store(name, pem.EncodeToMemory(block))
	public = strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(of)), "\n")
	return public, &offline.Key{Type: "ed25519", Fingerprint: ssh.FingerprintSHA256(of), Public: public, Parameter: name, Version: version}
}

// takeBack undoes runs of this helper, and reports on each.
func (c *Cloud) takeBack(v *invocation) []offline.Report {
	var reports []offline.Report
	for _, run := range v.command.Undo {
		r := report(v, offline.Rescued)
		r.Run, r.Command = run, "undo"
		if was, known := v.helper.journal[run]; !known {
			r.Outcome, r.Error = offline.Refused, &offline.Problem{Code: "unknown-run", Message: "there is no run " + run}
		} else {
			v.holds.files = was.before
			delete(v.helper.journal, run)
		}
		reports = append(reports, r)
	}
	return reports
}

// finish prints the reports, a line each, and lets the volume go.
func (c *Cloud) finish(v *invocation, reports ...offline.Report) {
	code, out := 0, []byte{}
	for _, r := range reports {
		if r.Outcome != offline.Rescued && r.Outcome != offline.Unchanged {
			code = 1
		}
		line, err := json.Marshal(r)
		if err != nil {
			panic(err) // a report is plain data
		}
		out = append(append(out, line...), '\n')
	}
	c.kill(v)
	v.ends(code, string(out), "")
}

func report(v *invocation, outcome offline.Outcome) offline.Report {
	task := v.command.Task
	return offline.Report{
		Schema: offline.Schema, Run: task.Run, Command: "rescue", Instance: task.Instance, Volume: task.Volume, Outcome: outcome,
		OS:          offline.OS{Family: "linux", ID: "debian", Version: "12", Name: "Debian GNU/Linux 12", Arch: "amd64"},
		Filesystems: []offline.Filesystem{}, Users: []offline.User{}, Verdicts: []offline.Verdict{}, Findings: []offline.Finding{}, Changes: []offline.ChangeSummary{},
	}
}

func problem(v *invocation, code, message string) offline.Report {
	r := report(v, offline.Refused)
	r.Error = &offline.Problem{Code: code, Message: message}
	return r
}

func user(v *invocation) string {
	if users := v.command.Task.Users; len(users) > 0 {
		return users[0]
	}
	return "admin"
}
