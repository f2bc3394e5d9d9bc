package ec2

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// model is AWS's own description of EC2's wire format, as the AWS CLI ships it: an
// oracle that we did not write. Every call of every test is held against it.
var model apiModel

type apiModel struct {
	once       sync.Once
	Operations map[string]struct{ Input, Output *reference }
	Shapes     map[string]*shape
}

type reference struct{ Shape, LocationName, QueryName string }

type shape struct {
	Type    string
	Members map[string]*reference
	Member  *reference
	Enum    []string
}

// modelFiles are where the Debian package awscli, and the CLI's own installer,
// keep it.
var modelFiles = []string{
	"/usr/lib/python3/dist-packages/awscli/botocore/data/ec2/2016-11-15/service-2.json",
	"/usr/lib/python3/dist-packages/botocore/data/ec2/2016-11-15/service-2.json",
}

// newer is what EC2 has learnt since: elements and parameters that the model of
// Debian's awscli 2.9.19 does not have, and the one of botocore 1.43 has.
var newer = []string{
	"operator", "currentInstanceBootMode", "securityGroupArn", "sourceInstanceId", "completionTime", "clientToken", "ClientToken", "SkipOsShutdown",
	"DeleteAssociatedSnapshots",
}

// beyond are values that EC2 answers and its model's lists lack: the state of an
// attached internet gateway and the platform, as the API Reference documents them,
// and a type that is newer than Debian's awscli.
var beyond = []string{"available", "windows", "m7i.large"}

func (m *apiModel) load() bool {
	m.once.Do(func() {
		for _, path := range modelFiles {
			if data, err := readModel(path); err == nil {
				_ = json.Unmarshal(data, m)
				return
			}
		}
	})
	return len(m.Operations) > 0
}

func readModel(path string) ([]byte, error) {
	if data, err := os.ReadFile(path); err == nil {
		return data, nil
	}
	f, err := os.Open(path + ".gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// TestModelIsThere keeps the checks of all other tests from being nothing.
func TestModelIsThere(t *testing.T) {
	testdisk.Need(t, "aws")
	if !model.load() {
		t.Fatalf("no model of EC2 in %q", modelFiles)
	}
	for _, a := range actions {
		if _, ok := model.Operations[a.name]; !ok {
			t.Errorf("EC2 has no action %s", a.name)
		}
	}
	if !slices.IsSortedFunc(actions, func(a, b action) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the actions are not sorted")
	}
}

func (m *apiModel) checkInput(t testing.TB, action string, values url.Values) {
	t.Helper()
	op, ok := m.Operations[action]
	if !m.load() || !ok || op.Input == nil {
		return
	}
	for name := range values {
		if name != "Action" && name != "Version" && !slices.Contains(newer, name) && !m.hasInput(op.Input.Shape, strings.Split(name, ".")) {
			t.Errorf("%s has no parameter %s", action, name)
		}
	}
}

// hasInput follows a parameter's name through the shapes. Lists of EC2 are flat:
// their number follows their name.
func (m *apiModel) hasInput(name string, path []string) bool {
	s := m.Shapes[name]
	if len(path) == 0 || s == nil {
		return s != nil && s.Type != "structure" && s.Type != "list"
	}
	switch s.Type {
	case "list":
		_, err := strconv.Atoi(path[0])
		return err == nil && m.hasInput(s.Member.Shape, path[1:])
	case "structure":
		for member, ref := range s.Members {
			wire := member
			if ref.LocationName != "" {
				wire = strings.ToUpper(ref.LocationName[:1]) + ref.LocationName[1:]
			}
			if ref.QueryName != "" {
				wire = ref.QueryName
			}
			if wire == path[0] && m.hasInput(ref.Shape, path[1:]) {
				return true
			}
		}
	}
	return false
}

func (m *apiModel) checkOutput(t testing.TB, action string, x element) {
	t.Helper()
	op, ok := m.Operations[action]
	switch {
	case !m.load() || !ok:
	case op.Output != nil:
		m.check(t, action, op.Output.Shape, x)
	case len(x.Children) > 1 || len(x.Children) == 1 && x.Children[0].XMLName.Local != "return":
		t.Errorf("%s answers, and should not: %v", action, x)
	}
}

func (m *apiModel) check(t testing.TB, path, name string, x element) {
	t.Helper()
	s := m.Shapes[name]
	text := strings.TrimSpace(x.Text)
	switch s.Type {
	case "structure":
		for _, c := range x.Children {
			m.checkMember(t, path, s, c)
		}
	case "list":
		for _, c := range x.Children {
			if c.XMLName.Local != "item" {
				t.Errorf("%s: a list holds %s", path, c.XMLName.Local)
			}
			m.check(t, path, s.Member.Shape, c)
		}
	case "boolean":
		if text != "true" && text != "false" {
			t.Errorf("%s is %q, want true or false", path, text)
		}
	case "integer", "long":
		if _, err := strconv.Atoi(text); err != nil {
			t.Errorf("%s is %q, want a number", path, text)
		}
	case "timestamp":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			t.Errorf("%s is %q, want a time", path, text)
		}
	case "string":
		if len(s.Enum) > 0 && text != "" && !slices.Contains(s.Enum, text) && !slices.Contains(beyond, text) {
			t.Errorf("%s is %q, which %s does not have", path, text, name)
		}
	}
}

func (m *apiModel) checkMember(t testing.TB, path string, s *shape, c element) {
	t.Helper()
	for member, ref := range s.Members {
		wire := ref.LocationName
		if wire == "" {
			wire = member
		}
		if wire == c.XMLName.Local {
			m.check(t, path+"/"+wire, ref.Shape, c)
			return
		}
	}
	if c.XMLName.Local != "return" && !slices.Contains(newer, c.XMLName.Local) {
		t.Errorf("%s has no element %s", path, c.XMLName.Local)
	}
}
