package rescue

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/winroot"
)

var update = flag.Bool("update", false, "write docs/checks.md anew")

// Every kind of finding has its advice, and the other way round.
func TestCatalogueIsComplete(t *testing.T) {
	var ids []string
	for _, c := range slices.Concat(sshd.Causes, ownCauses) {
		ids = append(ids, c.ID)
		if got := adviceFor(strings.TrimSuffix(c.ID, "*")); !covers(got.ID, c.ID) && got.ID != c.ID {
			t.Errorf("%s has no advice", c.ID)
		}
	}
	for _, a := range catalogue {
		if !slices.Contains(ids, a.ID) {
			t.Errorf("advice for %s, which nothing finds", a.ID)
		}
	}
}

func TestStarsCover(t *testing.T) {
	for id, want := range map[string]string{
		"linux/pam-limits-nproc": "linux/pam-limits-*", "linux/pam-foo": "linux/pam-*", "linux/pam-access": "linux/pam-access", "linux/pam": "linux/pam",
	} {
		if got := adviceFor(id).ID; got != want {
			t.Errorf("%s is covered by %s, want %s", id, got, want)
		}
	}
	if titleFor("linux/nothing-known") != "linux/nothing-known" {
		t.Error("an unknown id has a title")
	}
}

// docs/checks.md lists what the code knows.
func TestChecksAreDocumented(t *testing.T) {
	const path = "../docs/checks.md"
	want := checksDocument()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/checks.md is not what the code says: run go test ./rescue -run Documented -update")
	}
}

const checksIntro = `# Checks

What regain looks at, in the order of a login, and what becomes of it. A finding that *blocks* refuses the login; one that *may block* cannot be decided
from the volume; a *warning* is worth knowing. ` + "`rescue`" + ` repairs by itself what blocks this login and can be put right by a small edit that weakens nothing
for anybody else. For the rest it says what to do by hand, and changes nothing, since a key alone would not let anybody in.

The flags are those of ` + "`regain-agent`. `regain reset`" + ` says the same in flags of its own: ` + "`--windows-fallback`" + ` is its ` + "`--public-key`" + `, and where ` + "`--root`" + `
is named, the agent has to be used by itself, on an instance of yours that the volume is attached to.

A title ends the sentence "because …". An id with a star stands for all that begin so.

| id | because | rescue | by hand |
|---|---|---|---|
`

func checksDocument() string {
	var b strings.Builder
	b.WriteString(checksIntro)
	for _, c := range slices.Concat(sshd.Causes, ownCauses) {
		a := adviceFor(strings.TrimSuffix(c.ID, "*"))
		if strings.HasSuffix(c.ID, "*") {
			a = catalogue[slices.IndexFunc(catalogue, func(a advice) bool { return a.ID == c.ID })]
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.ID, c.Title, or(a.Rescue, "–"), or(a.ByHand, "–"))
	}
	b.WriteString(windowsIntro)
	for _, c := range winroot.Causes() {
		consent := "–"
		if c.Consent != winroot.NoConsent {
			consent = fmt.Sprintf("`%s %s`", c.Consent, c.ID)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.ID, c.Severity, c.Title, consent, or(c.Hint, "–"))
	}
	return b.String()
}

const windowsIntro = `
## Windows

What keeps a Windows from setting a new administrator password at its next start, and what is worth knowing before it does. With the flag, ` + "`rescue`" + ` repairs it
(` + "`--repair`" + `) or goes on in spite of it (` + "`--accept`" + `).

| id | severity | finding | flag | by hand |
|---|---|---|---|---|
`

func or(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}
