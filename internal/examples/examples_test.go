package examples

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCalls(t *testing.T) {
	for code, want := range map[string][][]string{
		"$ go list -m\n":                              {{"list", "-m"}},
		"# go vet ./... # all of it\n":                {{"vet", "./..."}},
		"sudo ./go test\ngo\n":                        {{"test"}, nil},
		"X=$(go env GOOS) && echo go env":             {{"env", "GOOS"}},
		`a "$(go run . --f 'x y' "$(b)")"`:            {{"run", ".", "--f", "x y", "$(b)"}},
		"go run . \\\n  --long \"a $(b \"c\") d\" >f": {{"run", ".", "--long", `a $(b "c") d`}},
		"for x in 1; do\n  go build $x\ndone":         {{"build", "$x"}},
		"gofmt -l . ; go-x":                           nil,
		"go version 2>&1 | x":                         {{"version"}},
		"go -C $(pwd) env":                            {{"-C", "$(pwd)", "env"}},
	} {
		if diff := cmp.Diff(want, Calls(code, "go")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", code, diff)
		}
	}
}

func TestCodeIn(t *testing.T) {
	text := "Say `go list\n-m`:\n\n```sh\ngo vet\n```\n\nor ` x `.\n"
	if diff := cmp.Diff([]string{"go vet\n", "go list -m", " x "}, codeIn(text)); diff != "" {
		t.Error(diff)
	}
}

func TestFind(t *testing.T) {
	found, err := Find("../..", "regain")
	if err != nil || len(found) < 20 {
		t.Fatalf("%d examples, %v", len(found), err)
	}
}
