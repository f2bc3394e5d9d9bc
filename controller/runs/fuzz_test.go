package runs

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzRead wants what is read to be a prefix of the file, which read again gives
// the same, and which survives being written.
func FuzzRead(f *testing.F) {
	good := `{"version":1,"time":"2026-11-22T15:53:00Z","step":0,"name":"look","event":"done","state":{"run":"r"}}` + "\n"
	for _, seed := range []string{"", good, good + good[:20], good + "\x00\x00", "{}\n", "x\n" + good, good + `{"version":9}` + "\n", good + "{\"a\x00\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, size, err := read(bytes.NewReader(text))
		if err != nil {
			if entries != nil || size != 0 {
				t.Fatalf("%d entries with the error %v", len(entries), err)
			}
			return
		}
		again, same, err := read(bytes.NewReader(text[:size]))
		if err != nil || same != size || !cmp.Equal(entries, again) {
			t.Fatalf("the %d bytes read give %v, %v", size, again, err)
		}
		var written []byte
		for _, e := range entries {
			line, err := json.Marshal(e)
			if err != nil {
				t.Skip(err) // a year that JSON cannot write
			}
			written = append(append(written, line...), '\n')
		}
		back, _, err := read(bytes.NewReader(written))
		if err != nil || len(back) != len(entries) {
			t.Fatalf("%d entries written are %d read: %v", len(entries), len(back), err)
		}
	})
}
