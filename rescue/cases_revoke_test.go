package rescue_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// oldest is a key of a run long ago, whose journal is gone.
const oldest = "# regain run 2001\n{two}\n"

func revoke(r *rescue.Request) { r.Revoke = true }

func TestRevoke(t *testing.T) { trials(t, revokeTrials) }

var revokeTrials = []trial{
	{name: "not asked: it stays, and is named", in: []change{keys("{one}\n" + oldest)}, says: "previous " + keyFile + " 2001 revoked false"},
	{name: "asked: it goes", in: []change{keys("{one}\n" + oldest)}, ask: revoke, says: "previous " + keyFile + " 2001 revoked true", live: true,
		out: is(`"{one}\n# regain run 2001\n{two}\n" -> "{one}\n{key}\n"`)},
	{name: "asked: a key without a marker stays", in: []change{keys("{two}\n" + oldest + "{two}\n")}, ask: revoke,
		out: is(`"{two}\n# regain run 2001\n{two}\n{two}\n" -> "{two}\n{two}\n{key}\n"`)},
	{name: "asked: the same key stays", in: []change{keys("# regain run 2001\n{pub}\n")}, ask: revoke, outcome: offline.Unchanged},
	{name: "asked: the key is there, an older one goes", in: []change{keys("{pub}\n" + oldest)}, ask: revoke, out: is(`"{pub}\n# regain run 2001\n{two}\n" -> "{pub}\n"`)},
	{name: "asked: also from the fallback", ask: revoke, in: []change{config("/etc/ssh/regain.d/admin", oldest)},
		out: and(`/etc/ssh/regain.d/admin: "# regain run 2001\n{two}\n" -> ""`)},
	{name: "asked: none is there", ask: revoke},
	{name: "asked: a marker without a key", ask: revoke, in: []change{keys("# regain run 2001\n# {two}\n{one}\n")}},
}

// TestRevokeBetweenRuns is two runs with keys of their own: the second is added
// beside the first, or takes its place.
func TestRevokeBetweenRuns(t *testing.T) {
	testdisk.Need(t, "ssh", "ssh-keygen", "mmdebstrap")
	for name, ask := range map[string]func(*rescue.Request){"beside": func(*rescue.Request) {}, "instead": revoke} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := newBench(t), newBench(t)
			tree, err := testdisk.NewTree(t.Context(), filepath.Join(t.TempDir(), "tree"), testdisk.Bookworm)
			if err != nil {
				t.Fatal(err)
			}
			was := survey(t, tree.Dir)
			one := first.wantRescued(tree.Dir)
			between := survey(t, tree.Dir)
			second.runs = 1 // a name of its own
			two := second.wantRescued(tree.Dir, ask)
			if len(two.Previous) != 1 || two.Previous[0].Run != one.Run || two.Previous[0].Revoked != (name == "instead") {
				t.Errorf("previous keys: %+v", two.Previous)
			}
			p := dirPatient{tree}
			if got := p.logsIn(first, "admin"); got == (name == "instead") {
				t.Errorf("the first key is accepted: %t", got)
			}
			if !p.logsIn(second, "admin") {
				t.Error("the second key is refused")
			}
			wantDifferences(t, "undo of the second", between, tree.Dir, second, two.Run)
			wantDifferences(t, "undo of the first", was, tree.Dir, first, one.Run)
		})
	}
}

func wantDifferences(t *testing.T, what string, was map[string]node, dir string, b *bench, run string) {
	t.Helper()
	if _, err := b.undo(dir, run); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if diff := differences(was, survey(t, dir), strings.NewReplacer()); len(diff) > 0 {
		t.Errorf("%s: %q", what, diff)
	}
}
