package agentconf

import (
	"regexp"
	"strings"
)

const (
	userData  = "user data" // in place of a file's name
	userStage = "userData"
)

// maxUserData bounds what is read of user data; EC2 takes 16 KiB.
const maxUserData = 64 << 10

// UserData is what the user data of an instance tells its agent to run.
type UserData struct {
	Tasks   []Task   // in the order in which they run
	Persist bool     // <persist>: the scripts run at every start
	Runs    bool     // the agent runs it at the next start
	Sysprep bool     // something in it generalises the machine
	Notes   []string // what of it cannot be told
}

// ReadUserData reads user data as the agent does, decoded from base64. With handled
// an edit says that the armed agent runs user data ([Edit.UserData]). What the agent
// does not understand it does not run; it is still searched for sysprep, since who
// reads it in the end is a guess.
func ReadUserData(agent Agent, handled bool, data []byte) UserData {
	var u UserData
	t, err := decode(userData, data)
	switch {
	case err != nil || len(data) > maxUserData:
		u.Notes = append(u.Notes, "user data is no text, or larger than EC2 allows: not read")
		return u
	case strings.TrimSpace(t.s) == "":
		return u
	}
	u.Sysprep = callsSysprep(t.s)
	if agent == EC2LaunchV2 {
		u.readTasks(t.s, data)
	} else {
		u.readTags(t.s)
	}
	u.Runs = len(u.Tasks) > 0 && (handled || u.Persist && agent == EC2LaunchV1)
	for _, task := range u.Tasks {
		u.Sysprep = u.Sysprep || task.Sysprep
	}
	return u
}

// looksLikeTasks finds the key under which EC2Launch v2 has tasks, in YAML or JSON.
var looksLikeTasks = regexp.MustCompile(`(?im)^\s*\{?\s*["']?tasks["']?\s*:`)

// readTasks reads the form of EC2Launch v2: a document with tasks. The agent's log
// shows that it takes for tags what it cannot read so.
func (u *UserData) readTasks(s string, data []byte) {
	d, err := readDocument(userData, data)
	if err == nil && (child(d.top, "tasks") != nil || child(d.top, "config") != nil) {
		u.Tasks = append(stageTasks(d.top), listTasks(userStage, child(d.top, "tasks"))...)
		return
	}
	u.readTags(s)
	if err != nil && len(u.Tasks) == 0 && looksLikeTasks.MatchString(s) {
		u.Tasks = []Task{{Stage: userStage, Name: "unknown", Frequency: Unknown}}
		u.Notes = append(u.Notes, "it looks like tasks of EC2Launch v2, but: "+err.Error())
	}
}

var (
	persist    = regexp.MustCompile(`(?i)<persist>\s*true\s*</persist>`)
	scriptTags = []struct {
		name string
		open *regexp.Regexp
		end  *regexp.Regexp
	}{ // batch runs before PowerShell, in whichever order they stand
		{"script", regexp.MustCompile(`(?i)<script>`), regexp.MustCompile(`(?i)</script>`)},
		{"powershell", regexp.MustCompile(`(?i)<powershell>`), regexp.MustCompile(`(?i)</powershell>`)},
	}
)

// readTags reads the form of all three agents: scripts in tags. One that is not
// closed is listed too, up to the end.
func (u *UserData) readTags(s string) {
	u.Persist = persist.MatchString(s)
	frequency := Once
	if u.Persist {
		frequency = Always
	}
	for _, tag := range scriptTags {
		from := tag.open.FindStringIndex(s)
		if from == nil {
			continue
		}
		body := s[from[1]:]
		if to := tag.end.FindAllStringIndex(body, -1); to != nil {
			body = body[:to[len(to)-1][0]]
		} else {
			u.Notes = append(u.Notes, "<"+tag.name+"> is not closed: the agent may not run it")
		}
		u.Tasks = append(u.Tasks, Task{Stage: userStage, Name: tag.name, Frequency: frequency, Sysprep: callsSysprep(body)})
	}
}
