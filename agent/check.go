package agent

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/agent/key"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/rescue/journal"
)

// DefaultStateDir is where journals are kept unless the task says otherwise.
const DefaultStateDir = "/var/lib/regain"

// job is a task that has been checked, with its texts parsed.
type job struct {
	task    offline.Task
	public  *sshkey.Public // given; nil: a key is made
	kind    key.Type       // forced; empty: by what the patient takes
	choice  key.Choice     // of a store, for a key that is made
	repair  access.Repair
	noStore error // where one is needed: on a Linux

	fallback *rsa.PublicKey // of a Windows
	allow    []string
	userData []byte // a stand-in; nil: not known
}

// checks run in this order. Each refuses what it knows with a *UsageError.
var checks = []func(*job) error{
	checkCommand, checkSource, checkNames, checkDurations, checkRun, checkRepair, checkPublic, checkWindows, checkKey, checkStore, checkState,
}

func check(task offline.Task) (job, error) {
	j := job{task: task}
	for _, look := range checks {
		if err := look(&j); err != nil {
			return j, err
		}
	}
	return j, nil
}

func checkCommand(j *job) error {
	commands := []string{Inspect, Diagnose, Rescue, Undo}
	if !slices.Contains(commands, j.task.Command) {
		return &UsageError{Text: fmt.Sprintf("there is no command %q", j.task.Command), Hint: "the commands are " + strings.Join(commands, ", ")}
	}
	return nil
}

const sourceHint = "SOURCE is one of --volume vol-…, --device /dev/…, --image FILE, --root DIR"

func checkSource(j *job) error {
	t := j.task
	var named []string
	for _, s := range sources(t) {
		if s.value != "" {
			named = append(named, s.flag)
		}
	}
	switch {
	case len(named) == 0:
		return &UsageError{Text: "no source is named", Hint: sourceHint}
	case len(named) > 1:
		return &UsageError{Text: strings.Join(named, " and ") + " exclude each other", Hint: sourceHint}
	case t.Wait != 0 && t.Volume == "":
		return &UsageError{Text: "--wait waits for a --volume, and none is named"}
	}
	return settleNames(&j.task)
}

// settleNames gives files and directories the one name by which the journal
// knows them again, from wherever the next command is run.
func settleNames(t *offline.Task) error {
	for _, name := range []*string{&t.Image, &t.Root} {
		if *name == "" {
			continue
		}
		path, err := real(*name)
		if err != nil {
			return &UsageError{Text: fmt.Sprintf("cannot use %q: %v", *name, err)}
		}
		*name = path
	}
	return nil
}

type named struct{ flag, value string }

func sources(t offline.Task) []named {
	return []named{{"--volume", t.Volume}, {"--device", t.Device}, {"--image", t.Image}, {"--root", t.Root}}
}

// instanceID is loose on purpose: it only keeps out what would name another
// parameter.
var instanceID = regexp.MustCompile(`^i-[0-9a-z]{1,40}$`)

func checkNames(j *job) error {
	t := j.task
	if t.Instance != "" && !instanceID.MatchString(t.Instance) {
		return &UsageError{Text: fmt.Sprintf("%q is not the id of an instance", t.Instance), Hint: "as in --instance i-0123456789abcdef0"}
	}
	for i, u := range t.Users {
		if u == "" {
			return &UsageError{Text: "--user needs a name"}
		}
		if slices.Contains(t.Users[:i], u) {
			return &UsageError{Text: fmt.Sprintf("--user %q is given twice", u)}
		}
	}
	return nil
}

func checkDurations(j *job) error {
	switch t := j.task; {
	case t.Wait < 0:
		return &UsageError{Text: "--wait must not be negative"}
	case t.Expires < 0:
		return &UsageError{Text: "--expires must lie in the future", Hint: "as in --expires 24h"}
	}
	return nil
}

