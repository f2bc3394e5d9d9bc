package rescue_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// trial is one table case: a tree goes in, and a tree comes out.
type trial struct {
	name    string
	suite   testdisk.Suite // Bookworm when empty
	in      []change
	ask     func(*rescue.Request)
	outcome offline.Outcome // Rescued when empty
	finding string          // id that the report must hold
	code    string          // of the report's error
	says    string          // somewhere in the report's warnings, verdicts, findings or error

	// out is every difference between the trees; nil after a rescue: the key is
	// added to the file that is there.
	out []string

	live  bool   // the tree's own sshd refuses the key before and accepts it after
	login string // admin when empty
	args  []string
	once  []string // names that have lost their other hard links for good
}

var added = []string{keyFile + ": +{key}"}

// patient is a directory or an image.
type patient interface {
	path() string
	see(*testing.T, func(root string))
	logsIn(*bench, string, ...string) bool
}

type dirPatient struct{ *testdisk.Tree }

func (p dirPatient) path() string                     { return p.Dir }
func (p dirPatient) see(_ *testing.T, f func(string)) { f(p.Dir) }
func (p dirPatient) logsIn(b *bench, user string, args ...string) bool {
	return b.logInWith(user, func() (*testdisk.Sshd, error) { return p.Sshd(b.t.Context(), args...) })
}

// trials runs a table on trees in directories.
func trials(t *testing.T, table []trial) {
	testdisk.Need(t, "ssh", "ssh-keygen", "mmdebstrap")
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // as many at once as there are processors
			b := newBench(t)
			base := t.TempDir()
			tree, err := testdisk.NewTree(t.Context(), filepath.Join(base, "tree"), cmp.Or(c.suite, testdisk.Bookworm))
			if err != nil {
				t.Fatal(err)
			}
			plantBeside(t, base)
			w := &world{t: t, root: tree.Dir, pub: b.pub.String()}
			for _, change := range c.in {
				change(w)
			}
			beside := survey(t, filepath.Join(base, "beside"))
			c.run(b, dirPatient{tree})
			if diff := differences(beside, survey(t, filepath.Join(base, "beside")), strings.NewReplacer()); len(diff) > 0 {
				t.Errorf("outside of the tree changed: %q", diff)
			}
		})
	}
}

// plantBeside makes a directory outside of the tree, for links to point at.
func plantBeside(t *testing.T, base string) {
	t.Helper()
	w := &world{t: t, root: base}
	mkdir("/beside/.ssh", 0o777, 1000, 1000)(w)
	write("/beside/authorized_keys", "{one}\n", 0o666, 1000, 1000)(w)
	write("/beside/.ssh/authorized_keys", "{one}\n", 0o666, 1000, 1000)(w)
}

func (c trial) run(b *bench, p patient) {
	t := b.t
	user := cmp.Or(c.login, "admin")
	if c.live && p.logsIn(b, user, c.args...) {
		t.Fatal("the key is accepted before the rescue")
	}
	var was, is map[string]node
	m := memory{}
	p.see(t, func(root string) { was = m.survey(t, root) })
	ask := func(r *rescue.Request) {
		if c.ask != nil {
			c.ask(r)
		}
	}
	report, err := b.rescue(p.path(), ask)
	c.checkReport(t, report, err)
	p.see(t, func(root string) { is = m.survey(t, root) })
	c.checkOut(t, b, was, is, report)
	c.again(b, p, m, is, ask)
	if c.live && !p.logsIn(b, user, c.args...) {
		t.Error("the key is refused after the rescue")
	}
	if report.Outcome == offline.Rescued {
		c.back(b, p, m, was, report.Run)
	}
}

func (c trial) checkReport(t *testing.T, report offline.Report, err error) {
	t.Helper()
	want := cmp.Or(c.outcome, offline.Rescued)
	if report.Outcome != want || (want == offline.Rescued || want == offline.Unchanged) && err != nil {
		t.Fatalf("outcome %q, want %q, error %v (%+v)\nverdicts %+v\nfindings %+v\nwarnings %q", report.Outcome, want, err, report.Error, report.Verdicts, report.Findings, report.Warnings)
	}
	for _, v := range report.Verdicts {
		if want == offline.Rescued && (v.After != offline.Accepted || v.Before == offline.Accepted) && c.ask == nil {
			t.Errorf("verdict %+v", v)
		}
	}
	if c.code != "" && (report.Error == nil || report.Error.Code != c.code) {
		t.Errorf("error %+v, want the code %q", report.Error, c.code)
	}
	if i := slices.IndexFunc(report.Findings, func(f offline.Finding) bool { return f.ID == c.finding }); c.finding != "" && i < 0 {
		t.Errorf("no finding %q in %+v", c.finding, report.Findings)
	} else if c.finding != "" && want == offline.Refused && report.Findings[i].Hint == "" {
		t.Errorf("the finding says not what to do by hand: %+v", report.Findings[i])
	}
	text := said(report)
	if !strings.Contains(text, c.says) {
		t.Errorf("the report does not say %q:\n%s", c.says, text)
	}
	c.quoted(t, report)
}

