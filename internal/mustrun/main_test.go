package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const results = `{"Action":"start","Package":"github.com/seed-77750964/regain/rescue"}
{"Action":"run","Package":"github.com/seed-77750964/regain/rescue","Test":"TestDisks"}
{"Action":"output","Package":"github.com/seed-77750964/regain/rescue","Test":"TestDisks","Output":"x\n"}
{"Action":"pass","Package":"github.com/seed-77750964/regain/rescue","Test":"TestDisks"}
{"Action":"skip","Package":"github.com/seed-77750964/regain/rescue","Test":"TestAccount/ssm"}
{"Action":"skip","Package":"github.com/seed-77750964/regain/rescue","Test":"FuzzText/seed#1"}
{"Action":"fail","Package":"github.com/seed-77750964/regain/rescue","Test":"TestBroken"}
{"Action":"pass","Package":"github.com/seed-77750964/regain","Test":"TestImports"}
{"Action":"pass","Package":"github.com/seed-77750964/regain"}
`

func TestMustrun(t *testing.T) {
	const allowed = "may-skip rescue TestAccount needs an account\n"
	for name, tt := range map[string]struct{ list, want string }{
		"all ran":           {"# the disks\nmust rescue TestDisks\nmust . TestImports\n" + allowed, ""},
		"missing":           {"must rescue TestGone\n" + allowed, "rescue TestGone must run, and was not there"},
		"failed":            {"must rescue TestBroken\n" + allowed, "rescue TestBroken must run and pass: fail"},
		"skipped":           {"must rescue TestAccount/ssm\n" + allowed, "rescue TestAccount/ssm must run and pass: skip"},
		"skip not allowed":  {"must rescue TestDisks\n", "rescue TestAccount/ssm was skipped"},
		"other's allowance": {"may-skip rescue TestAcc no\n", "rescue TestAccount/ssm was skipped"},
		"bad list":          {"rescue TestDisks\n", "cannot read the list"},
		"no reason":         {"may-skip rescue TestAccount\n", "cannot read the list"},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(t, tt.list, results)
			if tt.want == "" && err != nil {
				t.Errorf("got %v, want no error", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMustrunRefusesTornResults(t *testing.T) {
	if err := check(t, "", results[:len(results)-5]); err == nil {
		t.Error("no error")
	}
}

func check(t *testing.T, list, results string) error {
	t.Helper()
	dir := t.TempDir()
	paths := map[string]string{"list": list, "results": results}
	for name, text := range paths {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return mustrun(paths["list"], paths["results"], t.Output())
}