func checkRun(j *job) error {
	if j.task.Command == Undo && j.task.Run == "" {
		return &UsageError{Text: "which run is to be taken back? --run is missing", Hint: "rescue has printed it; the journals in the state directory are named by it"}
	}
	if err := journal.CheckID(j.task.Run); err != nil {
		return &UsageError{Text: err.Error(), Hint: "as in --run 20261122T155300Z-3fa2c1"}
	}
	return nil
}

func checkRepair(j *job) (err error) {
	if j.repair, j.allow, err = ParseRepair(j.task.Repair); err != nil {
		return err
	}
	accepted, err := ParseAccept(j.task.Accept)
	j.allow = append(j.allow, accepted...)
	return err
}

func checkPublic(j *job) error {
	t := j.task
	if t.PublicKey == "" {
		return nil
	}
	for _, s := range []named{{"--store", t.Store}, {"--key-type", t.KeyType}, {"--kms-key", t.KMSKey}} {
		if s.value != "" && s.value != "auto" {
			return &UsageError{Text: "--public-key and " + s.flag + " exclude each other", Hint: "with a key of yours there is none to make, and nothing to store"}
		}
	}
	public, err := sshkey.ParsePublicInput([]byte(t.PublicKey))
	if err != nil {
		return badPublic(err)
	}
	j.public = &public
	return nil
}

func badPublic(err error) error {
	var input *sshkey.InputError
	if !errors.As(err, &input) {
		return err
	}
	return &UsageError{Code: input.Code, Text: input.Error(), Hint: input.Hint}
}

func checkKey(j *job) error {
	switch kind := key.Type(j.task.KeyType); {
	case kind == "" || kind == "auto":
	case slices.Contains(key.Types(), kind):
		j.kind = kind
	default:
		return &UsageError{Text: fmt.Sprintf("%q is not a type of key", j.task.KeyType), Hint: "--key-type is one of auto, ed25519, ecdsa, rsa"}
	}
	return nil
}

// checkStore wants a place for the private key before anything begins. A dry
// run stores nothing and may go without, and so may a Windows, which a look at
// the volume tells.
func checkStore(j *job) (err error) {
	t := j.task
	if t.Command != Rescue || j.public != nil || forWindows(t) || t.DryRun && t.Store == "" {
		return nil
	}
	store := t.Store
	if store == "" {
		store = "ssm"
	}
	if j.choice, err = key.ParseChoice(store, t.Instance); err != nil {
		err = &UsageError{Text: err.Error(), Hint: storeHint(t)}
		if t.Store == "" {
			j.noStore, err = err, nil
		}
		return err
	}
	if t.KMSKey != "" && j.choice.File != "" {
		return &UsageError{Text: "--kms-key encrypts a parameter, and the key goes to a file"}
	}
	if j.choice.File != "" && t.Root != "" && inside(j.choice.File, t.Root) {
		return &UsageError{Text: fmt.Sprintf("%q lies on the volume that is rescued", j.choice.File), Hint: "keep the private key on the helper"}
	}
	return nil
}

func storeHint(t offline.Task) string {
	if t.Store == "" && t.Instance == "" {
		return "the volume cannot tell which instance it belongs to, and the new private key needs a place; or let in a key of yours with --public-key FILE"
	}
	return ""
}

func checkState(j *job) error {
	if j.task.StateDir == "" {
		j.task.StateDir = DefaultStateDir
	}
	dir, err := filepath.Abs(j.task.StateDir)
	if err != nil {
		return &UsageError{Text: fmt.Sprintf("cannot use --state-dir %q: %v", j.task.StateDir, err)}
	}
	j.task.StateDir = dir
	writes := j.task.Command == Rescue || j.task.Command == Undo
	if writes && j.task.Root != "" && inside(dir, j.task.Root) && !inside("/", j.task.Root) { // / itself is refused as a source
		return &UsageError{Text: fmt.Sprintf("the state directory %q lies on the volume that is rescued", dir), Hint: "keep it on the helper: --state-dir DIR"}
	}
	return nil
}
