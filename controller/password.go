package controller

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

// Passwords are about the administrator's password of a Windows instance.
type Passwords interface {
	// KeyPair looks up a key pair by name; NotFound when EC2 has none.
	KeyPair(ctx context.Context, name string) (KeyPair, error)
	// UserData is what the instance was given to run, decoded; nil: nothing.
	UserData(ctx context.Context, instance string) ([]byte, error)
	// LaunchReplacement is idempotent by its token.
	LaunchReplacement(ctx context.Context, r Replacement) (instance string, err error)
	// PasswordData is what the launch agent has last told EC2; no Cipher: nothing
	// yet. It stays until the agent tells another.
	PasswordData(ctx context.Context, instance string) (PasswordData, error)
	// Console is the end of what the instance has written to its console, at
	// most 64 KiB. It may lag behind by minutes.
	Console(ctx context.Context, instance string) ([]byte, error)
}

// KeyPair is a key pair as EC2 knows it.
type KeyPair struct {
	Name        string
	Type        string // rsa or ed25519
	Fingerprint string
}

// PasswordData is a password as EC2 has it: encrypted to the key pair.
type PasswordData struct {
	Cipher []byte
	At     time.Time // when the agent told it
}

// PasswordAsk asks for the new password of an instance.
type PasswordAsk struct {
	Instance string
	// Run is the reset that a start-up script belongs to; empty: the last one on
	// record here.
	Run     string
	Key     *rsa.PrivateKey // of the key pair, or the one given to the reset
	Timeout time.Duration
}

// The origins of a Password.
const (
	FromAgent  = "launch agent"
	FromScript = "start-up script"
)

// A Password is the administrator's. It prints without the password itself,
// which only its JSON and the field have.
type Password struct {
	Instance string    `json:"instance"`
	User     string    `json:"user,omitempty"` // as far as it is told
	Password string    `json:"password"`
	Set      time.Time `json:"set,omitzero"`
	From     string    `json:"from"`
	// Disabled says that the start-up script could not enable the account.
	Disabled bool `json:"disabled,omitempty"`
}

// String leaves the password out.
func (p Password) String() string { return "the password of " + p.Instance }

// GoString leaves the password out.
func (p Password) GoString() string { return p.String() }

// A NoPasswordError says that no new password has come, and what the console
// tells of why.
type NoPasswordError struct {
	Instance string
	Waited   time.Duration
	Old      time.Time // of a password from before the start; zero: there is none
	Told     []string  // by the console
}

func (e *NoPasswordError) Error() string {
	text := fmt.Sprintf("instance %s has told no new password within %s", e.Instance, e.Waited.Round(time.Second))
	if !e.Old.IsZero() {
		text += "; the one that EC2 has is of " + e.Old.UTC().Format(time.RFC3339) + ", before the instance was started"
	}
	return text
}

// lookAgain is how often EC2 is asked: an agent takes some minutes, and what it
// tells reaches EC2 a while later.
const lookAgain = 15 * time.Second

// Password waits for a password that is newer than the start that the last
// reset has made, or than the last start where there is no reset on record, and
// decrypts it here.
func (c *Controller) Password(ctx context.Context, a PasswordAsk) (Password, error) {
	if err := CheckInstanceID(a.Instance); err != nil {
		return Password{}, err
	}
	q := &passwordQuest{Controller: c, PasswordAsk: a, began: c.Clock.Now()}
	q.remember(ctx)
	for {
		found, err := q.ask(ctx)
		waited := c.spent(q.began)
		passes := is(err, Throttled) || is(err, Unknown)
		switch {
		case err != nil && (!passes || waited >= a.Timeout):
			return Password{}, fmt.Errorf("cannot get the password of %s: %w", a.Instance, err)
		case found != nil:
			found.Instance = a.Instance
			return *found, nil
		case waited >= a.Timeout:
			return Password{}, &NoPasswordError{Instance: a.Instance, Waited: waited, Old: q.old, Told: q.told()}
		}
		q.say()
		c.Clock.Sleep(ctx, c.Clock.Now().Add(c.onClock(min(lookAgain, a.Timeout-waited))))
		if err := ctx.Err(); err != nil {
			return Password{}, err
		}
	}
}

