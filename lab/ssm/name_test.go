package ssm

import (
	"strings"
	"testing"

	"github.com/seed-77750964/regain/lab/wire"
)

// FuzzName wants of each name that is accepted that it can be selected by itself and
// by its ARN.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"a", "/a/b", "/", "//", "aws", "a:1", "/a/", "arn:aws:ssm:us-east-1:1:parameter/x", strings.Repeat("/a", 16)} {
		f.Add(seed)
	}
	s := &SSM{cfg: Config{Partition: "aws", Region: "us-east-1", Account: "1"}}
	f.Fuzz(func(t *testing.T, name string) {
		err := s.checkNewName(name)
		if err != nil {
			if !wire.IsFault(err) {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		if got := s.parseSelection(name + ":3"); got != (selection{name, "3"}) {
			t.Errorf("%q is selected as %+v", name, got)
		}
		deep := strings.Contains(strings.TrimPrefix(name, "/"), "/")
		if got := s.parseSelection(s.parameterARN(name)); deep && got.name != name {
			t.Errorf("the ARN of %q selects %+v", name, got)
		}
	})
}