// quoted: nothing that the report says can steer a terminal.
func (c trial) quoted(t *testing.T, report offline.Report) {
	t.Helper()
	text := said(report)
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("the report holds an unquoted %q: %q", text[i], text)
	}
}

// said is all text of a report that is for people.
func said(report offline.Report) string {
	lines := slices.Clone(report.Warnings)
	for _, v := range report.Verdicts {
		lines = append(append(lines, v.Reasons...), v.Earlier...)
	}
	for _, f := range report.Findings {
		lines = append(lines, f.Title, f.Evidence, f.Hint)
	}
	for _, c := range report.Changes {
		lines = append(lines, c.Why, c.Diff)
	}
	for _, p := range report.Previous {
		lines = append(lines, fmt.Sprintf("previous %s %s revoked %t", p.Path, p.Run, p.Revoked))
	}
	if report.Error != nil {
		lines = append(lines, report.Error.Message, report.Error.Hint)
	}
	return strings.Join(lines, "\n")
}

// checkOut compares the trees, and what the report says of it.
func (c trial) checkOut(t *testing.T, b *bench, was, is map[string]node, report offline.Report) {
	t.Helper()
	got := differences(was, is, b.short(report.Run))
	want := c.out
	if want == nil && report.Outcome == offline.Rescued {
		want = added
	}
	if diff := gocmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("the tree that comes out (-want +got):\n%s\nwarnings %q", diff, report.Warnings)
	}
	shown := map[string]bool{}
	for _, ch := range report.Changes {
		shown[ch.Path] = true
		if was[ch.Path] == is[ch.Path] && ch.Action != "set flags" {
			t.Errorf("%q is reported as changed (%s) and is not", ch.Path, ch.Action)
		}
		if ch.Diff == "" {
			t.Errorf("%q changes without a diff", ch.Path)
		}
	}
	for p := range maps.All(is) {
		if was[p] != is[p] && !shown[p] && !slices.Contains(c.once, p) {
			t.Errorf("%q changed without being reported", p)
		}
	}
}

// short replaces what differs from run to run.
func (b *bench) short(run string) *strings.Replacer {
	mark, pub := "# regain run "+run+"\n", b.pub.String()
	return strings.NewReplacer(
		mark+pub+"\n", "{key}\n", "# regain run "+run+"\r\n"+pub+"\r\n", "{key}\r\n",
		"# regain run "+run, "{mark}", pub, "{pub}", otherKeys[0], "{one}", otherKeys[1], "{two}",
		"system_u:object_r:", "", ":s0\x00", "",
	)
}

// again: a second run with the same key changes nothing.
func (c trial) again(b *bench, p patient, m memory, is map[string]node, ask func(*rescue.Request)) {
	b.t.Helper()
	report, err := b.rescue(p.path(), ask)
	if c.outcome == "" && (err != nil || report.Outcome != offline.Unchanged) {
		b.t.Errorf("the second run: %s %v (%+v) %+v", report.Outcome, err, report.Error, report.Changes)
	}
	p.see(b.t, func(root string) {
		if diff := differences(is, m.survey(b.t, root), b.short(report.Run)); len(diff) > 0 {
			b.t.Errorf("the second run changed %q", diff)
		}
	})
}

// back: undo puts all back, but for hard links that a rename has parted.
func (c trial) back(b *bench, p patient, m memory, was map[string]node, run string) {
	b.t.Helper()
	if _, err := b.undo(p.path(), run); err != nil {
		b.t.Errorf("undo: %v", err)
		return
	}
	for _, name := range c.once {
		n := was[name]
		n.links = 1
		was[name] = n
	}
	p.see(b.t, func(root string) {
		if diff := differences(was, m.survey(b.t, root), b.short(run)); len(diff) > 0 {
			b.t.Errorf("undo left %q", diff)
		}
	})
}

func (b *bench) logInWith(user string, start func() (*testdisk.Sshd, error)) bool {
	b.t.Helper()
	server, err := start()
	if err != nil {
		b.t.Log(err)
		return false
	}
	login, err := server.Login(b.t.Context(), user, b.private)
	if err != nil {
		b.t.Error(err)
	}
	if !login.OK {
		b.t.Logf("login: %s%s", login.Stderr, server.Log())
	}
	if err := server.Close(); err != nil {
		b.t.Error(err)
	}
	return login.OK
}

func fallback(r *rescue.Request)   { r.Repair.Fallback = true }
func nothing(r *rescue.Request)    { r.Repair.None = true }
func noQuestion(r *rescue.Request) { r.AcceptUnknown = true }

func users(names ...string) func(*rescue.Request) {
	return func(r *rescue.Request) { r.Users = names }
}