// told is what there is to say of why none came.
func (q *passwordQuest) told() []string {
	if q.denied != nil {
		return []string{"why is not known, as its console may not be read: " + q.denied.Error()}
	}
	if told := tellScript(q.console, q.runs, q.script); told != nil {
		return told
	}
	return tellConsole(q.console)
}

// passwordQuest is one wait for a password.
type passwordQuest struct {
	*Controller
	PasswordAsk
	began             time.Time
	since             time.Time // of the start by the reset; zero: not on record
	runs              []string  // of the agent, that the start-up script may be called after
	script            bool      // the password comes by the console alone
	old               time.Time
	console           []byte
	denied            error // to read the console
	compared, foreign bool  // the key and the key pair: it is another
}

// remember takes from the journals what is known of the last reset.
func (q *passwordQuest) remember(ctx context.Context) {
	ref := q.Run
	if ref == "" {
		ref = q.Instance
	}
	s, err := q.Status(ctx, ref)
	known := err == nil && s.Instance == q.Instance
	q.script = known && s.Keys == KeysGiven || !known && q.Run != ""
	switch {
	case known && s.AgentRun != "":
		q.since, q.runs = s.Started, []string{s.AgentRun}
	case known: // put together from tags, which do not tell of the agent's runs
		q.since, q.runs = s.Started, attemptsOf(s.Run)
	case q.Run != "": // begun elsewhere: the last start counts
		q.runs = attemptsOf(q.Run)
	}
}

// attemptsOf are what the agent may have called the attempts of a run, the newest
// first.
func attemptsOf(run string) []string {
	names := []string{run}
	for n := range mostAttempts {
		names = append(names, agentRun(run, n+1))
	}
	slices.Reverse(names)
	return names
}

// ask asks once; nil: not yet.
func (q *passwordQuest) ask(ctx context.Context) (*Password, error) {
	found, err := q.Cloud.Instances(ctx, q.Instance)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, &MissingError{Instance: q.Instance}
	case found[0].Platform != Windows:
		return nil, errors.New("it does not run Windows")
	case found[0].State == Pending:
		return nil, nil
	case found[0].State != Running:
		return nil, fmt.Errorf("it is %s%s, and a password is made when it starts", found[0].State, because(found[0]))
	}
	if q.since.IsZero() || q.since.After(found[0].Launched) {
		q.since = found[0].Launched
	}
	if !q.compared && !q.script {
		q.compared, q.foreign = true, q.stranger(ctx, found[0].KeyName, q.Key)
	}
	data, err := q.Cloud.PasswordData(ctx, q.Instance)
	if err != nil {
		return nil, err
	}
	if len(data.Cipher) > 0 {
		if data.At.After(q.since) {
			return q.fromAgent(data, found[0].KeyName)
		}
		q.old = data.At
	}
	if q.denied != nil {
		return nil, nil
	}
	q.console, err = q.Cloud.Console(ctx, q.Instance)
	switch {
	case is(err, Denied) && !q.script:
		q.denied = err // what a launch agent tells does not need it
		return nil, nil
	case err != nil:
		return nil, err
	}
	return q.fromScript()
}

// because is why EC2 has stopped an instance, if nobody else has.
func because(i Instance) string {
	if !failedStart(i) {
		return ""
	}
	return " (" + orUnknown(shorten(i.StateReason)) + ")"
}

