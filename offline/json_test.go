package offline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

func TestChangeSurvivesJSON(t *testing.T) {
	for name, text := range map[string]string{
		"plain": "/home/admin", "umlaut": "/home/Jörg", "Latin-1": "/home/J\xf6rg", "marked": "base64:L2hvbWU=", "control": "/a\x1b\n\x00b", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			want := offline.Change{Path: text, Why: "x", Before: nil, After: &offline.File{
				Kind: offline.Regular, Data: []byte("\xff\x00"), Mode: 0o600, UID: 1, GID: 2, Label: text,
				Xattr: map[string][]byte{"user." + text: {1}, text: {0xff}}, Flags: offline.FlagAppend,
			}}
			data, err := json.Marshal([]offline.Change{want})
			if err != nil {
				t.Fatal(err)
			}
			var got []offline.Change
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]offline.Change{want}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", data, diff)
			}
		})
	}
}

func TestChangeRefusesDamagedJSON(t *testing.T) {
	for _, text := range []string{`{"path":"base64:!"}`, `{"path":"/","after":{"label":"base64:!"}}`, `{"path":"/","after":{"xattrs":{"base64:!":""}}}`, `{"path":1}`} {
		var c offline.Change
		if err := json.Unmarshal([]byte(text), &c); err == nil {
			t.Errorf("%s is taken as %+v", text, c)
		}
	}
}
