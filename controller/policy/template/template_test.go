package template

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the files of packaging anew")

// packaging is where the files lie that people deploy.
const packaging = "../../../packaging"

func TestPackagingIsWrittenFromTheCatalogue(t *testing.T) {
	for path, want := range files(t) {
		path = filepath.Join(packaging, path)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the catalogue says: go test ./controller/policy/... -update writes it anew", path)
		}
	}
}

// files are all that is generated, by their paths in packaging.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range Names {
		text, err := Build(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Join("cloudformation", name+".yaml")] = text
	}
	for _, partition := range Partitions {
		policies, err := Policies(partition)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range policies {
			all[filepath.Join("iam", partition, name)] = text
		}
	}
	return all
}