// fromAgent decrypts what a launch agent tells: RSA with the padding of PKCS #1
// v1.5, which is not ours to choose. Who could ask many times, to learn from the
// answers, is the operator alone.
func (q *passwordQuest) fromAgent(data PasswordData, keyName string) (*Password, error) {
	plain, err := rsa.DecryptPKCS1v15(nil, q.Key, data.Cipher) //nolint:staticcheck // see above
	if err != nil {
		return nil, &WrongKeyError{Instance: q.Instance, KeyName: keyName}
	}
	defer clear(plain)
	if !printable(plain) {
		return nil, errors.New("what was decrypted is no password")
	}
	return &Password{Password: string(plain), Set: data.At, From: FromAgent}, nil
}

// fromScript looks whether the start-up script of the reset has told anything.
func (q *passwordQuest) fromScript() (*Password, error) {
	for _, run := range q.runs {
		if found, err := q.fromBlock(run); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

func (q *passwordQuest) fromBlock(run string) (*Password, error) {
	block, err := newpassword.ParseBlock(q.console, run)
	if errors.Is(err, newpassword.ErrNoBlock) || errors.Is(err, newpassword.ErrTorn) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return open(block, q.Instance, q.Key)
}

// OpenBlock decrypts what a start-up script has left in a file, where its console
// was busy. It asks no cloud. Without a run it takes the last block of the file.
func OpenBlock(file []byte, a PasswordAsk) (Password, error) {
	block, err := newpassword.ParseBlock(file, a.Run)
	if errors.Is(err, newpassword.ErrNoBlock) || errors.Is(err, newpassword.ErrTorn) {
		return Password{}, errors.New("no whole block of a start-up script is in the file")
	}
	if err != nil {
		return Password{}, err
	}
	found, err := open(block, a.Instance, a.Key)
	if err != nil {
		return Password{}, err
	}
	found.Instance = a.Instance
	return *found, nil
}

// open decrypts the password of a block, if there is one.
func open(block newpassword.Block, instance string, key *rsa.PrivateKey) (*Password, error) {
	switch block.Status {
	case newpassword.DomainController:
		return nil, errors.New("its start-up script has found a domain controller, which has no local accounts, and has changed nothing")
	case newpassword.Failed:
		return nil, fmt.Errorf("its start-up script has failed, and has changed nothing: %q", block.Cause)
	}
	login, err := newpassword.Open(block, key)
	if err != nil {
		return nil, &WrongKeyError{Instance: instance, Script: true}
	}
	if !printable([]byte(login.Password)) || !printable([]byte(login.User)) {
		return nil, errors.New("what was decrypted is no password")
	}
	return &Password{User: login.User, Password: login.Password, From: FromScript, Disabled: block.Status == newpassword.Disabled}, nil
}

// A WrongKeyError means that there is a new password which the key does not open.
type WrongKeyError struct {
	Instance string
	KeyName  string // of the instance's key pair
	Script   bool   // it is encrypted to the key given to the reset
}

func (e *WrongKeyError) Error() string {
	if e.Script {
		return "the key does not open it: it is encrypted to the public key that the reset was given"
	}
	return fmt.Sprintf("the key does not open it: it is encrypted to the instance's key pair, %q", e.KeyName)
}

// longestPassword is what Windows takes for a password that is typed.
const longestPassword = 256

// printable tells whether a terminal can be shown the text: whoever knows the
// public half, such as the instance, chooses what is decrypted.
func printable(text []byte) bool {
	if len(text) == 0 || len(text) > longestPassword || !utf8.Valid(text) {
		return false
	}
	return strings.IndexFunc(string(text), func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func (q *passwordQuest) say() {
	note := ""
	if q.foreign {
		note = "; the key is not that of its key pair as EC2 has it now, and may not open it"
	}
	if q.Watch != nil {
		q.Watch(Event{
			Time: q.Clock.Now(), Run: q.Run, Instance: q.Instance, Step: "password", Way: "out", Event: "waits", Wait: lookAgain,
			Why: "for the instance to tell its new password, which takes 4 to 15 minutes from its start" + note,
		})
	}
}
